/*
 * The parts of a message, read from bytes that come in pieces of any size:
 * attachments, text, and enclosed messages, at any depth and in any encoding.
 *
 * Memory is bounded for any message.  Parts that are nested too deep are not
 * entered, and parts beyond a number are not read.  The sizes of pieces never
 * change the result.
 */
#ifndef STORE_MAIL_PARTS_H
#define STORE_MAIL_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/store/mail/part.h"

/* A callback that is NULL is not called. */
struct mail_parts_sink {
	/*
	 * Something attached, or a file within a text (uuencode); its name as
	 * UTF-8, or NULL where none is wanted or has been given.
	 */
	void (*attached)(void *arg, const char *name, size_t length);

	/*
	 * A part that is text; charset is a name for mail_charset_add(), or
	 * NULL.  Returns whether its bytes are wanted.
	 */
	bool (*text_begins)(
	    void *arg, enum mail_text_kind, const char *charset);
	void (*text)(void *arg, const char *bytes, size_t length);
	void (*text_ends)(void *arg);

	/* The header of an enclosed message. */
	void (*enclosed)(void *arg, const char *header, size_t length);

	/*
	 * Instead of the above but `enclosed`, where the bytes of parts are
	 * wanted: a part begins, a multipart too.  Its header has the fields
	 * that begin with "Content-"; `depth` is larger than that of what it is
	 * in.  Returns a number for it if its decoded bytes are wanted, else 0;
	 * of a multipart they never are.  Those of an enclosed message are the
	 * whole message, in which other parts begin and end.
	 */
	unsigned (*begins)(void *arg, const struct mail_part *, unsigned depth,
	    const char *header, size_t length);
	void (*content)(
	    void *arg, unsigned number, const char *bytes, size_t length);
	void (*ends)(void *arg, unsigned number);
	/* Lines that are of no part; may be NULL, too. */
	void (*skipped)(void *arg, const char *line, size_t length);
};

struct mail_parts;

/*
 * Begin behind the header of a message, which says what it is made of.  A sink
 * without `enclosed` and `begins` is not told of what enclosed messages are
 * made of.  NULL without memory.
 */
struct mail_parts *mail_parts_new(const struct mail_parts_sink *, void *arg,
    const char *header, size_t length) __attribute__((warn_unused_result));
void mail_parts_free(struct mail_parts *);

void mail_parts_feed(struct mail_parts *, const char *bytes, size_t length);

/* After the last byte, once.  Returns false if memory has failed meanwhile. */
bool mail_parts_finish(struct mail_parts *) __attribute__((warn_unused_result));

/* Whether something was left out at a bound. */
bool mail_parts_is_cut(const struct mail_parts *);

/* Whether the next byte is one of a text. */
bool mail_parts_is_in_text(const struct mail_parts *);

#endif
