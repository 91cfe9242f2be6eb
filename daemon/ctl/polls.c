#include <string.h>

#include "daemon/ctl/command.h"
#include "daemon/ctl/human.h"
#include "daemon/ctl/list.h"
#include "daemon/ctl/print.h"
#include "daemon/ctl/target.h"
#include "daemon/notify/tally.h"

static const struct table_column first_columns[] = {
	{ "STARTED", TABLE_LEFT, false },
	{ "ACCOUNT", TABLE_LEFT, true },
	{ "OUTCOME", TABLE_LEFT, false },
};
static const struct table_column last_column = { "TEXT", TABLE_LEFT, true };
#define FIRST_COLUMNS (sizeof(first_columns) / sizeof(first_columns[0]))
#define COLUMNS_MAX   (FIRST_COLUMNS + TALLY_COUNT + 1)

/* Between the first ones and the last one, a column for each figure. */
static size_t
polls_columns(struct table_column columns[COLUMNS_MAX])
{
	size_t count = FIRST_COLUMNS;

	memcpy(columns, first_columns, sizeof(first_columns));
	for (size_t i = 0; i < TALLY_COUNT; i++)
		if (tally_names[i].heading != NULL)
			columns[count++] =
			    (struct table_column){ tally_names[i].heading,
				    TABLE_RIGHT, false };
	columns[count++] = last_column;
	return count;
}

static void
polls_figures(struct table *table, const json_t *poll)
{
	char size[HUMAN_SIZE];

	for (size_t i = 0; i < TALLY_COUNT; i++) {
		uint64_t value = ctl_count(poll, tally_names[i].json);

		if (tally_names[i].heading == NULL)
			continue;
		if (tally_names[i].unit == TALLY_UNIT_OCTETS)
			table_cell(table, human_octets(value, size));
		else
			table_cell_count(table, value);
	}
}

static enum ctl_exit
print_polls(struct ctl *ctl, const json_t *polls, void *arg)
{
	struct table *table = arg;
	char time[CTL_TIME_SIZE];

	for (size_t i = 0; i < json_array_size(polls); i++) {
		const json_t *poll = json_array_get(polls, i);
		const char *outcome = ctl_text(poll, "outcome");

		table_cell(table, ctl_time(ctl, poll, "started", time));
		table_cell(table, ctl_text(poll, "account"));
		table_cell_coloured(table, outcome,
		    outcome != NULL && strcmp(outcome, "ok") == 0 ? TABLE_GOOD
								  : TABLE_BAD);
		polls_figures(table, poll);
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
	struct table_column columns[COLUMNS_MAX];
	struct table *table = table_new(columns, polls_columns(columns));
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
