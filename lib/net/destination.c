#include "lib/net/destination.h"

#include <ctype.h>
#include <idn2.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"

/* Of a name as text, without the root's full stop (RFC 1035 section 2.3.4). */
#define NAME_LENGTH_MAX 253

#define OR_DEFAULT(value, fallback) ((value) != 0 ? (value) : (fallback))

/*
 * The mapping makes a slash of a full-width one, and libidn2 lets labels that
 * were ASCII, or empty, pass as they are.
 */
static bool
idn_is_name(const char *host)
{
	const char *at;

	if (*host == '.' || strstr(host, "..") != NULL)
		return false;
	for (at = host; *at != '\0'; at++) {
		if (!isalnum((unsigned char)*at) && strchr("-._", *at) == NULL)
			return false;
	}
	return true;
}

static bool
idn_fail(const char *host, const char *reason, struct evpop_result *result)
{
	evpop_result_set(result, EVPOP_ERROR_USAGE, EVPOP_PHASE_RESOLVE,
	    "%.100s is not a host name: %s", host, reason);
	return false;
}

static bool
idn_copy(const char *host, char **ascii_r, struct evpop_result *result)
{
	*ascii_r = strdup(host);
	if (*ascii_r != NULL)
		return true;
	evpop_result_set(result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_RESOLVE,
	    "no memory for a host name");
	return false;
}

bool
evpop_idn_to_ascii(
    const char *host, char **ascii_r, struct evpop_result *result)
{
	char *ascii = NULL;
	bool good;
	int rc;

	*ascii_r = NULL;
	if (evpop_text_is_ascii(host))
		return idn_copy(host, ascii_r, result);
	rc = idn2_to_ascii_8z(
	    host, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (rc != IDN2_OK)
		return idn_fail(host, idn2_strerror(rc), result);
	good = idn_is_name(ascii)
		   ? idn_copy(ascii, ascii_r, result)
		   : idn_fail(host,
			 "a part of it is empty or holds what no name "
			 "may hold",
			 result);
	idn2_free(ascii);
	return good;
}

bool
evpop_host_check(const char *host, struct evpop_result *result)
{
	struct evpop_result ignored;
	char *ascii;
	bool good;

	if (evpop_address_check(host, &ignored))
		return true;
	if (strchr(host, ':') != NULL)
		return idn_fail(host,
		    "a port, brackets and a scheme stand elsewhere", result);
	if (!evpop_idn_to_ascii(host, &ascii, result))
		return false;
	good = *ascii != '\0' && *ascii != '-' && idn_is_name(ascii) &&
	       strlen(ascii) <= NAME_LENGTH_MAX;
	free(ascii);
	return good || idn_fail(host,
			   "a part of it is empty, too long or holds what no "
			   "name may hold",
			   result);
}

/* False without memory. */
static bool
destination_copy(struct evpop_destination *destination,
    const struct evpop_client_config *config)
{
	struct evpop_result *unusable = &destination->unusable;

	if (config->source_address != NULL) {
		destination->source_address = strdup(config->source_address);
		if (destination->source_address == NULL)
			return false;
	}
	if (config->proxy != NULL &&
	    !evpop_proxy_parse(&destination->proxy, config->proxy, unusable))
		return unusable->error != EVPOP_ERROR_MEMORY;
	return evpop_idn_to_ascii(config->host, &destination->host, unusable) ||
	       unusable->error != EVPOP_ERROR_MEMORY;
}

bool
evpop_destination_is_named(const struct evpop_client_config *config)
{
	const char *host = config->host;

	if (host == NULL || *host == '\0')
		return false;
	for (; *host != '\0'; host++) {
		if (iscntrl((unsigned char)*host))
			return false;
	}
	return true;
}

bool
evpop_destination_init(struct evpop_destination *destination,
    const struct evpop_client_config *config)
{
	bool is_implicit = config->tls == EVPOP_TLS_IMPLICIT;

	memset(destination, 0, sizeof *destination);
	destination->tls = config->tls;
	if (config->tls != EVPOP_TLS_NONE && config->tls_context != NULL)
		destination->tls_context =
		    evpop_tls_context_ref(config->tls_context);
	destination->allows_cleartext = config->allow_cleartext;
	destination->asks_capabilities = !config->no_capabilities;
	destination->window_commands =
	    OR_DEFAULT(config->window_commands, EVPOP_WINDOW_COMMANDS);
	destination->window_octets =
	    OR_DEFAULT(config->window_octets, EVPOP_WINDOW_OCTETS);
	if (!destination_copy(destination, config))
		return false;
	destination->dial = (struct evpop_dial_options){
		.host = destination->host,
		.port = OR_DEFAULT(
		    config->port, is_implicit ? EVPOP_PORT_TLS : EVPOP_PORT),
		.proxy = destination->proxy.host != NULL ? &destination->proxy
							 : NULL,
		.source_address = destination->source_address,
		.receive_buffer = config->receive_buffer,
	};
	return true;
}

void
evpop_destination_clear(struct evpop_destination *destination)
{
	evpop_tls_context_free(destination->tls_context);
	free(destination->source_address);
	evpop_proxy_config_clear(&destination->proxy);
	free(destination->host);
}
