/*
 * A message on its way into an account (import_send.c), and the files that hold
 * many (import_mbox.c).
 */
#ifndef CTL_IMPORT_H
#define CTL_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "daemon/ctl/client.h"

enum import_result {
	IMPORT_NEW = 0,
	IMPORT_KNOWN, /* the account has the same bytes */
	IMPORT_FAILED /* the error says why */
};

struct import_sender;

/* NULL without memory.  The name is borrowed. */
struct import_sender *import_sender_new(const struct ctl *, const char *account)
    __attribute__((warn_unused_result));
void import_sender_free(struct import_sender *);

/*
 * A message in pieces: begin, bytes, end.  Its lines get the ends that mail has
 * on its way, CR LF.
 */
void import_begin(struct import_sender *);
void import_bytes(struct import_sender *, const char *bytes, size_t length);
enum import_result import_end(
    struct import_sender *, struct client_error *error_r);

/*
 * Take an mbox apart.  `ended` is called for each message when it is sent, with
 * the line at which it begins, and returns whether to go on.  False with errno
 * if the file cannot be read.
 */
typedef bool (*import_ended)(void *arg, unsigned long line);
bool import_mbox(FILE *, struct import_sender *, import_ended, void *arg);

#endif
