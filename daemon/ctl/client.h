/*
 * Requests to the daemon's socket, and what their failures mean for the one
 * who typed the command.
 */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/ctl/ctl.h"
#include "daemon/ctl/target.h"

/* NULL without memory. */
struct client *client_new(void) __attribute__((warn_unused_result));
void client_free(struct client **);

#define CLIENT_MESSAGE_SIZE 8192
#define CLIENT_HINT_SIZE    512
struct client_error {
	enum ctl_exit exit;
	char code[64]; /* the daemon's, for programs; "" if it did not answer */
	char message[CLIENT_MESSAGE_SIZE];
	char hint[CLIENT_HINT_SIZE];
};

/* The same for what somebody else finds wrong; the hint may be NULL. */
void client_fail(struct client_error *error_r, enum ctl_exit, const char *hint,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/*
 * Send a request.  On success *json_r is the answer, which the caller must
 * decref.  On failure it is NULL, and *error_r says why and how to exit.
 */
bool client_ask(const struct ctl *, const char *method, const struct target *,
    json_t **json_r, struct client_error *error_r)
    __attribute__((warn_unused_result));

/* The same by POST, with a body of this type, which is borrowed. */
bool client_send(const struct ctl *, const struct target *, const char *type,
    const void *bytes, size_t length, json_t **json_r,
    struct client_error *error_r) __attribute__((warn_unused_result));

/*
 * Get a body that is not JSON; `sink` gets it piece by piece, and stops by
 * returning false, which makes error_r->exit CTL_OK.  The sink gets nothing
 * unless the status is 200.
 */
typedef bool (*client_sink)(const char *bytes, size_t length, void *arg);
bool client_download(const struct ctl *, const struct target *, client_sink,
    void *arg, struct client_error *error_r)
    __attribute__((warn_unused_result));

/*
 * Who answers in the daemon's place what it can answer better.  `takes` tells
 * whether it does; the others are as client_ask() and client_download().
 */
struct client_opener {
	bool (*takes)(void *arg, const char *method, const struct target *);
	bool (*ask)(void *arg, const struct ctl *, const struct target *,
	    json_t **json_r, struct client_error *error_r);
	bool (*ask_bytes)(void *arg, const struct ctl *, const struct target *,
	    client_sink, void *sink_arg, struct client_error *error_r);
	void *arg;
};
/* NULL: nobody. It must stay where it is. */
void client_set_opener(struct client *, const struct client_opener *);
/* Whether there is one: sealed mail is not an error then. */
bool client_has_opener(const struct client *);

/* The same as client_ask() by GET and client_download(), of the daemon itself.
 */
bool client_ask_daemon(const struct ctl *, const struct target *,
    json_t **json_r, struct client_error *error_r)
    __attribute__((warn_unused_result));
bool client_download_daemon(const struct ctl *, const struct target *,
    size_t most, client_sink, void *arg, struct client_error *error_r)
    __attribute__((warn_unused_result));

/* Say it on standard error; returns how to exit. */
enum ctl_exit client_report(const struct ctl *, const struct client_error *);

/*
 * Ask, and print the answer: by `print`, or as JSON with --json.  A failure is
 * reported.  Returns how to exit.
 */
enum ctl_exit client_print(const struct ctl *, const char *method,
    const struct target *, void (*print)(const struct ctl *, const json_t *));

/*
 * POST to the pattern's target of this name, which changes its state, and say
 * what it is now: `done`.  That it is so already is no failure.
 */
enum ctl_exit client_act(const struct ctl *, const char *pattern,
    const char *name, const char *done);

#endif
