#include "daemon/store/envelope.h"

#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/charset.h"
#include "daemon/store/header.h"
#include "daemon/store/text.h"

/*
 * What a row keeps of one header.  A list of recipients may be long and is
 * searched; a subject of more than this is no subject.
 */
#define ADDRESSES_MAX ((size_t)16 * 1024)
#define SUBJECT_MAX   ((size_t)4 * 1024)
#define HEADER_ID_MAX ((size_t)1024)

/* Decoding can be slower than linear; what is beyond is cut before it. */
#define RAW_MAX ((size_t)64 * 1024)

/*
 * GMime reads a group of addresses within a group by recursion, with no end
 * but that of the stack.  Mail nests none; colons in names are few.
 */
#define GROUPS_MAX 64

/* The calendar that SQLite's functions know, in seconds of Unix time. */
#define DATE_FIRST INT64_C(-62135596800) /* 0001-01-01 */
#define DATE_LAST  INT64_C(253402300799) /* 9999-12-31 */

enum wanted {
	FROM = 0,
	TO,
	CC,
	SUBJECT,
	DATE,
	MESSAGE_ID,
	WANTED_COUNT
};

struct wanted_name {
	const char *name;
	bool joined; /* further ones are appended, else the first counts */
};

static const struct wanted_name names[] = {
	[FROM] = { "From", false },
	[TO] = { "To", true },
	[CC] = { "Cc", true },
	[SUBJECT] = { "Subject", false },
	[DATE] = { "Date", false },
	[MESSAGE_ID] = { "Message-ID", false },
};
_Static_assert(
    sizeof(names) / sizeof(names[0]) == WANTED_COUNT, "each has a name");

/* Mail that names no charset is mostly UTF-8 today, and was Western before. */
static const char *fallbacks[] = { "utf-8", "windows-1252", NULL };

void
store_envelope_init(void)
{
	g_mime_init();
	for (size_t i = 0; fallbacks[i] != NULL; i++)
		store_charset_keep(fallbacks[i]);
}

/* NULs and line ends inside a value are white space to what decodes it. */
static bool
append_value(char **text, const struct store_header_field *field)
{
	size_t had = *text == NULL ? 0 : strlen(*text) + 2;
	size_t length = field->value_length;
	char *grown;

	if (had >= RAW_MAX)
		return true;
	if (length > RAW_MAX - had)
		length = RAW_MAX - had;
	grown = realloc(*text, had + length + 1);
	if (grown == NULL)
		return false;
	if (had > 0)
		memcpy(grown + had - 2, ", ", 2);
	for (size_t i = 0; i < length; i++) {
		char c = field->value[i];

		grown[had + i] = c == '\0' || c == '\r' || c == '\n' ? ' ' : c;
	}
	grown[had + length] = '\0';
	*text = grown;
	return true;
}

static bool
collect(const char *header, size_t length, char *values[WANTED_COUNT])
{
	struct store_header_field field;
	size_t position = 0;

	while (store_header_next(header, length, &position, &field)) {
		for (size_t i = 0; i < WANTED_COUNT; i++) {
			if (!store_header_is(&field, names[i].name))
				continue;
			if (values[i] != NULL && !names[i].joined)
				break;
			if (!append_value(&values[i], &field))
				return false;
			break;
		}
	}
	return true;
}

static bool
clean_into(char **to_r, const char *text, size_t max)
{
	*to_r = store_text_clean(text, strlen(text), max);
	return *to_r != NULL;
}

/* Most headers say what they mean, and need no decoding. */
static bool
is_plain(const char *raw)
{
	for (const char *at = raw; *at != '\0'; at++)
		if ((unsigned char)*at >= 0x80 ||
		    (at[0] == '=' && at[1] == '?'))
			return false;
	return true;
}

static bool
decode_text(
    GMimeParserOptions *options, const char *raw, size_t max, char **text_r)
{
	char *decoded;
	bool kept;

	if (raw == NULL)
		return true;
	if (is_plain(raw))
		return clean_into(text_r, raw, max);
	store_charset_keep_words(raw);
	decoded = g_mime_utils_header_decode_text(options, raw);
	kept = clean_into(text_r, decoded != NULL ? decoded : raw, max);
	g_free(decoded);
	return kept;
}

/* Each colon may begin a group: what really ends one only GMime can tell. */
static bool
may_nest(const char *raw)
{
	size_t groups = 0;

	for (; *raw != '\0'; raw++)
		groups += *raw == ':';
	return groups > GROUPS_MAX;
}

static bool
is_ascii(const char *text)
{
	while (*text != '\0' && (unsigned char)*text < 0x80)
		text++;
	return *text == '\0';
}

static bool
append_mailbox(GString *text, InternetAddress *address)
{
	const char *name = internet_address_get_name(address), *where;
	char *quoted;

	if (!INTERNET_ADDRESS_IS_MAILBOX(address))
		return false;
	where = internet_address_mailbox_get_addr(
	    INTERNET_ADDRESS_MAILBOX(address));
	if (where == NULL || !is_ascii(where))
		return false;
	if (text->len > 0)
		g_string_append(text, ", ");
	if (name == NULL || name[0] == '\0') {
		g_string_append(text, where);
		return true;
	}
	quoted = g_mime_utils_quote_string(name);
	g_string_append(text, quoted);
	g_string_append(text, " <");
	g_string_append(text, where);
	g_string_append_c(text, '>');
	g_free(quoted);
	return true;
}

/*
 * GMime asks of each domain how it is written in other scripts, which takes
 * longer than all the rest, and which hardly any needs.
 */
static char *
list_to_string(InternetAddressList *list)
{
	GString *text = g_string_new(NULL);
	int count = internet_address_list_length(list), i;

	for (i = 0; i < count; i++)
		if (!append_mailbox(
			text, internet_address_list_get_address(list, i)))
			break;
	if (i == count)
		return g_string_free(text, FALSE);
	g_string_free(text, TRUE);
	return internet_address_list_to_string(list, NULL, FALSE);
}

/* What GMime makes nothing of is kept as text: better than nothing. */
static bool
decode_addresses(GMimeParserOptions *options, const char *raw, char **text_r)
{
	InternetAddressList *list;
	char *decoded = NULL;
	bool kept;

	if (raw == NULL)
		return true;
	if (is_plain(raw))
		return clean_into(text_r, raw, ADDRESSES_MAX);
	store_charset_keep_words(raw);
	list = may_nest(raw) ? NULL : internet_address_list_parse(options, raw);
	if (list != NULL) {
		decoded = list_to_string(list);
		g_object_unref(list);
	}
	if (decoded == NULL || decoded[0] == '\0' ||
	    strstr(decoded, "=?") != NULL) {
		g_free(decoded);
		return decode_text(options, raw, ADDRESSES_MAX, text_r);
	}
	kept = clean_into(text_r, decoded, ADDRESSES_MAX);
	g_free(decoded);
	return kept;
}

static void
decode_date(const char *raw, struct store_envelope *envelope)
{
	GDateTime *date;
	int64_t seconds;

	if (raw == NULL)
		return;
	date = g_mime_utils_header_decode_date(raw);
	if (date == NULL)
		return;
	seconds = g_date_time_to_unix(date);
	g_date_time_unref(date);
	if (seconds < DATE_FIRST || seconds > DATE_LAST)
		return;
	envelope->has_date = true;
	envelope->date_ms = seconds * 1000;
}

static GMimeParserOptions *
make_options(void)
{
	GMimeParserOptions *options = g_mime_parser_options_new();

	g_mime_parser_options_set_fallback_charsets(options, fallbacks);
	g_mime_parser_options_set_allow_addresses_without_domain(options, TRUE);
	return options;
}

bool
store_envelope_decode(
    const char *header, size_t length, struct store_envelope *envelope_r)
{
	char *values[WANTED_COUNT] = { NULL };
	GMimeParserOptions *options;
	bool done;

	memset(envelope_r, 0, sizeof(*envelope_r));
	options = make_options();
	done = collect(header, length, values) &&
	       decode_addresses(options, values[FROM], &envelope_r->sender) &&
	       decode_addresses(options, values[TO], &envelope_r->recipients) &&
	       decode_addresses(options, values[CC], &envelope_r->cc) &&
	       decode_text(options, values[SUBJECT], SUBJECT_MAX,
		   &envelope_r->subject) &&
	       (values[MESSAGE_ID] == NULL ||
		   clean_into(&envelope_r->header_id, values[MESSAGE_ID],
		       HEADER_ID_MAX));
	if (done)
		decode_date(values[DATE], envelope_r);
	g_mime_parser_options_free(options);
	for (size_t i = 0; i < WANTED_COUNT; i++)
		free(values[i]);
	return done;
}

void
store_envelope_free(struct store_envelope *envelope)
{
	free(envelope->sender);
	free(envelope->recipients);
	free(envelope->cc);
	free(envelope->subject);
	free(envelope->header_id);
	memset(envelope, 0, sizeof(*envelope));
}
