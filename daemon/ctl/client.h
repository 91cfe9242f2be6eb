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

struct target;

/* NULL without memory. */
struct http *http_new(void) __attribute__((warn_unused_result));
void http_free(struct http **);

#define HTTP_MESSAGE_SIZE 8192
#define HTTP_HINT_SIZE    512
struct http_error {
	enum ctl_exit exit;
	char code[64]; /* of the daemon's, for programs; "" if it never spoke */
	char message[HTTP_MESSAGE_SIZE];
	char hint[HTTP_HINT_SIZE];
};

/*
 * Ask, and give the JSON of a success: the caller's to decref.  On failure
 * *json_r is NULL and *error_r says why and how to exit.  Frees the target.
 */
bool http_ask(struct ctl *, const char *method, struct target *,
    json_t **json_r, struct http_error *error_r)
    __attribute__((warn_unused_result));

/*
 * Get a body that is no JSON; `sink` takes it piece by piece and stops it by
 * returning false, which is then error_r->exit CTL_OK.  Nothing comes to the
 * sink unless the daemon says 200.  Frees the target.
 */
typedef bool (*http_sink)(const char *bytes, size_t length, void *arg);
bool http_download(struct ctl *, struct target *, http_sink, void *arg,
    struct http_error *error_r) __attribute__((warn_unused_result));

/* Say it on standard error; returns how to exit. */
enum ctl_exit http_report(const struct ctl *, const struct http_error *);

#endif
