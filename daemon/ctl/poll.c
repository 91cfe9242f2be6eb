#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/ctl/command.h"
#include "daemon/ctl/http.h"
#include "daemon/ctl/human.h"
#include "daemon/ctl/pages.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/target.h"

/* How often a poll that is waited for is looked at. */
static const struct timespec look_interval = { 0, 200000000 };

/* One account that is polled, and what is known of it. */
struct wanted {
	char *name;
	char *finished_before; /* its last_finished; NULL: never */
	bool pending;
};

struct wanted_list {
	struct wanted *items;
	size_t count, room;
};

static bool
want(struct wanted_list *list, const char *name)
{
	if (list->count == list->room) {
		size_t room = list->room == 0 ? 64 : list->room * 2;
		struct wanted *items =
		    reallocarray(list->items, room, sizeof(*list->items));

		if (items == NULL)
			return false;
		list->items = items;
		list->room = room;
	}
	list->items[list->count] = (struct wanted){ .name = strdup(name) };
	if (list->items[list->count].name == NULL)
		return false;
	list->count++;
	return true;
}

static void
free_list(struct wanted_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].name);
		free(list->items[i].finished_before);
	}
	free(list->items);
}

static enum ctl_exit
out_of_memory(struct ctl *ctl)
{
	ctl_warn(ctl, "out of memory");
	return CTL_TEMPORARY;
}

/* Whether --all means it: "paused" is somebody's wish, too. */
static bool
is_for_all(const json_t *account)
{
	const char *state = ctl_text(account, "state");

	return ctl_text(account, "name") != NULL && state != NULL &&
	       strcmp(state, "disabled") != 0 && strcmp(state, "paused") != 0;
}

static enum ctl_exit
want_page(struct ctl *ctl, const json_t *accounts, void *arg)
{
	for (size_t i = 0; i < json_array_size(accounts); i++) {
		const json_t *account = json_array_get(accounts, i);

		if (is_for_all(account) &&
		    !want(arg, ctl_text(account, "name")))
			return out_of_memory(ctl);
	}
	return CTL_OK;
}

static void
begin_accounts(struct target *target_r, const struct invocation *invocation)
{
	(void)invocation;
	target_begin(target_r, "/v1/accounts");
}

static enum ctl_exit
want_all(struct ctl *ctl, const struct invocation *invocation,
    struct wanted_list *list)
{
	struct pages pages = { .list = "accounts",
		.begin = begin_accounts,
		.invocation = invocation,
		.page = want_page,
		.arg = list,
		.limit = PAGES_ALL };
	bool json = ctl->json;
	enum ctl_exit code;

	/* This list is for us, not for the one who asked for JSON. */
	ctl->json = false;
	code = pages_walk(ctl, &pages);
	ctl->json = json;
	return code;
}

static bool
ask_account(struct ctl *ctl, const char *name, const char *method,
    const char *action, json_t **json_r, struct http_error *error_r)
{
	struct target target;

	target_begin(&target, "/v1/accounts/");
	target_segment(&target, name);
	target_path(&target, action);
	return http_ask(ctl, method, &target, json_r, error_r);
}

/* Ask for one poll; with `wait`, remember which poll was the last before. */
static enum ctl_exit
begin_poll(struct ctl *ctl, struct wanted *wanted, bool wait)
{
	struct http_error error;
	json_t *json;
	const char *finished;

	if (wait) {
		if (!ask_account(ctl, wanted->name, "GET", "", &json, &error))
			return http_report(ctl, &error);
		finished = ctl_text(json, "last_finished");
		if (finished != NULL)
			wanted->finished_before = strdup(finished);
		json_decref(json);
		if (finished != NULL && wanted->finished_before == NULL)
			return out_of_memory(ctl);
	}
	if (ask_account(ctl, wanted->name, "POST", "/poll", &json, &error)) {
		if (!wait && ctl->json)
			(void)ctl_print_json(ctl, json);
		else if (!wait)
			ctl_print_detail(ctl, "queued", wanted->name);
		json_decref(json);
	} else if (strcmp(error.code, "already") != 0) {
		return http_report(ctl, &error);
	} else if (!wait) {
		ctl_warn(ctl, "%s", error.message);
	}
	wanted->pending = wait;
	return CTL_OK;
}

/* The exit code that tells a script what came of a poll. */
static enum ctl_exit
exit_of_outcome(const char *outcome)
{
	if (outcome == NULL)
		return CTL_TEMPORARY;
	if (strcmp(outcome, "ok") == 0)
		return CTL_OK;
	if (strcmp(outcome, "auth") == 0)
		return CTL_NO_PERMISSION;
	if (strcmp(outcome, "tls") == 0 || strcmp(outcome, "protocol") == 0)
		return CTL_PROTOCOL;
	return CTL_TEMPORARY;
}

static void
print_outcome(struct ctl *ctl, const json_t *account)
{
	const json_t *session = json_object_get(account, "session");
	const char *outcome = ctl_text(account, "last_outcome");
	const char *why = ctl_text(account, "last_text");
	char text[512], size[HUMAN_SIZE];

	if (why != NULL)
		snprintf(text, sizeof(text), "%s: %s",
		    outcome != NULL ? outcome : "?", why);
	else
		snprintf(text, sizeof(text), "%s, %llu fetched (%s)%s",
		    outcome != NULL ? outcome : "?",
		    (unsigned long long)ctl_count(session, "fetched"),
		    human_octets(ctl_count(session, "octets_in"), size),
		    ctl_count(session, "failed") > 0 ? ", some failed" : "");
	ctl_print_detail(ctl, ctl_text(account, "name"), text);
}

/* Whether nothing will come any more of what was asked for. */
static bool
is_given_up(const char *state)
{
	return state != NULL &&
	       (strcmp(state, "paused") == 0 || strcmp(state, "disabled") == 0);
}

/* Look whether a poll is over; *code_r is what came of it. */
static void
look(struct ctl *ctl, struct wanted *wanted, enum ctl_exit *code_r)
{
	struct http_error error;
	json_t *account;
	const char *finished, *state;

	*code_r = CTL_OK;
	if (!ask_account(ctl, wanted->name, "GET", "", &account, &error)) {
		wanted->pending = false;
		*code_r = http_report(ctl, &error);
		return;
	}
	finished = ctl_text(account, "last_finished");
	state = ctl_text(account, "state");
	if (finished != NULL &&
	    (wanted->finished_before == NULL ||
		strcmp(finished, wanted->finished_before) != 0)) {
		wanted->pending = false;
		*code_r = exit_of_outcome(ctl_text(account, "last_outcome"));
		if (ctl->json)
			(void)ctl_print_json(ctl, account);
		else
			print_outcome(ctl, account);
	} else if (is_given_up(state)) {
		wanted->pending = false;
		*code_r = CTL_TEMPORARY;
		ctl_warn(ctl, "account \"%s\" was not polled: it is %s",
		    wanted->name, state);
	}
	json_decref(account);
}

static void
note(enum ctl_exit *first, enum ctl_exit code)
{
	if (*first == CTL_OK)
		*first = code;
}

static enum ctl_exit
wait_for_all(struct ctl *ctl, struct wanted_list *list)
{
	enum ctl_exit first = CTL_OK, code;
	size_t pending;

	do {
		pending = 0;
		for (size_t i = 0; i < list->count; i++) {
			if (!list->items[i].pending)
				continue;
			look(ctl, &list->items[i], &code);
			note(&first, code);
			pending += list->items[i].pending ? 1 : 0;
			/* One answer is enough to know that it is gone. */
			if (code == CTL_UNAVAILABLE)
				return first;
		}
		if (pending > 0) {
			fflush(ctl->out);
			nanosleep(&look_interval, NULL);
		}
	} while (pending > 0 && !ferror(ctl->out));
	return first;
}

enum ctl_exit
poll_run(struct ctl *ctl, const struct invocation *invocation)
{
	bool all = command_given(invocation, "all");
	bool wait = command_given(invocation, "wait");
	struct wanted_list list = { NULL, 0, 0 };
	enum ctl_exit code = CTL_OK, one;

	if (all == (invocation->count > 0)) {
		ctl_warn(ctl, "poll: name accounts, or say --all");
		command_print_usage(ctl->err, invocation->command);
		return CTL_USAGE;
	}
	if (all)
		code = want_all(ctl, invocation, &list);
	for (size_t i = 0; code == CTL_OK && i < invocation->count; i++) {
		if (!want(&list, invocation->arguments[i]))
			code = out_of_memory(ctl);
	}
	if (code == CTL_OK) {
		for (size_t i = 0; i < list.count; i++) {
			one = begin_poll(ctl, &list.items[i], wait);
			note(&code, one);
			if (one == CTL_UNAVAILABLE || one == CTL_TEMPORARY)
				break;
		}
		if (wait)
			note(&code, wait_for_all(ctl, &list));
	}
	free_list(&list);
	return code;
}

/* ---- polls ---- */

static const struct table_column columns[] = {
	{ "STARTED", TABLE_LEFT, false },
	{ "ACCOUNT", TABLE_LEFT, true },
	{ "OUTCOME", TABLE_LEFT, false },
	{ "FETCHED", TABLE_RIGHT, false },
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
		    exit_of_outcome(outcome) == CTL_OK ? TABLE_GOOD
						       : TABLE_BAD);
		table_cell_count(table, ctl_count(poll, "fetched"));
		table_cell_count(table, ctl_count(poll, "deleted"));
		table_cell_count(table, ctl_count(poll, "failed"));
		table_cell(
		    table, human_octets(ctl_count(poll, "body_octets"), size));
		table_cell(table, ctl_text(poll, "text"));
	}
	if (!table_print(table, ctl->out, ctl->width, ctl->colour))
		return out_of_memory(ctl);
	return CTL_OK;
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

	if (table == NULL)
		return out_of_memory(ctl);
	code = pages_limit(ctl, invocation, &pages.limit);
	if (code == CTL_OK)
		code = pages_walk(ctl, &pages);
	table_free(&table);
	return code;
}
