/*
 * What a dry run found, for people.
 */
#ifndef CTL_PLAN_H
#define CTL_PLAN_H

#include <jansson.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/ctl.h"

/* The first page of an account's plan; as http_ask(). */
bool plan_ask(struct ctl *, const char *account, json_t **page_r,
    struct http_error *error_r) __attribute__((warn_unused_result));

/*
 * Print a plan from its first page on: a table and a line of sums, or the
 * pages' JSON with --json.
 */
enum ctl_exit plan_print(
    struct ctl *, const char *account, const json_t *first_page);

/* A line that says what to type where deletions are held. */
void plan_say_how_to_confirm(struct ctl *, const char *account);

#endif
