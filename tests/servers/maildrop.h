/*
 * Maildrops: who has one, what is in it when it is opened, who has it locked,
 * and what becomes of deleted messages when a session reaches UPDATE.
 */

#ifndef MAILDROPD_MAILDROP_H
#define MAILDROPD_MAILDROP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "body.h"
#include "options.h"

/* A unique-id has at most 70 octets (RFC 1939, section 7), and a NUL. */
#define MAILDROP_UNIQUE_ID_SIZE 71

struct maildrops;

/* One message of an open maildrop. */
struct maildrop_message {
	char *name;      /* the file's, or NULL for a synthetic message */
	uint64_t size;   /* octets as sent, unstuffed */
	uint32_t serial; /* of a synthetic message, from 1 */
	bool deleted;
};

/* A maildrop that a session holds the lock of. */
struct maildrop {
	struct maildrops *owner;
	const struct folder_option *folder; /* or NULL */
	const struct synthetic_option *synthetic;
	size_t lock; /* whose it is */
	char *user;
	struct maildrop_message *messages;
	size_t message_count;
	bool crlf;
};

enum maildrop_outcome {
	MAILDROP_OPENED,
	MAILDROP_REFUSED, /* no such user, or another password */
	MAILDROP_IN_USE,
	MAILDROP_BROKEN /* the folder could not be read */
};

/* The maildrops that OPTIONS names; OPTIONS must outlive them. */
struct maildrops *maildrops_new(const struct options *options);

void maildrops_free(struct maildrops *);

/*
 * Locks and lists USER's maildrop.  *maildrop_r is set only for
 * MAILDROP_OPENED and goes back through maildrop_close.
 */
enum maildrop_outcome maildrop_open(struct maildrops *, const char *user,
    const char *password, struct maildrop **maildrop_r);

/* Unlocks and frees; nothing is deleted.  Does nothing for NULL. */
void maildrop_close(struct maildrop *);

/*
 * Removes what is marked as deleted (UPDATE).  Returns how many messages could
 * not be removed, and the number that were in *removed_r.
 */
size_t maildrop_update(struct maildrop *, size_t *removed_r);

/* Writes the unique-id of a message, terminated by NUL. */
void maildrop_unique_id(const struct maildrop *,
    const struct maildrop_message *,
    char unique_id[static MAILDROP_UNIQUE_ID_SIZE]);

/* Opens the bytes of a message.  Returns -1 with errno set. */
int maildrop_open_body(const struct maildrop *, const struct maildrop_message *,
    struct body *body);

#endif
