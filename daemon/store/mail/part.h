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

#endif
