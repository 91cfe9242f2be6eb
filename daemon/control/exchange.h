/*
 * One request and its answer.  The client may disconnect at any moment, and the
 * store may answer after that: the exchange lives until both are done.
 */
#ifndef CONTROL_EXCHANGE_H
#define CONTROL_EXCHANGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/control/parameters.h"
#include "daemon/control/peer.h"
#include "daemon/control/reload.h"
#include "daemon/control/response.h"
#include "daemon/store/store.h"

struct config_strings;
struct connections;
struct deliver;
struct evbuffer;
struct event_base;
struct events;
struct evhttp_request;
struct confine;
struct exchange;
struct hook;
struct metrics;
struct oauth;
struct poller;
struct record;
struct route_match;

/* What the routes report and act on. */
struct exchange_context {
	struct store *store;
	struct poller *poller;   /* NULL: there is no daemon, only its store */
	struct deliver *deliver; /* likewise */
	struct oauth *oauth;     /* likewise */
	struct record *record;   /* of who did what; NULL: none */
	const struct metrics *metrics;
	reload_function reload;
	const char *limited;
	const char *key_source, *key_public; /* NULL or "": no key */
	const char *seal_to;                 /* NULL: mail is not sealed */
	const struct confine *confine;       /* NULL: nobody tells */
	void *arg;
	int64_t started_ms; /* of evpop_clock_elapsed_ms() */
	/* From the configuration. */
	uint32_t max_sessions, max_sessions_per_host;
	uint64_t memory_limit;
	int64_t store_retain_ms;
	struct connections *connections;
	struct events *events;
	const struct hook *hook; /* NULL: there are none */
	struct imports *imports;
	/* Users in [control] that the system does not know. */
	const struct config_strings *unknown_users;
};

/* The user who asks. */
struct exchange_user {
	unsigned roles; /* bits, as of enum peer_role */
	char name[PEER_NAME_SIZE];
};

/*
 * Take over a request from evhttp.  The names that the path's "*" matched are
 * copied as the user is; the parameters move into the exchange.  NULL without
 * memory.
 */
struct exchange *exchange_new(struct evhttp_request *,
    const struct exchange_context *, const struct exchange_user *,
    const struct route_match *, struct parameters *parameters)
    __attribute__((warn_unused_result));

/*
 * Handle it.  Without a poller nobody but the store knows which accounts there
 * are: it is asked for that of the parameter "account" before.
 */
void exchange_handle(struct exchange *, void (*handle)(struct exchange *));

const struct exchange_context *exchange_context(const struct exchange *);
const struct exchange_user *exchange_user(const struct exchange *);
/*
 * What the user does by this exchange, as record_add() takes it (static); it is
 * recorded once the exchange is answered, and not where that is an error.
 */
void exchange_set_deed(struct exchange *, const char *deed);
/* The same, and what "*" stands for in it; kept as it is. */
void exchange_set_deed_of(
    struct exchange *, const char *deed, const char *name);
/* What the path's first "*" matched, and its second. */
const char *exchange_name(const struct exchange *);
const char *exchange_second_name(const struct exchange *);
const struct parameters *exchange_parameters(const struct exchange *);

/* While the client is there: a header of the request, or NULL; the loop. */
const char *exchange_header(const struct exchange *, const char *name);
bool exchange_is_head(const struct exchange *);
struct event_base *exchange_base(const struct exchange *);

/*
 * The request's body, and its length; the bytes are borrowed until it is
 * answered, and NULL where there are none, or no memory.  `bytes_r` may be
 * NULL.
 */
size_t exchange_body(struct exchange *, const unsigned char **bytes_r);

/* A handler's own state; freed with the exchange. */
void exchange_set_state(
    struct exchange *, void *state, void (*free_state)(void *));
void *exchange_state(const struct exchange *);

/*
 * Call exchange_wait() before a call that answers later with the exchange as
 * its argument, and exchange_resume() first in that answer: it returns false if
 * the client has gone, and then the exchange is freed.
 */
void exchange_wait(struct exchange *);
/*
 * The same for a call that may take as long as it takes and can be ended:
 * `leave` ends it where the client goes, and then no answer comes.
 */
void exchange_wait_until(struct exchange *, void (*leave)(struct exchange *));
bool exchange_resume(struct exchange *) __attribute__((warn_unused_result));

/*
 * Like exchange_resume(), for an answer with rows: also returns false, after
 * answering, if the store has failed or the account in the parameter "account"
 * does not exist.
 */
bool exchange_resume_rows(struct exchange *, enum store_status, size_t count)
    __attribute__((warn_unused_result));

/* A header of the answer to come; of bytes that need no check. */
void exchange_set_header(
    struct exchange *, const char *name, const char *value);

/* Content-Range of so many octets from `first` on; of none, where it is 0. */
void exchange_set_content_range(
    struct exchange *, uint64_t first, uint64_t length, uint64_t whole);

/* Answer and end; takes over the answer's JSON. */
void exchange_answer(struct exchange *, struct response);
/* 400: a parameter is wrong. */
void exchange_answer_problem(struct exchange *, const struct problem *);
/* 304: the client has it already. */
void exchange_answer_not_modified(struct exchange *);
/*
 * Answer with bytes that never change while the daemon runs; 304 to a client
 * that has them by this entity tag.
 */
void exchange_answer_fixed(struct exchange *, const char *content_type,
    const char *etag, const char *bytes, size_t length);
/* With "next_cursor" in the object, if that is not 0. */
void exchange_answer_page(struct exchange *, json_t *json, int64_t next_id);
/* {NAME: rows}, likewise. */
void exchange_answer_rows(
    struct exchange *, const char *name, json_t *rows, int64_t next_id);

/* The path's first "*" as an id; 0 where it is none. */
int64_t exchange_path_id(const struct exchange *);
/* The same; false, after answering, where it is none. */
bool exchange_id(struct exchange *, int64_t *id_r)
    __attribute__((warn_unused_result));

/* Read "limit" and "cursor"; false, after answering, if they are wrong. */
bool exchange_page(struct exchange *, unsigned *limit_r, int64_t *below_id_r)
    __attribute__((warn_unused_result));

/*
 * Answer with a body of `length` bytes in parts.  Each part is copied, or moved
 * out of its buffer; send the next one when `written` has run.  End the stream
 * after `length` bytes, or cut it.  False where the request is HEAD: that was
 * the answer, and the exchange has ended.
 */
#define EXCHANGE_UNTIL_END UINT64_MAX /* its length is not known before */
bool exchange_stream(struct exchange *, const char *content_type,
    uint64_t length) __attribute__((warn_unused_result));
/* The same with a part of the whole: 206. */
bool exchange_stream_range(struct exchange *, const char *content_type,
    uint64_t first, uint64_t length, uint64_t whole)
    __attribute__((warn_unused_result));
void exchange_stream_part(struct exchange *, const void *bytes, size_t length,
    void (*written)(struct exchange *));
void exchange_stream_buffer(struct exchange *, struct evbuffer *part,
    void (*written)(struct exchange *));
void exchange_stream_end(struct exchange *);
/* Close the connection: the client sees that the body is incomplete. */
void exchange_cut(struct exchange *);

/*
 * Ask for a place among those who read an answer without end, before
 * exchange_stream() begins it; false if there is none.
 */
bool exchange_listen(struct exchange *) __attribute__((warn_unused_result));

#endif
