/*
 * The decoder of multi-line responses, cut anywhere, against one that looks at
 * one octet after the other.
 *
 *     CUTS BYTES
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/dot.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/record.h"
#include "tests/fuzz/target.h"

static void
record_end(struct fuzz_record *record, bool ended, size_t used)
{
	fuzz_record_text(record, ended ? "\nend" : "\nmore");
	fuzz_record_number(record, used);
}

static bool
follows(const unsigned char *at, size_t left, const char *text)
{
	return left >= strlen(text) && memcmp(at, text, strlen(text)) == 0;
}

/*
 * How many octets a dot at the start of a line takes with those that belong to
 * it, and how many of these are the message's: the last ones.  Returns 0 while
 * that cannot be known, and sets *ended_r at the terminator.
 */
static size_t
decide_dot(const unsigned char *at, size_t left, bool lf_only, size_t *kept_r,
    bool *ended_r)
{
	*kept_r = 0;
	*ended_r =
	    follows(at, left, ".\r\n") || (lf_only && follows(at, left, ".\n"));
	if (*ended_r)
		return at[1] == '\r' ? 3 : 2;
	if (left == 1 || (left == 2 && at[1] == '\r'))
		return 0;
	*kept_r = 1;
	return at[1] == '.' ? 2 : 1;
}

/* What must come of it. */
static void
decode_plainly(
    struct fuzz_input input, bool lf_only, struct fuzz_record *record)
{
	const unsigned char *data = input.at;
	bool line_start = true, ended = false;
	size_t at = 0, taken, kept;

	while (at < input.left && !ended) {
		taken = kept = 1;
		if (line_start && data[at] == '.') {
			taken = decide_dot(
			    data + at, input.left - at, lf_only, &kept, &ended);
			if (taken == 0) {
				at = input.left;
				break;
			}
		}
		at += taken;
		fuzz_record_bytes(record, data + at - kept, kept);
		line_start = data[at - 1] == '\n' &&
			     (lf_only || (at > 1 && data[at - 2] == '\r'));
	}
	record_end(record, ended, at);
}

/* Returns whether the terminator came; *at_r counts what was taken. */
static bool
decode_piece(struct evpop_dot *dot, const unsigned char *piece, size_t length,
    size_t *at_r, struct fuzz_record *record)
{
	enum evpop_dot_status status;
	const unsigned char *span;
	size_t used, span_length, calls = 0;

	*at_r = 0;
	do {
		status = evpop_dot_feed(dot, piece + *at_r, length - *at_r,
		    &used, &span, &span_length);
		assert(used <= length - *at_r);
		assert(++calls <= 2 * length + 2);
		*at_r += used;
		if (status != EVPOP_DOT_SPAN)
			continue;
		assert(span_length > 0);
		fuzz_record_bytes(record, span, span_length);
	} while (status == EVPOP_DOT_SPAN);
	assert(status == EVPOP_DOT_END || *at_r == length);
	return status == EVPOP_DOT_END;
}

static void
decode_cut(struct fuzz_input input, bool lf_only, struct fuzz_cuts cuts,
    struct fuzz_record *record)
{
	struct evpop_dot dot = {
		.ends = lf_only ? EVPOP_DOT_LF : EVPOP_DOT_CRLF,
		.seeks_replies = true,
	};
	unsigned char *piece;
	bool ended = false;
	size_t at = 0, length, used;

	while (!ended && at < input.left) {
		length = fuzz_piece(&cuts, input.left - at);
		piece = fuzz_copy(input.at + at, length);
		ended = decode_piece(&dot, piece, length, &used, record);
		free(piece);
		at += used;
	}
	record_end(record, ended, at);
}

static void
decode(struct fuzz_input input, bool lf_only, struct fuzz_cuts cuts)
{
	struct fuzz_record expected = { NULL, 0, 0 }, whole = { NULL, 0, 0 },
			   cut = { NULL, 0, 0 };

	decode_plainly(input, lf_only, &expected);
	decode_cut(input, lf_only, FUZZ_WHOLE, &whole);
	decode_cut(input, lf_only, cuts, &cut);
	fuzz_record_same(&expected, &whole);
	fuzz_record_same(&expected, &cut);
	fuzz_record_free(&expected);
	fuzz_record_free(&whole);
	fuzz_record_free(&cut);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	struct fuzz_cuts cuts = fuzz_take_cuts(&input);

	decode(input, false, cuts);
	decode(input, true, cuts);
	return 0;
}
