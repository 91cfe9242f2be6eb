/*
 * Who did what over the API: told to the store, which keeps the record.
 */
#ifndef CONTROL_RECORD_H
#define CONTROL_RECORD_H

struct record;
struct store;

/* NULL without memory.  The store must outlive it. */
struct record *record_new(struct store *) __attribute__((warn_unused_result));
void record_free(struct record *);

/*
 * `deed` is an action and its object, whose "*" stands for `name`:
 * "pause account *".  Reading again what was read within the last minute is the
 * same deed.
 */
void record_add(
    struct record *, const char *who, const char *deed, const char *name);

#endif
