#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/guarded.h"
#include "lib/net/address.h"
#include "lib/net/proxy.h"

static const struct {
	const char *name;
	const struct evpop_proxy_dialog *dialog;
} kinds[] = {
	[EVPOP_PROXY_SOCKS5] = { "SOCKS", &evpop_socks_dialog },
	[EVPOP_PROXY_HTTP] = { "HTTP", &evpop_http_dialog },
};
_Static_assert(
    sizeof(kinds) / sizeof(kinds[0]) == EVPOP_PROXY_KINDS, "each has a name");

struct evpop_proxy {
	enum evpop_proxy_kind kind;
	bool over; /* it is, well or badly */
	void *state;
	struct evpop_secret output;
	size_t sent; /* of it */
};

const char *
evpop_proxy_kind_name(enum evpop_proxy_kind kind)
{
	return kinds[kind].name;
}

static bool
proxy_good_host(const char *host, struct evpop_result *result)
{
	struct evpop_address address;

	if (evpop_address_parse(&address, host, 0)) {
		if (strchr(host, '%') == NULL)
			return true;
		evpop_result_set(result, EVPOP_ERROR_USAGE, EVPOP_PHASE_CONNECT,
		    "%.80s: a proxy knows nothing of this machine's links",
		    host);
		return false;
	}
	if (evpop_proxy_is_name(host))
		return true;
	evpop_result_set(result, EVPOP_ERROR_USAGE, EVPOP_PHASE_CONNECT,
	    "%.80s: no host name that a proxy could be told", host);
	return false;
}

void
evpop_proxy_free(struct evpop_proxy **proxy_r)
{
	struct evpop_proxy *proxy = *proxy_r;

	if (proxy == NULL)
		return;
	*proxy_r = NULL;
	evpop_secret_clear(&proxy->output);
	evpop_guarded_free(proxy->state);
	free(proxy);
}

static bool
proxy_no_memory(struct evpop_result *result)
{
	evpop_result_set(result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_CONNECT,
	    "no memory to ask a proxy");
	return false;
}

struct evpop_proxy *
evpop_proxy_new(const struct evpop_proxy_config *config, const char *host,
    uint16_t port, struct evpop_result *result)
{
	const struct evpop_proxy_dialog *dialog = kinds[config->kind].dialog;
	struct evpop_proxy *proxy;

	if (!proxy_good_host(host, result))
		return NULL;
	proxy = calloc(1, sizeof(*proxy));
	if (proxy == NULL) {
		(void)proxy_no_memory(result);
		return NULL;
	}
	proxy->kind = config->kind;
	proxy->state = evpop_guarded_alloc(dialog->state_size);
	if (proxy->state == NULL) {
		(void)proxy_no_memory(result);
	} else if (dialog->begin(proxy->state, config, host, port,
		       &proxy->output, result)) {
		if (!proxy->output.failed)
			return proxy;
		(void)proxy_no_memory(result);
	}
	evpop_proxy_free(&proxy);
	return NULL;
}

const unsigned char *
evpop_proxy_output(const struct evpop_proxy *proxy, size_t *length_r)
{
	*length_r = proxy->output.length - proxy->sent;
	return *length_r == 0
		   ? NULL
		   : (const unsigned char *)proxy->output.bytes + proxy->sent;
}

void
evpop_proxy_sent(struct evpop_proxy *proxy, size_t length)
{
	assert(length <= proxy->output.length - proxy->sent);
	proxy->sent += length;
	if (proxy->sent < proxy->output.length)
		return;
	evpop_secret_clear(&proxy->output);
	proxy->sent = 0;
}

enum evpop_proxy_status
evpop_proxy_input(struct evpop_proxy *proxy, const unsigned char *octets,
    size_t length, size_t *used_r, struct evpop_result *result)
{
	enum evpop_proxy_status status;

	assert(!proxy->over);
	*used_r = 0;
	if (length == 0)
		return EVPOP_PROXY_MORE;
	if (proxy->output.length > 0) {
		/* In both protocols it is ours to speak first. */
		evpop_result_set(result, EVPOP_ERROR_IO, EVPOP_PHASE_CONNECT,
		    "the %s proxy answered before it was asked",
		    kinds[proxy->kind].name);
		status = EVPOP_PROXY_FAILED;
	} else {
		status = kinds[proxy->kind].dialog->input(proxy->state, octets,
		    length, used_r, &proxy->output, result);
		if (status != EVPOP_PROXY_FAILED && proxy->output.failed) {
			(void)proxy_no_memory(result);
			status = EVPOP_PROXY_FAILED;
		}
	}
	proxy->over = status != EVPOP_PROXY_MORE;
	return status;
}

const char *
evpop_proxy_standing(const struct evpop_proxy *proxy)
{
	return kinds[proxy->kind].dialog->standing(proxy->state);
}

void
evpop_proxy_eof(const struct evpop_proxy *proxy, struct evpop_result *result)
{
	evpop_result_set(result, EVPOP_ERROR_IO, EVPOP_PHASE_CONNECT,
	    "the %s proxy closed the connection instead of answering %s",
	    kinds[proxy->kind].name, evpop_proxy_standing(proxy));
}
