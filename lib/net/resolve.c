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
	struct evpop_resolve **owner; /* NULL once over or cancelled */
	evpop_resolve_cb callback;
	void *arg;
	bool told;         /* some addresses were */
	unsigned int busy; /* in functions that look at it afterwards */
	int error;         /* evdns's, the most telling one */
	char host[256];
};

static void
fail(evpop_resolve_cb callback, void *arg, enum evpop_error error,
    const char *host, const char *reason)
{
	struct evpop_result result;

	evpop_result_set(&result, error, EVPOP_PHASE_RESOLVE,
	    "cannot resolve %.100s: %s", host, reason);
	callback(NULL, 0, &result, arg);
}

static void
collect(struct question *question, const struct evutil_addrinfo *info)
{
	struct evpop_address *address;

	for (; info != NULL; info = info->ai_next) {
		if (question->count == EVPOP_RESOLVE_ADDRESSES / FAMILIES)
			return;
		address = &question->addresses[question->count];
		if (info->ai_addrlen > sizeof(address->storage) ||
		    (info->ai_family != AF_INET && info->ai_family != AF_INET6))
			continue;
		memset(address, 0, sizeof(*address));
		memcpy(&address->storage, info->ai_addr, info->ai_addrlen);
		address->length = (socklen_t)info->ai_addrlen;
		question->count++;
	}
}

static bool
awaits_more(const struct evpop_resolve *resolve)
{
	size_t i;

	for (i = 0; i < FAMILIES; i++) {
		if (resolve->questions[i].awaited)
			return true;
	}
	return false;
}

/* Free it when nobody has a use for it any more. */
static void
settle(struct evpop_resolve *resolve)
{
	size_t i;

	if (resolve->busy > 0 || resolve->owner != NULL)
		return;
	for (i = 0; i < FAMILIES; i++) {
		if (resolve->questions[i].asked)
			return;
	}
	free(resolve);
}

/* What was not told yet, in the order to try it. */
static size_t
take_all(struct evpop_resolve *resolve,
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

/*
 * evdns calls everything EAI_FAIL but a name that does not exist: that one
 * family has no address too, which is no reason beside another.
 */
static bool
tells_little(int error)
{
	return error == EVUTIL_EAI_FAIL || error == EVUTIL_EAI_NODATA;
}

static void
note_error(struct evpop_resolve *resolve, int error)
{
	if (error != 0 && (resolve->error == 0 || tells_little(resolve->error)))
		resolve->error = error;
}

static const char *
error_text(int error)
{
	if (error == 0 || error == EVUTIL_EAI_NODATA)
		return "the name has no address";
	if (error == EVUTIL_EAI_NONAME)
		return "there is no such name";
	if (error == EVUTIL_EAI_FAIL)
		return "the name has no address, or no name server tells it";
	return evutil_gai_strerror(error);
}

static void
tell(struct evpop_resolve *resolve)
{
	struct evpop_address addresses[EVPOP_RESOLVE_ADDRESSES];
	bool more = awaits_more(resolve);
	size_t count;

	if (resolve->owner == NULL)
		return;
	count = take_all(resolve, addresses);
	if (more && count == 0)
		return;
	if (!more) {
		*resolve->owner = NULL;
		resolve->owner = NULL;
	}
	if (count > 0 || resolve->told) {
		resolve->told = true;
		resolve->callback(
		    count > 0 ? addresses : NULL, count, NULL, resolve->arg);
	} else {
		fail(resolve->callback, resolve->arg, EVPOP_ERROR_IO,
		    resolve->host, error_text(resolve->error));
	}
}

static void
answered(int error, struct evutil_addrinfo *info, void *arg)
{
	struct question *question = arg;
	struct evpop_resolve *resolve = question->resolve;

	question->asked = false;
	question->request = NULL;
	if (question->awaited) {
		question->awaited = false;
		note_error(resolve, error);
		if (error == 0)
			collect(question, info);
	}
	if (info != NULL)
		evutil_freeaddrinfo(info);
	if (resolve->busy > 0)
		return;
	resolve->busy++;
	tell(resolve);
	resolve->busy--;
	settle(resolve);
}

static void
ask(struct question *question, struct evdns_base *dns, const char *host,
    uint16_t port, int family)
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
	request =
	    evdns_getaddrinfo(dns, host, service, &hints, answered, question);
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
		fail(callback, arg, EVPOP_ERROR_MEMORY, host, "out of memory");
		return;
	}
	resolve->owner = resolve_r;
	resolve->callback = callback;
	resolve->arg = arg;
	snprintf(resolve->host, sizeof(resolve->host), "%s", host);
	*resolve_r = resolve;
	resolve->busy++;
	for (i = 0; i < FAMILIES; i++) {
		resolve->questions[i].resolve = resolve;
		ask(&resolve->questions[i], dns, host, port, families[i]);
	}
	tell(resolve);
	resolve->busy--;
	settle(resolve);
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
		fail(callback, arg, EVPOP_ERROR_USAGE, host,
		    "it is a name, and the client was made without a resolver");
	else
		resolve_name(resolve_r, dns, host, port, callback, arg);
}

static void
drop(struct question *question)
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
	resolve->busy++;
	for (i = 0; i < FAMILIES; i++)
		drop(&resolve->questions[i]);
	resolve->busy--;
	settle(resolve);
}
