#include "daemon/ctl/source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/field.h"
#include "daemon/ctl/pace.h"
#include "lib/base/array.h"

/* Beyond these, others are counted. */
#define PROBLEMS_SAID 10

/* ---- what cannot be opened ---- */

/* Whether it is a new one. */
static bool
problems_note(struct mail_source_problems *problems, int64_t id)
{
	size_t low = 0, high = problems->count;
	int64_t *grown;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (problems->ids[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < problems->count && problems->ids[low] == id)
		return false;
	grown = evpop_array_grow(
	    problems->ids, problems->count, &problems->room, sizeof(*grown));
	if (grown == NULL)
		return true;
	problems->ids = grown;
	memmove(grown + low + 1, grown + low,
	    (problems->count++ - low) * sizeof(*grown));
	grown[low] = id;
	return true;
}

void
source_add_problem(struct mail_source_problems *problems, const struct ctl *ctl,
    int64_t id, const struct client_error *error)
{
	if (id == 0)
		problems->others++;
	else if (!problems_note(problems, id))
		return;
	if (problems->exit == CTL_OK)
		problems->exit = error->exit;
	if (problems->count + problems->others > PROBLEMS_SAID)
		return;
	ctl_warn(ctl, "%s", error->message);
	if (problems->count + problems->others == 1)
		ctl_hint(ctl, error->hint);
}

void
source_end_problems(
    const struct mail_source_problems *problems, const struct ctl *ctl)
{
	uint64_t all = problems->count + problems->others;
	char count[PACE_COUNT_SIZE];

	if (all > PROBLEMS_SAID)
		ctl_warn(ctl, "%s more cannot be opened, either",
		    pace_count(all - PROBLEMS_SAID, count));
}

/* ---- opening ---- */

#define NAME_SIZE 64

struct from {
	struct mail_source *source;
	const struct ctl *ctl;
	const struct source_name *name;
};

static bool
source_from(void *arg, size_t most, client_sink sink, void *sink_arg,
    struct client_error *error_r)
{
	const struct from *from = arg;

	return from->source->kind->bytes(
	    from->source, from->ctl, from->name, most, sink, sink_arg, error_r);
}

static void
source_begin_read(struct from *from, json_t *row, char words[NAME_SIZE],
    struct sealed_read *read_r)
{
	snprintf(words, NAME_SIZE, "%smessage %.32s",
	    from->name->is_quarantined ? "quarantined " : "", from->name->id);
	*read_r = (struct sealed_read){
		.keys = from->source->keys,
		.name = words,
		.read = source_from,
		.from = from,
		.message = row,
		.puts_place = from->source->kind->puts_place,
	};
}

bool
source_read(struct mail_source *source, const struct ctl *ctl,
    const struct source_name *name, json_t *row, client_sink sink, void *arg,
    struct client_error *error_r)
{
	struct from from = { source, ctl, name };
	char words[NAME_SIZE];
	struct sealed_read read;

	source_begin_read(&from, row, words, &read);
	return sealed_read_bytes(&read, sink, arg, error_r);
}

bool
source_read_envelope(struct mail_source *source, const struct ctl *ctl,
    const struct source_name *name, json_t *row, struct client_error *error_r)
{
	struct from from = { source, ctl, name };
	char words[NAME_SIZE];
	struct sealed_read read;

	if (!json_is_true(json_object_get(row, "sealed")))
		return true;
	source_begin_read(&from, row, words, &read);
	return sealed_read_envelope(&read, error_r);
}

void
source_open_rows(
    struct mail_source *source, const struct ctl *ctl, const json_t *page)
{
	const json_t *rows = json_object_get(page, "messages");
	struct client_error error;
	char id[24];
	const struct source_name name = { .id = id };

	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);
		uint64_t number = ctl_count(row, "id");

		snprintf(id, sizeof(id), "%" PRIu64, number);
		if (source_read_envelope(source, ctl, &name, row, &error))
			continue;
		field_text(row, SOURCE_UNOPENED, error.message);
		source_add_problem(
		    &source->problems, ctl, (int64_t)number, &error);
	}
}

bool
source_page(struct mail_source *source, const struct ctl *ctl,
    const struct target *target, json_t **page_r, struct client_error *error_r)
{
	return source->kind->page(source, ctl, target, page_r, error_r);
}

bool
source_row(struct mail_source *source, const struct ctl *ctl,
    const char *pattern, const char *id, json_t **row_r,
    struct client_error *error_r)
{
	return source->kind->row(source, ctl, pattern, id, row_r, error_r);
}

void
source_note(struct mail_source *source, const struct ctl *ctl, int64_t id,
    const struct client_error *error)
{
	source_add_problem(&source->problems, ctl, id, error);
}

void
source_close(struct mail_source *source)
{
	free(source->problems.ids);
	if (source->kind != NULL && source->kind->close != NULL)
		source->kind->close(source->place);
	memset(source, 0, sizeof(*source));
}

/* ---- a daemon ---- */

static bool
daemon_bytes(struct mail_source *source, const struct ctl *ctl,
    const struct source_name *name, size_t most, client_sink sink, void *arg,
    struct client_error *error_r)
{
	struct target target;

	(void)source;
	target_begin(&target,
	    name->is_quarantined ? "/v1/quarantine/*/raw"
				 : "/v1/messages/*/raw",
	    name->id);
	return client_download_daemon(ctl, &target, most, sink, arg, error_r);
}

static bool
daemon_page(struct mail_source *source, const struct ctl *ctl,
    const struct target *target, json_t **page_r, struct client_error *error_r)
{
	(void)source;
	return client_ask_daemon(ctl, target, page_r, error_r);
}

static bool
daemon_row(struct mail_source *source, const struct ctl *ctl,
    const char *pattern, const char *id, json_t **row_r,
    struct client_error *error_r)
{
	struct target target;

	(void)source;
	target_begin(&target, pattern, id);
	return client_ask_daemon(ctl, &target, row_r, error_r);
}

void
source_open_daemon(struct mail_source *source_r, const struct sealed_keys *keys)
{
	static const struct mail_source_kind kind = {
		.page = daemon_page,
		.row = daemon_row,
		.bytes = daemon_bytes,
	};

	*source_r = (struct mail_source){ .kind = &kind, .keys = keys };
}
