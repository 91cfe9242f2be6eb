/*
 * Names in "tmp" of a Maildir: each attempt at a message has its own, for the
 * thread of a carrier that was ended may be at work for a while; and what an
 * attempt has left that was cut by a crash is known by its name.
 */
#ifndef DELIVER_MAILDIR_TEMPORARY_H
#define DELIVER_MAILDIR_TEMPORARY_H

#include <stddef.h>
#include <stdint.h>

#define MAILDIR_TEMPORARY 248

/* For a message of this name, that goes to this target. */
void maildir_temporary_name(
    const char *name, uint32_t target, char temporary_r[MAILDIR_TEMPORARY]);

/*
 * Remove from the folder what other runs of the program have left of the same
 * messages for the same target.
 */
void maildir_temporary_sweep(
    int folder, const char *const *temporary, size_t count);

#endif
