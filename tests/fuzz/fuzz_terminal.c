/*
 * What evpopctl lets through to a terminal: text in one go, and a stream that
 * comes in pieces.
 *
 *     CUTS BYTES
 */
#include <assert.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/text.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/record.h"
#include "tests/fuzz/showable.h"
#include "tests/fuzz/target.h"

/* Showable but for line ends and tabs. */
static void
check_lines(const char *text, size_t length)
{
	size_t begin, at;

	for (begin = at = 0; at < length; at++)
		if (text[at] == '\n' || text[at] == '\t') {
			assert(fuzz_is_showable(text + begin, at - begin));
			begin = at + 1;
		}
	assert(fuzz_is_showable(text + begin, length - begin));
}

static void
check_clean(const char *text)
{
	char *line = text_clean(text, TEXT_ONE_LINE);
	char *lines = text_clean(text, TEXT_KEEP_LINES), *again;
	size_t columns, width;

	assert(line != NULL && lines != NULL);
	assert(fuzz_is_showable(line, strlen(line)));
	check_lines(lines, strlen(lines));
	again = text_clean(line, TEXT_ONE_LINE);
	assert(again != NULL && strcmp(again, line) == 0);
	width = text_width(line);
	assert(text_fit(line, width) == strlen(line));
	for (columns = 0; columns < 8; columns++) {
		size_t fit = text_fit(line, columns);

		assert(fit <= strlen(line));
		assert(fuzz_is_utf8(line, fit));
	}
	free(line);
	free(lines);
	free(again);
}

static void
stream_cut(
    struct fuzz_input input, struct fuzz_cuts cuts, struct fuzz_record *record)
{
	struct text_stream stream = { .length = 0 };
	unsigned char *piece;
	char *clean;
	size_t length = 1, cleaned;

	while (length > 0) {
		length = input.left > 0 ? fuzz_piece(&cuts, input.left) : 0;
		piece = fuzz_copy(input.at, length);
		clean = malloc(TEXT_STREAM_ROOM(length));
		assert(clean != NULL);
		cleaned = text_stream_clean(
		    &stream, (const char *)piece, length, clean);
		assert(cleaned <= TEXT_STREAM_ROOM(length));
		check_lines(clean, cleaned);
		fuzz_record_bytes(record, clean, cleaned);
		free(piece);
		free(clean);
		input.at += length;
		input.left -= length;
	}
}

static void
check_json(const char *text)
{
	char *escaped = text_escape_json(text);

	assert(escaped != NULL);
	if (fuzz_is_utf8(text, strlen(text)))
		assert(fuzz_is_utf8(escaped, strlen(escaped)));
	free(escaped);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	struct fuzz_record whole = { NULL, 0, 0 }, cut = { NULL, 0, 0 };
	struct fuzz_cuts cuts = fuzz_take_cuts(&input);
	char *text = fuzz_string(input.at, input.left);

	/* The widths of characters depend on it; C.UTF-8 is everywhere. */
	assert(setlocale(LC_CTYPE, "C.UTF-8") != NULL);
	check_clean(text);
	check_json(text);
	stream_cut(input, FUZZ_WHOLE, &whole);
	stream_cut(input, cuts, &cut);
	fuzz_record_same(&whole, &cut);
	fuzz_record_free(&whole);
	fuzz_record_free(&cut);
	free(text);
	return 0;
}
