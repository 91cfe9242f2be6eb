#include "daemon/ctl/plan.h"

#include <string.h>

#include "daemon/ctl/human.h"
#include "daemon/ctl/print.h"
#include "daemon/ctl/remark.h"
#include "daemon/ctl/target.h"

/* What the API gives at most. */
#define PAGE_LIMIT "1000"

static const struct table_column columns[] = {
	{ "NUMBER", TABLE_RIGHT, false },
	{ "SIZE", TABLE_RIGHT, false },
	{ "ACTION", TABLE_LEFT, false },
	{ "UNIQUE-ID", TABLE_LEFT, true },
};

static bool
ask_page(struct ctl *ctl, const char *account, const char *cursor,
    json_t **page_r, struct http_error *error_r)
{
	struct target target;

	target_begin(&target, "/v1/accounts/");
	target_segment(&target, account);
	target_path(&target, "/plan");
	target_parameter(&target, "limit", PAGE_LIMIT);
	target_parameter(&target, "cursor", cursor);
	return http_ask(ctl, "GET", &target, page_r, error_r);
}

bool
plan_ask(struct ctl *ctl, const char *account, json_t **page_r,
    struct http_error *error_r)
{
	return ask_page(ctl, account, NULL, page_r, error_r);
}

/* What is deleted is gone from the server: that is what to look at. */
static enum table_colour
action_colour(const char *action)
{
	if (action == NULL)
		return TABLE_PLAIN;
	if (strcmp(action, "held") == 0)
		return TABLE_WARNING;
	if (strstr(action, "delete") != NULL)
		return TABLE_BAD;
	return strcmp(action, "fetch") == 0 ? TABLE_GOOD : TABLE_PLAIN;
}

static enum ctl_exit
print_entries(struct ctl *ctl, struct table *table, const json_t *entries)
{
	char size[HUMAN_SIZE];

	for (size_t i = 0; i < json_array_size(entries); i++) {
		const json_t *entry = json_array_get(entries, i);
		const char *action = ctl_text(entry, "action");
		const char *hex = ctl_text(entry, "unique_id_hex");
		bool sized = json_is_integer(json_object_get(entry, "size"));

		table_cell_count(table, ctl_count(entry, "number"));
		table_cell(
		    table, sized ? human_octets(ctl_count(entry, "size"), size)
				 : NULL);
		table_cell_coloured(table, action, action_colour(action));
		table_cell(
		    table, hex != NULL ? hex : ctl_text(entry, "unique_id"));
	}
	if (table_print(table, ctl->out, ctl->width, ctl->colour))
		return CTL_OK;
	ctl_warn(ctl, "out of memory");
	return CTL_TEMPORARY;
}

void
plan_say_how_to_confirm(struct ctl *ctl, const char *account)
{
	char text[512];

	snprintf(text, sizeof(text),
	    "to delete what is held: evpopctl poll --confirm %.300s", account);
	ctl_print_detail(ctl, "", text);
}

static void
print_sums(struct ctl *ctl, const char *account, const json_t *plan)
{
	const json_t *counts = json_object_get(plan, "counts");
	uint64_t fetch = ctl_count(counts, "fetch");
	uint64_t held = ctl_count(counts, "held");
	struct remark remark;
	char size[HUMAN_SIZE];

	remark_begin(&remark);
	remark_count(&remark, ctl_count(counts, "messages"), "on the server");
	if (ctl_count(counts, "messages") == 0)
		remark_add(&remark, "nothing on the server");
	if (fetch > 0)
		remark_add(&remark, "%llu to fetch (%s)",
		    (unsigned long long)fetch,
		    human_octets(ctl_count(plan, "fetch_bytes"), size));
	remark_count(&remark, ctl_count(counts, "delete"), "to delete");
	remark_count(&remark, ctl_count(counts, "adopt"),
	    "known under other unique-ids");
	remark_count(&remark, ctl_count(counts, "seen"), "to count as seen");
	remark_count(
	    &remark, ctl_count(counts, "too_large"), "too large to fetch");
	remark_count(&remark, ctl_count(counts, "later"), "for later polls");
	remark_count(
	    &remark, ctl_count(counts, "unidentified"), "without a unique-id");
	remark_count(&remark, held, "deletions held");
	if (json_array_size(json_object_get(plan, "entries")) == 0)
		remark_add(&remark, "nothing to do");
	ctl_print_detail(ctl, account, remark.text);
	if (held > 0)
		plan_say_how_to_confirm(ctl, account);
}

/* The entries of all pages; the first is the caller's. */
static enum ctl_exit
print_pages(struct ctl *ctl, const char *account, const json_t *first_page,
    struct table *table)
{
	const json_t *page = first_page;
	struct http_error error;
	json_t *own = NULL, *next;
	enum ctl_exit code;

	for (;;) {
		const json_t *entries = json_object_get(page, "entries");
		const char *cursor = ctl_text(page, "next_cursor");

		if (ctl->json)
			code = ctl_print_json(ctl, page);
		else if (json_array_size(entries) > 0)
			code = print_entries(ctl, table, entries);
		else
			code = CTL_OK;
		if (code != CTL_OK || cursor == NULL || ferror(ctl->out) ||
		    json_array_size(entries) == 0)
			break;
		if (!ask_page(ctl, account, cursor, &next, &error)) {
			code = http_report(ctl, &error);
			break;
		}
		json_decref(own);
		page = own = next;
	}
	json_decref(own);
	return code;
}

enum ctl_exit
plan_print(struct ctl *ctl, const char *account, const json_t *first_page)
{
	struct table *table =
	    table_new(columns, sizeof(columns) / sizeof(columns[0]));
	enum ctl_exit code;

	if (table == NULL) {
		ctl_warn(ctl, "out of memory");
		return CTL_TEMPORARY;
	}
	code = print_pages(ctl, account, first_page, table);
	table_free(&table);
	if (code != CTL_OK || ctl->json)
		return code;
	if (json_is_true(json_object_get(first_page, "cut")))
		ctl_warn(ctl, "the plan is longer than what is shown");
	print_sums(ctl, account, first_page);
	return CTL_OK;
}
