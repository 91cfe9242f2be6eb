#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/ctl/command.h"
#include "daemon/ctl/list.h"
#include "daemon/ctl/print.h"

/* ---- list ---- */

static enum print_colour
outbox_colour(const json_t *row)
{
	if (ctl_is(row, "state", "refused"))
		return PRINT_BAD;
	if (ctl_is(row, "state", "delivered"))
		return PRINT_GOOD;
	return ctl_count(row, "attempts") > 0 ? PRINT_WARNING : PRINT_PLAIN;
}

/* When it is tried; what is due waits for its target. */
static void
outbox_say_next(const struct ctl *ctl, const json_t *row, struct phrase *phrase)
{
	char time[PRINT_TIME_SIZE];

	if (!ctl_is(row, "state", "waiting"))
		return;
	(void)print_time(ctl, row, "next", PRINT_TIME, time);
	if (ctl_text(row, "next") == NULL || strstr(time, " ago") != NULL)
		phrase_add(phrase, "due");
	else
		phrase_add(phrase, "next %s", time);
}

static void
outbox_say_remarks(
    const struct ctl *ctl, const json_t *row, struct phrase *phrase)
{
	if (ctl_is(row, "state", "waiting"))
		print_form(ctl, "?{attempts} attempt{s}", row, phrase);
	outbox_say_next(ctl, row, phrase);
	if (json_is_true(ctl_member(row, "may_be_there")))
		phrase_add(phrase, "may be there already");
	print_form(ctl, "?{answer}|?{place}", row, phrase);
}

static const struct print_field outbox_columns[] = {
	{ "ID", .member = "id", .kind = PRINT_COUNT },
	{ "SINCE", .member = "queued_at", .kind = PRINT_TIME },
	{ "MESSAGE", .member = "message", .kind = PRINT_COUNT },
	{ "ACCOUNT", .member = "account", .fit = PRINT_CUT_MIDDLE },
	{ "TARGET", .member = "target", .fit = PRINT_CUT_MIDDLE },
	{ "STATE", .member = "state", .colour = outbox_colour },
	{ "SIZE", .member = "bytes", .kind = PRINT_SIZE, .drop = 2 },
	{ "SUBJECT", .member = "subject", .fit = PRINT_CUT_END, .drop = 1 },
	{ "REMARKS", .words = outbox_say_remarks, .fit = PRINT_WRAP },
};

static enum ctl_exit
outbox_list(const struct ctl *ctl, const struct invocation *invocation)
{
	/* What needs a person comes first. */
	static const char *const open_states[] = { "refused", "waiting", NULL };
	const char *state = command_value(invocation, "state");
	const bool is_open =
	    state == NULL && command_value(invocation, "message") == NULL;
	const struct list list = { "outbox", outbox_columns,
		PRINT_FIELD_COUNT(outbox_columns),
		is_open ? "nothing waits to be delivered, and nothing was "
			  "refused\n"
			: "no delivery matches\n",
		NULL };
	struct target target;
	size_t limit;
	enum ctl_exit code = list_limit(ctl, invocation, &limit);

	if (code != CTL_OK)
		return code;
	target_begin(&target, "/v1/outbox", NULL);
	target_parameter(
	    &target, "account", command_value(invocation, "account"));
	target_parameter(
	    &target, "target", command_value(invocation, "target"));
	target_parameter(
	    &target, "message", command_value(invocation, "message"));
	if (state != NULL && strcmp(state, "all") != 0)
		target_parameter(&target, "state", state);
	if (command_given(invocation, "all"))
		limit = LIST_ALL;
	return list_print_each(
	    ctl, &list, &target, "state", is_open ? open_states : NULL, limit);
}

/* ---- show ---- */

static const struct print_field outbox_fields[] = {
	{ "Delivery", .member = "id", .kind = PRINT_COUNT },
	{ "Message", .member = "message", .kind = PRINT_COUNT },
	{ "From", .member = "sender" },
	{ "Subject", .member = "subject" },
	{ "Size", .form = "{bytes:size} ({bytes} bytes)" },
	{ "Account", .member = "account" },
	{ "Target", .member = "target" },
	{ "State", .member = "state", .colour = outbox_colour },
	{ "Queued", .member = "queued_at", .kind = PRINT_TIME },
	{ "Attempts", .member = "attempts", .kind = PRINT_COUNT },
	{ "Last tried", .form = "?{tried_at:time}" },
	{ "Next", .form = "?{next:time}" },
	{ "Settled", .form = "?{settled_at:time}" },
	{ "Answer", .member = "answer" },
	{ "Place", .member = "place" },
};

static void
outbox_print(const struct ctl *ctl, const json_t *row)
{
	const unsigned long long id = ctl_count(row, "id");

	print_fields(ctl, outbox_fields, PRINT_FIELD_COUNT(outbox_fields), row);
	if (json_is_true(ctl_member(row, "may_be_there")))
		print_detail(ctl, "Not certain",
		    "an attempt was not answered: the target may have it");
	if (!ctl->is_terminal || ctl_is(row, "state", "delivered"))
		return;
	fprintf(ctl->out, "\nTo try again: %sevpopctl outbox retry %llu\n",
	    ctl_sudo(), id);
	if (!ctl_is(row, "state", "dropped"))
		fprintf(ctl->out, "To give up: %sevpopctl outbox drop %llu\n",
		    ctl_sudo(), id);
}

static enum ctl_exit
outbox_show(const struct ctl *ctl, const struct invocation *invocation)
{
	enum ctl_exit first = CTL_OK;

	for (size_t i = 1; i < invocation->count; i++) {
		struct target target;

		if (i > 1 && !ctl->json)
			fputc('\n', ctl->out);
		target_begin(&target, "/v1/outbox/*", invocation->arguments[i]);
		ctl_keep_first(
		    &first, client_print(ctl, "GET", &target, outbox_print));
	}
	return first;
}

/* ---- retry, drop ---- */

/* What `retry` and `drop` do. */
struct change {
	const char *method, *pattern; /* of one */
	const char *all;              /* of those that match */
	const char *done, *question;
};

static const struct change outbox_retry_change = { "POST", "/v1/outbox/*/retry",
	"/v1/outbox/retry", "to be tried", NULL };
static const struct change outbox_drop_change = { "DELETE", "/v1/outbox/*",
	"/v1/outbox/drop", "dropped", "Give up deliveries" };

static enum ctl_exit
outbox_change_one(
    const struct ctl *ctl, const struct change *change, const char *id)
{
	enum ctl_exit code = CTL_OK;
	struct client_error error;
	struct target target;
	struct phrase phrase;
	json_t *answer;

	target_begin(&target, change->pattern, id);
	if (!client_ask(ctl, change->method, &target, &answer, &error))
		return client_report(ctl, &error);
	phrase_begin(&phrase);
	print_form(ctl, "{id}: message {message} of {account} to {target}",
	    answer, &phrase);
	if (ctl->json)
		code = ctl_print_json(ctl, answer);
	else
		print_detail(ctl, change->done, phrase.text);
	json_decref(answer);
	return code;
}

static bool
outbox_is_confirmed(const struct ctl *ctl, const struct invocation *invocation,
    const struct change *change)
{
	char answer[16] = "";

	if (change->question == NULL || command_given(invocation, "yes"))
		return true;
	if (!isatty(STDIN_FILENO)) {
		ctl_warn(ctl, "nothing was dropped: nobody was asked");
		ctl_hint(ctl, "where nobody can be asked, --yes says so");
		return false;
	}
	fprintf(ctl->err, "%s (%s)? Type yes: ", change->question,
	    command_value(invocation, "state") != NULL
		? command_value(invocation, "state")
		: "refused");
	fflush(ctl->err);
	if (fgets(answer, sizeof(answer), stdin) != NULL &&
	    strcmp(answer, "yes\n") == 0)
		return true;
	fprintf(ctl->err, "evpopctl: nothing was dropped\n");
	return false;
}

/* One page; `cursor_r` is for the next, "" behind the last. */
static bool
outbox_change_page(const struct ctl *ctl, const struct target *all,
    char cursor_r[24], uint64_t *changed, struct client_error *error_r)
{
	struct target page = *all;
	const char *next;
	json_t *answer;

	target_parameter(
	    &page, "cursor", cursor_r[0] != '\0' ? cursor_r : NULL);
	if (!client_ask(ctl, "POST", &page, &answer, error_r))
		return false;
	*changed += ctl_count(answer, "changed");
	next = ctl_text(answer, "next_cursor");
	snprintf(cursor_r, 24, "%s", next != NULL ? next : "");
	json_decref(answer);
	return true;
}

static enum ctl_exit
outbox_print_changed(
    const struct ctl *ctl, const struct change *change, uint64_t changed)
{
	enum ctl_exit code;
	json_t *json;

	if (!ctl->json) {
		fprintf(ctl->out, "%s: %llu deliver%s\n", change->done,
		    (unsigned long long)changed, changed == 1 ? "y" : "ies");
		return CTL_OK;
	}
	json = json_pack("{sI}", "changed", (json_int_t)changed);
	code = json != NULL ? ctl_print_json(ctl, json) : ctl_no_memory(ctl);
	json_decref(json);
	return code;
}

static enum ctl_exit
outbox_change_all(const struct ctl *ctl, const struct invocation *invocation,
    const struct change *change)
{
	struct client_error error;
	struct target target;
	char cursor[24] = "";
	uint64_t changed = 0;
	enum ctl_exit code;

	if (!outbox_is_confirmed(ctl, invocation, change))
		return CTL_USAGE;
	target_begin(&target, change->all, NULL);
	target_parameter(
	    &target, "account", command_value(invocation, "account"));
	target_parameter(
	    &target, "target", command_value(invocation, "target"));
	target_parameter(&target, "state", command_value(invocation, "state"));
	target_parameter(&target, "limit", "1000");
	do {
		if (!outbox_change_page(
			ctl, &target, cursor, &changed, &error)) {
			progress_clear(ctl);
			if (changed > 0)
				(void)outbox_print_changed(
				    ctl, change, changed);
			return client_report(ctl, &error);
		}
		progress_show(ctl, change->done, changed, 0, "deliveries");
	} while (cursor[0] != '\0');
	progress_clear(ctl);
	code = outbox_print_changed(ctl, change, changed);
	if (!ctl->json && changed == 0 &&
	    command_value(invocation, "state") == NULL)
		fputs("only refused ones were looked for; \"--state waiting\" "
		      "takes those that wait\n",
		    ctl->out);
	return code;
}

static enum ctl_exit
outbox_change(const struct ctl *ctl, const struct invocation *invocation,
    const struct change *change)
{
	enum ctl_exit first = CTL_OK;

	if (command_given(invocation, "all"))
		return outbox_change_all(ctl, invocation, change);
	for (size_t i = 1; i < invocation->count; i++)
		ctl_keep_first(&first,
		    outbox_change_one(ctl, change, invocation->arguments[i]));
	return first;
}

static enum ctl_exit
outbox_retry(const struct ctl *ctl, const struct invocation *invocation)
{
	return outbox_change(ctl, invocation, &outbox_retry_change);
}

static enum ctl_exit
outbox_drop(const struct ctl *ctl, const struct invocation *invocation)
{
	return outbox_change(ctl, invocation, &outbox_drop_change);
}

/* ---- which of them ---- */

static const struct action {
	const char *name;
	bool takes_ids, lists;
	enum ctl_exit (*run)(const struct ctl *, const struct invocation *);
} actions[] = {
	{ "list", false, true, outbox_list },
	{ "show", true, false, outbox_show },
	{ "retry", true, false, outbox_retry },
	{ "drop", true, false, outbox_drop },
};

static const struct action *
outbox_action(const struct invocation *invocation)
{
	const char *word =
	    invocation->count > 0 ? invocation->arguments[0] : "list";

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(word, actions[i].name) == 0)
			return &actions[i];
	return NULL;
}

/* An option that is not for this action; NULL: all are. */
static const char *
outbox_wrong_option(
    const struct invocation *invocation, const struct action *action)
{
	static const char *const of_lists[] = { "limit", "message" };
	static const char *const of_many[] = { "account", "target", "state" };
	const bool is_many =
	    action->lists ||
	    (command_given(invocation, "all") && action->run != outbox_show);

	for (size_t i = 0; i < sizeof(of_lists) / sizeof(of_lists[0]); i++)
		if (!action->lists && command_given(invocation, of_lists[i]))
			return of_lists[i];
	for (size_t i = 0; i < sizeof(of_many) / sizeof(of_many[0]); i++)
		if (!is_many && command_given(invocation, of_many[i]))
			return of_many[i];
	if (command_given(invocation, "yes") && action->run != outbox_drop)
		return "yes";
	return command_given(invocation, "all") && !is_many ? "all" : NULL;
}

enum ctl_exit
outbox_run(const struct ctl *ctl, const struct invocation *invocation)
{
	const struct action *action = outbox_action(invocation);
	const bool all = command_given(invocation, "all");
	const char *wrong;

	if (action == NULL) {
		ctl_warn(ctl, "outbox: expected list, show, retry or drop");
		return command_usage(ctl, invocation->command);
	}
	wrong = outbox_wrong_option(invocation, action);
	if (wrong != NULL)
		ctl_warn(ctl,
		    action->takes_ids && action->run != outbox_show && !all &&
			    strcmp(wrong, "yes") != 0
			? "outbox %s: --%s goes with --all"
			: "outbox %s: --%s is not for this",
		    action->name, wrong);
	else if (action->takes_ids && invocation->count < 2 && !all)
		ctl_warn(ctl, "outbox %s: which deliveries?", action->name);
	else if ((!action->takes_ids || all) && invocation->count > 1)
		ctl_warn(ctl, "outbox %s: too many arguments", action->name);
	else
		return action->run(ctl, invocation);
	return command_usage(ctl, invocation->command);
}
