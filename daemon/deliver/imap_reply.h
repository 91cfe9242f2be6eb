/*
 * What a server of IMAP says (RFC 9051, RFC 3501): a response is put together
 * from lines and literals, with a bound, and taken apart.  Nothing here does
 * I/O; what is found lies in the response.
 */
#ifndef DELIVER_IMAP_REPLY_H
#define DELIVER_IMAP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Octets of one response with its literals: it would be the fields of a header
 * that we have asked for, or a list of capabilities.
 */
#define IMAP_REPLY_MOST ((size_t)64 * 1024)

/* ---- putting together ---- */

/* Zero it to begin with; `octets` is one response once it is whole. */
struct imap_gather {
	char *octets;
	size_t length, size;
};

enum imap_gathered {
	IMAP_GATHERED_WHOLE = 0,
	IMAP_GATHERED_MORE,  /* a literal of *literal_r octets, then a line */
	IMAP_GATHERED_FLOOD, /* more than IMAP_REPLY_MOST */
	IMAP_GATHERED_NO_MEMORY
};

/*
 * A line without its end.  In the response each literal stands behind its "{N}"
 * and CR LF.
 */
enum imap_gathered imap_gather_line(
    struct imap_gather *, const char *line, size_t length, uint64_t *literal_r);
/* A piece of that literal; false as FLOOD or NO_MEMORY. */
bool imap_gather_literal(
    struct imap_gather *, const unsigned char *octets, size_t length);
/* Done with the response. */
void imap_gather_reset(struct imap_gather *);
void imap_gather_free(struct imap_gather *);

/* ---- taking apart ---- */

enum imap_kind {
	IMAP_NONSENSE = 0,
	IMAP_CONTINUATION, /* "+ text" */
	IMAP_UNTAGGED,
	IMAP_TAGGED
};

enum imap_condition {
	IMAP_DATA = 0, /* no status: "* 5 EXISTS" */
	IMAP_OK,
	IMAP_NO,
	IMAP_BAD,
	IMAP_BYE,
	IMAP_PREAUTH
};

/* RFC 3501 section 7.1, 5530, 4315, 7889, and Gmail's THROTTLED. */
enum imap_code {
	IMAP_CODE_NONE = 0,
	IMAP_CODE_OTHER,
	IMAP_CODE_ALERT,
	IMAP_CODE_ALREADYEXISTS,
	IMAP_CODE_APPENDUID,
	IMAP_CODE_AUTHENTICATIONFAILED,
	IMAP_CODE_AUTHORIZATIONFAILED,
	IMAP_CODE_CANNOT,
	IMAP_CODE_CAPABILITY,
	IMAP_CODE_CONTACTADMIN,
	IMAP_CODE_CORRUPTION,
	IMAP_CODE_EXPIRED,
	IMAP_CODE_INUSE,
	IMAP_CODE_LIMIT,
	IMAP_CODE_NONEXISTENT,
	IMAP_CODE_NOPERM,
	IMAP_CODE_OVERQUOTA,
	IMAP_CODE_PRIVACYREQUIRED,
	IMAP_CODE_SERVERBUG,
	IMAP_CODE_THROTTLED,
	IMAP_CODE_TOOBIG,
	IMAP_CODE_TRYCREATE,
	IMAP_CODE_UIDNEXT,
	IMAP_CODE_UIDVALIDITY,
	IMAP_CODE_UNAVAILABLE,
	IMAP_CODE_COUNT
};

/* "OVERQUOTA"; NULL of NONE and OTHER. */
const char *imap_code_name(enum imap_code);

/* A part of the response, no NUL behind it. */
struct imap_span {
	const char *at;
	size_t length;
};

struct imap_reply {
	enum imap_kind kind;
	enum imap_condition condition;
	uint32_t tag; /* of TAGGED: "e17" is 17 */
	enum imap_code code;
	struct imap_span code_data; /* behind its name, within the brackets */
	uint32_t number;            /* of data: "* 5 FETCH"; else 0 */
	struct imap_span word;      /* of data: "FETCH" */
	/* Behind the code; of data, behind the word. */
	struct imap_span text;
};

/* False, and NONSENSE, for anything else. */
bool imap_reply_parse(
    const char *octets, size_t length, struct imap_reply *reply_r);

/* Whether that is the word, in any case. */
bool imap_span_is(struct imap_span, const char *word);

/*
 * Take a number of 32 bits off the front; false, and nothing is taken, where
 * none stands there.
 */
bool imap_span_number(struct imap_span *, uint32_t *number_r);

#endif
