#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/control/when.h"
#include "daemon/ctl/attachment.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/local.h"
#include "daemon/ctl/pager.h"
#include "daemon/ctl/print.h"
#include "daemon/ctl/raw.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/text.h"
#include "daemon/ctl/wrap.h"
#include "lib/base/clock.h"
#include "lib/base/unit.h"

/* Columns of a heading and the blanks behind it. */
#define HEADING_WIDTH 10
/* Of the lines of a header but its first. */
#define HEADER_INDENT 4
#define DATE_SIZE     64

/* ---- what the store knows of it ---- */

static const struct print_field message_fields[] = {
	{ "From", .member = "sender" },
	{ "To", .member = "recipients" },
	{ "Cc", .member = "cc" },
	{ "Subject", .member = "subject" },
	{ "Date", .member = "date" },
	{ "Message-ID", .member = "message_id" },
	{ "Account", .member = "account" },
	{ "Stored", .member = "stored_at", .kind = PRINT_TIME },
	{ "Size", .form = "{bytes:size} ({bytes} bytes)" },
	{ "Attachments", .member = "attachments", .kind = PRINT_COUNT },
	{ "Too long", .form =
			  "?{cut:none}not all of it is shown here or found by "
			  "its words" },
	{ "Unique-id", .member = "unique_id" },
	{ "", .member = "unique_id_hex" },
	{ "Held", .form = "?by {hold.by}|?{hold.reason}|?{hold.since:time}" },
	{ "Digest", .member = "digest" },
};

static void
show_say_state(const struct ctl *ctl, const json_t *row, struct phrase *phrase)
{
	print_form(
	    ctl, "{state}|?{settled_at:time}|?{answer}|?{place}", row, phrase);
}

static const struct print_field delivery_columns[] = {
	{ "DELIVERY", .member = "id", .kind = PRINT_COUNT },
	{ "TARGET", .member = "target", .fit = PRINT_CUT_MIDDLE },
	{ "STATE", .words = show_say_state, .fit = PRINT_WRAP },
};

static const struct print_field part_columns[] = {
	{ "PART", .member = "number", .kind = PRINT_COUNT },
	{ "TYPE", .member = "type", .fit = PRINT_CUT_MIDDLE },
	{ "SIZE", .member = "bytes", .kind = PRINT_SIZE },
	{ "NAME", .member = "name", .fit = PRINT_CUT_MIDDLE },
};

static void
show_rows(const struct ctl *ctl, const struct print_field *columns,
    size_t column_count, const json_t *rows)
{
	struct table *table = table_new(columns, column_count);

	if (table == NULL) {
		(void)ctl_no_memory(ctl);
		return;
	}
	for (size_t i = 0; i < json_array_size(rows); i++)
		table_add(table, ctl, json_array_get(rows, i));
	if (json_array_size(rows) > 0) {
		fprintf(ctl->out, "\n");
		if (!table_print(table, ctl->out, ctl->width, ctl->colour))
			(void)ctl_no_memory(ctl);
	}
	table_free(&table);
}

/* Where it went; who may not see that need not hear of it. */
static void
show_deliveries(const struct ctl *ctl, const char *id)
{
	struct client_error error;
	struct target target;
	json_t *answer;

	target_begin(&target, "/v1/outbox", NULL);
	target_parameter(&target, "message", id);
	if (!client_ask(ctl, "GET", &target, &answer, &error))
		return;
	show_rows(ctl, delivery_columns, PRINT_FIELD_COUNT(delivery_columns),
	    ctl_member(answer, "outbox"));
	json_decref(answer);
}

static void
show_details(const struct ctl *ctl, const json_t *message, const char *id)
{
	print_fields(
	    ctl, message_fields, PRINT_FIELD_COUNT(message_fields), message);
	show_rows(ctl, part_columns, PRINT_FIELD_COUNT(part_columns),
	    ctl_member(message, "parts"));
	show_deliveries(ctl, id);
}

/* ---- to read ---- */

/* "From      Anna <anna@example.org>", in as many lines as it takes. */
static void
show_heading(const struct ctl *ctl, const char *heading, const char *value)
{
	char *clean;

	if (value == NULL || *value == '\0')
		return;
	clean = text_clean(value, TEXT_ONE_LINE);
	if (clean == NULL)
		return;
	fprintf(ctl->out, "%s%-*s%s", ctl->colour ? "\033[1m" : "",
	    HEADING_WIDTH, heading, ctl->colour ? "\033[0m" : "");
	wrap_print_behind(
	    ctl->out, clean, HEADING_WIDTH, HEADING_WIDTH, ctl->width);
	free(clean);
}

/* In the zone of the one who reads. */
static const char *
show_date(const json_t *message, char text_r[DATE_SIZE])
{
	struct tm parts;

	if (!local_parts(message, "date", &parts) ||
	    strftime(text_r, DATE_SIZE, "%a, %d %b %Y %H:%M %z", &parts) == 0)
		return ctl_text(message, "date");
	return text_r;
}

static void
show_attached(const struct ctl *ctl, const json_t *message)
{
	const json_t *parts = ctl_member(message, "parts");
	const char *heading = "Attached";
	struct phrase phrase;
	char size[EVPOP_UNIT_SIZE];

	for (size_t i = 0; i < json_array_size(parts); i++) {
		const json_t *part = json_array_get(parts, i);
		const char *name = ctl_text(part, "name");

		if (!attachment_is_one(part))
			continue;
		phrase_begin(&phrase);
		phrase_add(&phrase, "%llu: %s%s%s",
		    (unsigned long long)ctl_count(part, "number"),
		    name != NULL ? name : "", name != NULL ? " (" : "",
		    ctl_text(part, "type"));
		phrase_add(&phrase, "%s%s",
		    evpop_unit_size(ctl_count(part, "bytes"), size),
		    name != NULL ? ")" : "");
		show_heading(ctl, heading, phrase.text);
		heading = "";
	}
}

struct lines {
	char *bytes;
	size_t length, room;
};

static bool
show_take(const char *bytes, size_t length, void *arg)
{
	struct lines *lines = arg;
	size_t room = lines->room == 0 ? 16384 : lines->room;
	char *grown;

	while (room < lines->length + length + 1)
		room *= 2;
	if (room > lines->room) {
		grown = realloc(lines->bytes, room);
		if (grown == NULL)
			return false;
		lines->bytes = grown;
		lines->room = room;
	}
	memcpy(lines->bytes + lines->length, bytes, length);
	lines->length += length;
	lines->bytes[lines->length] = '\0';
	return true;
}

static void
show_lines(const struct ctl *ctl, const char *text)
{
	while (*text != '\0') {
		size_t length = strcspn(text, "\n");

		wrap_print(ctl->out, text, length, ctl->width);
		text += length + (text[length] == '\n');
	}
}

static enum ctl_exit
show_text(const struct ctl *ctl, const char *id)
{
	struct lines lines = { NULL, 0, 0 };
	struct client_error error;
	struct target target;
	char *clean;
	enum ctl_exit code = CTL_OK;

	target_begin(&target, "/v1/messages/*/text", id);
	if (!client_download(ctl, &target, show_take, &lines, &error)) {
		free(lines.bytes);
		return error.exit == CTL_OK ? ctl_no_memory(ctl)
					    : client_report(ctl, &error);
	}
	clean =
	    text_clean(lines.bytes != NULL ? lines.bytes : "", TEXT_KEEP_LINES);
	if (clean == NULL)
		code = ctl_no_memory(ctl);
	else if (*clean == '\0')
		fprintf(ctl->out, "(no text)\n");
	else
		show_lines(ctl, clean);
	free(clean);
	free(lines.bytes);
	return code;
}

static enum ctl_exit
show_message(const struct ctl *ctl, const json_t *message, const char *id)
{
	char date[DATE_SIZE];

	show_heading(ctl, "From", ctl_text(message, "sender"));
	show_heading(ctl, "To", ctl_text(message, "recipients"));
	show_heading(ctl, "Cc", ctl_text(message, "cc"));
	show_heading(ctl, "Date", show_date(message, date));
	show_heading(ctl, "Subject", ctl_text(message, "subject"));
	show_attached(ctl, message);
	fprintf(ctl->out, "\n");
	return show_text(ctl, id);
}

/* ---- all headers ---- */

static void
show_header(const struct ctl *ctl, const char *name, const char *value)
{
	char *clean_name = text_clean(name, TEXT_ONE_LINE);
	char *clean = text_clean(value, TEXT_ONE_LINE);

	if (clean_name != NULL && clean != NULL) {
		fprintf(ctl->out, "%s%s:%s ", ctl->colour ? "\033[1m" : "",
		    clean_name, ctl->colour ? "\033[0m" : "");
		wrap_print_behind(ctl->out, clean, text_width(clean_name) + 2,
		    HEADER_INDENT, ctl->width);
	}
	free(clean_name);
	free(clean);
}

static void
show_headers(const struct ctl *ctl, const json_t *answer)
{
	const json_t *headers = ctl_member(answer, "headers");

	for (size_t i = 0; i < json_array_size(headers); i++) {
		const json_t *header = json_array_get(headers, i);

		show_header(
		    ctl, ctl_text(header, "name"), ctl_text(header, "value"));
	}
	if (json_is_true(ctl_member(answer, "cut")))
		fprintf(
		    ctl->out, "[The header is too long to be shown whole.]\n");
}

/* ---- one part ---- */

static enum ctl_exit
show_part(const struct ctl *ctl, const struct invocation *invocation,
    const json_t *message, const char *number)
{
	const json_t *part;
	const char *type;
	enum ctl_exit code = attachment_find(ctl, message, number, &part);
	struct target target;

	if (code != CTL_OK)
		return code;
	type = ctl_text(part, "type");
	if (ctl->is_terminal && !command_given(invocation, "output") &&
	    strncmp(type, "text/", 5) != 0 &&
	    strncmp(type, "message/", 8) != 0) {
		ctl_warn(ctl, "part %s is %s, which is not for a terminal",
		    number, type);
		ctl_hint(ctl, "-o FILE saves it, --attachment saves it by its "
			      "own name");
		return CTL_DATA;
	}
	target_begin(&target, "/v1/messages/*/parts", invocation->arguments[0]);
	target_segment(&target, number);
	return raw_print(ctl, &target, invocation);
}

/* ---- the command ---- */

static bool
show_is_consistent(const struct ctl *ctl, const struct invocation *invocation)
{
	static const char *const kinds[] = { "headers", "raw", "details",
		"part", "attachment" };
	const char *kind = NULL;
	bool has_bytes;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!command_given(invocation, kinds[i]))
			continue;
		if (kind != NULL) {
			ctl_warn(
			    ctl, "show: either --%s or --%s", kind, kinds[i]);
			return false;
		}
		kind = kinds[i];
	}
	has_bytes = kind != NULL &&
		    (strcmp(kind, "raw") == 0 || strcmp(kind, "part") == 0 ||
			strcmp(kind, "attachment") == 0);
	if (!has_bytes && (command_given(invocation, "output") ||
			      command_given(invocation, "force"))) {
		ctl_warn(ctl, "show: --output and --force are for --raw, "
			      "--part and --attachment");
		return false;
	}
	if (has_bytes && ctl->json)
		ctl_warn(ctl, "show: either --json or --%s", kind);
	return !has_bytes || !ctl->json;
}

/* What needs the message as JSON. */
static enum ctl_exit
show_asked(const struct ctl *ctl, const struct invocation *invocation,
    const json_t *message)
{
	const char *number = command_value(invocation, "part");
	struct ctl paged;
	struct pager *pager;

	if (number != NULL)
		return show_part(ctl, invocation, message, number);
	if (command_given(invocation, "attachment"))
		return attachment_save(ctl, invocation, message);
	if (command_given(invocation, "details")) {
		show_details(ctl, message, invocation->arguments[0]);
		return CTL_OK;
	}
	pager = pager_begin(ctl, &paged);
	return pager_end(pager, ctl,
	    show_message(&paged, message, invocation->arguments[0]));
}

enum ctl_exit
show_run(const struct ctl *ctl, const struct invocation *invocation)
{
	const char *id = invocation->arguments[0];
	struct client_error error;
	struct target target;
	struct ctl paged;
	struct pager *pager;
	enum ctl_exit code;
	json_t *message;

	if (!show_is_consistent(ctl, invocation))
		return CTL_USAGE;
	if (command_given(invocation, "raw")) {
		target_begin(&target, "/v1/messages/*/raw", id);
		return raw_print(ctl, &target, invocation);
	}
	if (command_given(invocation, "headers")) {
		target_begin(&target, "/v1/messages/*/headers", id);
		pager = pager_begin(ctl, &paged);
		return pager_end(pager, ctl,
		    client_print(&paged, "GET", &target, show_headers));
	}
	target_begin(&target, "/v1/messages/*", id);
	if (!client_ask(ctl, "GET", &target, &message, &error))
		return client_report(ctl, &error);
	code = ctl->json ? ctl_print_json(ctl, message)
			 : show_asked(ctl, invocation, message);
	json_decref(message);
	return code;
}
