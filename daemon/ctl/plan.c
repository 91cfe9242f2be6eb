#include "daemon/ctl/plan.h"

#include <string.h>

#include "daemon/ctl/list.h"

#define PLAN_PATH "/v1/accounts/*/plan"

bool
plan_ask(const struct ctl *ctl, const char *account, json_t **plan_r,
    struct client_error *error_r)
{
	struct target target;

	target_begin(&target, PLAN_PATH, account);
	target_parameter(&target, "limit", "1");
	return client_ask(ctl, "GET", &target, plan_r, error_r);
}

/* Deletions matter most: they cannot be undone. */
static enum print_colour
plan_colour(const json_t *entry)
{
	const char *action = ctl_text(entry, "action");

	if (action == NULL)
		return PRINT_PLAIN;
	if (strcmp(action, "held") == 0)
		return PRINT_WARNING;
	if (strstr(action, "delete") != NULL)
		return PRINT_BAD;
	return strcmp(action, "fetch") == 0 ? PRINT_GOOD : PRINT_PLAIN;
}

static void
plan_action(const struct ctl *ctl, const json_t *entry, struct phrase *phrase)
{
	char time[PRINT_TIME_SIZE];

	if (ctl_text(entry, "waits_until") != NULL)
		phrase_add(phrase, "waits until %s",
		    print_time(ctl, entry, "waits_until", PRINT_DATE, time));
	else
		phrase_add(phrase, "%s", ctl_text(entry, "action"));
}

static const struct print_field plan_columns[] = {
	{ "NUMBER", .member = "number", .kind = PRINT_COUNT },
	{ "SIZE", .member = "bytes", .kind = PRINT_SIZE },
	{ "ACTION", .words = plan_action, .colour = plan_colour },
	{ "UNIQUE-ID", .member = "unique_id", .kind = PRINT_UNIQUE_ID,
	    .fit = PRINT_CUT_END },
	{ "SUBJECT", .member = "subject", .fit = PRINT_CUT_END },
};

static void
plan_print_sums(const struct ctl *ctl, const json_t *plan)
{
	static const struct print_field hint = { "",
		.form = "?{counts.held:none}" PLAN_HOW_TO_CONFIRM };
	struct phrase phrase;

	if (json_is_true(ctl_member(plan, "cut")))
		ctl_warn(ctl, "the plan is longer than what is shown");
	phrase_begin(&phrase);
	if (ctl_count(plan, "counts.messages") == 0)
		phrase_add(&phrase, "nothing on the server");
	print_form(ctl,
	    "?{counts.messages} on the server|"
	    "?{counts.fetch} to fetch ({fetch_bytes:size})|"
	    "?{counts.delete} to delete|"
	    "?{counts.adopt} known under other unique-ids|"
	    "?{counts.seen} to count as seen|"
	    "?{counts.too_large} too large to fetch|"
	    "?{counts.later} for later polls|"
	    "?{counts.wait} wait{-s} (fetch_after)|"
	    "?{counts.unidentified} without a unique-id|"
	    "?{counts.held} deletion{s} held",
	    plan, &phrase);
	if (json_array_size(ctl_member(plan, "entries")) == 0)
		phrase_add(&phrase, "nothing to do");
	print_detail(ctl, ctl_text(plan, "account"), phrase.text);
	print_fields(ctl, &hint, 1, plan);
}

enum ctl_exit
plan_print(const struct ctl *ctl, const char *account)
{
	static const struct list list = { "entries", plan_columns,
		PRINT_FIELD_COUNT(plan_columns), "", plan_print_sums };
	struct target target;

	target_begin(&target, PLAN_PATH, account);
	return list_print(ctl, &list, &target, LIST_ALL);
}
