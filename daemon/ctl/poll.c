#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/ctl/command.h"
#include "daemon/ctl/list.h"
#include "daemon/ctl/names.h"
#include "daemon/ctl/plan.h"
#include "daemon/ctl/results.h"
#include "daemon/notify/tally.h"
#include "lib/base/array.h"
#include "lib/base/glob.h"

/* How often to ask whether a poll has finished. */
static const struct timespec look_interval = { 0, 200000000 };

/* What to do with the accounts; `mode` is the API's, NULL for a poll. */
struct wish {
	const char *mode;
	bool is_dry, waits;
};

/* An account to poll. */
struct wanted {
	char *name;
	/*
	 * Its last_finished, or its plan's made_at, before the poll; NULL if
	 * never.
	 */
	char *before;
	bool is_pending;
};

struct wanted_list {
	struct wanted *items;
	size_t count, room;
};

static bool
wanted_add(struct wanted_list *list, const char *name)
{
	struct wanted *items = evpop_array_grow(
	    list->items, list->count, &list->room, sizeof *items);

	if (items == NULL)
		return false;
	list->items = items;
	list->items[list->count] = (struct wanted){ .name = strdup(name) };
	if (list->items[list->count].name == NULL)
		return false;
	list->count++;
	return true;
}

static void
wanted_free(struct wanted_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].name);
		free(list->items[i].before);
	}
	free(list->items);
}

/*
 * Whether --all or a pattern includes the account; somebody paused a paused one
 * on purpose.
 */
static bool
wanted_by_all(const json_t *account)
{
	return ctl_text(account, "state") != NULL &&
	       !ctl_is(account, "state", "disabled") &&
	       ctl_text(account, "paused_since") == NULL &&
	       !ctl_is(account, "state", "paused");
}

/* --all, names or patterns. */
static enum ctl_exit
wanted_take(const struct ctl *ctl, const struct invocation *invocation,
    struct wanted_list *list)
{
	struct names names = { NULL, 0, 0 };
	enum ctl_exit code;

	code = command_given(invocation, "all")
		   ? names_of_all(ctl, wanted_by_all, &names)
		   : names_of_words(ctl, invocation->arguments,
			 invocation->count, wanted_by_all, &names);
	for (size_t i = 0; i < names.count; i++) {
		if (!wanted_add(list, names.items[i])) {
			code = ctl_no_memory(ctl);
			break;
		}
	}
	names_free(&names);
	return code;
}

static bool
poll_ask_account(const struct ctl *ctl, const char *name, json_t **json_r,
    struct client_error *error_r)
{
	struct target target;

	target_begin(&target, "/v1/accounts/*", name);
	return client_ask(ctl, "GET", &target, json_r, error_r);
}

/* Remember the last poll, or plan, before the one to wait for. */
static enum ctl_exit
wanted_note_last(
    const struct ctl *ctl, struct wanted *wanted, const struct wish *wish)
{
	struct client_error error;
	const char *time;
	json_t *json;

	if (wish->is_dry ? !plan_ask(ctl, wanted->name, &json, &error)
			 : !poll_ask_account(ctl, wanted->name, &json, &error))
		return strcmp(error.code, "no_plan") == 0
			   ? CTL_OK
			   : client_report(ctl, &error);
	time = ctl_text(json, wish->is_dry ? "made_at" : "last_finished");
	if (time != NULL)
		wanted->before = strdup(time);
	json_decref(json);
	return time != NULL && wanted->before == NULL ? ctl_no_memory(ctl)
						      : CTL_OK;
}

static void
poll_print_queued(const struct ctl *ctl, const char *name, const json_t *answer)
{
	struct phrase phrase;

	phrase_begin(&phrase);
	phrase_add(&phrase, "%s%s", name,
	    json_is_true(ctl_member(answer, "paused"))
		? " (once; it stays paused)"
		: "");
	print_detail(ctl, "queued", phrase.text);
}

static enum ctl_exit
wanted_begin(
    const struct ctl *ctl, struct wanted *wanted, const struct wish *wish)
{
	struct target target;
	struct client_error error;
	json_t *json;
	enum ctl_exit code = CTL_OK;

	if (wish->waits)
		code = wanted_note_last(ctl, wanted, wish);
	if (code != CTL_OK)
		return code;
	target_begin(&target, "/v1/accounts/*/poll", wanted->name);
	target_parameter(&target, "mode", wish->mode);
	if (client_ask(ctl, "POST", &target, &json, &error)) {
		if (!wish->waits && ctl->json)
			(void)ctl_print_json(ctl, json);
		else if (!wish->waits)
			poll_print_queued(ctl, wanted->name, json);
		json_decref(json);
	} else if (strcmp(error.code, "already") != 0) {
		return client_report(ctl, &error);
	} else if (!wish->waits) {
		ctl_warn(ctl, "%s", error.message);
	}
	wanted->is_pending = wish->waits;
	return CTL_OK;
}

static bool
account_is(const json_t *account, const char *one, const char *other)
{
	const char *state = ctl_text(account, "state");

	return state != NULL &&
	       (strcmp(state, one) == 0 || strcmp(state, other) == 0);
}

/* Whether `json` is about a newer poll or plan than before. */
static bool
wanted_is_news(
    const struct wanted *wanted, const json_t *json, const char *member)
{
	const char *time = ctl_text(json, member);

	return time != NULL &&
	       (wanted->before == NULL || strcmp(time, wanted->before) != 0);
}

/*
 * Print the plan if it is new.  False if it is not and the account is still
 * busy.
 */
static bool
wanted_look_for_plan(struct results *results, const struct wanted *wanted,
    const json_t *account, enum ctl_exit *code_r)
{
	const struct ctl *ctl = results->ctl;
	struct client_error error;
	json_t *plan = NULL;
	bool over = true;

	if (!plan_ask(ctl, wanted->name, &plan, &error) &&
	    strcmp(error.code, "no_plan") != 0) {
		results_clear(results);
		*code_r = client_report(ctl, &error);
	} else if (plan != NULL && wanted_is_news(wanted, plan, "made_at")) {
		results_clear(results);
		*code_r = plan_print(ctl, wanted->name);
	} else if (account_is(account, "polling", "queued")) {
		over = false;
	} else if (account_is(account, "paused", "disabled") &&
		   ctl_text(account, "last_text") == NULL) {
		*code_r = results_report_unpolled(
		    results, wanted->name, ctl_text(account, "state"));
	} else {
		*code_r = results_report(results, account);
		if (*code_r == CTL_OK)
			*code_r = CTL_TEMPORARY;
	}
	json_decref(plan);
	return over;
}

/* Check whether the poll has finished; *code_r is its exit code. */
static void
wanted_look(struct results *results, struct wanted *wanted,
    const struct wish *wish, enum ctl_exit *code_r)
{
	const struct ctl *ctl = results->ctl;
	struct client_error error;
	json_t *account;

	*code_r = CTL_OK;
	if (!poll_ask_account(ctl, wanted->name, &account, &error)) {
		wanted->is_pending = false;
		results_clear(results);
		*code_r = client_report(ctl, &error);
		return;
	}
	if (wish->is_dry) {
		wanted->is_pending =
		    !wanted_look_for_plan(results, wanted, account, code_r);
	} else if (wanted_is_news(wanted, account, "last_finished") &&
		   !account_is(account, "polling", "queued")) {
		/* A poll that was requested during another one follows it. */
		wanted->is_pending = false;
		*code_r = results_report(results, account);
	} else if (account_is(account, "paused", "disabled")) {
		wanted->is_pending = false;
		*code_r = results_report_unpolled(
		    results, wanted->name, ctl_text(account, "state"));
	}
	if (wanted->is_pending)
		results_show(results, account);
	json_decref(account);
}

/* False once the daemon has gone: ask no more. */
static bool
wanted_look_at_all(struct results *results, struct wanted_list *list,
    const struct wish *wish, enum ctl_exit *first, size_t *pending_r)
{
	enum ctl_exit code;

	*pending_r = 0;
	for (size_t i = 0; i < list->count; i++) {
		if (!list->items[i].is_pending)
			continue;
		wanted_look(results, &list->items[i], wish, &code);
		ctl_keep_first(first, code);
		*pending_r += list->items[i].is_pending ? 1 : 0;
		if (code == CTL_UNAVAILABLE)
			return false;
	}
	return true;
}

static enum ctl_exit
wanted_wait(
    const struct ctl *ctl, struct wanted_list *list, const struct wish *wish)
{
	enum ctl_exit first = CTL_OK;
	struct results results;
	size_t pending;

	results_begin(&results, ctl, list->count);
	while (wanted_look_at_all(&results, list, wish, &first, &pending) &&
	       pending > 0) {
		fflush(ctl->out);
		if (ferror(ctl->out))
			break;
		nanosleep(&look_interval, NULL);
	}
	if (wish->is_dry)
		results_clear(&results);
	else
		results_end(&results);
	return first;
}

/* Read the options; CTL_USAGE, after reporting why, if they are wrong. */
static enum ctl_exit
wish_read(const struct ctl *ctl, const struct invocation *invocation,
    struct wish *wish_r)
{
	static const char *const modes[] = { "dry-run", "baseline", "confirm" };
	bool all = command_given(invocation, "all"), many = all;
	size_t given = 0;

	*wish_r = (struct wish){ .waits = command_given(invocation, "wait") };
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (!command_given(invocation, modes[i]))
			continue;
		wish_r->mode = modes[i];
		given++;
	}
	for (size_t i = 0; i < invocation->count; i++)
		many |= evpop_glob_is_pattern(invocation->arguments[i]);
	wish_r->is_dry = command_given(invocation, "dry-run");
	wish_r->waits = wish_r->waits || wish_r->is_dry;
	if (all == (invocation->count > 0))
		ctl_warn(ctl, "poll: name accounts, or say --all");
	else if (given > 1)
		ctl_warn(ctl, "poll: one of --dry-run, --baseline, --confirm");
	else if (many && wish_r->mode != NULL && !wish_r->is_dry)
		ctl_warn(ctl,
		    "poll: name each account to --%s; --all and patterns may "
		    "mean too many",
		    wish_r->mode);
	else
		return CTL_OK;
	return command_usage(ctl, invocation->command);
}

static enum ctl_exit
poll_one(const struct ctl *ctl, const char *name, const struct wish *wish)
{
	struct wanted_list list = { NULL, 0, 0 };
	enum ctl_exit code;

	if (!wanted_add(&list, name))
		return ctl_no_memory(ctl);
	code = wanted_begin(ctl, &list.items[0], wish);
	if (code == CTL_OK)
		code = wanted_wait(ctl, &list, wish);
	wanted_free(&list);
	return code;
}

enum ctl_exit
poll_wait_next(const struct ctl *ctl, const char *name, const char *before)
{
	struct wanted_list list = { NULL, 0, 0 };
	const struct wish wish = { .waits = true };
	enum ctl_exit code;

	if (!wanted_add(&list, name))
		return ctl_no_memory(ctl);
	list.items[0].is_pending = true;
	list.items[0].before = before != NULL ? strdup(before) : NULL;
	if (before != NULL && list.items[0].before == NULL)
		code = ctl_no_memory(ctl);
	else
		code = wanted_wait(ctl, &list, &wish);
	wanted_free(&list);
	return code;
}

enum ctl_exit
poll_wait(const struct ctl *ctl, const char *name)
{
	return poll_one(ctl, name, &(struct wish){ .waits = true });
}

enum ctl_exit
poll_wait_plan(const struct ctl *ctl, const char *name)
{
	return poll_one(ctl, name,
	    &(struct wish){ "dry-run", .is_dry = true, .waits = true });
}

enum ctl_exit
poll_run(const struct ctl *ctl, const struct invocation *invocation)
{
	struct wanted_list list = { NULL, 0, 0 };
	struct wish wish;
	enum ctl_exit code, one;

	code = wish_read(ctl, invocation, &wish);
	if (code != CTL_OK)
		return code;
	code = wanted_take(ctl, invocation, &list);
	if (code == CTL_OK || code == CTL_NOT_FOUND) {
		for (size_t i = 0; i < list.count; i++) {
			one = wanted_begin(ctl, &list.items[i], &wish);
			ctl_keep_first(&code, one);
			if (one == CTL_UNAVAILABLE || one == CTL_TEMPORARY)
				break;
		}
		if (wish.waits)
			ctl_keep_first(&code, wanted_wait(ctl, &list, &wish));
	}
	wanted_free(&list);
	return code;
}

/* ---- polls ---- */

static enum print_colour
polls_colour(const json_t *poll)
{
	return ctl_is(poll, "outcome", "ok") ? PRINT_GOOD : PRINT_BAD;
}

/* The columns of figures are between OUTCOME and TEXT. */
#define POLLS_COLUMNS_MAX (4 + TALLY_COUNT)

static size_t
polls_columns(struct print_field columns_r[POLLS_COLUMNS_MAX])
{
	size_t count = 0;

	columns_r[count++] = (struct print_field){ "STARTED",
		.member = "started", .kind = PRINT_TIME };
	columns_r[count++] = (struct print_field){ "ACCOUNT",
		.member = "account", .fit = PRINT_CUT_MIDDLE };
	columns_r[count++] = (struct print_field){ "OUTCOME",
		.member = "outcome", .colour = polls_colour };
	for (unsigned i = 0; i < TALLY_COUNT; i++)
		if (tally_names[i].heading != NULL)
			columns_r[count++] = (struct print_field){
				tally_names[i].heading,
				.member = tally_names[i].json,
				.kind = tally_names[i].unit == TALLY_UNIT_OCTETS
					    ? PRINT_SIZE
					    : PRINT_COUNT,
				.drop = i + 1,
			};
	columns_r[count++] =
	    (struct print_field){ "TEXT", .member = "text", .fit = PRINT_WRAP };
	return count;
}

enum ctl_exit
polls_run(const struct ctl *ctl, const struct invocation *invocation)
{
	struct print_field columns[POLLS_COLUMNS_MAX];
	const struct list list = { "polls", columns, polls_columns(columns),
		NULL, NULL };
	struct target target;
	size_t limit;
	enum ctl_exit code = list_limit(ctl, invocation, &limit);

	if (code != CTL_OK)
		return code;
	target_begin(&target, "/v1/polls", NULL);
	target_parameter(
	    &target, "account", command_value(invocation, "account"));
	return list_print(ctl, &list, &target, limit);
}
