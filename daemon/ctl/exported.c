#include "daemon/ctl/exported.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/secret/sealed_form.h"
#include "lib/base/array.h"
#include "lib/base/hex.h"

/* An export has a folder for each account at most. */
#define DEPTH_MAX 4

/* ---- a file ---- */

/* Where the numbers stand in sealed mail: behind its key. */
#define BINDING_AT                                           \
	(sizeof(SEALED_MAGIC) - 1 + 3 * SEALED_RECORD_HEAD + \
	    SEALING_RECIPIENT_SIZE + SEALING_KEY_SIZE)

/* The message's number; 0 where it is no sealed message. */
static int64_t
entry_read_id(int folder, const char *name)
{
	unsigned char head[SEALED_HEAD_SIZE];
	ssize_t length;
	uint64_t id = 0;
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return 0;
	length = read(fd, head, sizeof(head));
	close(fd);
	if (length != (ssize_t)sizeof(head) ||
	    !sealed_is_form(head, sizeof(head)) ||
	    head[BINDING_AT] != SEALING_MESSAGE)
		return 0;
	for (size_t i = 1; i <= 8; i++)
		id = id << 8 | head[BINDING_AT + i];
	return id <= INT64_MAX ? (int64_t)id : 0;
}

/* "1764482000.evpop12_0123456789abcdef.eml": its number, and when it came. */
static bool
entry_read_name(const char *name, int64_t *id_r, int64_t *stored_ms_r)
{
	char *end;
	long long seconds;

	errno = 0;
	seconds = strtoll(name, &end, 10);
	if (errno != 0 || seconds <= 0 || seconds >= INT64_MAX / 1000 ||
	    strncmp(end, ".evpop", strlen(".evpop")) != 0)
		return false;
	*stored_ms_r = seconds * 1000;
	*id_r = strtoll(end + strlen(".evpop"), &end, 10);
	return errno == 0 && *id_r > 0 && *end == '_';
}

static bool
name_ends_in(const char *name, const char *ending)
{
	size_t length = strlen(name);

	return length > strlen(ending) &&
	       strcmp(name + length - strlen(ending), ending) == 0;
}

/* When it was written, where its name says nothing else. */
static int64_t
entry_read_written(int folder, const char *name)
{
	struct stat status;

	return fstatat(folder, name, &status, 0) == 0
		   ? (int64_t)status.st_mtim.tv_sec * 1000
		   : 0;
}

/* The id is 0 where the file is nothing of ours. */
static void
entry_read(struct exported_entry *entry_r, int folder, const char *name)
{
	int64_t named_id = 0;

	memset(entry_r, 0, sizeof(*entry_r));
	if (!entry_read_name(name, &named_id, &entry_r->stored_ms))
		entry_r->stored_ms = entry_read_written(folder, name);
	entry_r->is_sealed = name_ends_in(name, ".sealed");
	entry_r->id =
	    entry_r->is_sealed ? entry_read_id(folder, name) : named_id;
}

/* An account's name from its folder's, in which "%XX" is an octet. */
static char *
account_read(const char *folder)
{
	char *account = strdup(folder), *to = account;

	for (const char *at = folder; account != NULL && *at != '\0'; at++) {
		int octet = *at == '%' ? evpop_hex_octet(at + 1) : -1;

		*to++ = octet > 0 ? (char)octet : *at;
		at += octet > 0 ? 2 : 0;
	}
	if (account != NULL)
		*to = '\0';
	return account;
}

/* ---- all of them ---- */

static bool
exported_add_other(struct exported *exported, char *path)
{
	char **grown = evpop_array_grow(exported->others, exported->other_count,
	    &exported->other_room, sizeof(*grown));

	if (grown == NULL)
		return false;
	exported->others = grown;
	grown[exported->other_count++] = path;
	return true;
}

static bool
exported_keep(struct exported *exported, const struct exported_entry *entry)
{
	struct exported_entry *grown = evpop_array_grow(exported->entries,
	    exported->count, &exported->room, sizeof(*grown));

	if (grown == NULL)
		return false;
	exported->entries = grown;
	grown[exported->count++] = *entry;
	return true;
}

static bool
exported_add(struct exported *exported, int fd, const char *path,
    const char *account, const char *name)
{
	struct exported_entry entry;
	bool is_kept;

	if (!name_ends_in(name, ".sealed") && !name_ends_in(name, ".eml"))
		return true;
	entry_read(&entry, fd, name);
	if (asprintf(&entry.path, "%s/%s", path, name) == -1)
		return false;
	if (entry.id == 0) {
		is_kept = exported_add_other(exported, entry.path);
	} else {
		entry.account = account_read(account);
		is_kept =
		    entry.account != NULL && exported_keep(exported, &entry);
	}
	if (!is_kept) {
		free(entry.path);
		free(entry.account);
	}
	return is_kept;
}

static bool exported_walk(
    struct exported *, const char *path, const char *account, unsigned depth);

static bool
exported_enter(struct exported *exported, const char *path, const char *name,
    unsigned depth)
{
	char *inner;
	bool done;

	if (asprintf(&inner, "%s/%s", path, name) == -1)
		return false;
	done = exported_walk(exported, inner, name, depth + 1);
	free(inner);
	return done;
}

/* False with errno. */
static bool
exported_walk(struct exported *exported, const char *path, const char *account,
    unsigned depth)
{
	DIR *names = opendir(path);
	const struct dirent *name;
	struct stat status;
	bool done = true;
	int failure;

	if (names == NULL)
		return false;
	errno = 0;
	while (done && (name = readdir(names)) != NULL) {
		if (name->d_name[0] == '.' ||
		    fstatat(dirfd(names), name->d_name, &status, 0) != 0)
			continue;
		if (S_ISREG(status.st_mode))
			done = exported_add(exported, dirfd(names), path,
			    account, name->d_name);
		else if (S_ISDIR(status.st_mode) && depth < DEPTH_MAX)
			done =
			    exported_enter(exported, path, name->d_name, depth);
		if (done)
			errno = 0;
	}
	failure = errno;
	closedir(names);
	errno = failure;
	return done && failure == 0;
}

static int
exported_compare(const void *one, const void *other)
{
	const struct exported_entry *a = one, *b = other;

	return (a->id > b->id) - (a->id < b->id);
}

bool
exported_read(struct exported *exported_r, const char *path)
{
	memset(exported_r, 0, sizeof(*exported_r));
	if (!exported_walk(exported_r, path, "", 0))
		return false;
	if (exported_r->count > 1)
		qsort(exported_r->entries, exported_r->count,
		    sizeof(*exported_r->entries), exported_compare);
	return true;
}

void
exported_free(struct exported *exported)
{
	for (size_t i = 0; i < exported->count; i++) {
		free(exported->entries[i].path);
		free(exported->entries[i].account);
	}
	for (size_t i = 0; i < exported->other_count; i++)
		free(exported->others[i]);
	free(exported->entries);
	free(exported->others);
	memset(exported, 0, sizeof(*exported));
}

size_t
exported_place(const struct exported *exported, int64_t id)
{
	size_t low = 0, high = exported->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (exported->entries[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct exported_entry *
exported_find(const struct exported *exported, int64_t id)
{
	size_t place = exported_place(exported, id);

	return place < exported->count && exported->entries[place].id == id
		   ? &exported->entries[place]
		   : NULL;
}

const struct exported_entry *
exported_double(const struct exported *exported)
{
	for (size_t i = 0; i + 1 < exported->count; i++)
		if (exported->entries[i].id == exported->entries[i + 1].id)
			return &exported->entries[i];
	return NULL;
}
