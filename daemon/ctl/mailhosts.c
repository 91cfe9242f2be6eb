#include "daemon/ctl/mailhosts.h"

#include <arpa/nameser.h>
#include <evpop/client.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ANSWER_SIZE 4096

bool
mailhosts_read(const char *text, struct mailhost *host_r)
{
	struct evpop_result ignored;
	const char *colon = strrchr(text, ':');
	size_t length = strlen(text);
	char *end;
	unsigned long port;

	host_r->port = 0;
	if (colon != NULL && !evpop_address_check(text, &ignored)) {
		port = strtoul(colon + 1, &end, 10);
		if (end == colon + 1 || *end != '\0' || port < 1 ||
		    port > 65535)
			return false;
		host_r->port = (uint16_t)port;
		length = (size_t)(colon - text);
	}
	if (length > 1 && text[0] == '[' && text[length - 1] == ']') {
		text++;
		length -= 2;
	}
	if (length == 0 || length >= MAILHOSTS_NAME)
		return false;
	memcpy(host_r->name, text, length);
	host_r->name[length] = '\0';
	return evpop_host_check(host_r->name, &ignored);
}

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

/* An answer of the name service, record by record. */
struct records {
	unsigned char bytes[ANSWER_SIZE];
	ns_msg message;
	int next;
};

static bool
records_ask(struct records *records, const char *name, ns_type type)
{
	int length =
	    res_query(name, ns_c_in, type, records->bytes, ANSWER_SIZE);

	records->next = 0;
	/* What was too long for us says its own length. */
	if (length > ANSWER_SIZE)
		length = ANSWER_SIZE;
	return length > 0 &&
	       ns_initparse(records->bytes, length, &records->message) == 0;
}

/*
 * The next record of a type, and the name at an offset of its data; "" is the
 * root.
 */
static bool
records_next(struct records *records, ns_type type, size_t offset,
    ns_rr *record_r, char name_r[MAILHOSTS_NAME])
{
	char name[NS_MAXDNAME];

	while (records->next < ns_msg_count(records->message, ns_s_an)) {
		if (ns_parserr(&records->message, ns_s_an, records->next++,
			record_r) != 0 ||
		    ns_rr_type(*record_r) != type ||
		    ns_rr_rdlen(*record_r) <= offset ||
		    ns_name_uncompress(ns_msg_base(records->message),
			ns_msg_end(records->message),
			ns_rr_rdata(*record_r) + offset, name,
			sizeof(name)) < 0 ||
		    strlen(name) >= MAILHOSTS_NAME)
			continue;
		if (strcmp(name, ".") == 0)
			name[0] = '\0';
		memcpy(name_r, name, strlen(name) + 1);
		return true;
	}
	return false;
}

/* Of those that a domain names: the lower, and then the heavier, the better. */
struct service {
	unsigned priority, weight;
	struct mailhost host;
};

/* Keep the best ones in their order. */
static void
service_insert(struct service services[MAILHOSTS_MAX], size_t *count,
    const struct service *one)
{
	size_t at = *count;

	while (at > 0 && (one->priority < services[at - 1].priority ||
			     (one->priority == services[at - 1].priority &&
				 one->weight > services[at - 1].weight)))
		at--;
	if (at == MAILHOSTS_MAX)
		return;
	if (*count < MAILHOSTS_MAX)
		(*count)++;
	for (size_t i = *count - 1; i > at; i--)
		services[i] = services[i - 1];
	services[at] = *one;
}

enum mailhosts_service
mailhosts_service(const char *service, const char *domain,
    struct mailhost hosts_r[MAILHOSTS_MAX], size_t *count_r)
{
	/* Priority, weight, port, and the target behind them. */
	const size_t offset = 6;
	struct service services[MAILHOSTS_MAX], one;
	char name[MAILHOSTS_NAME];
	struct records records;
	bool is_denied = false;
	ns_rr record;

	*count_r = 0;
	if ((size_t)snprintf(name, sizeof(name), "%s.%s", service, domain) >=
		sizeof(name) ||
	    !records_ask(&records, name, ns_t_srv))
		return MAILHOSTS_UNKNOWN;
	while (
	    records_next(&records, ns_t_srv, offset, &record, one.host.name)) {
		const unsigned char *data = ns_rr_rdata(record);

		one.priority = ns_get16(data);
		one.weight = ns_get16(data + 2);
		one.host.port = (uint16_t)ns_get16(data + 4);
		if (one.host.name[0] == '\0')
			is_denied = true;
		else
			service_insert(services, count_r, &one);
	}
	for (size_t i = 0; i < *count_r; i++)
		hosts_r[i] = services[i].host;
	return *count_r > 0 ? MAILHOSTS_OFFERED
	       : is_denied  ? MAILHOSTS_DENIED
			    : MAILHOSTS_UNKNOWN;
}

bool
mailhosts_exchanger(const char *domain, char name_r[MAILHOSTS_NAME])
{
	char target[MAILHOSTS_NAME];
	struct records records;
	unsigned best = 0;
	bool found = false;
	ns_rr record;

	if (!records_ask(&records, domain, ns_t_mx))
		return false;
	while (records_next(&records, ns_t_mx, 2, &record, target)) {
		unsigned preference = ns_get16(ns_rr_rdata(record));

		if (target[0] == '\0' || (found && preference >= best))
			continue;
		found = true;
		best = preference;
		memcpy(name_r, target, MAILHOSTS_NAME);
	}
	return found;
}
