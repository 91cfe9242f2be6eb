/*
 * Text of any origin: whether it is UTF-8 (RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF), and what people see of it.
 */
#ifndef EVPOP_BASE_TEXT_H
#define EVPOP_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The character at the start of `bytes`: its length, and the code point; 0 if
 * there is none that is well-formed and whole.
 */
size_t evpop_text_decode(const char *bytes, size_t length,
    uint32_t *code_point_r) __attribute__((warn_unused_result));

/*
 * Whether the bytes are the beginning of a well-formed character that needs
 * more of them.
 */
bool evpop_text_is_partial(const char *bytes, size_t length);

bool evpop_text_is_utf8(const char *text);
bool evpop_text_is_ascii(const char *text);

/* Whether they are the same; NULL is the same as NULL alone. */
bool evpop_text_equal(const char *one, const char *other);

/* Whether the bytes begin with a word, or are it, in either case. */
bool evpop_text_begins(const char *bytes, size_t length, const char *word);
bool evpop_text_is(const char *bytes, size_t length, const char *word);

/* What stands between the words of a header field. */
static inline bool
evpop_text_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

enum evpop_text_kind {
	EVPOP_TEXT_VISIBLE,   /* and the blank */
	EVPOP_TEXT_EMPTY,     /* draws another blank, or nothing */
	EVPOP_TEXT_CONTROL,   /* C0, DEL and C1 */
	EVPOP_TEXT_HIDDEN,    /* draws nothing, and changes what surrounds it */
	EVPOP_TEXT_DIRECTION, /* HIDDEN, and reorders text or its octets */
	EVPOP_TEXT_KIND_COUNT
};

/* A character of a kind above EVPOP_TEXT_EMPTY can mislead the reader. */
enum evpop_text_kind evpop_text_kind(uint32_t code_point);

struct evpop_text_invisible {
	size_t octet; /* where it begins; the first is 1 */
	uint32_t code_point;
	const char *name; /* "no-break space" */
};

/*
 * Find the first invisible character of well-formed text, except controls;
 * false if there is none.
 */
bool evpop_text_find_invisible(
    const char *text, size_t length, struct evpop_text_invisible *found_r);

/*
 * A copy of text of any origin that is fit for a terminal and a log, as
 * evpop_printable() of <evpop/error.h> describes it; `dst` may be `bytes`.
 */
size_t evpop_text_printable(
    char *dst, size_t dst_size, const void *bytes, size_t length);

#endif
