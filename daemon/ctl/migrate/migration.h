/*
 * What is carried over from another program: accounts and targets as sections
 * of evpopd.conf, the unique-ids that it knows, and what evpopd has nothing
 * for.  A reader of that program's files fills it in.
 */
#ifndef CTL_MIGRATE_MIGRATION_H
#define CTL_MIGRATE_MIGRATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/queue.h>

#include "lib/base/arena.h"

struct migration_pair {
	STAILQ_ENTRY(migration_pair) next;
	const char *key, *value;
};

struct migration_id {
	const char *bytes;
	size_t length;
};

/* [account NAME] or [target NAME]. */
struct migration_section {
	STAILQ_ENTRY(migration_section) next;
	const char *name;
	STAILQ_HEAD(, migration_pair) pairs;
	/* Of an account: the messages that the other program has had. */
	struct migration_id *ids;
	size_t id_count, id_room;
	size_t other_count;   /* of these: what others may really be */
	const char *ids_file; /* where they were; or NULL */
	bool is_known; /* it is configured already: only its ids are new */
};

/* What is not carried over, or is worth a look. */
struct migration_note {
	STAILQ_ENTRY(migration_note) next;
	const struct migration_section *account; /* NULL: of all */
	const char *text;
};

STAILQ_HEAD(migration_sections, migration_section);

/* How a name is used already. */
enum migration_taken {
	MIGRATION_FREE = 0,
	MIGRATION_TAKEN,
	MIGRATION_SAME /* by an account of the same maildrop */
};

struct migration {
	const char *program; /* "mpop" */
	const char *home;    /* what "~" stands for */
	const char *only;    /* the one account that is wanted; or NULL */
	/* Asked of each new section; NULL: all names are free. */
	enum migration_taken (*taken)(
	    const void *arg, const struct migration_section *, bool is_target);
	const void *taken_arg;
	struct migration_sections accounts, targets;
	STAILQ_HEAD(, migration_note) notes;
	size_t account_count;
	bool has_no_memory;       /* then all of it is worth nothing */
	char empty[1];            /* what its texts are then */
	struct evpop_arena arena; /* what the texts lie in */
};

void migration_begin(
    struct migration *migration_r, const char *program, const char *home);
void migration_end(struct migration *);

/* Zeroed memory that lives as long; NULL without memory, which is noted. */
void *migration_take(struct migration *, size_t size);

/* Texts that live as long as it does; "" without memory, which is noted. */
char *migration_copy(struct migration *, const char *bytes, size_t length);
char *migration_text(struct migration *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The path with "~" replaced by the home, and made whole. */
const char *migration_path(struct migration *, const char *path);

/*
 * A new account at this maildrop; the port may be NULL.  What no name may
 * contain is replaced, and a name that is taken gets a number.  NULL where it
 * is not the one that is wanted, or where there is one of the same maildrop
 * already: two would fetch everything twice.  That is noted.
 */
struct migration_section *migration_account(struct migration *,
    const char *name, const char *host, const char *port, const char *user);

/* Set a key; one that was set before gets the new value.  NULL sets nothing. */
void migration_set(struct migration *, struct migration_section *,
    const char *key, const char *value);
/* NULL where it is not set. */
const char *migration_get(const struct migration_section *, const char *key);

/*
 * The account's mail goes there, too: keys and values in turn, ended by NULL.
 * Accounts share a target that is the same.
 */
#define MIGRATION_KEYS(...) ((const char *const[]){ __VA_ARGS__, NULL })
void migration_deliver(struct migration *, struct migration_section *account,
    const char *type, const char *const *keys);

/* "/etc/evpopd/NAME.KIND", where a secret may be put. */
const char *migration_secret_file(struct migration *,
    const struct migration_section *account, const char *kind);

/* A message that the other program has had. */
void migration_add_id(struct migration *, struct migration_section *account,
    const char *bytes, size_t length);

/* How the one before may read on the server. */
void migration_add_other_id(
    struct migration *, struct migration_section *account, const char *id);

/* Something that is not carried over; of an account, or of all (NULL). */
void migration_note(struct migration *, const struct migration_section *,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Write the notes, a line each; what is the same of several is said once. */
void migration_write_notes(
    const struct migration *, const char *indent, FILE *out);

/* Write a section as evpopd.conf has it, and all of them with the notes. */
void migration_write_section(
    const struct migration_section *, const char *kind, FILE *out);
void migration_write(const struct migration *, const char *from, FILE *out);

/*
 * A whole file, with a NUL behind it; NULL with errno, EFBIG where it is larger
 * than any of these.
 */
char *migration_read(struct migration *, const char *path, size_t *length_r);

/*
 * The same of the file that has the account's unique-ids; NULL, and that is
 * noted, where it cannot be read.
 */
char *migration_read_ids(struct migration *, struct migration_section *account,
    const char *path, size_t *length_r);

/* The password that ~/.netrc has for this user at this host; or NULL. */
const char *migration_netrc(
    struct migration *, const char *host, const char *user);

#endif
