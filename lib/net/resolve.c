#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/dns.h>
#include <event2/util.h>

#include "lib/net/resolve.h"

/* IPv6 goes first: RFC 8305 section 4. */
static const int families[] = { AF_INET6, AF_INET };
#define FAMILIES (sizeof(families) / sizeof(families[0]))

/* One question, about the addresses of one family. */
struct question {
	struct evpop_resolve *resolve;
	struct evdns_getaddrinfo_request *request;
	bool asked;   /* evdns has yet to call back */
	bool awaited; /* and what it says matters */
	size_t count; /* of what it brought and was not told yet */
	struct evpop_address addresses[EVPOP_RESOLVE_ADDRESSES / FAMILIES];
};

/*
 * Outlives a cancelled request, since evdns reports the cancellation from the
 * loop and needs an argument for it.
 */
struct evpop_resolve {
	struct question questions[FAMILIES];
	struct evdns_base *dns;
	struct evdns_request *inquiry; /* why there is nothing */
	bool inquired;                 /* evdns has yet to call back */
	struct evpop_resolve **owner;  /* NULL once over or cancelled */
	evpop_resolve_cb callback;
	void *arg;
	bool told;         /* some addresses were */
	unsigned int busy; /* in functions that look at it afterwards */
	bool explaining;   /* and asked why there is nothing */
	bool is_blocked;   /* an address leads nowhere */
	bool nameless;     /* evdns says that there is no such name */
	uint16_t port;
	char host[256];
};

static void
resolve_report(evpop_resolve_cb callback, void *arg, enum evpop_error error,
    const char *host, const char *reason)
{
	struct evpop_result result;

	evpop_result_set(&result, error, EVPOP_PHASE_RESOLVE,
	    "cannot resolve %.100s: %s", host, reason);
	callback(NULL, 0, &result, arg);
}

/*
 * 0.0.0.0 and ::, which connect() takes for this machine: a filter of names
 * answers so.
 */
static bool
resolve_leads_nowhere(const struct evpop_address *address)
{
	const struct sockaddr_in *sin =
	    (const struct sockaddr_in *)&address->storage;
	const struct sockaddr_in6 *sin6 =
	    (const struct sockaddr_in6 *)&address->storage;

	if (address->storage.ss_family == AF_INET)
		return sin->sin_addr.s_addr == htonl(INADDR_ANY);
	return IN6_IS_ADDR_UNSPECIFIED(&sin6->sin6_addr);
}

/* Keep an address with its port, if there is room for it. */
static void
question_add(struct question *question, const void *address, size_t length)
{
	struct evpop_address *kept = &question->addresses[question->count];

	if (question->count == EVPOP_RESOLVE_ADDRESSES / FAMILIES)
		return;
	memset(kept, 0, sizeof(*kept));
	memcpy(&kept->storage, address, length);
	kept->length = (socklen_t)length;
	if (resolve_leads_nowhere(kept))
		question->resolve->is_blocked = true;
	else
		question->count++;
}

static void
question_collect(struct question *question, const struct evutil_addrinfo *info)
{
	for (; info != NULL; info = info->ai_next)
		if (info->ai_addrlen <= sizeof(struct sockaddr_storage) &&
		    (info->ai_family == AF_INET || info->ai_family == AF_INET6))
			question_add(question, info->ai_addr, info->ai_addrlen);
}

static bool
resolve_awaits_more(const struct evpop_resolve *resolve)
{
	size_t i;

	for (i = 0; i < FAMILIES; i++) {
		if (resolve->questions[i].awaited)
			return true;
	}
	return false;
}

/*
 * Around a function that still looks at it after a callback; the last to leave
 * frees it when nobody has a use for it any more.
 */
static void
resolve_enter(struct evpop_resolve *resolve)
{
	resolve->busy++;
}

static void
resolve_leave(struct evpop_resolve *resolve)
{
	size_t i;

	if (--resolve->busy > 0 || resolve->owner != NULL || resolve->inquired)
		return;
	for (i = 0; i < FAMILIES; i++) {
		if (resolve->questions[i].asked)
			return;
	}
	free(resolve);
}

/* Take the addresses not yet given out, in the order to try them. */
static size_t
resolve_take_all(struct evpop_resolve *resolve,
    struct evpop_address addresses[EVPOP_RESOLVE_ADDRESSES])
{
	struct question *question;
	size_t i, count = 0;

	for (i = 0; i < FAMILIES; i++) {
		question = &resolve->questions[i];
		memcpy(&addresses[count], question->addresses,
		    question->count * sizeof(addresses[0]));
		count += question->count;
		question->count = 0;
	}
	evpop_address_interleave(addresses, count);
	return count;
}

static void
resolve_tell_nothing(struct evpop_resolve *resolve, const char *reason)
{
	*resolve->owner = NULL;
	resolve->owner = NULL;
	resolve_report(resolve->callback, resolve->arg, EVPOP_ERROR_IO,
	    resolve->host, reason);
}

/* Addresses after all, in network order. */
static void
question_take(
    struct question *question, const struct in_addr *octets, int count)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons(question->resolve->port) };
	int i;

	for (i = 0; i < count; i++) {
		address.sin_addr = octets[i];
		question_add(question, &address, sizeof(address));
	}
}

static void resolve_tell(struct evpop_resolve *);

static void
resolve_explained(
    int error, char type, int count, int ttl, void *addresses, void *arg)
{
	struct evpop_resolve *resolve = arg;

	(void)ttl;
	resolve->inquired = false;
	resolve->inquiry = NULL;
	resolve_enter(resolve);
	if (resolve->owner == NULL) {
		resolve_leave(resolve);
		return;
	}
	switch (error) {
	case DNS_ERR_NONE:
		if (type == DNS_IPv4_A && count > 0)
			question_take(&resolve->questions[FAMILIES - 1],
			    addresses, count);
		resolve_tell(resolve);
		break;
	case DNS_ERR_NODATA:
		resolve_tell_nothing(resolve, "the name has no address");
		break;
	case DNS_ERR_TRUNCATED:
		resolve_tell_nothing(resolve,
		    "it has more addresses than the answer of a name server "
		    "has room for");
		break;
	case DNS_ERR_NOTEXIST:
		resolve_tell_nothing(resolve, "there is no such name");
		break;
	default:
		resolve_tell_nothing(resolve,
		    "the name servers (/etc/resolv.conf) fail, or do not "
		    "answer");
		break;
	}
	resolve_leave(resolve);
}

/*
 * evdns_getaddrinfo() has one error for a name without an address and for name
 * servers that fail: which it is, a question below it tells.  False where it
 * cannot be asked.
 */
static bool
resolve_inquire(struct evpop_resolve *resolve)
{
	resolve->inquired = true;
	resolve->inquiry = evdns_base_resolve_ipv4(
	    resolve->dns, resolve->host, 0, resolve_explained, resolve);
	if (resolve->inquiry == NULL)
		resolve->inquired = false;
	return resolve->inquired;
}

/* Nothing was found for any family. */
static void
resolve_fail(struct evpop_resolve *resolve)
{
	if (resolve->is_blocked)
		resolve_tell_nothing(resolve,
		    "it leads to 0.0.0.0, as a filter of names answers for "
		    "what it blocks");
	else if (resolve->nameless)
		resolve_tell_nothing(resolve, "there is no such name");
	else if (resolve->explaining || !resolve_inquire(resolve))
		resolve_tell_nothing(resolve, "the name has no address");
	else
		resolve->explaining = true;
}

static void
resolve_tell(struct evpop_resolve *resolve)
{
	struct evpop_address addresses[EVPOP_RESOLVE_ADDRESSES];
	bool more = resolve_awaits_more(resolve);
	size_t count;

	if (resolve->owner == NULL)
		return;
	count = resolve_take_all(resolve, addresses);
	if (count == 0 && (more || !resolve->told)) {
		if (!more)
			resolve_fail(resolve);
		return;
	}
	if (!more) {
		*resolve->owner = NULL;
		resolve->owner = NULL;
	}
	resolve->told = true;
	resolve->callback(
	    count > 0 ? addresses : NULL, count, NULL, resolve->arg);
}

static void
question_answered(int error, struct evutil_addrinfo *info, void *arg)
{
	struct question *question = arg;
	struct evpop_resolve *resolve = question->resolve;

	question->asked = false;
	question->request = NULL;
	if (question->awaited) {
		question->awaited = false;
		if (error == EVUTIL_EAI_NONAME)
			resolve->nameless = true;
		if (error == 0)
			question_collect(question, info);
	}
	if (info != NULL)
		evutil_freeaddrinfo(info);
	if (resolve->busy > 0)
		return;
	resolve_enter(resolve);
	resolve_tell(resolve);
	resolve_leave(resolve);
}

static void
question_ask(struct question *question, struct evdns_base *dns,
    const char *host, uint16_t port, int family)
{
	struct evdns_getaddrinfo_request *request;
	struct evutil_addrinfo hints;
	char service[8];

	snprintf(service, sizeof(service), "%u", (unsigned int)port);
	memset(&hints, 0, sizeof(hints));
	hints.ai_family = family;
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_protocol = IPPROTO_TCP;
	hints.ai_flags = EVUTIL_AI_NUMERICSERV;
	question->asked = question->awaited = true;
	request = evdns_getaddrinfo(
	    dns, host, service, &hints, question_answered, question);
	/* Answered from the hosts file, it has called back. */
	if (request != NULL)
		question->request = request;
}

static void
resolve_name(struct evpop_resolve **resolve_r, struct evdns_base *dns,
    const char *host, uint16_t port, evpop_resolve_cb callback, void *arg)
{
	struct evpop_resolve *resolve;
	size_t i;

	resolve = calloc(1, sizeof(*resolve));
	if (resolve == NULL) {
		resolve_report(
		    callback, arg, EVPOP_ERROR_MEMORY, host, "out of memory");
		return;
	}
	resolve->owner = resolve_r;
	resolve->callback = callback;
	resolve->arg = arg;
	resolve->dns = dns;
	resolve->port = port;
	snprintf(resolve->host, sizeof(resolve->host), "%s", host);
	*resolve_r = resolve;
	resolve_enter(resolve);
	for (i = 0; i < FAMILIES; i++) {
		resolve->questions[i].resolve = resolve;
		question_ask(
		    &resolve->questions[i], dns, host, port, families[i]);
	}
	resolve_tell(resolve);
	resolve_leave(resolve);
}

void
evpop_resolve_start(struct evpop_resolve **resolve_r, struct evdns_base *dns,
    const char *host, uint16_t port, evpop_resolve_cb callback, void *arg)
{
	struct evpop_address address;

	*resolve_r = NULL;
	if (evpop_address_parse(&address, host, port))
		callback(&address, 1, NULL, arg);
	else if (dns == NULL)
		resolve_report(callback, arg, EVPOP_ERROR_USAGE, host,
		    "it is a name, and the client was made without a resolver");
	else
		resolve_name(resolve_r, dns, host, port, callback, arg);
}

static void
question_drop(struct question *question)
{
	question->awaited = false;
	question->count = 0;
	if (question->request != NULL)
		evdns_getaddrinfo_cancel(question->request);
}

void
evpop_resolve_cancel(struct evpop_resolve **resolve_r)
{
	struct evpop_resolve *resolve = *resolve_r;
	size_t i;

	if (resolve == NULL)
		return;
	*resolve_r = NULL;
	resolve->owner = NULL;
	resolve_enter(resolve);
	for (i = 0; i < FAMILIES; i++)
		question_drop(&resolve->questions[i]);
	if (resolve->inquiry != NULL)
		evdns_cancel_request(resolve->dns, resolve->inquiry);
	resolve_leave(resolve);
}
