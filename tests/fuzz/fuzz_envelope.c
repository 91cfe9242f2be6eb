/*
 * Mail of any kind, through all that the store makes of it: fields,
 * parameters, the envelope, the count of attachments, words for the index.
 *
 *     CUTS MESSAGE
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/attachment.h"
#include "daemon/store/envelope.h"
#include "daemon/store/extract.h"
#include "daemon/store/fold.h"
#include "daemon/store/header.h"
#include "daemon/store/html.h"
#include "daemon/store/scan.h"
#include "daemon/store/text.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/record.h"
#include "tests/fuzz/showable.h"
#include "tests/fuzz/target.h"

static void
check_parameters(const struct store_header_field *field)
{
	static const char *const names[] = { "boundary", "filename", "name" };
	char *value;
	size_t size, i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (size = 1; size < 100; size += 69) {
			value = malloc(size);
			assert(value != NULL);
			if (store_header_parameter(
				field, names[i], value, size))
				assert(strnlen(value, size) < size);
			free(value);
		}
	(void)store_header_is(field, "Content-Type");
	(void)store_header_starts(field, "multipart/");
}

static void
check_fields(const char *message, size_t length)
{
	struct store_header_field field;
	size_t position = 0, before = 0, end;

	end = store_header_end(message, length);
	assert(end <= length);
	while (store_header_next(message, length, &position, &field)) {
		assert(position > before && position <= length);
		assert(end == 0 || position <= end);
		assert(field.name >= message + before && field.name_length > 0);
		assert(field.name + field.name_length < field.value);
		assert(field.value + field.value_length <= message + position);
		check_parameters(&field);
		before = position;
	}
}

static void
record_text(struct fuzz_record *record, const char *text)
{
	fuzz_record_text(record, "\n");
	if (text == NULL)
		return;
	assert(fuzz_is_showable(text, strlen(text)));
	fuzz_record_text(record, text);
}

static void
record_envelope(
    struct fuzz_record *record, const struct store_envelope *envelope)
{
	record_text(record, envelope->sender);
	record_text(record, envelope->recipients);
	record_text(record, envelope->cc);
	record_text(record, envelope->subject);
	record_text(record, envelope->header_id);
	fuzz_record_number(record, envelope->has_date);
	fuzz_record_number(record, (uint64_t)envelope->date_ms);
}

static void
scan_cut(
    struct fuzz_input input, struct fuzz_cuts cuts, struct fuzz_record *record)
{
	struct store_scan_held held = { 0 };
	struct store_scan *scan = store_scan_new(&held);
	struct store_scan_result result;
	size_t size = input.left, length;
	unsigned char *piece;

	assert(scan != NULL);
	while (input.left > 0) {
		length = fuzz_piece(&cuts, input.left);
		piece = fuzz_copy(input.at, length);
		assert(store_scan_feed(scan, piece, length));
		free(piece);
		input.at += length;
		input.left -= length;
	}
	assert(store_scan_finish(scan, &result));
	assert(result.octets == size);
	fuzz_record_bytes(record, result.digest, sizeof(result.digest));
	fuzz_record_number(record, result.attachments);
	record_envelope(record, result.envelope);
	store_scan_free(scan);
}

/* A piece of such a line is cut where it is kept; a whole one is not. */
static bool
has_long_line(struct fuzz_input input)
{
	while (input.left > 0)
		if (fuzz_up_to(&input, '\n').left > STORE_LINE_SIZE)
			return true;
	return false;
}

static void
check_scan(struct fuzz_input input, struct fuzz_cuts cuts)
{
	struct fuzz_record whole = { NULL, 0, 0 }, cut = { NULL, 0, 0 };

	scan_cut(input, FUZZ_WHOLE, &whole);
	scan_cut(input, cuts, &cut);
	if (!has_long_line(input))
		fuzz_record_same(&whole, &cut);
	fuzz_record_free(&whole);
	fuzz_record_free(&cut);
}

static void
check_words(const char *message, size_t length)
{
	char *text = store_extract_text(message, length);

	assert(text != NULL && fuzz_is_showable(text, strlen(text)));
	free(text);
}

static void
check_texts(const char *message, size_t length)
{
	char *clean = store_text_clean(message, length, 100), *folded;
	char *html = fuzz_string(message, length);

	assert(clean != NULL && strlen(clean) <= 100);
	assert(fuzz_is_showable(clean, strlen(clean)));
	assert(store_html_strip(html, length) <= length);
	folded = store_fold(html);
	assert(folded != NULL && fuzz_is_utf8(folded, strlen(folded)));
	free(clean);
	free(html);
	free(folded);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	struct fuzz_cuts cuts = fuzz_take_cuts(&input);
	char *message = (char *)fuzz_copy(input.at, input.left);

	store_envelope_init();
	check_fields(message, input.left);
	check_scan(input, cuts);
	check_words(message, input.left);
	check_texts(message, input.left);
	free(message);
	return 0;
}
