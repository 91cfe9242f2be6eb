#include <string.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/human.h"
#include "daemon/ctl/list.h"
#include "daemon/ctl/plan.h"
#include "daemon/ctl/print.h"
#include "daemon/ctl/remark.h"
#include "daemon/ctl/target.h"

static const struct table_column columns[] = {
	{ "ACCOUNT", TABLE_LEFT, true },
	{ "STATE", TABLE_LEFT, false },
	{ "MESSAGES", TABLE_RIGHT, false },
	{ "SIZE", TABLE_RIGHT, false },
	{ "LAST SUCCESS", TABLE_LEFT, false },
	{ "NEXT", TABLE_LEFT, false },
	{ "REMARKS", TABLE_LEFT, true },
};

static enum table_colour
state_colour(const char *state, bool trouble)
{
	if (state != NULL && strcmp(state, "refused") == 0)
		return TABLE_BAD;
	if (trouble)
		return TABLE_WARNING;
	if (state != NULL &&
	    (strcmp(state, "polling") == 0 || strcmp(state, "queued") == 0))
		return TABLE_GOOD;
	return TABLE_PLAIN;
}

/* What waits for a person is called so. */
static const char *
state_words(const json_t *account)
{
	const char *state = ctl_text(account, "state");

	return state != NULL && strcmp(state, "refused") == 0
		   ? "needs attention"
		   : state;
}

/*
 * "since" and "2026-11-21T22:50:22.558Z", or "for" and "3 min"; NULL where it
 * does not fail.
 */
static const char *
failing_time(
    const struct ctl *ctl, const json_t *account, char time_r[CTL_TIME_SIZE])
{
	char *ago;

	if (ctl_text(account, "failing_since") == NULL)
		return NULL;
	ctl_time(ctl, account, "failing_since", time_r);
	ago = strstr(time_r, " ago");
	if (ago == NULL)
		return "since";
	*ago = '\0';
	return "for";
}

static void
remark_failing(
    const struct ctl *ctl, const json_t *account, struct remark *remark)
{
	char time[CTL_TIME_SIZE];
	const char *since = failing_time(ctl, account, time);

	if (since != NULL)
		remark_add(remark, "failing %s %s", since, time);
}

/* The words of the last error, if the last poll had one. */
static const char *
trouble_of(const json_t *account)
{
	const char *text = ctl_text(account, "last_text");

	if (text == NULL)
		text =
		    ctl_text(json_object_get(account, "stored"), "last_error");
	/* What the store remembers is over once a poll went well. */
	if (ctl_text(account, "last_outcome") != NULL &&
	    strcmp(ctl_text(account, "last_outcome"), "ok") == 0)
		return NULL;
	return text;
}

/* What tells the server's messages apart; NULL where that is as usual. */
static const char *
identity_words(const json_t *account)
{
	const char *identity = ctl_text(account, "identity");

	if (identity == NULL || strcmp(identity, "unique-id") == 0)
		return NULL;
	if (strcmp(identity, "top") == 0)
		return "no UIDL: known by their headers";
	if (strcmp(identity, "body") == 0)
		return "no UIDL, no TOP: known by their octets";
	return identity;
}

/* It may be another one under a new name: what to write if it is. */
static bool
add_former(struct remark *remark, const json_t *account)
{
	const char *former = ctl_text(account, "resembles");

	if (former == NULL)
		return false;
	remark_add(remark,
	    "if it was renamed, write \"id = %.256s\" into [account %.256s]",
	    former, ctl_text(account, "name"));
	return true;
}

/* What a person should know besides the state. */
static void
remarks_on(
    const struct ctl *ctl, const json_t *account, struct remark *remark_r)
{
	const json_t *session = json_object_get(account, "session");
	const char *trouble = trouble_of(account);

	remark_begin(remark_r);
	remark_failing(ctl, account, remark_r);
	if (!add_former(remark_r, account) && trouble != NULL)
		remark_add(remark_r, "%s", trouble);
	if (ctl_text(account, "moved") != NULL)
		remark_add(remark_r, "%s", ctl_text(account, "moved"));
	remark_count(remark_r, ctl_count(session, "held"),
	    "deletions held (poll --confirm)");
	remark_count(
	    remark_r, ctl_count(session, "too_large"), "too large to fetch");
	remark_count(remark_r, ctl_count(session, "later"), "for later polls");
	remark_count(remark_r,
	    ctl_count(json_object_get(account, "stored"), "quarantined"),
	    "in quarantine");
	if (identity_words(account) != NULL)
		remark_add(remark_r, "%s", identity_words(account));
}

static enum ctl_exit
print_page(struct ctl *ctl, const json_t *accounts, void *arg)
{
	struct table *table = arg;
	struct remark remark;
	char time[CTL_TIME_SIZE], size[HUMAN_SIZE];

	for (size_t i = 0; i < json_array_size(accounts); i++) {
		const json_t *account = json_array_get(accounts, i);
		const json_t *stored = json_object_get(account, "stored");
		const char *state = ctl_text(account, "state");
		bool trouble =
		    trouble_of(account) != NULL ||
		    ctl_count(json_object_get(account, "session"), "held") > 0;

		table_cell(table, ctl_text(account, "name"));
		table_cell_coloured(
		    table, state_words(account), state_colour(state, trouble));
		table_cell_count(table, ctl_count(stored, "messages"));
		table_cell(
		    table, human_octets(ctl_count(stored, "octets"), size));
		table_cell(table, ctl_time(ctl, account, "last_success", time));
		table_cell(table, ctl_time(ctl, account, "next", time));
		remarks_on(ctl, account, &remark);
		table_cell(table, remark.text);
	}
	if (!table_print(table, ctl->out, ctl->width, ctl->colour)) {
		ctl_warn(ctl, "out of memory");
		return CTL_TEMPORARY;
	}
	return CTL_OK;
}

static void
begin_accounts(struct target *target_r, const struct invocation *invocation)
{
	(void)invocation;
	target_begin(target_r, "/v1/accounts");
}

enum ctl_exit
accounts_run(struct ctl *ctl, const struct invocation *invocation)
{
	struct table *table =
	    table_new(columns, sizeof(columns) / sizeof(columns[0]));
	struct pages pages = { .list = "accounts",
		.begin = begin_accounts,
		.invocation = invocation,
		.page = print_page,
		.arg = table,
		.limit = PAGES_ALL };
	enum ctl_exit code;

	if (table == NULL) {
		ctl_warn(ctl, "out of memory");
		return CTL_TEMPORARY;
	}
	code = pages_walk(ctl, &pages);
	table_free(&table);
	return code;
}

/* The session under way, or the last one. */
static void
print_session(struct ctl *ctl, const json_t *session)
{
	static const enum tally_figure always[] = { TALLY_MESSAGES,
		TALLY_FETCHED, TALLY_DELETED, TALLY_FAILED };
	struct remark remark;
	char size[HUMAN_SIZE];

	remark_begin(&remark);
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		remark_add(&remark, "%llu %s",
		    (unsigned long long)ctl_count(
			session, tally_names[always[i]].json),
		    tally_names[always[i]].words);
	remark_add(
	    &remark, "%s", human_octets(ctl_count(session, "octets_in"), size));
	remark_figure(&remark, session, TALLY_SEEN);
	ctl_print_detail(ctl, "Session", remark.text);

	remark_begin(&remark);
	remark_figure(&remark, session, TALLY_TOO_LARGE);
	remark_figure(&remark, session, TALLY_LATER);
	if (remark.length > 0)
		ctl_print_detail(ctl, "Not fetched", remark.text);

	remark_begin(&remark);
	remark_figure(&remark, session, TALLY_ADOPTED);
	remark_figure(&remark, session, TALLY_ADOPTED_OCTETS);
	if (remark.length > 0)
		ctl_print_detail(ctl, "Adopted", remark.text);
}

static void
print_held(struct ctl *ctl, const json_t *account)
{
	const json_t *session = json_object_get(account, "session");
	const char *name = ctl_text(account, "name");
	struct remark remark;

	if (ctl_count(session, "held") == 0 || name == NULL)
		return;
	remark_begin(&remark);
	remark_count(&remark, ctl_count(session, "held"),
	    "deletions, far more than usual: nothing is deleted");
	ctl_print_detail(ctl, "Held", remark.text);
	remark_begin(&remark);
	remark_add(
	    &remark, "to see which: evpopctl poll --dry-run %.300s", name);
	ctl_print_detail(ctl, "", remark.text);
	plan_say_how_to_confirm(ctl, name);
}

static void
print_quarantined(struct ctl *ctl, const json_t *account)
{
	uint64_t count =
	    ctl_count(json_object_get(account, "stored"), "quarantined");
	const char *name = ctl_text(account, "name");
	struct remark remark;

	if (count == 0 || name == NULL)
		return;
	remark_begin(&remark);
	remark_count(&remark, count,
	    count == 1 ? "message is skipped, since it failed"
		       : "messages are skipped, since they "
			 "failed");
	ctl_print_detail(ctl, "Quarantine", remark.text);
	remark_begin(&remark);
	remark_add(&remark,
	    "\"evpopctl quarantine %.200s\" shows why; \"evpopctl quarantine "
	    "retry %.200s\" fetches anew",
	    name, name);
	ctl_print_detail(ctl, "", remark.text);
}

/* It follows the mail where interval_min or interval_max let it. */
static void
print_interval(struct ctl *ctl, unsigned long long seconds)
{
	char text[40];

	if (seconds == 0)
		return;
	if (seconds % 3600 == 0)
		snprintf(text, sizeof(text), "%llu h", seconds / 3600);
	else if (seconds % 60 == 0)
		snprintf(text, sizeof(text), "%llu min", seconds / 60);
	else
		snprintf(text, sizeof(text), "%llu s", seconds);
	ctl_print_detail(ctl, "Interval", text);
}

static void
print_failing(struct ctl *ctl, const json_t *account)
{
	char time[CTL_TIME_SIZE], text[40];
	const char *since = failing_time(ctl, account, time);

	ctl_print_detail(ctl, "What to do", ctl_text(account, "advice"));
	if (since != NULL)
		ctl_print_detail(ctl,
		    strcmp(since, "for") == 0 ? "Failing for" : "Failing since",
		    time);
	if (ctl_count(account, "failures") > 0) {
		snprintf(text, sizeof(text), "%llu in a row",
		    (unsigned long long)ctl_count(account, "failures"));
		ctl_print_detail(ctl, "Failures", text);
	}
}

static void
print_account(struct ctl *ctl, const json_t *account)
{
	const json_t *stored = json_object_get(account, "stored");
	const char *identity = identity_words(account);
	char text[160], size[HUMAN_SIZE], time[CTL_TIME_SIZE];
	struct remark former;

	ctl_print_detail(ctl, "Account", ctl_text(account, "name"));
	ctl_print_detail(ctl, "Server", ctl_text(account, "host"));
	ctl_print_detail(ctl, "User", ctl_text(account, "user"));
	ctl_print_detail(ctl, "State", state_words(account));
	ctl_print_detail(
	    ctl, "Next poll", ctl_time(ctl, account, "next", time));
	print_interval(ctl, ctl_count(account, "interval_seconds"));
	ctl_print_detail(
	    ctl, "Last started", ctl_time(ctl, account, "last_started", time));
	ctl_print_detail(ctl, "Last finished",
	    ctl_time(ctl, account, "last_finished", time));
	ctl_print_detail(
	    ctl, "Last success", ctl_time(ctl, account, "last_success", time));
	ctl_print_detail(ctl, "Outcome", ctl_text(account, "last_outcome"));
	ctl_print_detail(ctl, "Trouble", trouble_of(account));
	print_failing(ctl, account);
	remark_begin(&former);
	if (add_former(&former, account))
		ctl_print_detail(ctl, "Renamed", former.text);
	ctl_print_detail(ctl, "Moved", ctl_text(account, "moved"));
	print_held(ctl, account);
	print_quarantined(ctl, account);
	ctl_print_detail(ctl, "Messages",
	    identity != NULL ? identity
	    : ctl_text(account, "identity") != NULL
		? "known by their unique-ids"
		: NULL);
	print_session(ctl, json_object_get(account, "session"));
	if (json_is_object(stored)) {
		snprintf(text, sizeof(text), "%llu messages, %s",
		    (unsigned long long)ctl_count(stored, "messages"),
		    human_octets(ctl_count(stored, "octets"), size));
		ctl_print_detail(ctl, "Stored", text);
	}
}

enum ctl_exit
account_run(struct ctl *ctl, const struct invocation *invocation)
{
	struct target target;
	struct http_error error;
	json_t *account;
	enum ctl_exit code = CTL_OK;

	target_begin(&target, "/v1/accounts/");
	target_segment(&target, invocation->arguments[0]);
	if (!http_ask(ctl, "GET", &target, &account, &error))
		return http_report(ctl, &error);
	if (ctl->json)
		code = ctl_print_json(ctl, account);
	else
		print_account(ctl, account);
	json_decref(account);
	return code;
}

/*
 * POST an action for each name, and go on after a failure; the first one is
 * the exit code.  What is so already is no failure.
 */
static enum ctl_exit
act(struct ctl *ctl, const struct invocation *invocation, const char *action,
    const char *done)
{
	enum ctl_exit first = CTL_OK, code;

	for (size_t i = 0; i < invocation->count; i++) {
		const char *name = invocation->arguments[i];
		struct target target;
		struct http_error error;
		json_t *answer;

		target_begin(&target, "/v1/accounts/");
		target_segment(&target, name);
		target_path(&target, action);
		code = CTL_OK;
		if (http_ask(ctl, "POST", &target, &answer, &error)) {
			if (ctl->json)
				code = ctl_print_json(ctl, answer);
			else
				ctl_print_detail(ctl, done, name);
			json_decref(answer);
		} else if (strcmp(error.code, "already") == 0) {
			ctl_warn(ctl, "%s", error.message);
		} else {
			code = http_report(ctl, &error);
		}
		if (first == CTL_OK)
			first = code;
	}
	return first;
}

enum ctl_exit
pause_run(struct ctl *ctl, const struct invocation *invocation)
{
	return act(ctl, invocation, "/pause", "paused");
}

enum ctl_exit
resume_run(struct ctl *ctl, const struct invocation *invocation)
{
	return act(ctl, invocation, "/resume", "resumed");
}
