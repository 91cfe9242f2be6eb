#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/human.h"
#include "daemon/ctl/list.h"
#include "daemon/ctl/print.h"
#include "daemon/ctl/raw.h"
#include "daemon/ctl/target.h"
#include "daemon/ctl/text.h"

static const struct table_column columns[] = {
	{ "ID", TABLE_RIGHT, false },
	{ "SINCE", TABLE_LEFT, false },
	{ "ACCOUNT", TABLE_LEFT, true },
	{ "SIZE", TABLE_RIGHT, false },
	{ "UNIQUE-ID", TABLE_LEFT, true },
	{ "REASON", TABLE_LEFT, true },
};

static const char *
unique_id_of(const json_t *row)
{
	const char *hex = ctl_text(row, "unique_id_hex");

	return hex != NULL ? hex : ctl_text(row, "unique_id");
}

/* ---- list ---- */

struct list {
	struct table *table;
	bool empty;
};

static enum ctl_exit
print_page(struct ctl *ctl, const json_t *rows, void *arg)
{
	struct list *list = arg;
	char time[CTL_TIME_SIZE], size[HUMAN_SIZE];

	if (json_array_size(rows) == 0)
		return CTL_OK;
	list->empty = false;
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);

		table_cell_count(list->table, ctl_count(row, "id"));
		table_cell(list->table, ctl_time(ctl, row, "stored_at", time));
		table_cell(list->table, ctl_text(row, "account"));
		table_cell(
		    list->table, human_octets(ctl_count(row, "size"), size));
		table_cell(list->table, unique_id_of(row));
		table_cell(list->table, ctl_text(row, "reason"));
	}
	if (table_print(list->table, ctl->out, ctl->width, ctl->colour))
		return CTL_OK;
	ctl_warn(ctl, "out of memory");
	return CTL_TEMPORARY;
}

/* An account's name may follow "list", or stand alone. */
static const char *
account_of(const struct invocation *invocation)
{
	size_t place = invocation->count > 0 &&
		       strcmp(invocation->arguments[0], "list") == 0;

	return place < invocation->count ? invocation->arguments[place] : NULL;
}

static void
begin_list(struct target *target_r, const struct invocation *invocation)
{
	target_begin(target_r, "/v1/quarantine");
	target_parameter(target_r, "account", account_of(invocation));
}

static enum ctl_exit
list_rows(struct ctl *ctl, const struct invocation *invocation)
{
	struct list list = { .empty = true };
	struct pages pages = { .list = "quarantine",
		.begin = begin_list,
		.invocation = invocation,
		.page = print_page,
		.arg = &list };
	enum ctl_exit code;

	code = pages_limit(ctl, invocation, &pages.limit);
	if (code != CTL_OK)
		return code;
	list.table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	if (list.table == NULL) {
		ctl_warn(ctl, "out of memory");
		return CTL_TEMPORARY;
	}
	code = pages_walk(ctl, &pages);
	table_free(&list.table);
	if (code == CTL_OK && list.empty && !ctl->json)
		fprintf(ctl->out, "nothing is in quarantine\n");
	return code;
}

/* ---- show ---- */

static void
print_transcript(struct ctl *ctl, const char *transcript)
{
	char *clean;

	if (transcript == NULL)
		return;
	clean = text_clean(transcript, TEXT_KEEP_LINES);
	fprintf(ctl->out, "\n%s%s", clean != NULL ? clean : "(out of memory)",
	    clean != NULL && *clean != '\0' && clean[strlen(clean) - 1] == '\n'
		? ""
		: "\n");
	free(clean);
}

static void
print_row(struct ctl *ctl, const json_t *row)
{
	char text[64], size[HUMAN_SIZE], time[CTL_TIME_SIZE];

	ctl_print_detail(ctl, "Account", ctl_text(row, "account"));
	ctl_print_detail(ctl, "Unique-id", ctl_text(row, "unique_id"));
	ctl_print_detail(ctl, "", ctl_text(row, "unique_id_hex"));
	ctl_print_detail(ctl, "Since", ctl_time(ctl, row, "stored_at", time));
	snprintf(text, sizeof(text), "%s (%llu octets)",
	    human_octets(ctl_count(row, "size"), size),
	    (unsigned long long)ctl_count(row, "size"));
	ctl_print_detail(ctl, "Came so far", text);
	ctl_print_detail(ctl, "Reason", ctl_text(row, "reason"));
	print_transcript(ctl, ctl_text(row, "transcript"));
	if (ctl->is_terminal)
		fprintf(ctl->out,
		    "\nTo try again: evpopctl quarantine retry %llu\n",
		    (unsigned long long)ctl_count(row, "id"));
}

static void
begin_row(struct target *target_r, const char *id, const char *rest)
{
	target_begin(target_r, "/v1/quarantine/");
	target_segment(target_r, id);
	target_path(target_r, rest);
}

static enum ctl_exit
show_row(struct ctl *ctl, const struct invocation *invocation)
{
	struct target target;
	struct http_error error;
	json_t *row;
	enum ctl_exit code = CTL_OK;

	begin_row(&target, invocation->arguments[1], "");
	if (!http_ask(ctl, "GET", &target, &row, &error))
		return http_report(ctl, &error);
	if (ctl->json)
		code = ctl_print_json(ctl, row);
	else
		print_row(ctl, row);
	json_decref(row);
	return code;
}

/* ---- raw ---- */

static enum ctl_exit
print_raw(struct ctl *ctl, const struct invocation *invocation)
{
	struct target target;

	begin_row(&target, invocation->arguments[1], "/raw");
	return raw_print(ctl, &target, invocation);
}

/* ---- retry ---- */

static enum ctl_exit
retry_one(struct ctl *ctl, const char *id)
{
	struct target target;
	struct http_error error;
	json_t *answer;
	enum ctl_exit code = CTL_OK;
	char text[256];

	begin_row(&target, id, "/retry");
	if (!http_ask(ctl, "POST", &target, &answer, &error))
		return http_report(ctl, &error);
	if (ctl->json) {
		code = ctl_print_json(ctl, answer);
	} else {
		snprintf(text, sizeof(text), "%.20s of %.200s", id,
		    ctl_text(answer, "account") != NULL
			? ctl_text(answer, "account")
			: "?");
		ctl_print_detail(ctl, "to be fetched", text);
		ctl_print_detail(ctl, "", ctl_text(answer, "hint"));
	}
	json_decref(answer);
	return code;
}

static void
print_released(struct ctl *ctl, const json_t *answer)
{
	const json_t *accounts = json_object_get(answer, "accounts");
	char text[256];

	if (json_array_size(accounts) == 0)
		fprintf(ctl->out, "nothing is in quarantine\n");
	for (size_t i = 0; i < json_array_size(accounts); i++) {
		const json_t *account = json_array_get(accounts, i);

		snprintf(text, sizeof(text), "%llu of %.200s",
		    (unsigned long long)ctl_count(account, "messages"),
		    ctl_text(account, "account") != NULL
			? ctl_text(account, "account")
			: "?");
		ctl_print_detail(ctl, "to be fetched", text);
		ctl_print_detail(ctl, "", ctl_text(account, "hint"));
	}
}

/* Those of an account; NULL: all. */
static enum ctl_exit
retry_account(struct ctl *ctl, const char *account)
{
	struct target target;
	struct http_error error;
	json_t *answer;
	enum ctl_exit code = CTL_OK;

	target_begin(&target, "/v1/quarantine/retry");
	target_parameter(&target, "account", account);
	if (!http_ask(ctl, "POST", &target, &answer, &error))
		return http_report(ctl, &error);
	if (ctl->json)
		code = ctl_print_json(ctl, answer);
	else
		print_released(ctl, answer);
	json_decref(answer);
	return code;
}

/* A number is an id; an account that is called so has its own option. */
static bool
is_number(const char *text)
{
	return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static enum ctl_exit
retry_rows(struct ctl *ctl, const struct invocation *invocation)
{
	const char *account = command_value(invocation, "account");
	enum ctl_exit first = CTL_OK, code;

	if (account != NULL)
		first = retry_account(ctl, account);
	else if (command_given(invocation, "all"))
		return retry_account(ctl, NULL);
	for (size_t i = 1; i < invocation->count; i++) {
		const char *what = invocation->arguments[i];

		code = is_number(what) ? retry_one(ctl, what)
				       : retry_account(ctl, what);
		if (first == CTL_OK)
			first = code;
	}
	return first;
}

/* ---- which of them ---- */

static const struct action {
	const char *name;
	size_t most; /* arguments, its own name with them */
	bool limit, output;
	enum ctl_exit (*run)(struct ctl *, const struct invocation *);
} actions[] = {
	{ "list", 2, true, false, list_rows },
	{ "show", 2, false, false, show_row },
	{ "raw", 2, false, true, print_raw },
	{ "retry", COMMAND_ANY, false, false, retry_rows },
};

/* What stands first is an action, or the account to list. */
static const struct action *
action_of(const struct invocation *invocation)
{
	for (size_t i = 0;
	     invocation->count > 0 && i < sizeof(actions) / sizeof(actions[0]);
	     i++) {
		if (strcmp(invocation->arguments[0], actions[i].name) == 0)
			return &actions[i];
	}
	return &actions[0];
}

enum ctl_exit
quarantine_run(struct ctl *ctl, const struct invocation *invocation)
{
	const struct action *action = action_of(invocation);
	bool some = command_given(invocation, "account");
	bool all = command_given(invocation, "all");
	size_t least = action == &actions[0] ? 0 : some || all ? 1 : 2;
	size_t most = all ? 1 : action->most;

	/* Without its name it takes one less. */
	if (least == 0 && invocation->count > 0 &&
	    strcmp(invocation->arguments[0], action->name) != 0)
		most--;
	if (invocation->count < least || invocation->count > most)
		ctl_warn(ctl, "quarantine %s: too %s arguments", action->name,
		    invocation->count < least ? "few" : "many");
	else if ((some || all) && action->run != retry_rows)
		ctl_warn(ctl, "--%s is for \"quarantine retry\"",
		    some ? "account" : "all");
	else if (some && all)
		ctl_warn(ctl, "--account and --all exclude each other");
	else if (command_given(invocation, "limit") && !action->limit)
		ctl_warn(ctl, "--limit is for a list");
	else if (command_given(invocation, "output") && !action->output)
		ctl_warn(ctl, "--output is for \"quarantine raw\"");
	else if (command_given(invocation, "force") && !action->output)
		ctl_warn(ctl, "--force is for \"quarantine raw\"");
	else
		return action->run(ctl, invocation);
	command_print_usage(ctl->err, invocation->command);
	return CTL_USAGE;
}
