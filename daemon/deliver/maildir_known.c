#include "daemon/deliver/maildir_known.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/deliver/maildir_folder.h"
#include "lib/base/array.h"
#include "lib/base/hex.h"

/* Folders whose names are kept, and names of each: 3 MiB in all. */
#define KNOWN_FOLDERS 4
#define KNOWN_NAMES   32768

#define KEY_DIGEST 16

/* A parcel's key, and a name's. */
struct key {
	unsigned char digest[KEY_DIGEST];
	int64_t number;
};

struct names {
	char *path;    /* NULL: none is kept */
	uint64_t used; /* when: the oldest gives way */
	/* All with numbers from this one on are here. */
	int64_t from;
	struct key *keys; /* in order */
	size_t count, room;
};

struct maildir_known {
	struct names folders[KNOWN_FOLDERS];
	uint64_t uses;
};

/* ---- keys ---- */

void
maildir_name(const char *key, int64_t stored_ms, char name_r[MAILDIR_NAME])
{
	snprintf(name_r, MAILDIR_NAME, "%" PRId64 ".%s.evpop", stored_ms / 1000,
	    key);
}

/* "DIGEST.NUMBER", and whatever follows. */
static bool
key_parse(const char *text, struct key *key_r)
{
	char digest[2 * KEY_DIGEST + 1];
	size_t length = strcspn(text, ".");

	memset(key_r, 0, sizeof(*key_r));
	if (length != 2 * KEY_DIGEST || text[length] != '.')
		return false;
	memcpy(digest, text, length);
	digest[length] = '\0';
	if (!evpop_hex_decode(digest, key_r->digest, KEY_DIGEST))
		return false;
	text += length + 1;
	length = strspn(text, "0123456789");
	if (length == 0 || length > 18)
		return false;
	key_r->number = strtoll(text, NULL, 10);
	return true;
}

/* "SECONDS.DIGEST.NUMBER.evpop,S=SIZE:2,FLAGS". */
static bool
key_parse_name(const char *name, struct key *key_r)
{
	size_t seconds = strspn(name, "0123456789");

	return seconds > 0 && name[seconds] == '.' &&
	       key_parse(name + seconds + 1, key_r);
}

static int
key_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct key));
}

static bool
key_is_in(const struct key *key, const struct key *keys, size_t count)
{
	return count > 0 &&
	       bsearch(key, keys, count, sizeof(*keys), key_compare) != NULL;
}

/* ---- what is kept ---- */

static void
names_forget(struct names *names)
{
	free(names->path);
	free(names->keys);
	memset(names, 0, sizeof(*names));
}

/* That of the folder, or the one that gives way. */
static struct names *
known_names(struct maildir_known *known, const char *path)
{
	struct names *oldest = &known->folders[0];

	for (size_t i = 0; i < KNOWN_FOLDERS; i++) {
		struct names *names = &known->folders[i];

		if (names->path != NULL && strcmp(names->path, path) == 0)
			return names;
		if (names->used < oldest->used)
			oldest = names;
	}
	names_forget(oldest);
	return oldest;
}

/* A look at all names of a folder. */
struct look {
	struct maildir_wanted *wanted;
	struct key *keys;
	size_t count;
	int64_t from;
	struct names names; /* what is seen */
	bool is_too_much;
};

static void
look_keep(struct look *look, const struct key *key)
{
	struct names *names = &look->names;
	struct key *grown;

	if (look->is_too_much || key->number < look->from)
		return;
	look->is_too_much = names->count == KNOWN_NAMES;
	if (look->is_too_much)
		return;
	grown = evpop_array_grow(
	    names->keys, names->count, &names->room, sizeof(*grown));
	if (grown == NULL) {
		look->is_too_much = true;
		return;
	}
	names->keys = grown;
	grown[names->count++] = *key;
}

static bool
look_into(struct look *look, int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *all = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *one;
	struct key key;
	int error;

	if (all == NULL) {
		if (fd != -1)
			close(fd);
		return false;
	}
	while (errno = 0, (one = readdir(all)) != NULL) {
		if (!key_parse_name(one->d_name, &key))
			continue;
		for (size_t i = 0; i < look->count; i++)
			if (key_compare(&key, &look->keys[i]) == 0)
				look->wanted[i].is_there = true;
		look_keep(look, &key);
	}
	error = errno;
	closedir(all);
	errno = error;
	return error == 0;
}

static void
names_replace(struct names *names, struct look *look, const char *path)
{
	names_forget(names);
	if (look->is_too_much) {
		names_forget(&look->names);
		return;
	}
	*names = look->names;
	names->from = look->from;
	names->path = strdup(path);
	if (names->path == NULL)
		names_forget(names);
	else if (names->count > 0)
		qsort(names->keys, names->count, sizeof(names->keys[0]),
		    key_compare);
}

/* ---- the whole ---- */

struct maildir_known *
maildir_known_new(void)
{
	return calloc(1, sizeof(struct maildir_known));
}

void
maildir_known_free(struct maildir_known *known)
{
	if (known == NULL)
		return;
	for (size_t i = 0; i < KNOWN_FOLDERS; i++)
		names_forget(&known->folders[i]);
	free(known);
}

static bool
known_look(
    struct names *names, const struct maildir_folder *folder, struct look *look)
{
	/* From "new" to "cur" they go, so that none is missed between. */
	bool done =
	    look_into(look, folder->new) && look_into(look, folder->cur);

	if (done)
		names_replace(names, look, folder->path);
	else
		names_forget(&look->names);
	return done;
}

bool
maildir_known_find(struct maildir_known *known,
    const struct maildir_folder *folder, bool is_fresh,
    struct maildir_wanted *wanted, size_t count)
{
	struct names *names = known_names(known, folder->path);
	struct look look = {
		.wanted = wanted, .count = count, .from = INT64_MAX
	};
	bool done = true;

	look.keys = calloc(count, sizeof(*look.keys));
	if (look.keys == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		(void)key_parse(wanted[i].key, &look.keys[i]);
		if (look.keys[i].number < look.from)
			look.from = look.keys[i].number;
	}
	if (is_fresh || names->path == NULL || names->from > look.from)
		done = known_look(names, folder, &look);
	else
		for (size_t i = 0; i < count; i++)
			wanted[i].is_there =
			    key_is_in(&look.keys[i], names->keys, names->count);
	names->used = ++known->uses;
	free(look.keys);
	return done;
}
