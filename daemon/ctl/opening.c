#include "daemon/ctl/opening.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/control/field.h"
#include "daemon/control/mail.h"
#include "daemon/ctl/gathering.h"
#include "daemon/ctl/sifting.h"
#include "daemon/ctl/source.h"
#include "daemon/store/mail/apart.h"
#include "daemon/store/mail/extract.h"
#include "daemon/store/mail/headers.h"
#include "daemon/store/mail/inventory.h"

/* Decoded bytes are given on in pieces of about this. */
#define PIECE_MAX ((size_t)512 * 1024)

struct opening {
	struct mail_source source;
	struct client_opener opener;
};

static bool
opening_no_memory(struct client_error *error_r)
{
	client_fail(error_r, CTL_TEMPORARY, NULL, "out of memory");
	return false;
}

/* The plain bytes of a message. */
static bool
opening_read(struct opening *opening, const struct ctl *ctl, const char *id,
    json_t *row, client_sink sink, void *arg, struct client_error *error_r)
{
	const struct source_name name = { .id = id };

	return source_read(
	    &opening->source, ctl, &name, row, sink, arg, error_r);
}

#define LIST           "/v1/messages"
#define MESSAGE        "/v1/messages/*"
#define HEADERS        "/v1/messages/*/headers"
#define TEXT           "/v1/messages/*/text"
#define RAW            "/v1/messages/*/raw"
#define PARTS          "/v1/messages/*/parts"
#define THREAD         "/v1/messages/*/thread"
#define QUARANTINE     "/v1/quarantine/*"
#define QUARANTINE_RAW "/v1/quarantine/*/raw"

/* ---- a message's parts ---- */

static bool
parts_take(const char *bytes, size_t length, void *inventory)
{
	return mail_inventory_feed(inventory, bytes, length);
}

static void
parts_put(json_t *message, const struct mail_inventory *inventory)
{
	size_t count;
	const struct mail_item *items = mail_inventory_items(inventory, &count);
	json_t *parts = json_array();

	for (size_t i = 0; i < count; i++) {
		char digest[STORE_PART_DIGEST];
		struct store_part_row row;

		store_part_row_take(&items[i], digest, &row);
		(void)json_array_append_new(parts, part_json(&row));
	}
	field_value(message, "parts", parts);
	field_value(message, "parts_cut",
	    json_boolean(mail_inventory_is_cut(inventory)));
}

static bool
opening_parts(struct opening *opening, const struct ctl *ctl, const char *id,
    json_t *message, struct client_error *error_r)
{
	struct mail_inventory *inventory = mail_inventory_new();
	bool done;

	if (inventory == NULL)
		return opening_no_memory(error_r);
	done = opening_read(
	    opening, ctl, id, message, parts_take, inventory, error_r);
	if ((done && !mail_inventory_finish(inventory)) ||
	    (!done && error_r->exit == CTL_OK))
		done = opening_no_memory(error_r);
	if (done)
		parts_put(message, inventory);
	mail_inventory_free(inventory);
	return done;
}

static bool
opening_details(struct opening *opening, const struct ctl *ctl, const char *id,
    json_t **json_r, struct client_error *error_r)
{
	if (!opening->source.kind->row(
		&opening->source, ctl, MESSAGE, id, json_r, error_r))
		return false;
	if (opening_parts(opening, ctl, id, *json_r, error_r))
		return true;
	json_decref(*json_r);
	*json_r = NULL;
	return false;
}

/* ---- its header ---- */

static bool
headers_take(const char *bytes, size_t length, void *headers)
{
	return mail_headers_feed(headers, bytes, length) &&
	       !mail_headers_are_read(headers);
}

static json_t *
headers_json(const struct mail_headers *headers)
{
	json_t *json = json_object(), *list = json_array();
	size_t count;
	const struct mail_headers_field *fields =
	    mail_headers_fields(headers, &count);

	for (size_t i = 0; i < count; i++) {
		const struct store_field_row row = { fields[i].name,
			fields[i].value };

		(void)json_array_append_new(list, header_json(&row));
	}
	field_value(json, "headers", list);
	field_value(json, "cut", json_boolean(mail_headers_are_cut(headers)));
	return json;
}

static bool
opening_headers(struct opening *opening, const struct ctl *ctl, const char *id,
    json_t **json_r, struct client_error *error_r)
{
	struct mail_headers *headers = mail_headers_new();
	bool done;

	if (headers == NULL)
		return opening_no_memory(error_r);
	done = opening_read(
	    opening, ctl, id, NULL, headers_take, headers, error_r);
	/* The rest of it was not asked for. */
	if (!done && error_r->exit == CTL_OK && mail_headers_are_read(headers))
		done = true;
	else if (!done && error_r->exit == CTL_OK)
		(void)opening_no_memory(error_r);
	if (done && !mail_headers_finish(headers))
		done = opening_no_memory(error_r);
	if (done)
		*json_r = headers_json(headers);
	mail_headers_free(headers);
	return done;
}

/* ---- its text ---- */

static bool
text_take(const char *bytes, size_t length, void *reading)
{
	return mail_apart_reading_feed(reading, bytes, length);
}

static bool
opening_text(struct opening *opening, const struct ctl *ctl, const char *id,
    client_sink sink, void *arg, struct client_error *error_r)
{
	struct mail_apart_reading *reading = mail_apart_reading_new();
	const char *text;
	size_t length;
	bool done;

	if (reading == NULL)
		return opening_no_memory(error_r);
	done =
	    opening_read(opening, ctl, id, NULL, text_take, reading, error_r);
	if ((done && !mail_apart_reading_finish(reading)) ||
	    (!done && error_r->exit == CTL_OK))
		done = opening_no_memory(error_r);
	if (done) {
		text = mail_apart_reading_text(reading, &length);
		if (length > 0 && !sink(text, length, arg)) {
			client_fail(error_r, CTL_OK, NULL, "stopped");
			done = false;
		}
	}
	mail_apart_reading_free(reading);
	return done;
}

/* ---- one of its parts ---- */

struct part {
	struct mail_extract *extract;
	struct mail_text decoded;
	bool has_any, is_starved;
	client_sink sink;
	void *arg;
};

static bool
part_pass(struct part *part)
{
	size_t length = mail_text_length(&part->decoded);
	bool goes_on;

	if (length == 0)
		return true;
	part->has_any = true;
	goes_on =
	    part->sink(mail_text_at(&part->decoded, 0), length, part->arg);
	mail_text_clear(&part->decoded);
	return goes_on;
}

static bool
part_take(const char *bytes, size_t length, void *arg)
{
	struct part *part = arg;

	if (!mail_extract_feed(part->extract, bytes, length, &part->decoded)) {
		part->is_starved = true;
		return false;
	}
	return part_pass(part) && !mail_extract_is_done(part->extract);
}

static bool
part_run(struct opening *opening, const struct ctl *ctl, const char *id,
    struct part *part, struct client_error *error_r)
{
	bool done =
	    opening_read(opening, ctl, id, NULL, part_take, part, error_r);

	if (part->is_starved)
		return opening_no_memory(error_r);
	if (!done && error_r->exit == CTL_OK &&
	    mail_extract_is_done(part->extract))
		return true;
	if (!done)
		return false;
	if (!mail_extract_finish(part->extract, &part->decoded))
		return opening_no_memory(error_r);
	if (part_pass(part))
		return true;
	client_fail(error_r, CTL_OK, NULL, "stopped");
	return false;
}

static bool
opening_part(struct opening *opening, const struct ctl *ctl,
    const struct target *target, client_sink sink, void *arg,
    struct client_error *error_r)
{
	unsigned long number = strtoul(target_last_segment(target), NULL, 10);
	struct part part = { .sink = sink, .arg = arg };
	bool done;

	part.extract = mail_extract_new((unsigned)number);
	if (part.extract == NULL)
		return opening_no_memory(error_r);
	mail_text_init(&part.decoded, PIECE_MAX);
	done = part_run(opening, ctl, target_name(target), &part, error_r);
	mail_extract_free(part.extract);
	mail_text_free(&part.decoded);
	return done;
}

/* ---- what is in quarantine ---- */

static bool
opening_quarantined(struct opening *opening, const struct ctl *ctl,
    const char *id, json_t **json_r, struct client_error *error_r)
{
	const struct source_name name = { id, true };

	if (!opening->source.kind->row(
		&opening->source, ctl, QUARANTINE, id, json_r, error_r))
		return false;
	if (source_read_envelope(
		&opening->source, ctl, &name, *json_r, error_r))
		return true;
	json_decref(*json_r);
	*json_r = NULL;
	return false;
}

/* ---- all of it ---- */

static bool
opening_raw(struct opening *opening, const struct ctl *ctl,
    const struct target *target, client_sink sink, void *arg,
    struct client_error *error_r)
{
	const struct source_name name = { target_name(target),
		target_is(target, QUARANTINE_RAW) };

	return source_read(
	    &opening->source, ctl, &name, NULL, sink, arg, error_r);
}

/* ---- lists ---- */

static bool
opening_list(struct opening *opening, const struct ctl *ctl,
    const struct target *target, json_t **json_r, struct client_error *error_r)
{
	if (target_value(target, "q") != NULL ||
	    target_value(target, "from") != NULL)
		return sifting_page(
		    &opening->source, ctl, target, json_r, error_r);
	if (!opening->source.kind->page(
		&opening->source, ctl, target, json_r, error_r))
		return false;
	source_open_rows(&opening->source, ctl, *json_r);
	return true;
}

/* ---- who answers ---- */

static bool
opening_takes(void *arg, const char *method, const struct target *target)
{
	static const char *const patterns[] = { LIST, MESSAGE, HEADERS, TEXT,
		RAW, PARTS, THREAD, QUARANTINE, QUARANTINE_RAW };
	const struct opening *opening = arg;

	if (opening->source.kind->other != NULL)
		return true;
	if (strcmp(method, "GET") != 0)
		return false;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		if (target_is(target, patterns[i]))
			return true;
	return false;
}

static bool
opening_ask(void *arg, const struct ctl *ctl, const struct target *target,
    json_t **json_r, struct client_error *error_r)
{
	struct opening *opening = arg;

	*json_r = NULL;
	if (target_is(target, LIST))
		return opening_list(opening, ctl, target, json_r, error_r);
	if (target_is(target, THREAD))
		return gathering_page(&opening->source, ctl,
		    target_name(target), json_r, error_r);
	if (target_is(target, MESSAGE))
		return opening_details(
		    opening, ctl, target_name(target), json_r, error_r);
	if (target_is(target, HEADERS))
		return opening_headers(
		    opening, ctl, target_name(target), json_r, error_r);
	if (target_is(target, QUARANTINE) && !opening->source.kind->puts_place)
		return opening_quarantined(
		    opening, ctl, target_name(target), json_r, error_r);
	return opening->source.kind->other(
	    &opening->source, ctl, target, json_r, error_r);
}

static bool
opening_download(void *arg, const struct ctl *ctl, const struct target *target,
    client_sink sink, void *sink_arg, struct client_error *error_r)
{
	struct opening *opening = arg;
	const char *id = target_name(target);
	json_t *json;

	if (target_is(target, RAW) || target_is(target, QUARANTINE_RAW))
		return opening_raw(
		    opening, ctl, target, sink, sink_arg, error_r);
	if (target_is(target, TEXT))
		return opening_text(opening, ctl, id, sink, sink_arg, error_r);
	if (target_is(target, PARTS))
		return opening_part(
		    opening, ctl, target, sink, sink_arg, error_r);
	(void)opening->source.kind->other(
	    &opening->source, ctl, target, &json, error_r);
	json_decref(json);
	return false;
}

/* ---- the whole ---- */

enum ctl_exit
opening_begin(struct opening **opening_r, const struct ctl *ctl,
    const struct sealed_keys *keys, const char *folder)
{
	struct opening *opening = *opening_r = calloc(1, sizeof(*opening));

	if (opening == NULL)
		return ctl_no_memory(ctl);
	if (folder != NULL) {
		enum ctl_exit code =
		    source_open_folder(&opening->source, ctl, keys, folder);

		if (code != CTL_OK)
			return code;
	} else
		source_open_daemon(&opening->source, keys);
	opening->opener = (struct client_opener){ opening_takes, opening_ask,
		opening_download, opening };
	client_set_opener(ctl->client, &opening->opener);
	return CTL_OK;
}

enum ctl_exit
opening_end(
    struct opening **opening_ref, const struct ctl *ctl, enum ctl_exit code)
{
	struct opening *opening = *opening_ref;

	*opening_ref = NULL;
	if (opening == NULL)
		return code;
	client_set_opener(ctl->client, NULL);
	source_end_problems(&opening->source.problems, ctl);
	if (opening->source.problems.exit != CTL_OK)
		ctl_keep_first(&code, opening->source.problems.exit);
	source_close(&opening->source);
	free(opening);
	return code;
}
