/*
 * A status line (RFC 1939 section 3) taken apart: the indicator, the response
 * code (RFC 2449 section 8), the words; and the numbers in replies and lines
 * of listings.
 */
#ifndef EVPOP_CORE_REPLY_H
#define EVPOP_CORE_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evpop/error.h>

struct evpop_status_line {
	bool ok;
	bool crlf; /* ended so; for the caller to say */
	enum evpop_response_code code;
	const unsigned char *text; /* behind the indicator, code included */
	size_t length;
};

/*
 * Parse a line without its end.  The indicator is taken in any case, and ends
 * at white space or the end of the line: "+OKAY" is no status line.  Returns
 * false for anything else.
 */
bool evpop_status_line_parse(
    const unsigned char *line, size_t length, struct evpop_status_line *);

/*
 * The server's words as a result, of class REFUSED or none; where a refusal
 * gives no reason, the text says so.
 */
void evpop_status_line_result(const struct evpop_status_line *,
    enum evpop_phase, struct evpop_result *result_r);

/*
 * What a refusal means for the credentials and for a later try, by its response
 * code (RFC 2449 section 8, RFC 3206); `login`: it answers a log-in.
 */
void evpop_refusal_judge(struct evpop_result *, bool login);

/*
 * Where the text says "not now", the result becomes a refusal that passes: of
 * credentials it says nothing.  A response code that is known stands above
 * words.
 */
void evpop_refusal_by_words(struct evpop_result *);

/*
 * Whether a line is a challenge of AUTH (RFC 5034 section 4); its base64 lies
 * at *text_r then.  Some servers write "+OK" instead; where the mechanism has
 * more to say, and so `ok_is_challenge`, that cannot be success.
 */
bool evpop_challenge_parse(const unsigned char *line, size_t length,
    bool ok_is_challenge, const unsigned char **text_r, size_t *text_length_r);

/*
 * Take a decimal number, and the white space before it, off the front.
 * Returns false, having taken nothing, unless digits stand there that fit and
 * are followed by white space or the end.
 */
bool evpop_number_take(
    const unsigned char **text, size_t *length, uint64_t *number_r);

/* The message number of a listing's line: 1 to 4294967295. */
bool evpop_message_number_take(
    const unsigned char **text, size_t *length, uint32_t *number_r);

/* Take white space off both ends. */
void evpop_trim(const unsigned char **text, size_t *length);

#endif
