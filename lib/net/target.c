#include "lib/net/target.h"

#include <stdlib.h>
#include <string.h>

#include "lib/net/idn.h"

#define PORT_POP3  110
#define PORT_POP3S 995 /* RFC 8314 section 7.1 */

#define OR_DEFAULT(value, fallback) ((value) != 0 ? (value) : (fallback))

/* False without memory. */
static bool
target_copy(
    struct evpop_target *target, const struct evpop_client_config *config)
{
	struct evpop_result *unusable = &target->unusable;

	if (config->source_address != NULL) {
		target->source_address = strdup(config->source_address);
		if (target->source_address == NULL)
			return false;
	}
	if (config->proxy != NULL &&
	    !evpop_proxy_parse(&target->proxy, config->proxy, unusable))
		return unusable->error != EVPOP_ERROR_MEMORY;
	return evpop_idn_to_ascii(config->host, &target->host, unusable) ||
	       unusable->error != EVPOP_ERROR_MEMORY;
}

bool
evpop_target_init(
    struct evpop_target *target, const struct evpop_client_config *config)
{
	bool is_implicit = config->tls == EVPOP_TLS_IMPLICIT;

	memset(target, 0, sizeof *target);
	target->tls = config->tls;
	if (config->tls != EVPOP_TLS_NONE && config->tls_context != NULL)
		target->tls_context =
		    evpop_tls_context_ref(config->tls_context);
	target->allows_cleartext = config->allow_cleartext;
	target->asks_capabilities = !config->no_capabilities;
	target->window_commands =
	    OR_DEFAULT(config->window_commands, EVPOP_WINDOW_COMMANDS);
	target->window_octets =
	    OR_DEFAULT(config->window_octets, EVPOP_WINDOW_OCTETS);
	if (!target_copy(target, config))
		return false;
	target->dial = (struct evpop_dial_options){
		.host = target->host,
		.port = OR_DEFAULT(
		    config->port, is_implicit ? PORT_POP3S : PORT_POP3),
		.proxy = target->proxy.host != NULL ? &target->proxy : NULL,
		.source_address = target->source_address,
		.receive_buffer = config->receive_buffer,
	};
	return true;
}

void
evpop_target_clear(struct evpop_target *target)
{
	evpop_tls_context_free(target->tls_context);
	free(target->source_address);
	evpop_proxy_config_clear(&target->proxy);
	free(target->host);
}
