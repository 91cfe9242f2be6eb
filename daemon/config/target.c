#include "daemon/config/target.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <evpop/client.h>

#include "daemon/config/option.h"
#include "daemon/config/value.h"

#define PORT_LMTP     24  /* as IANA has it: any private mail system */
#define PORT_IMAP     143 /* RFC 9051 section 11.1 */
#define PORT_IMAP_TLS 993

const char *
config_target_type_name(enum config_target_type type)
{
	const struct config_option *option =
	    config_option_find(CONFIG_SCOPE_TARGET, "type");

	return option->choices[type];
}

#define NAME_LENGTH_MAX 128

bool
config_target_is_name(const char *name)
{
	return *name != '\0' && strlen(name) <= NAME_LENGTH_MAX &&
	       strspn(name,
		   "abcdefghijklmnopqrstuvwxyz"
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@+") == strlen(name);
}

static int
target_compare_name(const void *name, const void *target_p)
{
	const struct config_target *const *target = target_p;

	return strcmp(name, (*target)->name);
}

const struct config_target *
config_target_find(const struct config *config, const char *name)
{
	const struct config_target *const *found;

	if (config->target_count == 0)
		return NULL;
	found = bsearch(name, config->targets, config->target_count,
	    sizeof(*config->targets), target_compare_name);
	return found == NULL ? NULL : *found;
}

void
config_target_each_change(const struct config *old, const struct config *new,
    void (*each)(enum config_target_change, const char *name, void *arg),
    void *arg)
{
	for (size_t i = 0; i < new->target_count; i++) {
		const struct config_target *target = new->targets[i];
		const struct config_target *before =
		    config_target_find(old, target->name);

		if (before == NULL)
			each(CONFIG_TARGET_ADDED, target->name, arg);
		else if (!config_values_equal(
			     CONFIG_SCOPE_TARGET, before, target))
			each(CONFIG_TARGET_CHANGED, target->name, arg);
	}
	for (size_t i = 0; i < old->target_count; i++)
		if (config_target_find(new, old->targets[i]->name) == NULL)
			each(CONFIG_TARGET_REMOVED, old->targets[i]->name, arg);
}

uint16_t
config_target_port(const struct config_target *target)
{
	if (target->port != 0)
		return target->port;
	switch (target->type) {
	case CONFIG_TARGET_LMTP:
		return PORT_LMTP;
	case CONFIG_TARGET_IMAP:
		return target->tls == EVPOP_TLS_IMPLICIT ? PORT_IMAP_TLS
							 : PORT_IMAP;
	default:
		return 0;
	}
}

bool
config_url_shows(const char *url)
{
	const char *host = url + strlen("http://");
	bool bracketed;
	char name[256];
	size_t length;

	if (strncasecmp(url, "http://", strlen("http://")) != 0)
		return false;
	bracketed = *host == '[';
	host += bracketed;
	length = strcspn(host, bracketed ? "]" : ":/?#");
	if (length >= sizeof(name))
		return true;
	memcpy(name, host, length);
	name[length] = '\0';
	return !evpop_host_is_loopback(name);
}
