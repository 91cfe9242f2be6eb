#include "daemon/ctl/mailhosts.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define ANSWER_SIZE 4096

bool
mailhosts_addresses(
    const char *host, void (*take)(const char *address, void *arg), void *arg)
{
	const struct addrinfo wanted = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_IDN };
	struct addrinfo *found;
	char text[NI_MAXHOST];

	if (getaddrinfo(host, NULL, &wanted, &found) != 0)
		return false;
	for (const struct addrinfo *at = found; at != NULL && take != NULL;
	     at = at->ai_next)
		if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof(text),
			NULL, 0, NI_NUMERICHOST) == 0)
			take(text, arg);
	freeaddrinfo(found);
	return true;
}

static void
mailhosts_add(struct mailhost hosts[MAILHOSTS_MAX], size_t *count,
    const char *name, uint16_t port)
{
	for (size_t i = 0; i < *count; i++)
		if (strcasecmp(hosts[i].name, name) == 0)
			return;
	if (*count == MAILHOSTS_MAX || !mailhosts_addresses(name, NULL, NULL))
		return;
	snprintf(hosts[*count].name, MAILHOSTS_NAME, "%s", name);
	hosts[(*count)++].port = port;
}

/* The first answer of a service; a target of "." says that there is none. */
static void
mailhosts_add_service(struct mailhost hosts[MAILHOSTS_MAX], size_t *count,
    const char *service, const char *domain)
{
	unsigned char answer[ANSWER_SIZE];
	char name[MAILHOSTS_NAME], target[NS_MAXDNAME];
	ns_msg message;
	ns_rr record;
	int length;

	snprintf(name, sizeof(name), "%s.%s", service, domain);
	length = res_query(name, ns_c_in, ns_t_srv, answer, sizeof(answer));
	if (length <= 0 || ns_initparse(answer, length, &message) != 0)
		return;
	for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
		if (ns_parserr(&message, ns_s_an, i, &record) != 0 ||
		    ns_rr_type(record) != ns_t_srv || ns_rr_rdlen(record) < 7 ||
		    ns_name_uncompress(ns_msg_base(message),
			ns_msg_end(message), ns_rr_rdata(record) + 6, target,
			sizeof(target)) < 0 ||
		    target[0] == '\0')
			continue;
		mailhosts_add(hosts, count, target,
		    (uint16_t)ns_get16(ns_rr_rdata(record) + 4));
		return;
	}
}

size_t
mailhosts_find(const char *domain, struct mailhost hosts_r[MAILHOSTS_MAX])
{
	static const char *const usual[] = { "pop", "pop3", "mail",
		"pop.mail" };
	char name[MAILHOSTS_NAME];
	size_t count = 0;

	mailhosts_add_service(hosts_r, &count, "_pop3s._tcp", domain);
	mailhosts_add_service(hosts_r, &count, "_pop3._tcp", domain);
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		snprintf(name, sizeof(name), "%s.%s", usual[i], domain);
		mailhosts_add(hosts_r, &count, name, 0);
	}
	mailhosts_add(hosts_r, &count, domain, 0);
	return count;
}
