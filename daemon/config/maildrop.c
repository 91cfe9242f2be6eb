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

char *
config_account_place(const struct config_account *account)
{
	const char *host = account->host;
	bool colons = strchr(host, ':') != NULL;
	char *place;

	if (!config_host_is_loopback(host))
		return strdup(host);
	if (asprintf(&place, "%s%s%s:%u", colons ? "[" : "", host,
		colons ? "]" : "", (unsigned)config_account_port(account)) < 0)
		return NULL;
	return place;
}
