#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/dns.h>
#include <event2/util.h>

#include "lib/net/resolve.h"

/*
 * Outlives a cancelled request, since evdns reports the cancellation from the
 * loop and needs an argument for it.
 */
struct evpop_resolve {
	struct evdns_getaddrinfo_request *request;
	struct evpop_resolve **owner; /* NULL once cancelled */
	evpop_resolve_cb callback;
	void *arg;
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

static size_t
collect(struct evpop_address *addresses, size_t size,
    const struct evutil_addrinfo *info)
{
	size_t count = 0;

	for (; info != NULL && count < size; info = info->ai_next) {
		if (info->ai_addrlen > sizeof(addresses[count].storage) ||
		    (info->ai_family != AF_INET && info->ai_family != AF_INET6))
			continue;
		memset(&addresses[count], 0, sizeof(addresses[count]));
		memcpy(
		    &addresses[count].storage, info->ai_addr, info->ai_addrlen);
		addresses[count].length = (socklen_t)info->ai_addrlen;
		count++;
	}
	return count;
}

static void
report(const struct evpop_resolve *resolve, int error,
    const struct evutil_addrinfo *info)
{
	struct evpop_address addresses[EVPOP_RESOLVE_ADDRESSES];
	size_t count;

	if (error != 0) {
		fail(resolve->callback, resolve->arg, EVPOP_ERROR_IO,
		    resolve->host, evutil_gai_strerror(error));
		return;
	}
	count = collect(addresses, EVPOP_RESOLVE_ADDRESSES, info);
	if (count == 0) {
		fail(resolve->callback, resolve->arg, EVPOP_ERROR_IO,
		    resolve->host, "the name has no address");
		return;
	}
	evpop_address_interleave(addresses, count);
	resolve->callback(addresses, count, NULL, resolve->arg);
}

static void
resolved(int error, struct evutil_addrinfo *info, void *arg)
{
	struct evpop_resolve *resolve = arg;

	if (resolve->owner != NULL) {
		*resolve->owner = NULL;
		report(resolve, error, info);
	}
	if (info != NULL)
		evutil_freeaddrinfo(info);
	free(resolve);
}

static void
resolve_name(struct evpop_resolve **resolve_r, struct evdns_base *dns,
    const char *host, uint16_t port, evpop_resolve_cb callback, void *arg)
{
	struct evutil_addrinfo hints;
	struct evdns_getaddrinfo_request *request;
	struct evpop_resolve *resolve;
	char service[8];

	resolve = calloc(1, sizeof(*resolve));
	if (resolve == NULL) {
		fail(callback, arg, EVPOP_ERROR_MEMORY, host, "out of memory");
		return;
	}
	resolve->owner = resolve_r;
	resolve->callback = callback;
	resolve->arg = arg;
	snprintf(resolve->host, sizeof(resolve->host), "%s", host);
	snprintf(service, sizeof(service), "%u", (unsigned int)port);
	memset(&hints, 0, sizeof(hints));
	hints.ai_family = AF_UNSPEC;
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_protocol = IPPROTO_TCP;
	hints.ai_flags = EVUTIL_AI_NUMERICSERV | EVUTIL_AI_ADDRCONFIG;
	*resolve_r = resolve;
	request =
	    evdns_getaddrinfo(dns, host, service, &hints, resolved, resolve);
	/* Answered from the hosts file, it has called back and is freed. */
	if (request != NULL)
		resolve->request = request;
}

void
evpop_resolve_start(struct evpop_resolve **resolve_r, struct evdns_base *dns,
    const char *host, uint16_t port, evpop_resolve_cb callback, void *arg)
{
	struct evpop_address address;

	*resolve_r = NULL;
	if (evpop_address_parse(&address, host, port)) {
		callback(&address, 1, NULL, arg);
		return;
	}
	if (dns == NULL) {
		fail(callback, arg, EVPOP_ERROR_USAGE, host,
		    "it is a name, and the client was made without a resolver");
		return;
	}
	resolve_name(resolve_r, dns, host, port, callback, arg);
}

void
evpop_resolve_cancel(struct evpop_resolve **resolve_r)
{
	struct evpop_resolve *resolve = *resolve_r;

	if (resolve == NULL)
		return;
	*resolve_r = NULL;
	resolve->owner = NULL;
	if (resolve->request != NULL)
		evdns_getaddrinfo_cancel(resolve->request);
}
