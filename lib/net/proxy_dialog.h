/*
 * The inside of a proxy's dialog: what proxy.c does for both kinds, and what
 * socks.c and http_connect.c add.
 */
#ifndef EVPOP_LIB_NET_PROXY_DIALOG_H
#define EVPOP_LIB_NET_PROXY_DIALOG_H

#include "lib/net/proxy.h"

/* VER, CMD, RSV, ATYP, a length, a name of 255 octets, a port: RFC 1928. */
#define EVPOP_SOCKS_REQUEST ((size_t)4 + 1 + 255 + 2)
/* VER, a length, a user of 255 octets, a length, a password: RFC 1929. */
#define EVPOP_SOCKS_LOGIN ((size_t)1 + 1 + 255 + 1 + 255)

/* Of a whole HTTP response header; honest proxies send some hundred octets. */
#define EVPOP_HTTP_HEADER ((size_t)8192)
/* Of its first line, as far as it is looked at. */
#define EVPOP_HTTP_LINE ((size_t)160)

/* What is awaited: the answer to the greeting, the log-in, the request. */
enum evpop_socks_state {
	EVPOP_SOCKS_METHOD = 0,
	EVPOP_SOCKS_STATUS,
	EVPOP_SOCKS_REPLY,
	EVPOP_SOCKS_STATES
};

struct evpop_socks {
	enum evpop_socks_state state;
	/* Messages that are sent when their turn comes. */
	unsigned char request[EVPOP_SOCKS_REQUEST];
	size_t request_length;
	unsigned char login[EVPOP_SOCKS_LOGIN];
	size_t login_length; /* 0: no log-in */
	/* Of the message awaited: VER, REP, RSV, ATYP, length at most. */
	unsigned char head[5];
	size_t received;
};

struct evpop_http {
	char line[EVPOP_HTTP_LINE]; /* the first, NUL-terminated */
	size_t line_length;
	size_t total;     /* octets of the header so far */
	bool behind_line; /* the first line is complete */
	bool blank;       /* nothing in the present line yet */
	bool login;       /* user and password were sent */
};

struct evpop_proxy {
	enum evpop_proxy_kind kind;
	bool over; /* it is, well or badly */
	unsigned char *output;
	size_t output_length, output_sent;
	union {
		struct evpop_socks socks;
		struct evpop_http http;
	};
};

/*
 * Make a copy of this the output, which must have been sent; false without
 * memory, and the result says so.
 */
bool evpop_proxy_say(struct evpop_proxy *, const void *, size_t length,
    struct evpop_result *result_r) EVPOP_MUST_USE;

/* As their namesakes for any kind, which have checked what is common. */
bool evpop_socks_begin(struct evpop_proxy *, const struct evpop_proxy_config *,
    const char *host, uint16_t port,
    struct evpop_result *result_r) EVPOP_MUST_USE;
enum evpop_proxy_status evpop_socks_input(struct evpop_proxy *,
    const unsigned char *, size_t length, size_t *used_r,
    struct evpop_result *result_r) EVPOP_MUST_USE;
const char *evpop_socks_standing(const struct evpop_socks *);

bool evpop_http_begin(struct evpop_proxy *, const struct evpop_proxy_config *,
    const char *host, uint16_t port,
    struct evpop_result *result_r) EVPOP_MUST_USE;
enum evpop_proxy_status evpop_http_input(struct evpop_proxy *,
    const unsigned char *, size_t length, size_t *used_r,
    struct evpop_result *result_r) EVPOP_MUST_USE;

#endif
