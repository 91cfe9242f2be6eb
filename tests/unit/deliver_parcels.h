/*
 * Parcels without an outbox, for tests of carriers that put messages into
 * files: their texts are the test's, their bytes come in pieces, and what
 * became of each is kept.
 */
#ifndef TESTS_DELIVER_PARCELS_H
#define TESTS_DELIVER_PARCELS_H

#include "daemon/config/target.h"
#include "daemon/deliver/carrier.h"
#include "daemon/deliver/parcel.h"

#define PARCELS_MAX 300

struct sent {
	struct parcel parcel;
	const char *text; /* its bytes */
	size_t at, length, piece;
	bool fails_to_read; /* after the first piece */
	bool fails_to_note;
	char note[256];
	int answers;
	enum carried outcome;
	bool may_be_there;
	int64_t retry_after_ms;
	char answer[512], place[512];
};

struct post {
	char folder[64]; /* of the test's own, removed at the end */
	struct event_base *base;
	struct config_target target;
	const struct carrier_type *type;
	struct carrier_setup setup;
	struct carrier *carrier;
	struct sent sent[PARCELS_MAX];
	size_t count;
	struct sent probe;
	int closed;          /* how often it has closed by itself */
	bool ends_at_answer; /* the carrier is ended inside carried() */
};

struct post *post_new(const struct carrier_type *);
void post_free(struct post *);
/* Begin the carrier (again). */
void post_begin(struct post *);
/* A message that is not carried yet: "DIGEST.NUMBER" by its place. */
struct sent *post_message(struct post *, const char *text);
void post_carry(struct post *, struct sent *);
/* Until all that was carried is answered. */
void post_wait(struct post *);
/* Carry, wait, and the outcome. */
enum carried post_deliver(struct post *, struct sent *);
enum carried post_probe(struct post *);

/* A path below the folder; borrowed until the next eight calls. */
const char *post_path(const struct post *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* What is in a file; NULL: there is none.  For free(). */
char *post_read(const char *path);
void post_write(const char *path, const char *text);
/* How many names there are that are not hidden; -1: no folder. */
int post_files(const char *path);
/* The only one's path, for free(). */
char *post_only(const char *path);

#endif
