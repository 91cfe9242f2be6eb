/* Messages in kinds that differ in what a decoder has to look at. */
#ifndef EVPOP_TESTS_BENCH_MAIL_H
#define EVPOP_TESTS_BENCH_MAIL_H

#include <stddef.h>

enum mail_kind {
	MAIL_BASE64, /* what large messages consist of: no dots */
	MAIL_TEXT,   /* sentences, some lines that begin with a dot */
	MAIL_SHORT,  /* short lines, as of quoted lists and logs */
	MAIL_DOTS,   /* tables of contents: more dots than all else */
	MAIL_KIND_COUNT
};

const char *mail_kind_name(enum mail_kind);

/*
 * A message of about `octets`, always the same, in whole lines; *length_r are
 * its octets.  To be freed; NULL without memory.
 */
unsigned char *mail_make(enum mail_kind, size_t octets, size_t *length_r);

/*
 * The reply to a RETR that brings it: status line, stuffed dots, terminator
 * (RFC 1939 section 3).  To be freed; NULL without memory.
 */
unsigned char *mail_reply(
    const unsigned char *message, size_t length, size_t *length_r);

#endif
