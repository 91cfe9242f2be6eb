/*
 * What a dry run found, for people.
 */
#ifndef CTL_PLAN_H
#define CTL_PLAN_H

#include "daemon/ctl/client.h"

/* Get an account's plan with one entry; like client_ask(). */
bool plan_ask(const struct ctl *, const char *account, json_t **plan_r,
    struct client_error *error_r) __attribute__((warn_unused_result));

/* Print a plan: a table and a line of sums, or the pages' JSON with --json. */
enum ctl_exit plan_print(const struct ctl *, const char *account);

/* What to type where deletions are held, as print_form() takes it. */
#define PLAN_HOW_TO_CONFIRM \
	"to delete what is held: evpopctl poll --confirm {account}"

#endif
