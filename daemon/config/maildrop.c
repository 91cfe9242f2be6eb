/* Where an account's maildrop is. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/config/config.h"

#define PORT_POP3  110
#define PORT_POP3S 995

uint16_t
config_account_port(const struct config_account *account)
{
	if (account->port != 0)
		return account->port;
	return account->tls == CONFIG_TLS_IMPLICIT ? PORT_POP3S : PORT_POP3;
}

bool
config_host_is_loopback(const char *host)
{
	struct in_addr address;
	struct in6_addr address6;

	if (inet_pton(AF_INET, host, &address) == 1)
		return ntohl(address.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, host, &address6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&address6);
	return strcasecmp(host, "localhost") == 0;
}

/* Where servers usually are; at other ports there may be several. */
static bool
is_usual_place(const struct config_account *account)
{
	uint16_t port = config_account_port(account);

	return (port == PORT_POP3 || port == PORT_POP3S) &&
	       !config_host_is_loopback(account->host);
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
