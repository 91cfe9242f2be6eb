/*
 * What a request is answered with: a status and JSON, or an error of one shape.
 */
#ifndef CONTROL_RESPONSE_H
#define CONTROL_RESPONSE_H

#include <jansson.h>
#include <stdint.h>

#include "daemon/control/peer.h"
#include "daemon/store/store.h"

/* A status and JSON.  Errors are {"error": {"code", "message", "hint"}}. */
struct response {
	int status;
	json_t *json;      /* owned; NULL: there was no memory for it */
	const char *allow; /* the Allow header of a 405; static, or NULL */
};

/* Takes over the reference to `json`. */
struct response response_json(int status, json_t *json);

/* `code` is for programs; the hint may be NULL. */
struct response response_error(int status, const char *code, const char *hint,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* 503 */
struct response response_no_memory(void);

/*
 * For a store's error: 404 if it has no such thing, else 503 with the hint for
 * it.  `text` may be NULL.
 */
struct response response_store(enum store_status, const char *text);

/* 403: the user has not this role, which is needed to `doing`. */
struct response response_not_allowed(enum peer_role, const char *doing);

/* 409: a store alone can only be read. */
struct response response_no_daemon(void);

/*
 * 409: an account or a target ("account", "target") is "already paused" or the
 * like; it is disabled.
 */
struct response response_already(
    const char *kind, const char *name, const char *already);
struct response response_disabled(const char *kind, const char *name);

/* 404, and where to look. */
struct response response_no_account(const char *name);
struct response response_no_message(int64_t id);
struct response response_not_quarantined(int64_t id);
struct response response_no_target(const char *name);
struct response response_no_delivery(int64_t id);

#endif
