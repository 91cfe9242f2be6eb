/*
 * What is in a message: questions that read all of it, a few pieces at a time,
 * so that neither its size nor the number of them keeps others waiting.  Rows
 * and text are borrowed until the callback returns.
 */
#ifndef STORE_READING_H
#define STORE_READING_H

#include "daemon/store/question.h"

enum store_disposition {
	STORE_DISPOSITION_NONE = 0,
	STORE_DISPOSITION_INLINE,
	STORE_DISPOSITION_ATTACHMENT
};

#define STORE_PART_DIGEST 65 /* with the NUL */

/* A part that is no multipart; the bytes are those before any encoding. */
struct store_part_row {
	unsigned number;     /* from 1, in the order of the message */
	unsigned within;     /* the enclosed message that it is in; 0: none */
	const char *type;    /* lower case, of harmless characters */
	const char *charset; /* NULL where none is named */
	const char *name;    /* of its file, fit to show; NULL: none */
	enum store_disposition disposition;
	bool is_attached; /* one of the message's attachments */
	uint64_t octets;
	const char *digest; /* BLAKE2b-256, lower-case hex */
};

/*
 * The row of a part as the reader of mail has found it; texts are the part's,
 * and the digest is written to `digest`.
 */
struct mail_item;
void store_part_row_take(const struct mail_item *,
    char digest[STORE_PART_DIGEST], struct store_part_row *row_r);

/* All parts; `is_cut` where some are left out as too many or too deep. */
typedef void (*store_parts_cb)(enum store_status, const struct store_part_row *,
    size_t count, bool is_cut, void *arg);
void store_parts(struct store *, int64_t id, store_parts_cb, void *arg);

/* The text of a message, to read: UTF-8, fit to show, bounded. */
typedef void (*store_text_cb)(
    enum store_status, const char *text, size_t length, void *arg);
void store_text(struct store *, int64_t id, store_text_cb, void *arg);

/* The fields of its header in their order, decoded, each one line. */
struct store_field_row {
	const char *name, *value;
};
typedef void (*store_fields_cb)(enum store_status,
    const struct store_field_row *, size_t count, bool is_cut, void *arg);
void store_fields(struct store *, int64_t id, store_fields_cb, void *arg);

/* The bytes of one part, piece by piece.  NULL without memory. */
struct store_extract;
struct store_extract *store_extract_new(struct store *, int64_t id,
    unsigned number) __attribute__((warn_unused_result));

/*
 * The next piece; STORE_OK with length 0 past the end, or at once where there
 * is no such part.
 */
void store_extract_next(struct store_extract *, store_part_cb, void *arg);

/* Not while an answer is awaited. */
void store_extract_free(struct store_extract *);

#endif
