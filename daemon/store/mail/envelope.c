#include "daemon/store/mail/envelope.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/mail/date.h"
#include "daemon/store/mail/encoded.h"
#include "daemon/store/mail/part.h"

/*
 * A row keeps this much of one header.  A list of recipients may be long; a
 * longer subject is no subject.
 */
#define ADDRESSES_MAX ((size_t)16 * 1024)
#define SUBJECT_MAX   ((size_t)4 * 1024)
#define HEADER_ID_MAX ((size_t)1024)

/* Bytes beyond this are not decoded, neither for the row nor for the index. */
#define RAW_MAX       ((size_t)64 * 1024)
#define RAW_NAMES_MAX ((size_t)256 * 1024)

enum wanted {
	FROM = 0,
	SENDER,
	RETURN_PATH,
	TO,
	CC,
	SUBJECT,
	DATE,
	MESSAGE_ID,
	WANTED_COUNT
};

struct wanted_name {
	const char *name;
	bool is_joined; /* further ones are appended, else the first counts */
};

static const struct wanted_name names[] = {
	[FROM] = { "From", false },
	[SENDER] = { "Sender", false },
	[RETURN_PATH] = { "Return-Path", false },
	[TO] = { "To", true },
	[CC] = { "Cc", true },
	[SUBJECT] = { "Subject", false },
	[DATE] = { "Date", false },
	[MESSAGE_ID] = { "Message-ID", false },
};
_Static_assert(
    sizeof(names) / sizeof(names[0]) == WANTED_COUNT, "each has a name");

/* The values as they came; of most fields there is one. */
struct values {
	struct mail_text texts[WANTED_COUNT];
	bool is_there[WANTED_COUNT];
};

/* ---- collecting ---- */

static void
values_add(struct values *values, const struct mail_header_field *field)
{
	for (size_t i = 0; i < WANTED_COUNT; i++) {
		struct mail_text *text = &values->texts[i];

		if (!mail_header_is(field, names[i].name))
			continue;
		if (values->is_there[i] && !names[i].is_joined)
			return;
		if (values->is_there[i])
			mail_text_add_string(text, ", ");
		mail_text_add(text, field->value, field->value_length);
		values->is_there[i] = true;
		return;
	}
}

static void
values_collect(struct values *values, const char *header, size_t length)
{
	struct mail_header_field field;
	size_t position = 0;

	memset(values, 0, sizeof(*values));
	for (size_t i = 0; i < WANTED_COUNT; i++)
		mail_text_init(&values->texts[i], RAW_MAX);
	while (mail_header_next(header, length, &position, &field))
		values_add(values, &field);
}

static void
values_free(struct values *values)
{
	for (size_t i = 0; i < WANTED_COUNT; i++)
		mail_text_free(&values->texts[i]);
}

static bool
values_have(const struct values *values, enum wanted wanted)
{
	const struct mail_text *text = &values->texts[wanted];

	for (size_t i = 0; i < text->length; i++)
		if (strchr(" \t\r\n", text->bytes[i]) == NULL)
			return true;
	return false;
}

/* ---- decoding ---- */

struct reading {
	const char *hint;
	struct mail_envelope *envelope;
	bool has_failed;
};

static const char *
reading_bytes(const struct mail_text *raw)
{
	return raw->bytes != NULL ? raw->bytes : "";
}

/* Most headers say what they mean, and need no decoding. */
static char *
reading_decode(struct reading *reading, const struct mail_text *raw,
    enum mail_encoded_in in, size_t max)
{
	struct mail_envelope *envelope = reading->envelope;
	const char *bytes = reading_bytes(raw);
	struct mail_text decoded;
	char *clean;

	if (mail_encoded_is_plain(bytes, raw->length))
		return mail_text_finish(raw, max, &envelope->is_cut);
	envelope->is_cut |= raw->is_cut;
	envelope->wants_charset |=
	    reading->hint == NULL && mail_charset_is_needed(bytes, raw->length);
	mail_text_init(&decoded, 4 * RAW_MAX);
	mail_encoded_add(&decoded, in, reading->hint, bytes, raw->length);
	clean = mail_text_finish(&decoded, max, &envelope->is_cut);
	mail_text_free(&decoded);
	return clean;
}

static void
reading_take(struct reading *reading, const struct values *values,
    enum wanted wanted, size_t max, char **text_r)
{
	enum mail_encoded_in in =
	    wanted == SUBJECT ? MAIL_ENCODED_TEXT : MAIL_ENCODED_ADDRESSES;

	if (!values->is_there[wanted])
		return;
	*text_r =
	    values->texts[wanted].has_failed
		? NULL
		: reading_decode(reading, &values->texts[wanted], in, max);
	reading->has_failed |= *text_r == NULL;
}

/* Who sent it, where nobody has written it (RFC 5322, section 3.6.2). */
static enum wanted
reading_sender(const struct values *values)
{
	if (values_have(values, FROM))
		return FROM;
	if (values_have(values, SENDER))
		return SENDER;
	if (values_have(values, RETURN_PATH) && !values->is_there[FROM])
		return RETURN_PATH;
	return FROM;
}

static void
reading_all(struct reading *reading, const struct values *values)
{
	struct mail_envelope *envelope = reading->envelope;
	const struct mail_text *date = &values->texts[DATE];

	reading_take(reading, values, reading_sender(values), ADDRESSES_MAX,
	    &envelope->sender);
	reading_take(reading, values, TO, ADDRESSES_MAX, &envelope->recipients);
	reading_take(reading, values, CC, ADDRESSES_MAX, &envelope->cc);
	reading_take(reading, values, SUBJECT, SUBJECT_MAX, &envelope->subject);
	reading_take(
	    reading, values, MESSAGE_ID, HEADER_ID_MAX, &envelope->header_id);
	if (date->length > 0)
		envelope->has_date = mail_date_read(
		    date->bytes, date->length, &envelope->date_ms);
}

bool
mail_envelope_read(const char *header, size_t length, const char *hint,
    struct mail_envelope *envelope_r)
{
	char charset[MAIL_CHARSET_SIZE];
	struct reading reading = { .hint = hint, .envelope = envelope_r };
	struct values values;

	memset(envelope_r, 0, sizeof(*envelope_r));
	if (!mail_encoded_is_plain(header, length) &&
	    mail_part_charset(header, length, charset))
		reading.hint = charset;
	values_collect(&values, header, length);
	reading_all(&reading, &values);
	values_free(&values);
	return !reading.has_failed;
}

void
mail_envelope_free(struct mail_envelope *envelope)
{
	free(envelope->sender);
	free(envelope->recipients);
	free(envelope->cc);
	free(envelope->subject);
	free(envelope->header_id);
	memset(envelope, 0, sizeof(*envelope));
}

/* ---- words ---- */

static struct mail_text *
names_of(struct mail_names *to, const struct mail_header_field *field)
{
	const struct {
		const char *name;
		struct mail_text *text;
	} kinds[] = {
		{ "Subject", &to->subject },
		{ "From", &to->senders },
		{ "Sender", &to->senders },
		{ "Reply-To", &to->senders },
		{ "Resent-From", &to->senders },
		{ "Return-Path", &to->senders },
		{ "To", &to->recipients },
		{ "Resent-To", &to->recipients },
		{ "Delivered-To", &to->recipients },
		{ "X-Original-To", &to->recipients },
		{ "Newsgroups", &to->recipients },
		{ "Cc", &to->copies },
		{ "Bcc", &to->copies },
		{ "Resent-Cc", &to->copies },
		{ "Resent-Bcc", &to->copies },
		{ "Message-ID", &to->others },
		{ "List-Id", &to->others },
		{ "Keywords", &to->others },
		{ "Comments", &to->others },
		{ "Organization", &to->others },
		{ "Resent-Message-ID", &to->others },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (mail_header_is(field, kinds[i].name))
			return kinds[i].text;
	return NULL;
}

static void
names_add_encoded(struct mail_text *text, const struct mail_header_field *field,
    const char *hint)
{
	size_t length = field->value_length;

	if (length > RAW_NAMES_MAX) {
		length = RAW_NAMES_MAX;
		mail_text_cut(text);
	}
	mail_encoded_add(text, MAIL_ENCODED_TEXT, hint, field->value, length);
}

void
mail_names_add(struct mail_names *names_r, const char *header, size_t length,
    const char *hint)
{
	char charset[MAIL_CHARSET_SIZE];
	struct mail_header_field field;
	size_t position = 0;

	if (!mail_encoded_is_plain(header, length) &&
	    mail_part_charset(header, length, charset))
		hint = charset;
	while (mail_header_next(header, length, &position, &field)) {
		struct mail_text *text = names_of(names_r, &field);

		if (text == NULL)
			continue;
		mail_text_add(text, " ", 1);
		if (mail_encoded_is_plain(field.value, field.value_length))
			mail_text_add(text, field.value, field.value_length);
		else
			names_add_encoded(text, &field, hint);
	}
}
