/*
 * Makes text from mail and servers safe for a terminal, without escape
 * sequences, control or invisible characters, and measures its width.
 */
#ifndef CTL_TEXT_H
#define CTL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum text_lines {
	TEXT_ONE_LINE, /* line ends and tabs become blanks */
	TEXT_KEEP_LINES
};

/*
 * A copy in which controls are '?' and what is not UTF-8 is U+FFFD, for the
 * caller to free; NULL without memory.
 */
char *text_clean(const char *text, enum text_lines);

/* Columns that clean text takes. */
size_t text_width(const char *text);

/* Columns of the first character of clean text; its length to *step_r. */
size_t text_step(const char *text, size_t *step_r);

/* The length of the longest beginning that takes at most `columns`. */
size_t text_fit(const char *text, size_t columns);

/* JSON text with \uXXXX for controls that JSON allows unescaped; free it. */
char *text_escape_json(const char *json);

/* The state of text_stream_clean(), for text in pieces. */
struct text_stream {
	char partial[4]; /* of a character, at the end of the last piece */
	size_t length;
};

/*
 * Clean a piece into `clean_r`, which has room for TEXT_STREAM_ROOM(length).
 * Line ends and tabs stay, CR before LF goes.  A length of 0 ends the stream.
 * Returns the length.
 */
#define TEXT_STREAM_ROOM(length) (((length) + 4) * 3)
size_t text_stream_clean(
    struct text_stream *, const char *bytes, size_t length, char *clean_r);

#endif
