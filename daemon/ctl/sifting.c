#include "daemon/ctl/sifting.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/field.h"
#include "daemon/control/mail.h"
#include "daemon/control/when.h"
#include "daemon/store/index/fold.h"
#include "daemon/store/index/sieve.h"
#include "daemon/store/query.h"
#include "lib/base/clock.h"

/* Messages that are asked for at once. */
#define PAGE "200"

struct sifting {
	struct mail_source *source;
	const struct ctl *ctl;
	struct store_sieve *sieve; /* NULL: nothing but the sender is asked */
	char *folded_from;         /* or NULL */
	bool wants_snippets;
	bool is_ranked; /* all are looked through, and ordered then */
	size_t limit;
	json_t *found;
	bool has_more;
	/* Of the message under way, its first octets. */
	char *bytes;
	size_t length;
	struct client_error *error;
};

/* ---- what is asked for ---- */

static bool
sifting_no_memory(struct sifting *sifting)
{
	client_fail(sifting->error, CTL_TEMPORARY, NULL, "out of memory");
	return false;
}

static bool
sifting_read_query(struct sifting *sifting, const char *query)
{
	struct store_query_problem problem;
	int64_t now_ms = evpop_clock_unix_ms();

	if (query == NULL)
		return true;
	if (!store_query_check(query, when_parse, now_ms, &problem)) {
		if (problem.position == 0)
			return sifting_no_memory(sifting);
		client_fail(sifting->error, CTL_USAGE, problem.hint, "%s",
		    problem.message);
		return false;
	}
	sifting->sieve = store_sieve_new(query, when_parse, now_ms,
	    sifting->is_ranked ? STORE_SIEVE_KEEPS : STORE_SIEVE_FORGETS);
	sifting->bytes = malloc(STORE_SIEVE_LOOK);
	return (sifting->sieve != NULL && sifting->bytes != NULL) ||
	       sifting_no_memory(sifting);
}

static bool
sifting_begin(struct sifting *sifting, const struct target *target)
{
	const char *from = target_value(target, "from");
	const char *limit = target_value(target, "limit");
	const char *snippet = target_value(target, "snippet");
	const char *sort = target_value(target, "sort");

	sifting->is_ranked = sort != NULL && strcmp(sort, "rank") == 0;
	sifting->limit = limit != NULL ? strtoul(limit, NULL, 10) : 100;
	sifting->wants_snippets = snippet != NULL && strcmp(snippet, "1") == 0;
	sifting->found = json_array();
	if (from != NULL) {
		sifting->folded_from = store_fold(from);
		if (sifting->folded_from == NULL)
			return sifting_no_memory(sifting);
	}
	return sifting_read_query(sifting, target_value(target, "q"));
}

static void
sifting_target(
    const struct target *asked, const char *cursor, struct target *target_r)
{
	target_begin(target_r, "/v1/messages", NULL);
	target_parameter(target_r, "account", target_value(asked, "account"));
	target_parameter(target_r, "since", target_value(asked, "since"));
	target_parameter(target_r, "before", target_value(asked, "before"));
	target_parameter(target_r, "limit", PAGE);
	target_parameter(target_r, "cursor", cursor);
}

/* ---- a message ---- */

static void
sifting_read_row(const json_t *json, struct store_message_row *row_r)
{
	const char *account = ctl_text(json, "account");
	const char *stored = ctl_text(json, "stored_at");

	*row_r = (struct store_message_row){
		.id = (int64_t)ctl_count(json, "id"),
		.account = account != NULL ? account : "",
		.octets = ctl_count(json, "bytes"),
		.sender = ctl_text(json, "sender"),
		.recipients = ctl_text(json, "recipients"),
		.cc = ctl_text(json, "cc"),
		.subject = ctl_text(json, "subject"),
		.message_header_id = ctl_text(json, "message_id"),
		.attachments = (uint32_t)ctl_count(json, "attachments"),
	};
	if (stored == NULL || !when_parse(stored, 0, &row_r->stored_ms))
		row_r->stored_ms = 0;
}

static bool
sifting_take(const char *bytes, size_t length, void *arg)
{
	struct sifting *sifting = arg;
	size_t room = STORE_SIEVE_LOOK - sifting->length;

	if (length > room)
		length = room;
	memcpy(sifting->bytes + sifting->length, bytes, length);
	sifting->length += length;
	return sifting->length < STORE_SIEVE_LOOK;
}

/*
 * Its envelope, and its bytes where words are looked for.  One that cannot be
 * opened is said, and passed over.
 */
static bool
sifting_open(struct sifting *sifting, json_t *json)
{
	struct client_error error;
	char id[24];
	const struct source_name name = { .id = id };
	uint64_t number = ctl_count(json, "id");
	bool done;

	sifting->length = 0;
	snprintf(id, sizeof(id), "%" PRIu64, number);
	if (sifting->sieve == NULL)
		done = source_read_envelope(
		    sifting->source, sifting->ctl, &name, json, &error);
	else
		done = source_read(sifting->source, sifting->ctl, &name, json,
			   sifting_take, sifting, &error) ||
		       error.exit == CTL_OK;
	if (!done)
		source_note(
		    sifting->source, sifting->ctl, (int64_t)number, &error);
	return done;
}

static bool
sifting_add_snippet(struct sifting *sifting, json_t *json)
{
	const struct store_snippet *snippet;

	if (!sifting->wants_snippets)
		return true;
	snippet = store_sieve_snippet(
	    sifting->sieve, sifting->bytes, sifting->length);
	if (snippet == NULL)
		return sifting_no_memory(sifting);
	field_value(json, "snippet", snippet_json(snippet));
	return true;
}

/* What is known without opening it. */
static bool
sifting_may_find(const struct sifting *sifting, const json_t *json)
{
	struct store_message_row row;

	if (sifting->sieve == NULL || sifting->source->kind->puts_place)
		return true;
	sifting_read_row(json, &row);
	/* How many a sealed message has is not known. */
	if (json_is_true(json_object_get(json, "sealed")))
		row.attachments = 1;
	return store_sieve_may_find(sifting->sieve, &row);
}

/* False without memory. */
static bool
sifting_is_found(struct sifting *sifting, const json_t *json, bool *is_found_r)
{
	struct store_message_row row;

	sifting_read_row(json, &row);
	*is_found_r = sifting->folded_from == NULL ||
		      (row.sender != NULL &&
			  store_fold_has(row.sender, sifting->folded_from));
	if (!*is_found_r || sifting->sieve == NULL)
		return true;
	return store_sieve_find(sifting->sieve, &row, sifting->bytes,
		   sifting->length, is_found_r) == STORE_OK;
}

/* False where nothing more can be done. */
static bool
sifting_look(struct sifting *sifting, json_t *json)
{
	bool is_found;

	if (!sifting_may_find(sifting, json) || !sifting_open(sifting, json))
		return true;
	if (!sifting_is_found(sifting, json, &is_found))
		return sifting_no_memory(sifting);
	if (!is_found)
		return true;
	if (sifting->is_ranked) {
		/* The rest only tells how rare the words are. */
		if (json_array_size(sifting->found) == STORE_SIEVE_RANKED)
			return true;
	} else if (json_array_size(sifting->found) == sifting->limit) {
		sifting->has_more = true;
		return false;
	}
	if (!sifting_add_snippet(sifting, json))
		return false;
	(void)json_array_append(sifting->found, json);
	return true;
}

/* ---- all of them ---- */

static bool
sifting_look_at_page(struct sifting *sifting, const json_t *page)
{
	const json_t *rows = json_object_get(page, "messages");

	for (size_t i = 0; i < json_array_size(rows); i++)
		if (!sifting_look(sifting, json_array_get(rows, i)))
			return false;
	return true;
}

/* False with the error. */
static bool
sifting_run(struct sifting *sifting, const struct target *asked)
{
	const char *begins = target_value(asked, "cursor");
	char cursor[24];
	json_t *page;
	struct target target;
	bool goes_on = true;

	snprintf(cursor, sizeof(cursor), "%s", begins != NULL ? begins : "");
	while (goes_on) {
		const char *next;

		sifting_target(asked, *cursor != '\0' ? cursor : NULL, &target);
		if (!source_page(sifting->source, sifting->ctl, &target, &page,
			sifting->error))
			return false;
		goes_on = sifting_look_at_page(sifting, page);
		next = ctl_text(page, "next_cursor");
		if (goes_on && next != NULL)
			snprintf(cursor, sizeof(cursor), "%s", next);
		json_decref(page);
		if (!goes_on && !sifting->has_more)
			return false;
		goes_on = goes_on && next != NULL;
	}
	return true;
}

/* ---- those that fit best ---- */

struct order {
	const json_t *found;
	json_t *ordered;
	size_t limit;
};

static void
order_take(void *arg, int64_t id)
{
	struct order *order = arg;

	for (size_t i = 0; json_array_size(order->ordered) < order->limit &&
			   i < json_array_size(order->found);
	     i++) {
		json_t *row = json_array_get(order->found, i);

		if (json_integer_value(json_object_get(row, "id")) == id)
			(void)json_array_append(order->ordered, row);
	}
}

static json_t *
sifting_json_ranked(struct sifting *sifting)
{
	struct order order = { sifting->found, json_array(), sifting->limit };
	json_t *json;
	bool is_all;

	if (store_sieve_rank(sifting->sieve, order_take, &order, &is_all) !=
	    STORE_OK) {
		json_decref(order.ordered);
		(void)sifting_no_memory(sifting);
		return NULL;
	}
	json = json_object();
	field_value(json, "messages", order.ordered);
	field_count(json, "ranked_among", json_array_size(sifting->found));
	field_value(json, "ranked_all", json_boolean(is_all));
	field_value(json, "index_complete", json_true());
	return json;
}

/* ---- the answer ---- */

static json_t *
sifting_json(const struct sifting *sifting)
{
	json_t *json = json_object();
	size_t count = json_array_size(sifting->found);

	field_value(json, "messages", json_incref(sifting->found));
	if (sifting->has_more)
		field_cursor(
		    json, (int64_t)ctl_count(
			      json_array_get(sifting->found, count - 1), "id"));
	if (sifting->sieve != NULL)
		field_value(json, "index_complete", json_true());
	return json;
}

bool
sifting_page(struct mail_source *source, const struct ctl *ctl,
    const struct target *target, json_t **page_r, struct client_error *error_r)
{
	struct sifting sifting = {
		.source = source, .ctl = ctl, .error = error_r
	};
	bool done =
	    sifting_begin(&sifting, target) && sifting_run(&sifting, target);

	*page_r = !done               ? NULL
		  : sifting.is_ranked ? sifting_json_ranked(&sifting)
				      : sifting_json(&sifting);
	store_sieve_free(sifting.sieve);
	free(sifting.folded_from);
	if (sifting.bytes != NULL)
		explicit_bzero(sifting.bytes, STORE_SIEVE_LOOK);
	free(sifting.bytes);
	json_decref(sifting.found);
	return *page_r != NULL;
}
