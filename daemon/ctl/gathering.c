#include "daemon/ctl/gathering.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/field.h"
#include "daemon/control/when.h"
#include "daemon/store/index/conversation.h"
#include "daemon/store/mail/header.h"
#include "lib/base/array.h"

/* Messages that are asked for at once, and shown at most. */
#define PAGE       "500"
#define SHOWN_MAX  1000
#define HEADER_MAX ((size_t)64 * 1024)

/* A message, and which of the nodes it names. */
struct gathered {
	int64_t id, date_ms;
	size_t first, count;
	bool belongs;
};

struct gathering {
	struct mail_source *source;
	const struct ctl *ctl;
	struct gathered *items;
	size_t count, room;
	int64_t *nodes; /* of all items */
	size_t node_count, node_room;
	int64_t *reached; /* by what belongs together */
	size_t reached_count, reached_room;
	char *header; /* of the message under way */
	size_t length;
	struct client_error *error;
};

static bool
gathering_no_memory(struct gathering *gathering)
{
	client_fail(gathering->error, CTL_TEMPORARY, NULL, "out of memory");
	return false;
}

/* ---- what messages name ---- */

static bool
gathering_take(const char *bytes, size_t length, void *arg)
{
	struct gathering *gathering = arg;
	size_t room = HEADER_MAX - gathering->length;

	if (length > room)
		length = room;
	memcpy(gathering->header + gathering->length, bytes, length);
	gathering->length += length;
	return gathering->length < HEADER_MAX;
}

static bool
gathering_add_node(int64_t **nodes, size_t *count, size_t *room, int64_t node)
{
	int64_t *grown = evpop_array_grow(*nodes, *count, room, sizeof(*grown));

	if (grown == NULL)
		return false;
	*nodes = grown;
	grown[(*count)++] = node;
	return true;
}

static int64_t
gathering_date(const json_t *row)
{
	const char *date = ctl_text(row, "date");
	int64_t date_ms = 0;

	if (date == NULL)
		date = ctl_text(row, "stored_at");
	return date != NULL && when_parse(date, 0, &date_ms) ? date_ms : 0;
}

static bool
gathering_add(struct gathering *gathering, const json_t *row)
{
	struct store_conversation_names names;
	size_t body;
	struct gathered *grown = evpop_array_grow(gathering->items,
	    gathering->count, &gathering->room, sizeof(*grown));

	if (grown == NULL)
		return false;
	gathering->items = grown;
	store_conversation_read(gathering->header,
	    mail_header_split(gathering->header, gathering->length, &body),
	    &names);
	grown[gathering->count++] = (struct gathered){
		.id = json_integer_value(json_object_get(row, "id")),
		.date_ms = gathering_date(row),
		.first = gathering->node_count,
		.count = names.count,
	};
	for (size_t i = 0; i < names.count; i++)
		if (!gathering_add_node(&gathering->nodes,
			&gathering->node_count, &gathering->node_room,
			names.nodes[i]))
			return false;
	return true;
}

/* One that cannot be opened is said, and belongs to nothing. */
static bool
gathering_look(struct gathering *gathering, json_t *row)
{
	struct client_error error;
	char id[24];
	const struct source_name name = { .id = id };
	uint64_t number = ctl_count(row, "id");

	gathering->length = 0;
	snprintf(id, sizeof(id), "%" PRIu64, number);
	if (!source_read(gathering->source, gathering->ctl, &name, row,
		gathering_take, gathering, &error) &&
	    error.exit != CTL_OK) {
		source_note(
		    gathering->source, gathering->ctl, (int64_t)number, &error);
		gathering->length = 0;
	}
	return gathering_add(gathering, row) || gathering_no_memory(gathering);
}

static bool
gathering_look_at_all(struct gathering *gathering)
{
	char cursor[24] = "";
	const char *next;
	struct target target;
	json_t *page, *rows;
	bool goes_on = true;

	while (goes_on) {
		target_begin(&target, "/v1/messages", NULL);
		target_parameter(&target, "limit", PAGE);
		target_parameter(
		    &target, "cursor", *cursor != '\0' ? cursor : NULL);
		if (!source_page(gathering->source, gathering->ctl, &target,
			&page, gathering->error))
			return false;
		rows = json_object_get(page, "messages");
		for (size_t i = 0; goes_on && i < json_array_size(rows); i++)
			goes_on =
			    gathering_look(gathering, json_array_get(rows, i));
		next = ctl_text(page, "next_cursor");
		snprintf(
		    cursor, sizeof(cursor), "%s", next != NULL ? next : "");
		json_decref(page);
		if (!goes_on)
			return false;
		goes_on = *cursor != '\0';
	}
	return true;
}

/* ---- what belongs together ---- */

static bool
gathering_has_reached(
    const struct gathering *gathering, const struct gathered *item)
{
	for (size_t i = 0; i < item->count; i++)
		for (size_t j = 0; j < gathering->reached_count; j++)
			if (gathering->nodes[item->first + i] ==
			    gathering->reached[j])
				return true;
	return false;
}

static bool
gathering_reach(struct gathering *gathering, struct gathered *item)
{
	item->belongs = true;
	for (size_t i = 0; i < item->count; i++)
		if (!gathering_add_node(&gathering->reached,
			&gathering->reached_count, &gathering->reached_room,
			gathering->nodes[item->first + i]))
			return gathering_no_memory(gathering);
	return true;
}

/* From the message on, until nothing is added any more. */
static bool
gathering_join(struct gathering *gathering, int64_t id)
{
	bool has_grown = true;

	for (size_t i = 0; i < gathering->count; i++)
		if (gathering->items[i].id == id &&
		    !gathering_reach(gathering, &gathering->items[i]))
			return false;
	while (has_grown) {
		has_grown = false;
		for (size_t i = 0; i < gathering->count; i++) {
			struct gathered *item = &gathering->items[i];

			if (item->belongs ||
			    !gathering_has_reached(gathering, item))
				continue;
			if (!gathering_reach(gathering, item))
				return false;
			has_grown = true;
		}
	}
	return true;
}

/* By date; those that belong first. */
static int
gathered_compare(const void *one, const void *other)
{
	const struct gathered *a = one, *b = other;

	if (a->belongs != b->belongs)
		return a->belongs ? -1 : 1;
	if (a->date_ms != b->date_ms)
		return a->date_ms < b->date_ms ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

/* ---- the answer ---- */

static bool
gathering_add_row(struct gathering *gathering, int64_t number, json_t *rows)
{
	struct client_error error;
	char id[24];
	const struct source_name name = { .id = id };
	json_t *row;

	snprintf(id, sizeof(id), "%" PRId64, number);
	if (!source_row(gathering->source, gathering->ctl, "/v1/messages/*", id,
		&row, gathering->error))
		return false;
	if (!source_read_envelope(
		gathering->source, gathering->ctl, &name, row, &error))
		source_note(gathering->source, gathering->ctl, number, &error);
	(void)json_object_del(row, "parts");
	(void)json_object_del(row, "parts_cut");
	(void)json_array_append_new(rows, row);
	return true;
}

static json_t *
gathering_json(struct gathering *gathering)
{
	json_t *json = json_object(), *rows = json_array();
	bool done = true;
	size_t shown = 0;

	if (gathering->count > 0)
		qsort(gathering->items, gathering->count,
		    sizeof(*gathering->items), gathered_compare);
	while (done && shown < gathering->count && shown < SHOWN_MAX &&
	       gathering->items[shown].belongs)
		done = gathering_add_row(
		    gathering, gathering->items[shown++].id, rows);
	field_value(json, "messages", rows);
	field_value(json, "thread_cut",
	    json_boolean(shown == SHOWN_MAX && shown < gathering->count &&
			 gathering->items[shown].belongs));
	if (done)
		return json;
	json_decref(json);
	return NULL;
}

bool
gathering_page(struct mail_source *source, const struct ctl *ctl,
    const char *id, json_t **page_r, struct client_error *error_r)
{
	struct gathering gathering = {
		.source = source, .ctl = ctl, .error = error_r
	};
	json_t *row;

	*page_r = NULL;
	/* A wrong id is refused before anything is looked through. */
	if (!source_row(source, ctl, "/v1/messages/*", id, &row, error_r))
		return false;
	gathering.header = malloc(HEADER_MAX);
	if (gathering.header == NULL)
		(void)gathering_no_memory(&gathering);
	else if (gathering_look_at_all(&gathering) &&
		 gathering_join(&gathering,
		     json_integer_value(json_object_get(row, "id"))))
		*page_r = gathering_json(&gathering);
	json_decref(row);
	free(gathering.header);
	free(gathering.items);
	free(gathering.nodes);
	free(gathering.reached);
	return *page_r != NULL;
}
