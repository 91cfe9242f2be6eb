/* Where an account's maildrop is. */
#include <stdio.h>
#include <string.h>

#include <evpop/client.h>

#include "daemon/config/config.h"

uint16_t
config_account_port(const struct config_account *account)
{
	if (account->port != 0)
		return account->port;
	return account->tls == EVPOP_TLS_IMPLICIT ? EVPOP_PORT_TLS : EVPOP_PORT;
}

/* Where servers usually are; at other ports there may be several. */
static bool
is_usual_place(const struct config_account *account)
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

	/* The end of a name that is complete says nothing more. */
	if (length > 1 && account->host[length - 1] == '.')
		length--;
	if (is_usual_place(account))
		return strndup(account->host, length);
	if (asprintf(&place, "%s%.*s%s:%u", colons ? "[" : "", (int)length,
		account->host, colons ? "]" : "",
		(unsigned)config_account_port(account)) < 0)
		return NULL;
	return place;
}
