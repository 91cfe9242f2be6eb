/*
 * The query part of a request: decoded, checked against the names that a route
 * knows, and read within bounds.  Errors name the parameter and what was
 * expected.
 */
#ifndef CONTROL_PARAMETERS_H
#define CONTROL_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More than any route knows. */
#define PARAMETERS_MAX 16

struct parameters {
	char *storage;
	struct parameter {
		const char *name, *value;
	} items[PARAMETERS_MAX];
	size_t count;
};

#define PROBLEM_SIZE 256
struct problem {
	char message[PROBLEM_SIZE];
	char hint[PROBLEM_SIZE];
};

/* Fill both parts of a problem; the hint may be "". */
void problem_set(struct problem *problem_r, const char *hint,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * Decode %XX and + in place; false if a % is not followed by two hexadecimal
 * digits, or if the result contains a NUL or is not UTF-8.
 */
bool percent_decode(char *text, bool plus_is_space)
    __attribute__((warn_unused_result));

/*
 * Read a query ("a=1&b=2", or NULL).  `known` is the NULL-terminated list of
 * names that may occur.  Free it after success only.
 */
bool parameters_parse(struct parameters *parameters_r, const char *query,
    const char *const *known, struct problem *problem_r)
    __attribute__((warn_unused_result));
void parameters_free(struct parameters *);

/* NULL where it was not given. */
const char *parameters_text(const struct parameters *, const char *name);

/* A whole number from least to most; *value_r keeps its value if not given. */
bool parameters_number(const struct parameters *, const char *name,
    int64_t least, int64_t most, int64_t *value_r, struct problem *problem_r)
    __attribute__((warn_unused_result));

/*
 * A time (when.h); *time_ms_r keeps its value if not given.  *given_r tells
 * whether it is, and may be NULL.
 */
bool parameters_time(const struct parameters *, const char *name,
    int64_t now_ms, bool *given_r, int64_t *time_ms_r,
    struct problem *problem_r) __attribute__((warn_unused_result));

/*
 * Which rows a list shows: at most "limit" (or the default), with ids below
 * "cursor" (or 0).
 */
bool parameters_page(const struct parameters *, unsigned *limit_r,
    int64_t *below_id_r, struct problem *problem_r)
    __attribute__((warn_unused_result));

/* Parse a decimal number from least to most and nothing else. */
bool number_parse(const char *text, int64_t least, int64_t most,
    int64_t *value_r) __attribute__((warn_unused_result));

#endif
