/*
 * What lists have in common: a limit, and a cursor that is the number below
 * which the next page begins.
 */
#ifndef CONTROL_PAGE_H
#define CONTROL_PAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/control/parameters.h"

/* Read "limit"; the default where it is not given. */
bool page_limit(const struct parameters *, unsigned *limit_r,
    struct problem *problem_r) __attribute__((warn_unused_result));

/* Read "cursor" as a number; 0 where it is not given. */
bool page_below(const struct parameters *, int64_t *below_id_r,
    struct problem *problem_r) __attribute__((warn_unused_result));

/* {NAME: list} with "next_cursor" if the last row's id is not 0. */
json_t *page_json(const char *name, json_t *list, int64_t next_id);

#endif
