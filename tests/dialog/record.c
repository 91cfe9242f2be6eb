#include "tests/dialog/record.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

static void
add_line(struct record *record, char *line)
{
	record->lines = reallocarray(
	    record->lines, record->count + 1, sizeof *record->lines);
	if (record->lines == NULL)
		abort();
	record->lines[record->count++] = line;
}

void
record_add(struct record *record, const char *format, ...)
{
	va_list ap;
	char *line;

	va_start(ap, format);
	if (vasprintf(&line, format, ap) == -1)
		abort();
	va_end(ap);
	add_line(record, line);
}

void
record_clear(struct record *record)
{
	size_t i;

	for (i = 0; i < record->count; i++)
		free(record->lines[i]);
	free(record->lines);
	octets_clear(&record->first_entry);
	octets_clear(&record->last_entry);
	octets_clear(&record->body);
	octets_clear(&record->trace);
	memset(record, 0, sizeof *record);
}

void
record_result(struct record *record, const char *name, unsigned number,
    const struct evpop_result *result)
{
	char numbered[16] = "", code[32] = "";

	if (result->error == EVPOP_ERROR_NONE)
		return;
	if (number > 0)
		snprintf(numbered, sizeof numbered, " %u", number);
	if (result->code != EVPOP_CODE_NONE)
		snprintf(code, sizeof code, " [%s]",
		    evpop_response_code_name(result->code));
	record_add(record, "%s%s %s @%s %s %s%s ~ %s", name, numbered,
	    evpop_error_name(result->error), evpop_phase_name(result->phase),
	    evpop_scope_name(result->scope), result->retry ? "retry" : "final",
	    code, result->text);
}

/* ---- listings ---- */

void
record_entry(struct record *record, uint32_t number, uint64_t octets,
    const unsigned char *id, size_t id_length)
{
	struct octets *last = &record->last_entry;
	char text[64];

	last->length = 0;
	if (id == NULL) {
		snprintf(
		    text, sizeof text, "%" PRIu32 " %" PRIu64, number, octets);
		octets_add_text(last, text);
	} else {
		snprintf(text, sizeof text, "%" PRIu32 " id%s", number,
		    id_length > 0 ? " " : "");
		octets_add_text(last, text);
		octets_escape(last, id, id_length);
	}
	record->entries++;
	if (record->entries == 1) {
		octets_clear(&record->first_entry);
		octets_add(&record->first_entry, last->bytes, last->length);
	}
	if (record->entries <= RECORD_ENTRIES)
		record_add(record, "entry %s", octets_text(last));
}

void
record_no_entries(struct record *record)
{
	while (record->entries > 0 && record->count > 0 &&
	       strncmp(record->lines[record->count - 1], "entry ", 6) == 0)
		free(record->lines[--record->count]);
	record->entries = 0;
}

void
record_entries(struct record *record, uint32_t ignored)
{
	size_t entries = record->entries;

	if (entries > RECORD_ENTRIES) {
		record_no_entries(record);
		record_add(record, "entries %zu from %s to %s", entries,
		    octets_text(&record->first_entry),
		    octets_text(&record->last_entry));
	}
	if (ignored > 0)
		record_add(record, "ignored %" PRIu32, ignored);
	record->entries = 0;
}

/* ---- bodies ---- */

void
record_body_begin(struct record *record)
{
	record->body.length = 0;
}

void
record_body(struct record *record, const unsigned char *bytes, size_t length)
{
	octets_add(&record->body, bytes, length);
}

static void
add_digest(struct octets *text, const struct octets *body)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int length = 0, i;
	char part[64];

	if (EVP_Digest(body->bytes, body->length, digest, &length, EVP_sha256(),
		NULL) != 1)
		abort();
	snprintf(part, sizeof part, "%zu octets sha256:", body->length);
	octets_add_text(text, part);
	for (i = 0; i < length; i++) {
		snprintf(part, sizeof part, "%02x", digest[i]);
		octets_add_text(text, part);
	}
}

void
record_body_end(struct record *record, unsigned number)
{
	struct octets text = { NULL, 0, 0 };

	if (record->body.length > RECORD_BODY)
		add_digest(&text, &record->body);
	else
		octets_escape(&text, record->body.bytes, record->body.length);
	record_add(record, "body %u%s%s", number, text.length > 0 ? " " : "",
	    octets_text(&text));
	octets_clear(&text);
	record->body.length = 0;
}

/* ---- what a server says of itself ---- */

void
record_capabilities(
    struct record *record, const struct evpop_capabilities *said)
{
	const struct {
		bool set;
		const char *name;
	} flags[] = {
		{ !said->known, "unknown" },
		{ said->top, "TOP" },
		{ said->user, "USER" },
		{ said->uidl, "UIDL" },
		{ said->pipelining, "PIPELINING" },
		{ said->resp_codes, "RESP-CODES" },
		{ said->stls, "STLS" },
		{ said->utf8, "UTF8" },
		{ said->lang, "LANG" },
		{ said->auth_resp_code, "AUTH-RESP-CODE" },
		{ said->expire && said->expire_never, "EXPIRE=NEVER" },
	};
	struct octets line = { NULL, 0, 0 };
	char value[320];
	size_t i;

	octets_add_text(&line, "caps");
	for (i = 0; i < sizeof flags / sizeof flags[0]; i++)
		if (flags[i].set) {
			octets_add_text(&line, " ");
			octets_add_text(&line, flags[i].name);
		}
	if (said->expire && !said->expire_never) {
		snprintf(
		    value, sizeof value, " EXPIRE=%" PRIu32, said->expire_days);
		octets_add_text(&line, value);
	}
	if (said->login_delay) {
		snprintf(value, sizeof value, " LOGIN-DELAY=%" PRIu32,
		    said->login_delay_s);
		octets_add_text(&line, value);
	}
	if (said->sasl[0] != '\0') {
		snprintf(value, sizeof value, " SASL %s", said->sasl);
		octets_add_text(&line, value);
	}
	if (said->implementation[0] != '\0') {
		snprintf(value, sizeof value, " IMPLEMENTATION %s",
		    said->implementation);
		octets_add_text(&line, value);
	}
	record_add(record, "%s", octets_text(&line));
	octets_clear(&line);
}

void
record_trace(struct record *record, bool from_server, const char *line)
{
	octets_add_text(&record->trace, from_server ? "S: " : "C: ");
	octets_add_text(&record->trace, line);
	octets_add_text(&record->trace, "\n");
}
