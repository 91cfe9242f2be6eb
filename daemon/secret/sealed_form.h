/*
 * Sealed mail outside of the store: what `raw` gives of it
 * (application/vnd.evpop.sealed), what is exported without a key, and what
 * evpopctl opens.
 *
 * A line "evpop-sealed-1", and then records: a type, a length of 4 octets, the
 * highest first, and so many bytes.
 *
 *	r  for whom it is sealed, SEALING_RECIPIENT_SIZE octets
 *	k  the body's key, SEALING_KEY_SIZE octets
 *	b  where it belongs: the kind (enum sealing_kind, 1 octet), and the
 *	   numbers of the message, of its account and of its body in the store
 *	   that it is from (8 octets each, the highest first)
 *	e  the envelope; what is in it: sealed_fields.h
 *	p  a piece of the body; any number of these, in order
 *	z  the same, of what is a frame of zstd
 *	.  the end; nothing is in it
 *
 * They come in this order, each but the pieces once.
 */
#ifndef SECRET_SEALED_FORM_H
#define SECRET_SEALED_FORM_H

#include "daemon/secret/sealing.h"

#define SEALED_MEDIA_TYPE "application/vnd.evpop.sealed"
#define SEALED_MAGIC      "evpop-sealed-1\n"

enum sealed_record {
	SEALED_RECORD_RECIPIENT = 'r',
	SEALED_RECORD_KEY = 'k',
	SEALED_RECORD_BINDING = 'b',
	SEALED_RECORD_ENVELOPE = 'e',
	SEALED_RECORD_PIECE = 'p',
	SEALED_RECORD_PACKED = 'z',
	SEALED_RECORD_END = '.'
};

/* What a record begins with. */
#define SEALED_RECORD_HEAD 5
void sealed_record_head(enum sealed_record, size_t length,
    unsigned char head_r[SEALED_RECORD_HEAD]);

/* All before the first piece, but for the envelope itself, which follows. */
#define SEALED_HEAD_SIZE                                     \
	(sizeof(SEALED_MAGIC) - 1 + 4 * SEALED_RECORD_HEAD + \
	    SEALING_RECIPIENT_SIZE + SEALING_KEY_SIZE + 1 + 3 * 8)
void sealed_head(const unsigned char recipient[SEALING_RECIPIENT_SIZE],
    const unsigned char key[SEALING_KEY_SIZE], const struct sealing_binding *,
    size_t envelope_length, unsigned char head_r[SEALED_HEAD_SIZE]);

/* Whether a file or an answer begins as sealed mail does. */
bool sealed_is_form(const void *bytes, size_t length);

/* ---- opening it ---- */

/*
 * What is inside, in its order: the envelope once, then the bytes of the body
 * as the server sent them.  Both are borrowed until the callback returns, and
 * wiped then.  False ends it: SEALING_NO_MEMORY is returned.
 */
struct sealed_sink {
	bool (*envelope)(void *arg, const unsigned char *, size_t length);
	bool (*bytes)(void *arg, const unsigned char *, size_t length);
};

struct sealed_reader;
/* The opener must outlive it.  NULL without memory. */
struct sealed_reader *sealed_reader_new(const struct sealing_opener *,
    const struct sealed_sink *, void *arg) __attribute__((warn_unused_result));
/* Wipes, frees, sets the pointer to NULL. */
void sealed_reader_free(struct sealed_reader **);

/* Bytes of the form, in pieces of any size.  An error stays. */
enum sealing_error sealed_reader_feed(struct sealed_reader *, const void *,
    size_t length) __attribute__((warn_unused_result));
/* After the last. */
enum sealing_error sealed_reader_finish(struct sealed_reader *)
    __attribute__((warn_unused_result));

#endif
