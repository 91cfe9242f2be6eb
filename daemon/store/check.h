/*
 * A verification of the whole file under way, or the last one: its thread, and
 * what it has found so far.
 */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include <stdbool.h>

#include "daemon/store/db.h"

struct store_checker;

/*
 * Verify the whole file.  Problems go to the checker; a status other than
 * STORE_OK says why the check could not be completed.
 */
typedef enum store_status (*store_verify_fn)(
    struct sql_db *, struct store_checker *);

/*
 * Begin, on a thread of its own; the key of the digests, which may be NULL,
 * must outlive it.  NULL without memory.
 */
struct store_checker *store_checker_new(
    const char *path, const struct store_digest_key *, store_verify_fn)
    __attribute__((warn_unused_result));

bool store_checker_is_running(struct store_checker *);
/* What it has found so far; texts are borrowed. */
void store_checker_found(struct store_checker *, struct store_check *found_r);

/* End it without delay; NULL is allowed. */
void store_checker_free(struct store_checker *);

/* ---- for the thread that verifies ---- */

/* How many messages there are to be hashed. */
void store_checker_expect(struct store_checker *, uint64_t messages);
/* One message is done. */
void store_checker_advance(struct store_checker *, uint64_t octets);
/* Something is wrong, in words. */
void store_checker_problem(struct store_checker *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Nobody waits for the rest. */
bool store_checker_is_stopped(struct store_checker *);

/* Verify the whole file (verify.c). */
enum store_status store_verify(struct sql_db *, struct store_checker *)
    __attribute__((warn_unused_result));

#endif
