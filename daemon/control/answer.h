/*
 * What a route answers: a status and JSON.  Errors are
 * {"error": {"code", "message", "hint"}}.
 */
#ifndef CONTROL_ANSWER_H
#define CONTROL_ANSWER_H

#include <jansson.h>
#include <stdbool.h>

#include "daemon/control/parameters.h"
#include "daemon/store/store.h"

struct answer {
	int status;
	json_t *json;      /* owned; NULL: there was no memory for it */
	const char *allow; /* the Allow header of a 405; static, or NULL */
};

/* Takes over the reference to `json`. */
struct answer answer_json(int status, json_t *json);

/* `code` is for programs; the hint may be NULL. */
struct answer answer_error(int status, const char *code, const char *hint,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* 400: a parameter is wrong. */
struct answer answer_problem(const struct problem *);

/*
 * What a store that cannot do it answers: 404 for what it has not, else 503
 * with its own hint.  `text` may be NULL.
 */
struct answer answer_store(enum store_status, const char *text);

/* 404, with where to look. */
struct answer answer_no_account(const char *name);
struct answer answer_no_message(int64_t id);
struct answer answer_not_quarantined(int64_t id);

/* 400: an id is no number. */
struct answer answer_bad_id(const char *text);

#endif
