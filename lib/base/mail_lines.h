/*
 * Lines of mail as they go from one form of file to another: their ends, and
 * the "From " that begins a message in an mbox.  Text comes in pieces, cut
 * anywhere.
 */
#ifndef EVPOP_BASE_MAIL_LINES_H
#define EVPOP_BASE_MAIL_LINES_H

#include <stdbool.h>
#include <stddef.h>

/* How far into a line that may be quoted the last piece came. */
struct evpop_mail_lines {
	bool has_cr;    /* the last byte was a CR; to LF: it is kept back */
	bool is_inside; /* not at a line's beginning, nor behind its ">" */
	bool has_mark;  /* a ">" is kept back */
	size_t matched; /* bytes of "From " that are kept back */
};

/* Room for a piece of any form, and for what was kept back. */
#define EVPOP_MAIL_LINES_ROOM(length) (2 * (length) + 16)

/*
 * Each function changes a piece and returns how long it became.  A piece of no
 * length ends the text: what was kept back comes out.
 */

/* CR LF becomes LF; a CR alone stays. */
size_t evpop_mail_lines_to_lf(
    struct evpop_mail_lines *, const char *bytes, size_t length, char *out_r);
/* LF alone becomes CR LF. */
size_t evpop_mail_lines_to_crlf(
    struct evpop_mail_lines *, const char *bytes, size_t length, char *out_r);
/* mboxrd: a line of ">"s, be they none, and "From " gets another ">". */
size_t evpop_mail_lines_quote(
    struct evpop_mail_lines *, const char *bytes, size_t length, char *out_r);
/* And loses it. */
size_t evpop_mail_lines_unquote(
    struct evpop_mail_lines *, const char *bytes, size_t length, char *out_r);

#endif
