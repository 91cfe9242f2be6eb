/*
 * Text that grows up to a bound and remembers that it was cut there, and text
 * of any origin made fit to store and show.
 */
#ifndef STORE_MAIL_TEXT_H
#define STORE_MAIL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes so far.  Once memory has failed, nothing is added any more. */
struct mail_text {
	char *bytes;
	size_t length, room, max;
	bool is_cut, has_failed;
};

/* Nothing yet; at most `max` octets. */
void mail_text_init(struct mail_text *, size_t max);
void mail_text_free(struct mail_text *);

/* Bytes that do not fit are dropped, and is_cut is set. */
void mail_text_add(struct mail_text *, const char *bytes, size_t length);
void mail_text_add_string(struct mail_text *, const char *string);
/* All of another one; it is cut and has failed as that one. */
void mail_text_add_text(struct mail_text *, const struct mail_text *);

/* Something was left out, or memory failed, before it came here. */
void mail_text_cut(struct mail_text *);
void mail_text_fail(struct mail_text *, bool has_failed);
size_t mail_text_length(const struct mail_text *);
/* The octet at a place, and those behind it. */
const char *mail_text_at(const struct mail_text *, size_t place);
bool mail_text_has_failed(const struct mail_text *);
/* Whether it takes no more. */
bool mail_text_is_full(const struct mail_text *);

/*
 * Only the first octets of what is UTF-8 stay, without a part of a character;
 * or these in the middle go.
 */
void mail_text_shorten(struct mail_text *, size_t length);
void mail_text_remove(struct mail_text *, size_t from, size_t to);

/* Empty again; what it has allocated is kept. */
void mail_text_clear(struct mail_text *);

/*
 * A copy of at most `max` octets, cut between characters; runs of white space
 * and control characters become one space, none at the ends, and characters
 * that hide in text are dropped.  Bytes that are not UTF-8 become U+FFFD.
 * *is_cut_r (may be NULL) becomes true where there was more, else is left
 * alone.  The caller's, for free(); NULL without memory.
 */
char *mail_text_clean(const char *text, size_t length, size_t max,
    bool *is_cut_r) __attribute__((warn_unused_result));

/*
 * Add text of any origin as lines that are fit to show: they end in LF, blanks
 * at their ends and line ends at its own end go, controls and bytes that are
 * not UTF-8 become U+FFFD, and characters that reorder text are dropped.
 */
void mail_text_add_lines(struct mail_text *, const char *text, size_t length);

/*
 * What was added, with a NUL behind it, for free(); NULL if that failed for
 * want of memory.  The text is empty then.
 */
char *mail_text_take(struct mail_text *) __attribute__((warn_unused_result));

/* mail_text_clean() of all that was added; NULL if that failed for want of
 * memory. */
char *mail_text_finish(const struct mail_text *, size_t max, bool *is_cut_r)
    __attribute__((warn_unused_result));

#endif
