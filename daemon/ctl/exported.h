/*
 * The files of a folder that `evpopctl export --sealed` has written: which
 * message each has is told by a sealed one itself, else by its name, and when
 * it was stored by its name.
 */
#ifndef CTL_EXPORTED_H
#define CTL_EXPORTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exported_entry {
	int64_t id, stored_ms;
	bool is_sealed;
	char *path, *account; /* the account's is that of what is not sealed */
};

struct exported {
	struct exported_entry *entries; /* by id */
	size_t count, room;
	/* Paths of those that are none. */
	char **others;
	size_t other_count, other_room;
};

/*
 * Read the names in a folder and in those below it.  False with errno; what was
 * read is freed by the caller either way.
 */
bool exported_read(struct exported *exported_r, const char *path)
    __attribute__((warn_unused_result));
void exported_free(struct exported *);

/* How many have an id below this one. */
size_t exported_place(const struct exported *, int64_t id);
/* NULL: it is not there. */
const struct exported_entry *exported_find(const struct exported *, int64_t id);
/* The first of two that have the same id; NULL: there are none. */
const struct exported_entry *exported_double(const struct exported *);

#endif
