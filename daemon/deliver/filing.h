/*
 * The carrier of what is put into files: parcels are read on the loop, one
 * after another, and written on a thread, where many of them are made durable
 * at once.  How a message lies in files is a kind's matter: a Maildir's, an
 * mbox's.
 */
#ifndef DELIVER_FILING_H
#define DELIVER_FILING_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/config/target.h"
#include "daemon/deliver/carrier.h"
#include "daemon/deliver/letter.h"

struct worker;

/* Of the target, for the thread, which may end after it. */
struct filing_options {
	char *name;
	char *path; /* a template */
	enum config_line_ends line_ends;
	mode_t mode;
	uint32_t timeout_ms;
	int64_t begun_ms;      /* Unix time when the carrier was begun */
	struct worker *worker; /* for worker_is_stopping() */
};

/*
 * All on the thread.  What fails gives the letter its fate (letter.h), and
 * leaves nothing behind.
 */
struct filing_kind {
	/* NULL without memory. */
	void *(*open)(const struct filing_options *);
	void (*close)(void *files);
	/*
	 * A message of this letter begins, which stays; its bytes follow, and
	 * those of no other until it is finished or abandoned.  NULL: it
	 * failed.
	 */
	void *(*begin)(void *files, const struct letter *);
	bool (*write)(
	    void *files, void *file, const char *bytes, size_t length);
	/* It is whole; letter_wish() may be called. */
	bool (*finish)(void *files, void *file);
	/* After any of these: it is not wanted, or `write` or `finish` failed.
	 */
	void (*abandon)(void *files, void *file);
	/*
	 * Make those that are finished durable, and seen by who reads them:
	 * each letter gets its fate, and the array's items are freed.
	 */
	void (*commit)(void *files, void *const *, size_t count);
	/* Whether one could be put there, as far as that can be known. */
	void (*probe)(void *files, const struct letter *);
	/* How many are committed at once, at most. */
	size_t group;
};

/* Parcels that one takes before the first is answered. */
#define FILING_DEPTH 256

/* As those of a carrier_type. */
struct carrier *filing_begin(
    const struct filing_kind *, const struct carrier_setup *);
void filing_carry(struct carrier *, struct parcel *);
void filing_probe(struct carrier *);
void filing_end(struct carrier *);

#endif
