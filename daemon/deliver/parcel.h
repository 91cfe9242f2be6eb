/*
 * A message on its way to a target: what a carrier has to know of it, and its
 * bytes, a piece at a time.  The loop's.
 */
#ifndef DELIVER_PARCEL_H
#define DELIVER_PARCEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "DIGEST.NUMBER": 32 hex digits, a dot, the message's number, a NUL. */
#define PARCEL_KEY 56

/* Its text is borrowed for as long as the parcel is under way. */
struct parcel {
	int64_t id;         /* in the outbox */
	int64_t message_id; /* in the store */
	/*
	 * The same at each attempt, and no other message's: by it the other
	 * side can tell that it has the message already.  Harmless characters.
	 */
	char key[PARCEL_KEY];
	/* What parcel_next() gives in all, the lines in front included. */
	uint64_t octets;
	uint64_t front_octets; /* of those, what these lines have */
	const char *account;
	/* As the templates of target and account say; "" where there are none.
	 */
	const char *recipient, *folder, *path;
	/* By the outermost lines of its header. */
	const char *sender;  /* of the envelope; "" where it is not known */
	int64_t received_ms; /* Unix time; where not said, when it was stored */
	int64_t stored_ms;
	/* Attempts before this one. */
	unsigned attempts;
	/*
	 * An earlier attempt may have succeeded without our knowing: who can
	 * look for the key looks for it first.
	 */
	bool may_be_there;
	/* What an attempt noted by parcel_note(); "" where none did. */
	const char *note;
};

enum parcel_read {
	PARCEL_PIECE = 0, /* octets follow; not empty */
	PARCEL_END,
	PARCEL_FAILED /* it cannot be read: give it back as CARRIED_UNREAD */
};

/*
 * The next piece, of at most 256 KiB, with lines in front of the message where
 * such are wanted.  The callback runs once, from the loop or from inside the
 * call; octets are borrowed until it returns.  Every line ends in CR LF as the
 * server sent it.  Not while an answer is awaited.
 */
typedef void (*parcel_cb)(
    enum parcel_read, const unsigned char *, size_t length, void *arg);
void parcel_next(struct parcel *, parcel_cb, void *arg);

/* From the beginning again: for another attempt on the same parcel. */
void parcel_rewind(struct parcel *);

/* No callback of parcel_next() or parcel_note() any more. */
void parcel_stop(struct parcel *);

/*
 * Keep a short text with the outbox row, durable when `done` runs with true:
 * where the message is about to be put, so that an attempt after a crash looks
 * there.
 */
typedef void (*parcel_noted_cb)(bool is_durable, void *arg);
void parcel_note(struct parcel *, const char *text, parcel_noted_cb, void *arg);

#endif
