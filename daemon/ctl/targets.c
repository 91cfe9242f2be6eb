#include "daemon/ctl/targets.h"
#include "daemon/ctl/tokens.h"

#include <string.h>

#include "daemon/ctl/command.h"
#include "daemon/ctl/list.h"
#include "lib/base/glob.h"

/* ---- what is said of one ---- */

static void
targets_say_state(
    const struct ctl *ctl, const json_t *row, struct phrase *phrase)
{
	const char *state = ctl_text(row, "state");

	(void)ctl;
	if (ctl_is(row, "state", "refused"))
		state = "needs attention";
	/* The daemon that knows is not asked, or has no such section. */
	if (state == NULL)
		state = ctl_text(row, "paused_since") != NULL ? "paused" : "-";
	phrase_add(phrase, "%s", state);
}

static enum print_colour
targets_colour(const json_t *row)
{
	if (ctl_is(row, "state", "refused"))
		return PRINT_BAD;
	if (ctl_is(row, "state", "down") || ctl_count(row, "refused") > 0)
		return PRINT_WARNING;
	return ctl_is(row, "state", "delivering") ? PRINT_GOOD : PRINT_PLAIN;
}

static void
targets_say_remarks(
    const struct ctl *ctl, const json_t *row, struct phrase *phrase)
{
	struct phrase remarks;

	phrase_begin(&remarks);
	print_form(ctl,
	    "?down {down_since:time}|?{text}|?paused {paused_since:time}|"
	    "?by {paused_by}",
	    row, &remarks);
	if (json_is_true(ctl_member(row, "full")))
		phrase_add(&remarks, "full: its accounts do not fetch");
	if (ctl_text(row, "state") == NULL)
		phrase_add(&remarks,
		    "not in a running configuration: \"evpopctl targets "
		    "show\" says what to do");
	/* Each message has its own reason. */
	if (ctl_is(row, "state", "ready") && ctl_count(row, "waiting") > 0)
		print_form(ctl,
		    "{waiting} to be tried again: \"evpopctl outbox --target "
		    "{target}\" shows why",
		    row, &remarks);
	if (remarks.length == 0)
		print_form(ctl, "?{where}", row, &remarks);
	phrase_add(phrase, "%s", remarks.text);
}

static const struct print_field targets_columns[] = {
	{ "TARGET", .member = "target", .fit = PRINT_CUT_MIDDLE },
	{ "TYPE", .member = "type", .drop = 3 },
	{ "STATE", .words = targets_say_state, .colour = targets_colour },
	{ "WAITING", .member = "waiting", .kind = PRINT_COUNT },
	{ "REFUSED", .member = "refused", .kind = PRINT_COUNT },
	{ "DELIVERED", .member = "delivered", .kind = PRINT_COUNT, .drop = 2 },
	{ "LAST SUCCESS", .member = "last_success", .kind = PRINT_TIME,
	    .drop = 1 },
	{ "NEXT", .member = "next", .kind = PRINT_TIME, .drop = 4 },
	{ "REMARKS", .words = targets_say_remarks, .fit = PRINT_WRAP },
};

const struct print_field *
targets_live_columns(size_t *count_r)
{
	static struct print_field columns[PRINT_FIELD_COUNT(targets_columns)];

	*count_r = PRINT_FIELD_COUNT(columns);
	memcpy(columns, targets_columns, sizeof(columns));
	columns[*count_r - 1].fit = PRINT_CUT_END;
	return columns;
}

static void
targets_say_rate(
    const struct ctl *ctl, const json_t *row, struct phrase *phrase)
{
	print_form(
	    ctl, "?{concurrency} at a time|?{rate} a minute", row, phrase);
	if (ctl_is(row, "order", "account"))
		phrase_add(phrase, "in each account's order");
}

static void
targets_say_retry(
    const struct ctl *ctl, const json_t *row, struct phrase *phrase)
{
	if (ctl_member(row, "retry_min_seconds") == NULL)
		return;
	print_form(ctl,
	    "after {retry_min_seconds:span} to {retry_max_seconds:span}|"
	    "?given up after {give_up_after_seconds:span}",
	    row, phrase);
}

static const struct print_field targets_fields[] = {
	{ "Target", .member = "target" },
	{ "Type", .member = "type" },
	{ "Where", .member = "where" },
	{ "Recipient", .member = "deliver_to" },
	{ "Folder", .member = "folder" },
	{ "State", .words = targets_say_state, .colour = targets_colour },
	{ "Paused", .form = "?{paused_since:time}|?by {paused_by}" },
	{ "Down", .form = "?{down_since:time}" },
	{ "Why", .member = "text" },
	{ "What to do", .member = "advice" },
	{ "Next attempt", .form = "?{next:time}" },
	{ "Last success", .form = "?{last_success:time}" },
	{ "Waiting", .form = "?{waiting} message{s}|?the oldest "
			     "{oldest_waiting:time}|?{under_way} under way" },
	{ "", .form = "?{full:none}more than max_waiting = {max_waiting}: its "
		      "accounts do not fetch" },
	{ "Refused", .form = "?{refused} message{s} for good" },
	{ "", .form = "?{refused:none}\"evpopctl outbox --target {target}\" "
		      "shows why; \"evpopctl outbox retry --all --target "
		      "{target}\" tries again" },
	{ "Delivered", .form = "?{delivered} message{s}" },
	{ "Dropped", .form = "?{dropped} message{s}" },
	{ "Since start", .form = "?{since_start.delivered} delivered|"
				 "?{since_start.bytes:size}|"
				 "?{since_start.put_off} put off|"
				 "?{since_start.refused} refused|"
				 "?{since_start.outages} outage{s}" },
	{ "Goes", .words = targets_say_rate },
	{ "Tried again", .words = targets_say_retry },
	{ "Spam", .form = "?asks {rspamd}|?goes to {spam_target}" },
};

static void
targets_print(const struct ctl *ctl, const json_t *target)
{
	print_fields(
	    ctl, targets_fields, PRINT_FIELD_COUNT(targets_fields), target);
	tokens_print(ctl, target, print_detail);
	if (ctl_text(target, "type") == NULL)
		print_detail(ctl, "Note",
		    "no running configuration has this target: what waits for "
		    "it goes on waiting; configure it again, or \"evpopctl "
		    "deliver --to\" another one, and \"evpopctl outbox drop "
		    "--all --state waiting --target\" this one");
}

/* ---- list, show ---- */

static enum ctl_exit
targets_list(const struct ctl *ctl)
{
	static const struct list list = { "targets", targets_columns,
		PRINT_FIELD_COUNT(targets_columns),
		"no target is configured: see evpop-delivery(7)\n", NULL };
	struct target target;

	target_begin(&target, "/v1/targets", NULL);
	return list_print(ctl, &list, &target, LIST_ALL);
}

static enum ctl_exit
targets_show(const struct ctl *ctl, const char *name)
{
	struct target target;

	target_begin(&target, "/v1/targets/*", name);
	return client_print(ctl, "GET", &target, targets_print);
}

/* ---- pause, resume ---- */

static enum ctl_exit
targets_pause(const struct ctl *ctl, const char *name)
{
	return client_act(ctl, "/v1/targets/*/pause", name, "paused");
}

static enum ctl_exit
targets_resume(const struct ctl *ctl, const char *name)
{
	return client_act(ctl, "/v1/targets/*/resume", name, "resumed");
}

static bool
targets_can_pause(const json_t *target)
{
	return ctl_text(target, "type") != NULL &&
	       !ctl_is(target, "state", "paused") &&
	       !ctl_is(target, "state", "disabled");
}

static bool
targets_can_resume(const json_t *target)
{
	return ctl_is(target, "state", "paused") ||
	       ctl_is(target, "state", "down") ||
	       ctl_is(target, "state", "refused");
}

/* ---- which of them ---- */

static const struct action {
	const char *name;
	enum ctl_exit (*run)(const struct ctl *, const char *target);
	bool (*fits)(const json_t *target); /* a pattern's, and --all */
} actions[] = {
	{ "show", targets_show, NULL },
	{ "pause", targets_pause, targets_can_pause },
	{ "resume", targets_resume, targets_can_resume },
};

/* What is done to several, one after the other. */
struct doing {
	const struct action *action;
	const char *pattern; /* NULL: all */
	size_t matches;      /* whether they fit or not */
	bool is_shown;       /* the last one: a line stands between two */
};

static enum ctl_exit
targets_do(const struct ctl *ctl, struct doing *doing, const char *name)
{
	enum ctl_exit code;

	if (doing->is_shown)
		fputc('\n', ctl->out);
	code = doing->action->run(ctl, name);
	doing->is_shown =
	    code == CTL_OK && !ctl->json && doing->action->run == targets_show;
	return code;
}

static enum ctl_exit
targets_do_page(const struct ctl *ctl, const json_t *page, void *arg)
{
	struct doing *doing = arg;
	const json_t *row;
	enum ctl_exit first = CTL_OK;
	size_t i;

	json_array_foreach(ctl_member(page, "targets"), i, row)
	{
		const char *name = ctl_text(row, "target");

		if (name == NULL ||
		    (doing->pattern != NULL &&
			!evpop_glob_matches(doing->pattern, name)))
			continue;
		doing->matches++;
		if (doing->action->fits == NULL || doing->action->fits(row))
			ctl_keep_first(&first, targets_do(ctl, doing, name));
	}
	return first;
}

/* Those of the list that the pattern names. */
static enum ctl_exit
targets_do_matching(
    const struct ctl *ctl, struct doing *doing, const char *pattern)
{
	struct target target;
	enum ctl_exit code;

	doing->pattern = pattern;
	doing->matches = 0;
	target_begin(&target, "/v1/targets", NULL);
	code = list_walk(
	    ctl, &target, "targets", LIST_ALL, targets_do_page, doing);
	if (code != CTL_OK || doing->matches > 0 || pattern == NULL)
		return code;
	ctl_warn(ctl, "no target matches \"%s\"", pattern);
	ctl_hint(ctl, "\"evpopctl targets\" lists them");
	return CTL_NOT_FOUND;
}

static enum ctl_exit
targets_do_words(const struct ctl *ctl, const struct action *action,
    char *const *words, size_t count)
{
	struct doing doing = { .action = action };
	enum ctl_exit first = CTL_OK;

	for (size_t i = 0; i < count; i++)
		ctl_keep_first(
		    &first, evpop_glob_is_pattern(words[i])
				? targets_do_matching(ctl, &doing, words[i])
				: targets_do(ctl, &doing, words[i]));
	return first;
}

static const struct action *
targets_action(const struct invocation *invocation)
{
	for (size_t i = 0;
	     invocation->count > 0 && i < sizeof(actions) / sizeof(actions[0]);
	     i++)
		if (strcmp(invocation->arguments[0], actions[i].name) == 0)
			return &actions[i];
	return NULL;
}

enum ctl_exit
targets_run(const struct ctl *ctl, const struct invocation *invocation)
{
	const bool all = command_given(invocation, "all");
	const struct action *action = targets_action(invocation);
	struct doing doing = { .action = action };

	if (action == NULL && !all)
		return invocation->count == 0
			   ? targets_list(ctl)
			   : targets_do_words(ctl, &actions[0],
				 invocation->arguments, invocation->count);
	if (action != NULL && all != (invocation->count > 1))
		return all ? targets_do_matching(ctl, &doing, NULL)
			   : targets_do_words(ctl, action,
				 invocation->arguments + 1,
				 invocation->count - 1);
	if (action == NULL)
		ctl_warn(ctl, "targets: --all goes with show, pause and "
			      "resume");
	else
		ctl_warn(ctl, "targets %s: name targets, or say --all",
		    action->name);
	return command_usage(ctl, invocation->command);
}
