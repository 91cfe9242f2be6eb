#include "daemon/config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evpop/client.h>

#include "daemon/config/option.h"
#include "daemon/config/value.h"

void
config_free(struct config **config_p)
{
	struct config *config = *config_p;

	*config_p = NULL;
	if (config == NULL)
		return;
	if (config->others > 0) {
		config->others--;
		return;
	}
	evpop_arena_free(&config->arena);
	free(config);
}

struct config *
config_hold(const struct config *shared)
{
	struct config *config = (struct config *)(uintptr_t)shared;

	config->others++;
	return config;
}

void
config_limit_sessions(struct config *config, uint32_t most)
{
	if (config->max_sessions > most)
		config->max_sessions = most;
}

static int
config_compare_name(const void *name, const void *account_p)
{
	const struct config_account *const *account = account_p;

	return strcmp(name, (*account)->name);
}

const struct config_account *
config_find(const struct config *config, const char *name)
{
	const struct config_account *const *found;

	if (config->account_count == 0)
		return NULL;
	found = bsearch(name, config->accounts, config->account_count,
	    sizeof(*config->accounts), config_compare_name);
	return found == NULL ? NULL : *found;
}

int64_t
config_account_retain_ms(
    const struct config *config, const struct config_account *account)
{
	int64_t retain_ms = account->retain_ms != 0 ? account->retain_ms
						    : config->store_retain_ms;

	return retain_ms == CONFIG_RETAIN_FOREVER ? 0 : retain_ms;
}

const char *
config_key_file(const struct config *config)
{
	return config->key_file;
}

bool
config_account_is_by_token(const struct config_account *account)
{
	return account->token_command != NULL || account->oauth2 != NULL;
}

/* ---- where an account's maildrop is ---- */

uint16_t
config_account_port(const struct config_account *account)
{
	if (account->port != 0)
		return account->port;
	return account->tls == EVPOP_TLS_IMPLICIT ? EVPOP_PORT_TLS : EVPOP_PORT;
}

/* At another port, or through a tunnel, there may be another server. */
static bool
config_is_usual_place(const struct config_account *account)
{
	uint16_t port = config_account_port(account);

	return (port == EVPOP_PORT || port == EVPOP_PORT_TLS) &&
	       !evpop_host_is_loopback(account->host);
}

char *
config_account_place(const struct config_account *account)
{
	size_t length = strlen(account->host);
	bool colons = strchr(account->host, ':') != NULL;
	char *place;

	/* A final dot does not make it another host. */
	if (length > 1 && account->host[length - 1] == '.')
		length--;
	if (config_is_usual_place(account))
		return strndup(account->host, length);
	if (asprintf(&place, "%s%.*s%s:%u", colons ? "[" : "", (int)length,
		account->host, colons ? "]" : "",
		(unsigned)config_account_port(account)) < 0)
		return NULL;
	return place;
}

/* ---- what a reload has to do ---- */

static bool
diff_allocate(struct config_diff *diff, const struct config *old,
    const struct config *new)
{
	size_t size = sizeof(*diff->added);

	/* calloc(0) may return NULL. */
	diff->added = calloc(new->account_count + 1, size);
	diff->changed = calloc(new->account_count + 1, size);
	diff->removed = calloc(old->account_count + 1, size);
	diff->restart = calloc(config_option_count, sizeof(*diff->restart));
	return diff->added != NULL && diff->changed != NULL &&
	       diff->removed != NULL && diff->restart != NULL;
}

/* Both are sorted by name. */
static void
diff_merge(struct config_diff *diff, const struct config *old,
    const struct config *new)
{
	size_t i = 0, j = 0;
	int order;

	while (i < old->account_count || j < new->account_count) {
		if (i == old->account_count)
			order = 1;
		else if (j == new->account_count)
			order = -1;
		else
			order = strcmp(
			    old->accounts[i]->name, new->accounts[j]->name);
		if (order < 0) {
			diff->removed[diff->removed_count++] =
			    old->accounts[i++];
		} else if (order > 0) {
			diff->added[diff->added_count++] = new->accounts[j++];
		} else {
			if (!config_values_equal(CONFIG_SCOPE_ACCOUNT,
				old->accounts[i], new->accounts[j]))
				diff->changed[diff->changed_count++] =
				    new->accounts[j];
			i++;
			j++;
		}
	}
}

bool
config_diff(struct config_diff *diff, const struct config *old,
    const struct config *new)
{
	*diff = (struct config_diff){ 0 };
	if (!diff_allocate(diff, old, new)) {
		config_diff_free(diff);
		return false;
	}
	diff_merge(diff, old, new);
	for (size_t i = 0; i < config_option_count; i++) {
		const struct config_option *option = &config_options[i];

		if (!option->reload && !config_scope_is_named(option->scope) &&
		    !config_value_equal(option, old, new))
			diff->restart[diff->restart_count++] = option->name;
	}
	return true;
}

void
config_diff_free(struct config_diff *diff)
{
	free(diff->added);
	free(diff->changed);
	free(diff->removed);
	free(diff->restart);
	*diff = (struct config_diff){ 0 };
}
