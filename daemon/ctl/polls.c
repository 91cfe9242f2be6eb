#include <string.h>

#include "daemon/ctl/command.h"
#include "daemon/ctl/human.h"
#include "daemon/ctl/pages.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/target.h"

static const struct table_column columns[] = {
	{ "STARTED", TABLE_LEFT, false },
	{ "ACCOUNT", TABLE_LEFT, true },
	{ "OUTCOME", TABLE_LEFT, false },
	{ "FETCHED", TABLE_RIGHT, false },
	{ "ADOPTED", TABLE_RIGHT, false },
	{ "DELETED", TABLE_RIGHT, false },
	{ "FAILED", TABLE_RIGHT, false },
	{ "SIZE", TABLE_RIGHT, false },
	{ "TEXT", TABLE_LEFT, true },
};

static enum ctl_exit
print_polls(struct ctl *ctl, const json_t *polls, void *arg)
{
	struct table *table = arg;
	char time[CTL_TIME_SIZE], size[HUMAN_SIZE];

	for (size_t i = 0; i < json_array_size(polls); i++) {
		const json_t *poll = json_array_get(polls, i);
		const char *outcome = ctl_text(poll, "outcome");

		table_cell(table, ctl_time(ctl, poll, "started", time));
		table_cell(table, ctl_text(poll, "account"));
		table_cell_coloured(table, outcome,
		    outcome != NULL && strcmp(outcome, "ok") == 0 ? TABLE_GOOD
								  : TABLE_BAD);
		table_cell_count(table, ctl_count(poll, "fetched"));
		table_cell_count(table, ctl_count(poll, "adopted"));
		table_cell_count(table, ctl_count(poll, "deleted"));
		table_cell_count(table, ctl_count(poll, "failed"));
		table_cell(
		    table, human_octets(ctl_count(poll, "body_octets"), size));
		table_cell(table, ctl_text(poll, "text"));
	}
	if (table_print(table, ctl->out, ctl->width, ctl->colour))
		return CTL_OK;
	ctl_warn(ctl, "out of memory");
	return CTL_TEMPORARY;
}

static void
begin_polls(struct target *target_r, const struct invocation *invocation)
{
	target_begin(target_r, "/v1/polls");
	target_parameter(
	    target_r, "account", command_value(invocation, "account"));
}

enum ctl_exit
polls_run(struct ctl *ctl, const struct invocation *invocation)
{
	struct table *table =
	    table_new(columns, sizeof(columns) / sizeof(columns[0]));
	struct pages pages = { .list = "polls",
		.begin = begin_polls,
		.invocation = invocation,
		.page = print_polls,
		.arg = table };
	enum ctl_exit code;

	if (table == NULL) {
		ctl_warn(ctl, "out of memory");
		return CTL_TEMPORARY;
	}
	code = pages_limit(ctl, invocation, &pages.limit);
	if (code == CTL_OK)
		code = pages_walk(ctl, &pages);
	table_free(&table);
	return code;
}
