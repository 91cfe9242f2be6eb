/*
 * The line reader, cut anywhere, against a reader of whole buffers.
 *
 *     LIMIT CUTS BYTES
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/line.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/record.h"
#include "tests/fuzz/target.h"

static void
record_line(struct fuzz_record *record, const unsigned char *line,
    size_t length, bool crlf)
{
	fuzz_record_text(record, crlf ? "crlf " : "lf ");
	fuzz_record_bytes(record, line, length);
	fuzz_record_text(record, "\n");
}

static void
record_end(struct fuzz_record *record, bool too_long)
{
	fuzz_record_text(record, too_long ? "too long" : "more");
}

/* What must come of it. */
static void
read_plainly(struct fuzz_input input, size_t limit, struct fuzz_record *record)
{
	const unsigned char *end;
	size_t length;
	bool crlf;

	while (input.left > 0 &&
	       (end = memchr(input.at, '\n', input.left)) != NULL) {
		length = (size_t)(end - input.at);
		crlf = length > 0 && end[-1] == '\r';
		if (length - crlf > limit) {
			record_end(record, true);
			return;
		}
		record_line(record, input.at, length - crlf, crlf);
		input.at += length + 1;
		input.left -= length + 1;
	}
	/* A CR may still turn out to belong to the line end. */
	record_end(record, input.left > limit + 1);
}

/* Give the reader one piece; false once the line is too long. */
static bool
read_piece(struct evpop_line *reader, const unsigned char *piece, size_t length,
    size_t limit, struct fuzz_record *record)
{
	enum evpop_line_status status;
	const unsigned char *line;
	size_t at = 0, used, line_length;
	bool crlf;

	do {
		status = evpop_line_feed(reader, piece + at, length - at, limit,
		    &used, &line, &line_length, &crlf);
		assert(used <= length - at);
		at += used;
		if (status == EVPOP_LINE_READY) {
			assert(used > 0 && !evpop_line_begun(reader));
			record_line(record, line, line_length, crlf);
		}
	} while (status == EVPOP_LINE_READY);
	assert(status != EVPOP_LINE_NO_MEMORY);
	assert(status != EVPOP_LINE_MORE || at == length);
	return status == EVPOP_LINE_MORE;
}

static void
read_cut(struct fuzz_input input, size_t limit, struct fuzz_cuts cuts,
    struct fuzz_record *record)
{
	struct evpop_line reader = { .held = NULL };
	unsigned char *piece;
	bool more = true;
	size_t length;

	while (more && input.left > 0) {
		length = fuzz_piece(&cuts, input.left);
		piece = fuzz_copy(input.at, length);
		more = read_piece(&reader, piece, length, limit, record);
		free(piece);
		input.at += length;
		input.left -= length;
	}
	record_end(record, !more);
	evpop_line_clear(&reader);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	struct fuzz_record expected = { NULL, 0, 0 }, whole = { NULL, 0, 0 },
			   cut = { NULL, 0, 0 };
	size_t limit = fuzz_octet(&input);
	struct fuzz_cuts cuts = fuzz_take_cuts(&input);

	read_plainly(input, limit, &expected);
	read_cut(input, limit, FUZZ_WHOLE, &whole);
	read_cut(input, limit, cuts, &cut);
	fuzz_record_same(&expected, &whole);
	fuzz_record_same(&expected, &cut);
	fuzz_record_free(&expected);
	fuzz_record_free(&whole);
	fuzz_record_free(&cut);
	return 0;
}
