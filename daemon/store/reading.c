#include "daemon/store/reading.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/digest.h"
#include "daemon/store/mail/apart.h"
#include "daemon/store/mail/extract.h"
#include "daemon/store/mail/headers.h"
#include "daemon/store/mail/inventory.h"
#include "daemon/store/passage.h"
#include "lib/base/hex.h"

/*
 * Of a part's bytes that are given at a time: decoded bytes are no more than
 * those that they come from, which is a piece, but for what was held back.
 */
#define PIECE_MAX ((size_t)512 * 1024)

static enum store_passage_wish
reading_wish(bool has_memory)
{
	return has_memory ? STORE_PASSAGE_MORE : STORE_PASSAGE_FAILED;
}

/* ---- parts ---- */

struct parts {
	struct store_passage passage;
	struct mail_inventory *inventory;
	struct store_part_row *rows;
	char (*digests)[STORE_PART_DIGEST];
	size_t count;
	store_parts_cb done;
	void *arg;
};

static enum store_passage_wish
parts_take(void *arg, const char *bytes, size_t length)
{
	struct parts *parts = arg;

	return reading_wish(
	    mail_inventory_feed(parts->inventory, bytes, length));
}

_Static_assert(STORE_PART_DIGEST == STORE_DIGEST_HEX, "a digest in hex");

void
store_part_row_take(const struct mail_item *item,
    char digest[STORE_PART_DIGEST], struct store_part_row *row_r)
{
	static const enum store_disposition dispositions[] = {
		[MAIL_DISPOSITION_NONE] = STORE_DISPOSITION_NONE,
		[MAIL_DISPOSITION_INLINE] = STORE_DISPOSITION_INLINE,
		[MAIL_DISPOSITION_ATTACHMENT] = STORE_DISPOSITION_ATTACHMENT,
	};

	evpop_hex_encode(item->digest, STORE_DIGEST_SIZE, digest);
	*row_r = (struct store_part_row){
		.number = item->number,
		.within = item->within,
		.type = item->type,
		.charset = item->charset,
		.name = item->name,
		.disposition = dispositions[item->disposition],
		.is_attached = item->is_attached,
		.octets = item->octets,
		.digest = digest,
	};
}

static bool
parts_finish(void *arg)
{
	struct parts *parts = arg;
	const struct mail_item *items;

	if (!mail_inventory_finish(parts->inventory))
		return false;
	items = mail_inventory_items(parts->inventory, &parts->count);
	parts->rows = calloc(parts->count + 1, sizeof(*parts->rows));
	parts->digests = calloc(parts->count + 1, sizeof(*parts->digests));
	if (parts->rows == NULL || parts->digests == NULL)
		return false;
	for (size_t i = 0; i < parts->count; i++)
		store_part_row_take(
		    &items[i], parts->digests[i], &parts->rows[i]);
	return true;
}

static void
parts_free(struct parts *parts)
{
	mail_inventory_free(parts->inventory);
	free(parts->rows);
	free(parts->digests);
	free(parts);
}

static void
parts_done(void *arg, enum store_status status)
{
	struct parts *parts = arg;

	if (status == STORE_OK)
		parts->done(status, parts->rows, parts->count,
		    mail_inventory_is_cut(parts->inventory), parts->arg);
	else
		parts->done(status, NULL, 0, false, parts->arg);
	parts_free(parts);
}

void
store_parts(struct store *store, int64_t id, store_parts_cb done, void *arg)
{
	static const struct store_passage_reader reader = { parts_take,
		parts_finish, parts_done };
	struct parts *parts = calloc(1, sizeof(*parts));

	if (parts != NULL)
		parts->inventory = mail_inventory_new();
	if (parts == NULL || parts->inventory == NULL) {
		free(parts);
		done(STORE_MEMORY, NULL, 0, false, arg);
		return;
	}
	parts->done = done;
	parts->arg = arg;
	store_passage_init(&parts->passage, store, id, &reader, parts);
	store_passage_go(&parts->passage, arg);
}

/* ---- text ---- */

struct text {
	struct store_passage passage;
	struct mail_apart_reading *reading;
	store_text_cb done;
	void *arg;
};

static enum store_passage_wish
text_take(void *arg, const char *bytes, size_t length)
{
	struct text *text = arg;

	return reading_wish(
	    mail_apart_reading_feed(text->reading, bytes, length));
}

static bool
text_finish(void *arg)
{
	struct text *text = arg;

	return mail_apart_reading_finish(text->reading);
}

static void
text_done(void *arg, enum store_status status)
{
	struct text *text = arg;
	const char *lines;
	size_t length;

	if (status == STORE_OK) {
		lines = mail_apart_reading_text(text->reading, &length);
		text->done(status, lines, length, text->arg);
	} else
		text->done(status, NULL, 0, text->arg);
	mail_apart_reading_free(text->reading);
	free(text);
}

void
store_text(struct store *store, int64_t id, store_text_cb done, void *arg)
{
	static const struct store_passage_reader reader = { text_take,
		text_finish, text_done };
	struct text *text = calloc(1, sizeof(*text));

	if (text != NULL)
		text->reading = mail_apart_reading_new();
	if (text == NULL || text->reading == NULL) {
		free(text);
		done(STORE_MEMORY, NULL, 0, arg);
		return;
	}
	text->done = done;
	text->arg = arg;
	store_passage_init(&text->passage, store, id, &reader, text);
	store_passage_go(&text->passage, arg);
}

/* ---- header ---- */

struct fields {
	struct store_passage passage;
	struct mail_headers *headers;
	store_fields_cb done;
	void *arg;
};

static enum store_passage_wish
fields_take(void *arg, const char *bytes, size_t length)
{
	struct fields *fields = arg;

	if (!mail_headers_feed(fields->headers, bytes, length))
		return STORE_PASSAGE_FAILED;
	return mail_headers_are_read(fields->headers) ? STORE_PASSAGE_ENOUGH
						      : STORE_PASSAGE_MORE;
}

static bool
fields_finish(void *arg)
{
	struct fields *fields = arg;

	return mail_headers_finish(fields->headers);
}

static void
fields_done(void *arg, enum store_status status)
{
	struct fields *fields = arg;
	const struct mail_headers_field *given;
	struct store_field_row *rows = NULL;
	size_t count = 0;

	if (status == STORE_OK) {
		given = mail_headers_fields(fields->headers, &count);
		rows = calloc(count + 1, sizeof(*rows));
		if (rows == NULL)
			status = STORE_MEMORY;
	}
	for (size_t i = 0; rows != NULL && i < count; i++)
		rows[i] =
		    (struct store_field_row){ given[i].name, given[i].value };
	fields->done(status, rows, rows != NULL ? count : 0,
	    mail_headers_are_cut(fields->headers), fields->arg);
	free(rows);
	mail_headers_free(fields->headers);
	free(fields);
}

void
store_fields(struct store *store, int64_t id, store_fields_cb done, void *arg)
{
	static const struct store_passage_reader reader = { fields_take,
		fields_finish, fields_done };
	struct fields *fields = calloc(1, sizeof(*fields));

	if (fields != NULL)
		fields->headers = mail_headers_new();
	if (fields == NULL || fields->headers == NULL) {
		free(fields);
		done(STORE_MEMORY, NULL, 0, false, arg);
		return;
	}
	fields->done = done;
	fields->arg = arg;
	store_passage_init(&fields->passage, store, id, &reader, fields);
	store_passage_go(&fields->passage, arg);
}

/* ---- the bytes of a part ---- */

struct store_extract {
	struct store_passage passage;
	struct mail_extract *extract;
	struct mail_text piece;
	store_part_cb done; /* of the piece that is asked for */
	void *arg;
};

static enum store_passage_wish
extract_take(void *arg, const char *bytes, size_t length)
{
	struct store_extract *extract = arg;

	if (!mail_extract_feed(
		extract->extract, bytes, length, &extract->piece))
		return STORE_PASSAGE_FAILED;
	if (mail_extract_is_done(extract->extract))
		return STORE_PASSAGE_ENOUGH;
	return extract->piece.length > 0 ? STORE_PASSAGE_PAUSE
					 : STORE_PASSAGE_MORE;
}

static bool
extract_finish(void *arg)
{
	struct store_extract *extract = arg;

	return mail_extract_is_done(extract->extract) ||
	       mail_extract_finish(extract->extract, &extract->piece);
}

static void
extract_done(void *arg, enum store_status status)
{
	struct store_extract *extract = arg;

	if (status == STORE_OK)
		extract->done(status,
		    (const unsigned char *)extract->piece.bytes,
		    extract->piece.length, extract->arg);
	else
		extract->done(status, NULL, 0, extract->arg);
}

struct store_extract *
store_extract_new(struct store *store, int64_t id, unsigned number)
{
	static const struct store_passage_reader reader = { extract_take,
		extract_finish, extract_done };
	struct store_extract *extract = calloc(1, sizeof(*extract));

	if (extract == NULL)
		return NULL;
	extract->extract = mail_extract_new(number);
	if (extract->extract == NULL) {
		free(extract);
		return NULL;
	}
	mail_text_init(&extract->piece, PIECE_MAX);
	store_passage_init(&extract->passage, store, id, &reader, extract);
	return extract;
}

void
store_extract_next(struct store_extract *extract, store_part_cb done, void *arg)
{
	mail_text_clear(&extract->piece);
	if (extract->passage.is_finished) {
		done(STORE_OK, NULL, 0, arg);
		return;
	}
	extract->done = done;
	extract->arg = arg;
	store_passage_go(&extract->passage, arg);
}

void
store_extract_free(struct store_extract *extract)
{
	if (extract == NULL)
		return;
	mail_extract_free(extract->extract);
	mail_text_free(&extract->piece);
	free(extract);
}
