/*
 * Proxies: what a proxy is called in a configuration, and the dialog by which
 * it is asked for a connection to the server.  The dialog does no I/O: octets
 * in, octets out, and where the input is split never matters.  SOCKS 5 (RFC
 * 1928, log-in by RFC 1929) and HTTP CONNECT (RFC 9110 section 9.3.6) are
 * spoken.  Names are resolved by the proxy, never here.
 *
 * Whoever judges whether a password may travel in the clear: what a proxy leads
 * to is never this machine's loopback, even where the proxy itself, or the
 * server as the proxy sees it, is.
 *
 * A refusal of the proxy's is EVPOP_ERROR_IO, even one of user and password:
 * EVPOP_ERROR_AUTH speaks of the maildrop's credentials.
 */
#ifndef EVPOP_LIB_NET_PROXY_H
#define EVPOP_LIB_NET_PROXY_H

#include <stdint.h>

#include <evpop/error.h>

#include "lib/auth/secret.h"

enum evpop_proxy_kind {
	EVPOP_PROXY_SOCKS5 = 0,
	EVPOP_PROXY_HTTP,
	EVPOP_PROXY_KINDS
};

/* "SOCKS", "HTTP". */
const char *evpop_proxy_kind_name(enum evpop_proxy_kind);

/* IANA's for SOCKS; for HTTP there is none, and this is Squid's. */
#define EVPOP_PROXY_PORT_SOCKS5 1080
#define EVPOP_PROXY_PORT_HTTP   3128

struct evpop_proxy_config {
	enum evpop_proxy_kind kind;
	char *host; /* as written, an IPv6 address without its brackets */
	uint16_t port;
	char *user, *password; /* both, or NULL: no log-in */
};

/*
 * Read "socks5://[user[:password]@]host[:port]", or the same with "http://".
 * "socks5h://" is taken for "socks5://".  User and password are
 * percent-decoded and have 255 octets at most, any but CR, LF and NUL.  The
 * host is in ASCII.  False with a reason that shows nothing of the text; then
 * there is nothing to clear.
 */
bool evpop_proxy_parse(struct evpop_proxy_config *config_r, const char *url,
    struct evpop_result *result_r) EVPOP_MUST_USE;

/* Whether a host may be a name: letters, digits, "-._", 255 octets at most. */
bool evpop_proxy_is_name(const char *host);

/* Wipe, free and zero. */
void evpop_proxy_config_clear(struct evpop_proxy_config *);

/* ---- The dialog ---- */

struct evpop_proxy;

enum evpop_proxy_status {
	EVPOP_PROXY_MORE = 0, /* input is awaited, once all output is sent */
	EVPOP_PROXY_READY,    /* the server is at the other end */
	EVPOP_PROXY_FAILED
};

/*
 * A dialog that asks for a connection to a host, which is a name in ASCII or an
 * address, or NULL with the reason.  The config is not needed afterwards.
 */
struct evpop_proxy *evpop_proxy_new(const struct evpop_proxy_config *,
    const char *host, uint16_t port,
    struct evpop_result *result_r) EVPOP_MUST_USE;

/* Wipes and frees; sets the pointer to NULL, which it may be. */
void evpop_proxy_free(struct evpop_proxy **);

/* The octets to send, valid until the next call; length 0 if there are none. */
const unsigned char *evpop_proxy_output(
    const struct evpop_proxy *, size_t *length_r);
/* Note that so many were sent; all are wiped once sent. */
void evpop_proxy_sent(struct evpop_proxy *, size_t length);

/*
 * Take octets from the proxy.  *used_r of them belong to the dialog; those
 * behind, once READY, are the server's: POP3 servers speak first.  With MORE
 * all are used.  With FAILED *result_r tells why; it is left alone otherwise.
 */
enum evpop_proxy_status evpop_proxy_input(struct evpop_proxy *,
    const unsigned char *, size_t length, size_t *used_r,
    struct evpop_result *result_r) EVPOP_MUST_USE;

/* Why it is a failure that the proxy closed now. */
void evpop_proxy_eof(const struct evpop_proxy *, struct evpop_result *result_r);

/* Where the dialog stands, for who waited too long: "did not answer". */
const char *evpop_proxy_standing(const struct evpop_proxy *);

/* ---- What a kind of proxy is to the dialog: socks.c, http_connect.c ---- */

/* Messages are added to `output`; the caller checks it for lack of memory. */
struct evpop_proxy_dialog {
	size_t state_size; /* zeroed before it begins, wiped at the end */
	/* As evpop_proxy_new(), which has checked what is common to all. */
	bool (*begin)(void *state, const struct evpop_proxy_config *,
	    const char *host, uint16_t port, struct evpop_secret *output,
	    struct evpop_result *result_r);
	/* As evpop_proxy_input(), once all output is sent. */
	enum evpop_proxy_status (*input)(void *state, const unsigned char *,
	    size_t length, size_t *used_r, struct evpop_secret *output,
	    struct evpop_result *result_r);
	const char *(*standing)(const void *state);
};

extern const struct evpop_proxy_dialog evpop_socks_dialog, evpop_http_dialog;

#endif
