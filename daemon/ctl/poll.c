#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/human.h"
#include "daemon/ctl/list.h"
#include "daemon/ctl/plan.h"
#include "daemon/ctl/remark.h"
#include "daemon/ctl/target.h"

/* How often a poll that is waited for is looked at. */
static const struct timespec look_interval = { 0, 200000000 };

/* What is wished of the accounts, as the API calls it; NULL: a poll. */
struct wish {
	const char *mode;
	bool dry, wait;
};

/* One account that is polled, and what is known of it. */
struct wanted {
	char *name;
	/* Its last_finished, or its plan's made_at; NULL: never. */
	char *before;
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
		free(list->items[i].before);
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
ask_account(struct ctl *ctl, const char *name, json_t **json_r,
    struct http_error *error_r)
{
	struct target target;

	target_begin(&target, "/v1/accounts/");
	target_segment(&target, name);
	return http_ask(ctl, "GET", &target, json_r, error_r);
}

static bool
ask_poll(struct ctl *ctl, const char *name, const char *mode, json_t **json_r,
    struct http_error *error_r)
{
	struct target target;

	target_begin(&target, "/v1/accounts/");
	target_segment(&target, name);
	target_path(&target, "/poll");
	target_parameter(&target, "mode", mode);
	return http_ask(ctl, "POST", &target, json_r, error_r);
}

/* Remember which poll, or plan, was the last before the one to wait for. */
static enum ctl_exit
look_before(struct ctl *ctl, struct wanted *wanted, const struct wish *wish)
{
	struct http_error error;
	const char *time;
	json_t *json;

	if (wish->dry ? !plan_ask(ctl, wanted->name, &json, &error)
		      : !ask_account(ctl, wanted->name, &json, &error))
		return strcmp(error.code, "no_plan") == 0
			   ? CTL_OK
			   : http_report(ctl, &error);
	time = ctl_text(json, wish->dry ? "made_at" : "last_finished");
	if (time != NULL)
		wanted->before = strdup(time);
	json_decref(json);
	return time != NULL && wanted->before == NULL ? out_of_memory(ctl)
						      : CTL_OK;
}

static enum ctl_exit
begin_poll(struct ctl *ctl, struct wanted *wanted, const struct wish *wish)
{
	struct http_error error;
	json_t *json;
	enum ctl_exit code = CTL_OK;

	if (wish->wait)
		code = look_before(ctl, wanted, wish);
	if (code != CTL_OK)
		return code;
	if (ask_poll(ctl, wanted->name, wish->mode, &json, &error)) {
		if (!wish->wait && ctl->json)
			(void)ctl_print_json(ctl, json);
		else if (!wish->wait)
			ctl_print_detail(ctl, "queued", wanted->name);
		json_decref(json);
	} else if (strcmp(error.code, "already") != 0) {
		return http_report(ctl, &error);
	} else if (!wish->wait) {
		ctl_warn(ctl, "%s", error.message);
	}
	wanted->pending = wish->wait;
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
	const char *name = ctl_text(account, "name");
	uint64_t held = ctl_count(session, "held");
	struct remark remark;
	char size[HUMAN_SIZE];

	remark_begin(&remark);
	if (why != NULL) {
		remark_add(
		    &remark, "%s: %s", outcome != NULL ? outcome : "?", why);
	} else {
		remark_add(&remark, "%s", outcome != NULL ? outcome : "?");
		remark_add(&remark, "%llu fetched (%s)",
		    (unsigned long long)ctl_count(session, "fetched"),
		    human_octets(ctl_count(session, "octets_in"), size));
		remark_figure(&remark, session, TALLY_DELETED);
		remark_figure(&remark, session, TALLY_ADOPTED);
		remark_figure(&remark, session, TALLY_SEEN);
		remark_figure(&remark, session, TALLY_HELD);
		if (ctl_count(session, "failed") > 0)
			remark_add(&remark, "some failed");
	}
	remark_count(&remark,
	    ctl_count(json_object_get(account, "stored"), "quarantined"),
	    "in quarantine");
	ctl_print_detail(ctl, name, remark.text);
	ctl_print_detail(ctl, "", ctl_text(account, "advice"));
	if (held > 0 && name != NULL)
		plan_say_how_to_confirm(ctl, name);
}

static bool
is_state(const json_t *account, const char *one, const char *other)
{
	const char *state = ctl_text(account, "state");

	return state != NULL &&
	       (strcmp(state, one) == 0 || strcmp(state, other) == 0);
}

/* Whether `json` tells of a poll, or is a plan, that was not there before. */
static bool
is_news(const struct wanted *wanted, const json_t *json, const char *member)
{
	const char *time = ctl_text(json, member);

	return time != NULL &&
	       (wanted->before == NULL || strcmp(time, wanted->before) != 0);
}

static enum ctl_exit
tell_outcome(struct ctl *ctl, const json_t *account)
{
	if (ctl->json)
		(void)ctl_print_json(ctl, account);
	else
		print_outcome(ctl, account);
	return exit_of_outcome(ctl_text(account, "last_outcome"));
}

/* It will not be polled any more. */
static enum ctl_exit
tell_state(struct ctl *ctl, const struct wanted *wanted, const json_t *account)
{
	ctl_warn(ctl, "account \"%s\" was not polled: it is %s", wanted->name,
	    ctl_text(account, "state"));
	return CTL_TEMPORARY;
}

/*
 * Print the plan if it is there.  False where it is not, and the account, seen
 * before that, was busy.
 */
static bool
look_for_plan(struct ctl *ctl, const struct wanted *wanted,
    const json_t *account, enum ctl_exit *code_r)
{
	struct http_error error;
	json_t *plan = NULL;
	bool over = true;

	if (!plan_ask(ctl, wanted->name, &plan, &error) &&
	    strcmp(error.code, "no_plan") != 0) {
		*code_r = http_report(ctl, &error);
	} else if (plan != NULL && is_news(wanted, plan, "made_at")) {
		*code_r = plan_print(ctl, wanted->name, plan);
	} else if (is_state(account, "polling", "queued")) {
		over = false;
	} else if (is_state(account, "paused", "disabled")) {
		*code_r = tell_state(ctl, wanted, account);
	} else {
		*code_r = tell_outcome(ctl, account);
		if (*code_r == CTL_OK)
			*code_r = CTL_TEMPORARY;
	}
	json_decref(plan);
	return over;
}

/* Look whether what was asked for is over; *code_r is what came of it. */
static void
look(struct ctl *ctl, struct wanted *wanted, const struct wish *wish,
    enum ctl_exit *code_r)
{
	struct http_error error;
	json_t *account;

	*code_r = CTL_OK;
	if (!ask_account(ctl, wanted->name, &account, &error)) {
		wanted->pending = false;
		*code_r = http_report(ctl, &error);
		return;
	}
	if (wish->dry) {
		wanted->pending = !look_for_plan(ctl, wanted, account, code_r);
	} else if (is_state(account, "paused", "disabled")) {
		wanted->pending = false;
		*code_r = tell_state(ctl, wanted, account);
	} else if (is_news(wanted, account, "last_finished") &&
		   !is_state(account, "polling", "queued")) {
		/* What was asked for during another poll comes after that. */
		wanted->pending = false;
		*code_r = tell_outcome(ctl, account);
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
wait_for_all(struct ctl *ctl, struct wanted_list *list, const struct wish *wish)
{
	enum ctl_exit first = CTL_OK, code;
	size_t pending;

	do {
		pending = 0;
		for (size_t i = 0; i < list->count; i++) {
			if (!list->items[i].pending)
				continue;
			look(ctl, &list->items[i], wish, &code);
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

/* What the options say; CTL_USAGE, with the reason said, if that is nothing. */
static enum ctl_exit
read_wish(
    struct ctl *ctl, const struct invocation *invocation, struct wish *wish_r)
{
	static const char *const modes[] = { "dry-run", "baseline", "confirm" };
	bool all = command_given(invocation, "all");
	size_t given = 0;

	*wish_r = (struct wish){ .wait = command_given(invocation, "wait") };
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (!command_given(invocation, modes[i]))
			continue;
		wish_r->mode = modes[i];
		given++;
	}
	wish_r->dry = command_given(invocation, "dry-run");
	wish_r->wait = wish_r->wait || wish_r->dry;
	if (all == (invocation->count > 0))
		ctl_warn(ctl, "poll: name accounts, or say --all");
	else if (given > 1)
		ctl_warn(ctl, "poll: one of --dry-run, --baseline, --confirm");
	else if (all && wish_r->mode != NULL && !wish_r->dry)
		ctl_warn(ctl,
		    "poll: name the accounts to --%s, --all is too many",
		    wish_r->mode);
	else
		return CTL_OK;
	command_print_usage(ctl->err, invocation->command);
	return CTL_USAGE;
}

enum ctl_exit
poll_run(struct ctl *ctl, const struct invocation *invocation)
{
	struct wanted_list list = { NULL, 0, 0 };
	struct wish wish;
	enum ctl_exit code, one;

	code = read_wish(ctl, invocation, &wish);
	if (code != CTL_OK)
		return code;
	if (command_given(invocation, "all"))
		code = want_all(ctl, invocation, &list);
	for (size_t i = 0; code == CTL_OK && i < invocation->count; i++) {
		if (!want(&list, invocation->arguments[i]))
			code = out_of_memory(ctl);
	}
	if (code == CTL_OK) {
		for (size_t i = 0; i < list.count; i++) {
			one = begin_poll(ctl, &list.items[i], &wish);
			note(&code, one);
			if (one == CTL_UNAVAILABLE || one == CTL_TEMPORARY)
				break;
		}
		if (wish.wait)
			note(&code, wait_for_all(ctl, &list, &wish));
	}
	free_list(&list);
	return code;
}
