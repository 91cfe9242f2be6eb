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

/* NULL without memory. */
struct client *client_new(void) __attribute__((warn_unused_result));
void client_free(struct client **);

/* Longer than any that the daemon takes. */
#define TARGET_SIZE 16384

/* The address of a request: a path and parameters, encoded. */
struct target {
	char text[TARGET_SIZE];
	size_t length;
	bool has_query, is_cut;
};

/* Begin with a path of the API, in which "*" stands for `name`. */
void target_begin(
    struct target *target_r, const char *pattern, const char *name);
/* Append a segment to the path. */
void target_segment(struct target *, const char *segment);
/* Append a parameter; nothing where the value is NULL. */
void target_parameter(struct target *, const char *name, const char *value);

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

/* Say it on standard error; returns how to exit. */
enum ctl_exit client_report(const struct ctl *, const struct client_error *);

/*
 * Ask, and print the answer: by `print`, or as JSON with --json.  A failure is
 * reported.  Returns how to exit.
 */
enum ctl_exit client_print(const struct ctl *, const char *method,
    const struct target *, void (*print)(const struct ctl *, const json_t *));

#endif
