/*
 * Requests over HTTP to one place, by libcurl: a POST whose body comes piece by
 * piece, or a GET, one at a time.  Names are resolved as everywhere in the
 * daemon; the address that it connects to is looked at then, whatever a name or
 * a URL says. Redirects are not followed.
 *
 * Handlers run from the loop, never from inside a call, but for `more` and
 * `rewind`; web_free() may be called in `done`.
 */
#ifndef HTTP_WEB_H
#define HTTP_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/http/web_place.h"

struct event_base;
struct evpop_names;
struct web;

/* Borrowed until it is freed; strings may be NULL. */
struct web_options {
	struct event_base *base;
	struct evpop_names *names;
	const char *url;
	const char *tls_ca, *tls_cert, *tls_key;
	/* A proxy resolves names itself: what it connects to is not seen. */
	const char *proxy, *source_address;
	unsigned rules; /* enum web_place_rule */
	/* Of each step, and of the whole answer once the request is sent. */
	uint32_t timeout_ms;
	size_t answer_most; /* octets of an answer's body; more is cut off */
	/*
	 * What comes is kept in guarded memory, and wiped behind `done`.  What
	 * goes is lent: web_lend().
	 */
	bool is_secret;
	/*
	 * What was sent whole is not sent again by itself where a connection
	 * that was kept breaks: it may have been done.
	 */
	bool goes_once;
};

enum web_end {
	WEB_ANSWERED = 0,
	WEB_FAILED, /* before the request was sent whole */
	/* After a POST was: it may have been read. */
	WEB_UNANSWERED,
	WEB_FORBIDDEN, /* the address is private, or there is no TLS */
	WEB_MISTRUSTED /* certificates: theirs, or ours */
};

/* Borrowed until the handler returns. */
struct web_answer {
	enum web_end end;
	unsigned status;        /* of HTTP; 0 unless answered */
	int64_t retry_after_ms; /* 0: it does not say */
	/*
	 * Why there is no answer, as a sentence without its end; of one, what
	 * its status line says.  Printable.
	 */
	const char *text;
	/* Where a redirect points to; what it names as made; or NULL. */
	const char *redirect, *location;
	const char *body; /* NUL behind it */
	size_t length;
};

struct web_handler {
	/* The next octets are wanted: web_write(), now or later. */
	void (*more)(void *arg);
	/* The body is sent again from its beginning, on another connection. */
	void (*rewind)(void *arg);
	void (*done)(const struct web_answer *, void *arg);
};

/* The handler is borrowed.  NULL without memory. */
struct web *web_new(const struct web_options *, const struct web_handler *,
    void *arg) __attribute__((warn_unused_result));

/*
 * Post so many octets; the headers ("Name: value", NULL behind the last) are
 * copied.  Not while a request is under way.
 */
void web_post(struct web *, const char *const *headers, uint64_t octets);

/* Likewise a GET. */
void web_get(struct web *, const char *const *headers);

/*
 * What follows goes to another path of the same place, with its query:
 * "/v1/a?b=c".  False without memory, or where there is no such path.
 */
bool web_aim(struct web *, const char *path)
    __attribute__((warn_unused_result));

/* As `more` asked for: at most WEB_PIECE, copied.  Empty octets are none. */
#define WEB_PIECE ((size_t)256 * 1024)
void web_write(struct web *, const void *octets, size_t length);

/* The same, but not copied: it must stay until `more` or `done`. */
void web_lend(struct web *, const void *octets, size_t length);

/* Instead: the rest cannot be read.  `done` has WEB_FAILED. */
void web_abort(struct web *);

/* Connect, and speak TLS, but post nothing: `done` has status 0 then. */
void web_connect(struct web *);

/* "hooks.example.org", or the URL where it has no host; for people. */
const char *web_host(const struct web *);

/* No handler any more; the pointer is set to NULL, which it may be. */
void web_free(struct web **);

#endif
