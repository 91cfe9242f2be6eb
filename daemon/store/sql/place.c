#include "daemon/store/sql/place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/store/sql/sqlite.h"

/*
 * Of SQLite's header, see "The Database Header" of its file format.  What is
 * before the counter tells the format; the counter never falls, and grows
 * where another connection writes the first page for the first time.
 */
#define HEADER_MAGIC       "SQLite format 3"
#define HEADER_COUNTER     24
#define HEADER_PAGES       28
#define HEADER_COOKIE      40
#define HEADER_VERSION     60
#define HEADER_APPLICATION 68

/* Another number once another connection has committed something. */
static const char data_version_sql[] = "PRAGMA data_version";

static uint32_t
header_number(const unsigned char *header, size_t at)
{
	return (uint32_t)header[at] << 24 | (uint32_t)header[at + 1] << 16 |
	       (uint32_t)header[at + 2] << 8 | header[at + 3];
}

static bool
place_look(const char *path, struct store_place_file *file_r)
{
	struct stat found;

	if (stat(path, &found) != 0)
		return false;
	file_r->device = found.st_dev;
	file_r->inode = found.st_ino;
	file_r->names = found.st_nlink;
	file_r->octets = found.st_size;
	file_r->written = found.st_mtim;
	return true;
}

static bool
place_is_same(
    const struct store_place_file *a, const struct store_place_file *b)
{
	return a->device == b->device && a->inode == b->inode;
}

static bool
place_is_unwritten(
    const struct store_place_file *a, const struct store_place_file *b)
{
	return a->octets == b->octets &&
	       a->written.tv_sec == b->written.tv_sec &&
	       a->written.tv_nsec == b->written.tv_nsec;
}

/* ---- noting ---- */

/* That others have shrunk it may be in the log so far. */
static int64_t
place_least_pages(struct sql_db *db, const unsigned char *header)
{
	int64_t pages = header_number(header, HEADER_PAGES), logged;

	if (sql_integer(db, "PRAGMA page_count", &logged) != STORE_OK)
		return 0;
	return logged < pages ? logged : pages;
}

static void
place_note_contents(
    struct store_place *place, struct sql_db *db, const unsigned char *header)
{
	struct store_place_file file;

	memcpy(place->header, header, sizeof(place->header));
	place->least_pages = place_least_pages(db, header);
	if (sql_integer(db, data_version_sql, &place->data_version) != STORE_OK)
		place->data_version = 0;
	if (place_look(place->path, &file) &&
	    place_is_same(&file, &place->file))
		place->file = file;
}

enum store_status
store_place_note(struct store_place *place, struct sql_db *db, const char *path)
{
	unsigned char header[STORE_PLACE_HEADER];
	struct store_place_file again;

	memset(place, 0, sizeof(*place));
	place->path = path;
	if (asprintf(&place->log_path, "%s-wal", path) < 0) {
		place->log_path = NULL;
		return STORE_MEMORY;
	}
	if (!place_look(path, &place->file) || sqlite_was_moved(db) ||
	    !place_look(path, &again) || !place_is_same(&again, &place->file)) {
		store_place_free(place);
		return sql_fail(
		    db, STORE_REPLACED, "it was moved while it was opened");
	}
	if (!place_look(place->log_path, &place->log))
		store_place_free(place);
	memset(header, 0, sizeof(header));
	(void)sqlite_read_header(db, header, sizeof(header));
	place_note_contents(place, db, header);
	return STORE_OK;
}

void
store_place_free(struct store_place *place)
{
	free(place->log_path);
	place->log_path = NULL;
}

/* ---- checking ---- */

static bool
header_is_of_format(const unsigned char *header, const unsigned char *noted)
{
	/* A file that was just made may have been empty. */
	if (noted[0] == '\0')
		return memcmp(header, HEADER_MAGIC, sizeof(HEADER_MAGIC)) == 0;
	return memcmp(header, noted, HEADER_COUNTER) == 0;
}

/* The value never falls in the life of a file. */
static bool
header_has_not_fallen(
    const unsigned char *header, const unsigned char *noted, size_t at)
{
	return header_number(header, at) >= header_number(noted, at);
}

/* It may have been in the log alone when it was noted. */
static bool
header_is_ours(
    struct sql_db *db, const unsigned char *header, const unsigned char *noted)
{
	uint32_t number = header_number(header, HEADER_APPLICATION);
	int64_t logged;

	if (number == header_number(noted, HEADER_APPLICATION))
		return true;
	return sql_integer(db, "PRAGMA application_id", &logged) == STORE_OK &&
	       number == logged;
}

/*
 * Whether the header can be what a checkpoint has made of the one that was
 * noted: others may do that, too, and where they write it may also shrink.
 */
static bool
place_is_checkpointed(const struct store_place *place, struct sql_db *db,
    const unsigned char *header)
{
	const unsigned char *noted = place->header;
	int64_t data_version;

	if (!header_is_of_format(header, noted) ||
	    !header_is_ours(db, header, noted) ||
	    !header_has_not_fallen(header, noted, HEADER_COUNTER) ||
	    !header_has_not_fallen(header, noted, HEADER_COOKIE) ||
	    !header_has_not_fallen(header, noted, HEADER_VERSION))
		return false;
	if (header_number(header, HEADER_PAGES) >= place->least_pages)
		return true;
	return sql_integer(db, data_version_sql, &data_version) == STORE_OK &&
	       data_version != place->data_version;
}

void
store_place_shrunk(struct store_place *place, struct sql_db *db)
{
	int64_t pages;

	if (sql_integer(db, "PRAGMA page_count", &pages) == STORE_OK &&
	    pages < place->least_pages)
		place->least_pages = pages;
}

/* Something may have been written over it in the same moment. */
void
store_place_written(struct store_place *place, struct sql_db *db)
{
	unsigned char header[STORE_PLACE_HEADER];

	if (sqlite_read_header(db, header, sizeof(header)) &&
	    place_is_checkpointed(place, db, header))
		place_note_contents(place, db, header);
}

static bool
place_is_overwritten(struct store_place *place, struct sql_db *db,
    const struct store_place_file *found)
{
	unsigned char header[STORE_PLACE_HEADER];

	if (place_is_unwritten(found, &place->file))
		return false;
	return !sqlite_read_header(db, header, sizeof(header)) ||
	       !place_is_checkpointed(place, db, header);
}

static enum store_status
place_check_log(const struct store_place *place, struct sql_db *db)
{
	struct store_place_file found;

	if (place->log_path == NULL)
		return STORE_OK;
	if (place_look(place->log_path, &found) &&
	    place_is_same(&found, &place->log))
		return STORE_OK;
	return sql_fail(db, STORE_REPLACED,
	    "its log (the same name with -wal) was removed or replaced");
}

enum store_status
store_place_check(struct store_place *place, struct sql_db *db)
{
	struct store_place_file found;

	if (!place_look(place->path, &found))
		return sql_fail(db, STORE_REPLACED,
		    "it was removed or moved away (%s)", strerror(errno));
	if (!place_is_same(&found, &place->file))
		return sql_fail(
		    db, STORE_REPLACED, "another file has replaced it");
	if (found.names > 1)
		return sql_fail(db, STORE_REPLACED,
		    "it has a second name (a hard link), by which others could "
		    "open it without its log");
	if (place_is_overwritten(place, db, &found))
		return sql_fail(db, STORE_REPLACED, "it was overwritten");
	/* Touched, or checkpointed by somebody else. */
	if (!place_is_unwritten(&found, &place->file))
		store_place_written(place, db);
	return place_check_log(place, db);
}

bool
store_place_is_overwritten(struct store_place *place, struct sql_db *db)
{
	struct store_place_file found;

	return place_look(place->path, &found) &&
	       place_is_same(&found, &place->file) &&
	       place_is_overwritten(place, db, &found);
}

void
store_place_put_log_aside(const struct store_place *place)
{
	char *aside;

	if (place->log_path == NULL ||
	    asprintf(&aside, "%s.aside", place->log_path) < 0)
		return;
	(void)rename(place->log_path, aside);
	free(aside);
}
