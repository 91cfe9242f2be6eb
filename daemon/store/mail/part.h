/* The facts in the header of a MIME part (RFC 2045, 2046, 2183). */
#ifndef STORE_MAIL_PART_H
#define STORE_MAIL_PART_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/store/mail/charset.h"
#include "daemon/store/mail/transfer.h"

/* RFC 2046, section 5.1.1, allows 70 characters; some programs take more. */
#define MAIL_BOUNDARY_SIZE 256
/* File systems end here. */
#define MAIL_FILE_NAME_MAX ((size_t)1024)

enum mail_part_form {
	MAIL_PART_OTHER = 0, /* nothing that is read */
	MAIL_PART_TEXT,
	MAIL_PART_MULTIPART, /* has a boundary */
	MAIL_PART_MESSAGE    /* a message, or only its header */
};

/* The formats of a text part. */
enum mail_text_kind {
	MAIL_TEXT_PLAIN = 0,
	MAIL_TEXT_HTML,
	MAIL_TEXT_ENRICHED, /* RFC 1896 */
	MAIL_TEXT_FOLDED    /* calendars and cards, RFC 5545, section 3.1 */
};

struct mail_part {
	enum mail_part_form form;
	enum mail_text_kind kind;
	enum mail_transfer_encoding encoding;
	bool is_digest;   /* parts of it are messages (RFC 2046, 5.1.5) */
	bool is_attached; /* has a file name, or that disposition */
	bool has_charset;
	char charset[MAIL_CHARSET_SIZE]; /* as mail_charset_name() gives it */
	char boundary[MAIL_BOUNDARY_SIZE];
	size_t boundary_length;
	struct mail_text file_name; /* UTF-8; empty where there is none */
};

/*
 * Read it; in a digest a part that says nothing is a message.  The file name
 * is the caller's to free.
 */
void mail_part_read(
    struct mail_part *, const char *header, size_t length, bool is_in_digest);

/* The charset that a header names for its body; false where it does not. */
bool mail_part_charset(
    const char *header, size_t length, char name_r[MAIL_CHARSET_SIZE]);

/* ---- what people and programs are told of it ---- */

/* RFC 6838, section 4.2: 127 characters on each side of the slash. */
#define MAIL_TYPE_SIZE 256

/*
 * Its media type in lower case, letters, digits and "/!#$&-^_.+" only; where
 * the header says none, what it is taken for.
 */
void mail_part_type(const struct mail_part *, const char *header, size_t length,
    char type_r[MAIL_TYPE_SIZE]);

enum mail_disposition {
	MAIL_DISPOSITION_NONE = 0,
	MAIL_DISPOSITION_INLINE,
	MAIL_DISPOSITION_ATTACHMENT /* and any that nobody knows (RFC 2183) */
};

enum mail_disposition mail_part_disposition(const char *header, size_t length);

/* Whether its lines are paragraphs (RFC 3676), and how they are joined. */
enum mail_flow {
	MAIL_FLOW_FIXED = 0,
	MAIL_FLOW_FLOWED,
	MAIL_FLOW_JOINED /* without the blank between them (DelSp) */
};

enum mail_flow mail_part_flow(const char *header, size_t length);

#endif
