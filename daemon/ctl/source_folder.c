/*
 * A folder of messages as `evpopctl export --sealed` leaves it, as a source of
 * mail: sealed ones, and those that never were.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/field.h"
#include "daemon/control/mail.h"
#include "daemon/control/when.h"
#include "daemon/ctl/exported.h"
#include "daemon/ctl/source.h"
#include "daemon/store/scan.h"
#include "lib/base/clock.h"
#include "lib/base/hex.h"

#define BUFFER_SIZE ((size_t)16 * 1024)
#define PAGE_MAX    1000

struct folder {
	char *path;
	struct exported exported;
};

static void
folder_close(void *place)
{
	struct folder *folder = place;

	if (folder == NULL)
		return;
	exported_free(&folder->exported);
	free(folder->path);
	free(folder);
}

/* ---- which message ---- */

static bool
folder_read_number(const char *text, int64_t *number_r)
{
	char *end;

	if (text == NULL || *text < '0' || *text > '9')
		return false;
	errno = 0;
	*number_r = strtoll(text, &end, 10);
	return errno == 0 && *end == '\0';
}

static const struct exported_entry *
folder_find(
    const struct folder *folder, const char *id, struct client_error *error_r)
{
	const struct exported_entry *entry;
	int64_t number;

	if (!folder_read_number(id, &number) || number < 1) {
		client_fail(error_r, CTL_USAGE,
		    "ids are whole numbers, as \"evpopctl messages\" shows "
		    "them",
		    "\"%.64s\" is no id of a message", id);
		return NULL;
	}
	entry = exported_find(&folder->exported, number);
	if (entry != NULL)
		return entry;
	client_fail(error_r, CTL_NOT_FOUND, NULL, "%s has no message %lld",
	    folder->path, (long long)number);
	return NULL;
}

/* ---- bytes ---- */

/* False with the error. */
static bool
folder_give_file(FILE *file, const char *path, size_t most, client_sink sink,
    void *arg, struct client_error *error_r)
{
	char buffer[BUFFER_SIZE];
	size_t got, wanted = sizeof(buffer);

	if (most > 0 && most < wanted)
		wanted = most;
	while ((got = fread(buffer, 1, wanted, file)) > 0) {
		if (!sink(buffer, got, arg)) {
			client_fail(error_r, CTL_OK, NULL, "stopped");
			return false;
		}
		if (most > 0)
			break;
	}
	if (!ferror(file))
		return true;
	client_fail(error_r, CTL_IO, NULL, "%s: %s", path, strerror(errno));
	return false;
}

static bool
folder_give(const char *path, size_t most, client_sink sink, void *arg,
    struct client_error *error_r)
{
	FILE *file = fopen(path, "re");
	bool done;

	if (file == NULL) {
		client_fail(error_r,
		    errno == EACCES ? CTL_NO_PERMISSION : CTL_IO, NULL,
		    "%s: %s", path, strerror(errno));
		return false;
	}
	done = folder_give_file(file, path, most, sink, arg, error_r);
	fclose(file);
	return done;
}

static bool
folder_bytes(struct mail_source *source, const struct ctl *ctl,
    const struct source_name *name, size_t most, client_sink sink, void *arg,
    struct client_error *error_r)
{
	const struct exported_entry *entry =
	    folder_find(source->place, name->id, error_r);

	(void)ctl;
	return entry != NULL &&
	       folder_give(entry->path, most, sink, arg, error_r);
}

/* ---- rows ---- */

static json_t *
row_of_scanned(
    const struct exported_entry *entry, const struct store_scan_result *scanned)
{
	const struct mail_envelope *envelope = scanned->envelope;
	char digest[STORE_DIGEST_HEX];
	const struct store_message_row row = {
		.id = entry->id,
		.account = entry->account,
		.octets = scanned->octets,
		.digest = digest,
		.stored_ms = entry->stored_ms,
		.has_date = envelope->has_date,
		.date_ms = envelope->date_ms,
		.sender = envelope->sender,
		.recipients = envelope->recipients,
		.cc = envelope->cc,
		.subject = envelope->subject,
		.message_header_id = envelope->header_id,
		.attachments = scanned->attachments,
		.is_cut = scanned->is_cut,
	};

	evpop_hex_encode(scanned->digest, sizeof(scanned->digest), digest);
	return message_json(&row);
}

static bool
row_feed(const char *bytes, size_t length, void *scan)
{
	return store_scan_feed(scan, bytes, length);
}

/* What was never sealed is read whole. */
static json_t *
folder_scan(const struct exported_entry *entry, struct client_error *error_r)
{
	struct store_scan_held held = { 0 };
	struct store_scan *scan = store_scan_new(&held, STORE_SCAN_FOR_ROW);
	struct store_scan_result scanned;
	json_t *json = NULL;

	client_fail(error_r, CTL_TEMPORARY, NULL, "out of memory");
	if (scan != NULL &&
	    folder_give(entry->path, 0, row_feed, scan, error_r)) {
		if (store_scan_finish(scan, &scanned))
			json = row_of_scanned(entry, &scanned);
		else
			client_fail(
			    error_r, CTL_TEMPORARY, NULL, "out of memory");
	}
	store_scan_free(scan);
	return json;
}

/* NULL with the error. */
static json_t *
folder_row_of(const struct exported_entry *entry, struct client_error *error_r)
{
	const struct store_message_row row = {
		.id = entry->id, .stored_ms = entry->stored_ms, .account = ""
	};
	json_t *json =
	    entry->is_sealed ? message_json(&row) : folder_scan(entry, error_r);

	if (json != NULL)
		field_value(json, "sealed", json_boolean(entry->is_sealed));
	return json;
}

static bool
folder_row(struct mail_source *source, const struct ctl *ctl,
    const char *pattern, const char *id, json_t **row_r,
    struct client_error *error_r)
{
	const struct exported_entry *entry =
	    folder_find(source->place, id, error_r);

	(void)ctl;
	(void)pattern;
	*row_r = entry != NULL ? folder_row_of(entry, error_r) : NULL;
	return *row_r != NULL;
}

/* ---- lists ---- */

struct wanted {
	const char *account; /* or NULL */
	bool has_since, has_before, is_feed;
	int64_t since_ms, before_ms, after_id, cursor, limit;
};

static bool
wanted_read_time(const struct target *target, const char *name, bool *has_r,
    int64_t *time_ms_r, struct client_error *error_r)
{
	const char *text = target_value(target, name);

	*has_r = text != NULL;
	if (text == NULL || when_parse(text, evpop_clock_unix_ms(), time_ms_r))
		return true;
	client_fail(error_r, CTL_USAGE,
	    "a date, a time such as 2024-02-29T12:34Z, or how long ago: 24h",
	    "invalid %s \"%.64s\"", name, text);
	return false;
}

static bool
wanted_read(const struct target *target, struct wanted *wanted_r,
    struct client_error *error_r)
{
	const char *limit = target_value(target, "limit");
	const char *after = target_value(target, "after_id");
	const char *cursor = target_value(target, "cursor");

	memset(wanted_r, 0, sizeof(*wanted_r));
	wanted_r->account = target_value(target, "account");
	wanted_r->limit = 100;
	wanted_r->cursor = INT64_MAX;
	wanted_r->is_feed = after != NULL;
	if ((limit != NULL && !folder_read_number(limit, &wanted_r->limit)) ||
	    (cursor != NULL &&
		!folder_read_number(cursor, &wanted_r->cursor)) ||
	    (after != NULL &&
		!folder_read_number(after, &wanted_r->after_id))) {
		client_fail(error_r, CTL_USAGE, NULL,
		    "ids and limits are whole numbers");
		return false;
	}
	if (wanted_r->limit < 1 || wanted_r->limit > PAGE_MAX)
		wanted_r->limit = PAGE_MAX;
	if (after != NULL && cursor != NULL &&
	    wanted_r->cursor > wanted_r->after_id)
		wanted_r->after_id = wanted_r->cursor;
	return wanted_read_time(target, "since", &wanted_r->has_since,
		   &wanted_r->since_ms, error_r) &&
	       wanted_read_time(target, "before", &wanted_r->has_before,
		   &wanted_r->before_ms, error_r);
}

static bool
wanted_may_fit(const struct wanted *wanted, const struct exported_entry *entry)
{
	return !(wanted->has_since && entry->stored_ms < wanted->since_ms) &&
	       !(wanted->has_before && entry->stored_ms >= wanted->before_ms);
}

/* The next place to look at; SIZE_MAX behind the last one. */
static size_t
wanted_first(const struct folder *folder, const struct wanted *wanted)
{
	size_t place;

	if (wanted->is_feed) {
		place = exported_place(&folder->exported, wanted->after_id + 1);
		return place < folder->exported.count ? place : SIZE_MAX;
	}
	place = exported_place(&folder->exported, wanted->cursor);
	return place > 0 ? place - 1 : SIZE_MAX;
}

static size_t
wanted_next(
    const struct folder *folder, const struct wanted *wanted, size_t place)
{
	if (wanted->is_feed)
		return place + 1 < folder->exported.count ? place + 1
							  : SIZE_MAX;
	return place > 0 ? place - 1 : SIZE_MAX;
}

/* Whose account it is, is told by the envelope. */
static bool
folder_is_of(struct mail_source *source, const struct ctl *ctl,
    const char *account, const struct exported_entry *entry, json_t *row)
{
	struct client_error error;
	char id[24];
	const struct source_name name = { .id = id };

	if (account == NULL)
		return true;
	snprintf(id, sizeof(id), "%" PRId64, entry->id);
	if (source_read_envelope(source, ctl, &name, row, &error))
		return ctl_is(row, "account", account);
	source_add_problem(&source->problems, ctl, entry->id, &error);
	return false;
}

static void
folder_page_add(struct mail_source *source, const struct ctl *ctl, json_t *rows,
    const struct wanted *wanted, const struct exported_entry *entry)
{
	struct client_error error;
	json_t *row = folder_row_of(entry, &error);

	if (row == NULL)
		source_add_problem(&source->problems, ctl, entry->id, &error);
	else if (folder_is_of(source, ctl, wanted->account, entry, row))
		(void)json_array_append(rows, row);
	json_decref(row);
}

static bool
folder_page(struct mail_source *source, const struct ctl *ctl,
    const struct target *target, json_t **page_r, struct client_error *error_r)
{
	const struct folder *folder = source->place;
	struct wanted wanted;
	json_t *rows;
	int64_t last_id = 0;
	size_t place;

	*page_r = NULL;
	if (!wanted_read(target, &wanted, error_r))
		return false;
	rows = json_array();
	place = wanted_first(folder, &wanted);
	for (;
	     place != SIZE_MAX && json_array_size(rows) < (size_t)wanted.limit;
	     place = wanted_next(folder, &wanted, place)) {
		last_id = folder->exported.entries[place].id;
		if (wanted_may_fit(&wanted, &folder->exported.entries[place]))
			folder_page_add(source, ctl, rows, &wanted,
			    &folder->exported.entries[place]);
	}
	*page_r = json_object();
	field_value(*page_r, "messages", rows);
	if (wanted.is_feed)
		field_value(*page_r, "next_after_id", json_integer(last_id));
	if (place != SIZE_MAX)
		field_cursor(*page_r, last_id);
	return true;
}

/* Nobody else is there to answer. */
static bool
folder_other(struct mail_source *source, const struct ctl *ctl,
    const struct target *target, json_t **json_r, struct client_error *error_r)
{
	const struct folder *folder = source->place;

	(void)ctl;
	(void)target;
	*json_r = NULL;
	client_fail(error_r, CTL_UNAVAILABLE,
	    "messages, search, show, raw and export read it",
	    "%s is a folder of messages: only a daemon can do that",
	    folder->path);
	return false;
}

/* ---- the whole ---- */

/* Files that are no sealed messages are said and left out. */
static enum ctl_exit
folder_check(struct mail_source *source, const struct ctl *ctl,
    const struct exported *exported)
{
	const struct exported_entry *entry = exported_double(exported);
	struct client_error error;

	if (entry != NULL) {
		ctl_warn(ctl, "%s and %s are both message %" PRId64,
		    entry->path, entry[1].path, entry->id);
		ctl_hint(ctl, "what was exported of two stores goes into two "
			      "folders");
		return CTL_DATA;
	}
	for (size_t i = 0; i < exported->other_count; i++) {
		client_fail(&error, CTL_DATA, "copy or export it again, whole",
		    "%s: it is no message of an export, or is cut",
		    exported->others[i]);
		source_add_problem(&source->problems, ctl, 0, &error);
	}
	return CTL_OK;
}

enum ctl_exit
source_open_folder(struct mail_source *source_r, const struct ctl *ctl,
    const struct sealed_keys *keys, const char *path)
{
	static const struct mail_source_kind kind = {
		.page = folder_page,
		.row = folder_row,
		.bytes = folder_bytes,
		.other = folder_other,
		.close = folder_close,
		.puts_place = true,
	};
	struct folder *folder = calloc(1, sizeof(*folder));

	*source_r = (struct mail_source){
		.kind = &kind, .keys = keys, .place = folder
	};
	if (folder != NULL)
		folder->path = strdup(path);
	if (folder == NULL || folder->path == NULL)
		return ctl_no_memory(ctl);
	if (!exported_read(&folder->exported, path)) {
		int failure = errno;

		ctl_warn(ctl, "%s: %s", path, strerror(failure));
		return failure == ENOENT   ? CTL_NOT_FOUND
		       : failure == EACCES ? CTL_NO_PERMISSION
					   : CTL_IO;
	}
	return folder_check(source_r, ctl, &folder->exported);
}
