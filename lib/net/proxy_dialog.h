/*
 * What a kind of proxy is to proxy.c: socks.c and http_connect.c each have one,
 * with a state that nobody else looks into.
 */
#ifndef EVPOP_LIB_NET_PROXY_DIALOG_H
#define EVPOP_LIB_NET_PROXY_DIALOG_H

#include "lib/net/proxy.h"

struct evpop_proxy_dialog {
	size_t state_size; /* zeroed before it begins, wiped at the end */
	/* As evpop_proxy_new(), which has checked what is common to all. */
	bool (*begin)(void *state, struct evpop_proxy *,
	    const struct evpop_proxy_config *, const char *host, uint16_t port,
	    struct evpop_result *result_r);
	/* As evpop_proxy_input(), once all output is sent. */
	enum evpop_proxy_status (*input)(void *state, struct evpop_proxy *,
	    const unsigned char *, size_t length, size_t *used_r,
	    struct evpop_result *result_r);
	const char *(*standing)(const void *state);
};

extern const struct evpop_proxy_dialog evpop_socks_dialog, evpop_http_dialog;

/*
 * Make a copy of this the output, which must have been sent; false without
 * memory, and the result says so.
 */
bool evpop_proxy_say(struct evpop_proxy *, const void *, size_t length,
    struct evpop_result *result_r) EVPOP_MUST_USE;

#endif
