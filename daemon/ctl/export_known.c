#include "daemon/ctl/export_known.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/array.h"

/* Hexadecimal digits of a digest in a name: 64 bits. */
#define DIGITS 16

struct export_known_file {
	int64_t id;
	uint64_t digest; /* its first 64 bits */
};

/* ---- names ---- */

void
export_name_maildir(
    const struct export_message *message, char name_r[EXPORT_NAME_SIZE])
{
	snprintf(name_r, EXPORT_NAME_SIZE, "%" PRId64 ".evpop%" PRId64 "_%.*s",
	    message->stored_ms / 1000, message->id, DIGITS, message->digest);
}

void
export_name_sealed(
    const struct export_message *message, char name_r[EXPORT_NAME_SIZE])
{
	size_t length;

	export_name_maildir(message, name_r);
	length = strlen(name_r);
	snprintf(name_r + length, EXPORT_NAME_SIZE - length, "%s",
	    message->is_sealed ? ".sealed" : ".eml");
}

void
export_name_eml(
    const struct export_message *message, char name_r[EXPORT_NAME_SIZE])
{
	snprintf(name_r, EXPORT_NAME_SIZE, "%" PRId64 "-%.*s.eml", message->id,
	    DIGITS, message->digest);
}

/* Sixteen hexadecimal digits; false if there are others. */
static bool
known_read_digest(const char *text, uint64_t *digest_r)
{
	char digits[DIGITS + 1];

	if (strspn(text, "0123456789abcdef") != DIGITS)
		return false;
	memcpy(digits, text, DIGITS);
	digits[DIGITS] = '\0';
	*digest_r = strtoull(digits, NULL, 16);
	return true;
}

/* Reader programs of a Maildir append flags. */
static bool
known_read_name(const char *name, struct export_known_file *file_r)
{
	const char *ours = strstr(name, ".evpop");
	char *end;

	if (ours != NULL)
		ours += strlen(".evpop");
	else
		ours = name;
	if (*ours < '1' || *ours > '9')
		return false;
	errno = 0;
	file_r->id = strtoll(ours, &end, 10);
	return errno == 0 && (*end == '_' || *end == '-') &&
	       known_read_digest(end + 1, &file_r->digest);
}

/* ---- folders ---- */

static bool
known_add(struct export_known *known, const char *name)
{
	struct export_known_file file, *grown;

	if (!known_read_name(name, &file))
		return true;
	grown = evpop_array_grow(
	    known->files, known->count, &known->room, sizeof(*grown));
	if (grown == NULL) {
		errno = ENOMEM;
		return false;
	}
	known->files = grown;
	known->files[known->count++] = file;
	return true;
}

/* Call for each name in a folder; false with errno. */
static bool
folder_walk(const char *folder,
    bool (*take)(int fd, const char *name, void *arg), void *arg)
{
	DIR *names = opendir(folder);
	const struct dirent *entry;
	bool went_well = true;
	int failure;

	if (names == NULL)
		return errno == ENOENT;
	errno = 0;
	while (went_well && (entry = readdir(names)) != NULL) {
		went_well = take(dirfd(names), entry->d_name, arg);
		if (went_well)
			errno = 0;
	}
	failure = errno;
	closedir(names);
	errno = failure;
	return went_well && failure == 0;
}

static bool
known_take(int fd, const char *name, void *arg)
{
	(void)fd;
	return known_add(arg, name);
}

bool
export_known_read(struct export_known *known, const char *folder)
{
	return folder_walk(folder, known_take, known);
}

static bool
unfinished_take(int fd, const char *name, void *arg)
{
	(void)arg;
	return strncmp(name, EXPORT_UNFINISHED, strlen(EXPORT_UNFINISHED)) !=
		   0 ||
	       unlinkat(fd, name, 0) == 0;
}

bool
export_remove_unfinished(const char *folder)
{
	return folder_walk(folder, unfinished_take, NULL);
}

/* ---- what is known ---- */

static int
known_compare(const void *one, const void *other)
{
	const struct export_known_file *a = one, *b = other;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return (a->digest > b->digest) - (a->digest < b->digest);
}

void
export_known_sort(struct export_known *known)
{
	if (known->count > 1)
		qsort(known->files, known->count, sizeof(*known->files),
		    known_compare);
}

static int
known_compare_id(const void *one, const void *other)
{
	const struct export_known_file *a = one, *b = other;

	return (a->id > b->id) - (a->id < b->id);
}

static bool
known_has(const struct export_known *known,
    const struct export_known_file *file,
    int (*compare)(const void *, const void *))
{
	return known->count > 0 && bsearch(file, known->files, known->count,
				       sizeof(*file), compare) != NULL;
}

enum export_presence
export_known_find(
    const struct export_known *known, const struct export_message *message)
{
	struct export_known_file file = { .id = message->id };
	char digits[DIGITS + 1];

	snprintf(digits, sizeof(digits), "%s", message->digest);
	if (known_read_digest(digits, &file.digest) &&
	    known_has(known, &file, known_compare))
		return EXPORT_THERE;
	return known_has(known, &file, known_compare_id) ? EXPORT_IN_DOUBT
							 : EXPORT_MISSING;
}

void
export_known_free(struct export_known *known)
{
	free(known->files);
	memset(known, 0, sizeof(*known));
}
