/*
 * Mail of any kind, through all that the store makes of it: fields,
 * parameters, the envelope, the count of attachments, words for the index, the
 * list of parts, and the text to read.
 *
 *     CUTS MESSAGE
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/index/fold.h"
#include "daemon/store/mail/date.h"
#include "daemon/store/mail/encoded.h"
#include "daemon/store/mail/html.h"
#include "daemon/store/mail/inventory.h"
#include "daemon/store/mail/pairs.h"
#include "daemon/store/mail/parameter.h"
#include "daemon/store/mail/reading.h"
#include "daemon/store/mail/references.h"
#include "daemon/store/mail/words.h"
#include "daemon/store/scan.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/record.h"
#include "tests/fuzz/showable.h"
#include "tests/fuzz/target.h"

static void
check_value(const struct mail_header_field *field)
{
	static const char *const names[] = { "boundary", "filename", "name" };
	struct mail_text text;
	int64_t date_ms;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		mail_text_init(&text, 100);
		(void)mail_parameter_octets(
		    field->value, field->value_length, names[i], &text);
		(void)mail_parameter_text(field->value, field->value_length,
		    names[i], "KOI8-R", &text);
		assert(text.length <= 100 && !text.has_failed);
		mail_text_free(&text);
	}
	(void)mail_parameter_begins(
	    field->value, field->value_length, "multipart/");
	if (mail_date_read(field->value, field->value_length, &date_ms))
		assert(date_ms % 1000 == 0);
	mail_text_init(&text, 1000);
	mail_encoded_add(&text, MAIL_ENCODED_ADDRESSES, "CP932", field->value,
	    field->value_length);
	assert(text.length <= 1000 && !text.has_failed);
	mail_text_free(&text);
}

static void
check_fields(const char *message, size_t length)
{
	struct mail_header_field field;
	struct mail_header_edge edge;
	size_t position = 0, before = 0, body = 0, header = length;

	mail_header_edge_init(&edge, MAIL_HEADER_OF_MESSAGE);
	if (!mail_header_find_end(&edge, message, length, &body, &header))
		header = length;
	assert(header <= length && body <= length);
	while (mail_header_next(message, header, &position, &field)) {
		assert(position > before && position <= header);
		assert(field.name >= message + before && field.name_length > 0);
		assert(field.name + field.name_length < field.value);
		assert(field.value + field.value_length <= message + position);
		check_value(&field);
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
    struct fuzz_record *record, const struct mail_envelope *envelope)
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
	struct store_scan *scan = store_scan_new(&held, STORE_SCAN_FOR_SEAL);
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

static void
check_scan(struct fuzz_input input, struct fuzz_cuts cuts)
{
	struct fuzz_record whole = { NULL, 0, 0 }, cut = { NULL, 0, 0 };

	scan_cut(input, FUZZ_WHOLE, &whole);
	scan_cut(input, cuts, &cut);
	fuzz_record_same(&whole, &cut);
	fuzz_record_free(&whole);
	fuzz_record_free(&cut);
}

static void
read_cut(
    struct fuzz_input input, struct fuzz_cuts cuts, struct fuzz_record *record)
{
	struct mail_inventory *inventory = mail_inventory_new();
	struct mail_reading *reading = mail_reading_new();
	const struct mail_item *items;
	const struct mail_text *text;
	size_t length, count;
	char *piece;

	assert(inventory != NULL && reading != NULL);
	while (input.left > 0) {
		length = fuzz_piece(&cuts, input.left);
		piece = (char *)fuzz_copy(input.at, length);
		assert(mail_inventory_feed(inventory, piece, length));
		assert(mail_reading_feed(reading, piece, length));
		free(piece);
		input.at += length;
		input.left -= length;
	}
	assert(mail_inventory_finish(inventory));
	assert(mail_reading_finish(reading));
	items = mail_inventory_items(inventory, &count);
	for (size_t i = 0; i < count; i++) {
		record_text(record, items[i].type);
		record_text(record, items[i].name);
		fuzz_record_number(record, items[i].within);
		fuzz_record_number(record, items[i].octets);
		fuzz_record_bytes(
		    record, items[i].digest, sizeof(items[i].digest));
	}
	text = mail_reading_text(reading);
	assert(text->length <= MAIL_READING_MAX);
	fuzz_record_bytes(
	    record, (const unsigned char *)text->bytes, text->length);
	mail_inventory_free(inventory);
	mail_reading_free(reading);
}

static void
check_reading(struct fuzz_input input, struct fuzz_cuts cuts)
{
	struct fuzz_record whole = { NULL, 0, 0 }, cut = { NULL, 0, 0 };

	read_cut(input, FUZZ_WHOLE, &whole);
	read_cut(input, cuts, &cut);
	fuzz_record_same(&whole, &cut);
	fuzz_record_free(&whole);
	fuzz_record_free(&cut);
}

static void
check_words(const char *message, size_t length)
{
	struct mail_words words;

	assert(mail_words_read(message, length, &words));
	assert(fuzz_is_showable(words.senders, strlen(words.senders)));
	assert(fuzz_is_showable(words.recipients, strlen(words.recipients)));
	assert(fuzz_is_showable(words.subject, strlen(words.subject)));
	assert(fuzz_is_showable(words.copies, strlen(words.copies)));
	assert(fuzz_is_showable(words.files, strlen(words.files)));
	assert(fuzz_is_showable(words.text, strlen(words.text)));
	mail_words_free(&words);
}

static void
check_references(const char *message, size_t length)
{
	struct mail_references references;

	mail_references_read(message, length, &references);
	assert(references.count <= MAIL_REFERENCES_MAX);
	for (size_t i = 0; i < references.count; i++) {
		const struct mail_reference *one = &references.items[i];

		assert(one->length > 0 && one->id >= message &&
		       one->id + one->length <= message + length);
	}
}

static void
check_texts(const char *message, size_t length)
{
	char *clean = mail_text_clean(message, length, 100, NULL);
	char *string = fuzz_string(message, length), *folded, *query;
	struct mail_text html;
	size_t left = MAIL_HTML_MAX;

	assert(clean != NULL && strlen(clean) <= 100);
	assert(fuzz_is_showable(clean, strlen(clean)));
	folded = store_fold(string);
	assert(folded != NULL && fuzz_is_utf8(folded, strlen(folded)));
	query = mail_pairs_phrase(string, strlen(string), length % 2 != 0);
	assert(query != NULL && fuzz_is_utf8(query, strlen(query)));
	mail_text_init(&html, 1000);
	mail_html_add(&html, clean, strlen(clean), &left);
	mail_html_add(&html, message, length, &left);
	assert(html.length <= 1000 && !html.has_failed);
	mail_text_free(&html);
	free(clean);
	free(string);
	free(folded);
	free(query);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	struct fuzz_cuts cuts = fuzz_take_cuts(&input);
	char *message = (char *)fuzz_copy(input.at, input.left);

	check_fields(message, input.left);
	check_scan(input, cuts);
	check_reading(input, cuts);
	check_words(message, input.left);
	check_references(message, input.left);
	check_texts(message, input.left);
	free(message);
	return 0;
}
