#include "daemon/ctl/accounts.h"

#include <string.h>

#include "daemon/control/when.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/list.h"
#include "daemon/ctl/names.h"
#include "daemon/ctl/plan.h"
#include "daemon/ctl/tokens.h"
#include "lib/base/clock.h"

/* ---- what both the list and the single account say ---- */

static const char *
account_state(const json_t *account)
{
	return ctl_is(account, "state", "refused") ? "needs attention"
						   : ctl_text(account, "state");
}

static void
account_say_state(
    const struct ctl *ctl, const json_t *account, struct phrase *phrase)
{
	const char *state = account_state(account);

	(void)ctl;
	if (state != NULL)
		phrase_add(phrase, "%s", state);
}

/* "since" and a time, or "for" and how long; nothing where there is no time. */
static void
account_say_since(const struct ctl *ctl, const json_t *account,
    const char *member, struct phrase *phrase)
{
	char time[PRINT_TIME_SIZE], *ago;

	if (ctl_text(account, member) == NULL)
		return;
	print_time(ctl, account, member, PRINT_TIME, time);
	ago = strstr(time, " ago");
	if (ago != NULL)
		*ago = '\0';
	phrase_add(phrase, "%s %s", ago != NULL ? "for" : "since", time);
}

static void
account_say_failing(
    const struct ctl *ctl, const json_t *account, struct phrase *phrase)
{
	account_say_since(ctl, account, "failing_since", phrase);
}

static void
account_say_paused(
    const struct ctl *ctl, const json_t *account, struct phrase *phrase)
{
	const char *who = ctl_text(account, "paused_by");
	struct phrase since;

	phrase_begin(&since);
	account_say_since(ctl, account, "paused_since", &since);
	if (since.length == 0)
		return;
	phrase_add(phrase, "%s%s%s", since.text, who != NULL ? " by " : "",
	    who != NULL ? who : "");
}

/* The last error, if the last poll had one; the store knows older polls. */
static const char *
account_error(const json_t *account)
{
	const char *text = ctl_text(account, "last_text");

	if (ctl_is(account, "last_outcome", "ok"))
		return NULL;
	return text != NULL ? text : ctl_text(account, "stored.last_error");
}

static void
account_say_error(
    const struct ctl *ctl, const json_t *account, struct phrase *phrase)
{
	const char *error = account_error(account);

	(void)ctl;
	if (error != NULL)
		phrase_add(phrase, "%s", error);
}

/* How the server's messages are identified; NULL if by unique-ids. */
static const char *
account_identity(const json_t *account)
{
	if (ctl_is(account, "identity", "top"))
		return "no UIDL: known by their headers";
	if (ctl_is(account, "identity", "body"))
		return "no UIDL, no TOP: known by their bytes";
	return ctl_is(account, "identity", "unique-id")
		   ? NULL
		   : ctl_text(account, "identity");
}

/* What to write if the account is a renamed one. */
#define FORMER                                                                 \
	"?{resembles:none}if it was renamed, write \"id = {resembles}\" into " \
	"[account {account}]"

/* ---- accounts ---- */

static void
account_remark(
    const struct ctl *ctl, const json_t *account, struct phrase *phrase)
{
	const char *identity = account_identity(account);
	struct phrase paused, failing;

	phrase_begin(&paused);
	account_say_paused(ctl, account, &paused);
	if (paused.length > 0)
		phrase_add(phrase, "paused %s", paused.text);
	phrase_begin(&failing);
	account_say_failing(ctl, account, &failing);
	if (failing.length > 0)
		phrase_add(phrase, "failing %s", failing.text);
	print_form(ctl, FORMER, account, phrase);
	if (ctl_text(account, "resembles") == NULL)
		account_say_error(ctl, account, phrase);
	print_form(ctl,
	    "?{moved}|?{session.held:figure} (poll --confirm)|"
	    "?{session.too_large} too large to fetch|"
	    "?{session.later} for later polls|"
	    "?{session.later_bytes:size} waiting|"
	    "?{session.waiting} wait{-s} (fetch_after)|"
	    "?{stored.quarantined} in quarantine",
	    account, phrase);
	if (identity != NULL)
		phrase_add(phrase, "%s", identity);
}

static enum print_colour
account_colour(const json_t *account)
{
	if (ctl_is(account, "state", "refused"))
		return PRINT_BAD;
	if (account_error(account) != NULL ||
	    ctl_count(account, "session.held") > 0)
		return PRINT_WARNING;
	return ctl_is(account, "state", "polling") ||
		       ctl_is(account, "state", "queued")
		   ? PRINT_GOOD
		   : PRINT_PLAIN;
}

static const struct print_field account_columns[] = {
	{ "ACCOUNT", .member = "account", .fit = PRINT_CUT_MIDDLE },
	{ "STATE", .words = account_say_state, .colour = account_colour },
	{ "MESSAGES", .member = "stored.messages", .kind = PRINT_COUNT,
	    .drop = 2 },
	{ "SIZE", .member = "stored.bytes", .kind = PRINT_SIZE, .drop = 3 },
	{ "LAST SUCCESS", .member = "last_success", .kind = PRINT_TIME,
	    .drop = 1 },
	{ "NEXT", .member = "next", .kind = PRINT_TIME },
	{ "REMARKS", .words = account_remark, .fit = PRINT_WRAP },
};

/* Neither paused nor disabled. */
static bool
account_can_pause(const json_t *account)
{
	return !ctl_is(account, "state", "disabled") &&
	       ctl_text(account, "paused_since") == NULL &&
	       !ctl_is(account, "state", "paused");
}

static void
account_say_progress(
    const struct ctl *ctl, const json_t *account, struct phrase *phrase)
{
	if (ctl_is(account, "state", "polling"))
		print_form(ctl,
		    ctl_count(account, "session.messages") > 0
			? "{session.fetched} of {session.messages}"
			: "...",
		    account, phrase);
}

static const struct print_field live_columns[] = {
	{ "ACCOUNT", .member = "account", .fit = PRINT_CUT_MIDDLE },
	{ "STATE", .words = account_say_state, .colour = account_colour },
	{ "NOW", .words = account_say_progress, .drop = 4 },
	{ "MESSAGES", .member = "stored.messages", .kind = PRINT_COUNT,
	    .drop = 2 },
	{ "SIZE", .member = "stored.bytes", .kind = PRINT_SIZE, .drop = 3 },
	{ "LAST SUCCESS", .member = "last_success", .kind = PRINT_TIME,
	    .drop = 1 },
	{ "NEXT", .member = "next", .kind = PRINT_TIME },
	{ "REMARKS", .words = account_remark, .fit = PRINT_CUT_END },
};

const struct print_field *
accounts_live_columns(size_t *count_r)
{
	*count_r = PRINT_FIELD_COUNT(live_columns);
	return live_columns;
}

unsigned
accounts_rank(const json_t *account)
{
	if (ctl_is(account, "state", "refused"))
		return 0;
	return ctl_text(account, "failing_since") != NULL &&
		       account_can_pause(account)
		   ? 1
		   : 2;
}

enum ctl_exit
accounts_run(const struct ctl *ctl, const struct invocation *invocation)
{
	bool failing = command_given(invocation, "failing");
	const char *state = command_value(invocation, "state");
	const char *pattern =
	    invocation->count > 0 ? invocation->arguments[0] : NULL;
	const struct list list = { "accounts", account_columns,
		PRINT_FIELD_COUNT(account_columns),
		failing                            ? "no account fails\n"
		: state != NULL || pattern != NULL ? "no account matches\n"
						   : NULL,
		NULL };
	struct target target;
	enum ctl_exit code;

	if (failing && state != NULL) {
		ctl_warn(ctl, "accounts: one of --failing, --state");
		return command_usage(ctl, invocation->command);
	}
	target_begin(&target, "/v1/accounts", NULL);
	target_parameter(&target, "state", failing ? "failing" : state);
	target_parameter(&target, "name", pattern);
	code = list_print_ranked(ctl, &list, &target, accounts_rank);
	if (code == CTL_OK && !ctl->json && !failing && state == NULL &&
	    pattern == NULL)
		former_print(ctl);
	return code;
}

/* ---- account ---- */

static void
account_say_interval(
    const struct ctl *ctl, const json_t *account, struct phrase *phrase)
{
	unsigned long long seconds = ctl_count(account, "interval_seconds");

	(void)ctl;
	if (seconds == 0)
		return;
	if (seconds % 3600 == 0)
		phrase_add(phrase, "%llu h", seconds / 3600);
	else if (seconds % 60 == 0)
		phrase_add(phrase, "%llu min", seconds / 60);
	else
		phrase_add(phrase, "%llu s", seconds);
}

static void
account_say_identity(
    const struct ctl *ctl, const json_t *account, struct phrase *phrase)
{
	const char *identity = account_identity(account);

	(void)ctl;
	if (identity != NULL)
		phrase_add(phrase, "%s", identity);
	else if (ctl_text(account, "identity") != NULL)
		phrase_add(phrase, "known by their unique-ids");
}

static void
account_say_stored(
    const struct ctl *ctl, const json_t *account, struct phrase *phrase)
{
	if (json_is_object(ctl_member(account, "stored")))
		print_form(ctl,
		    "{stored.messages} message{s}|{stored.bytes:size}", account,
		    phrase);
}

#define DAY_MS 86400000

static void
account_say_certificate(
    const struct ctl *ctl, const json_t *account, struct phrase *phrase)
{
	const char *text = ctl_text(account, "certificate_expires");
	int64_t now_ms = evpop_clock_unix_ms(), then_ms;
	char date[PRINT_TIME_SIZE];
	long long days;

	if (text == NULL || !when_parse(text, now_ms, &then_ms))
		return;
	(void)print_time(ctl, account, "certificate_expires", PRINT_DATE, date);
	days = (then_ms - now_ms) / DAY_MS;
	if (then_ms < now_ms)
		phrase_add(phrase, "expired on %s", date);
	else
		phrase_add(phrase, "until %s (%lld day%s)", date, days,
		    days == 1 ? "" : "s");
}

static void
account_say_pins(
    const struct ctl *ctl, const json_t *account, struct phrase *phrase)
{
	const json_t *pins = ctl_member(account, "tls_pins");

	(void)ctl;
	for (size_t i = 0; i < json_array_size(pins); i++)
		phrase_add(
		    phrase, "%s", json_string_value(json_array_get(pins, i)));
}

static void
account_say_keep(
    const struct ctl *ctl, const json_t *account, struct phrase *phrase)
{
	if (ctl_is(account, "keep", "delete"))
		phrase_add(phrase, "deleted on the server once stored");
	else if (ctl_is(account, "keep", "until-delivered"))
		phrase_add(phrase, "deleted on the server once delivered");
	else if (ctl_text(account, "keep") != NULL)
		print_form(ctl, "{keep} on the server", account, phrase);
	if (ctl_text(account, "retain") != NULL)
		print_form(ctl, "{retain} here", account, phrase);
}

static void
account_say_targets(
    const struct ctl *ctl, const json_t *account, struct phrase *phrase)
{
	const json_t *targets = ctl_member(account, "deliver"), *target;
	size_t i;

	json_array_foreach(targets, i, target)
	    phrase_add(phrase, "%s", json_string_value(target));
	print_form(ctl, "?for {deliver_to}", account, phrase);
}

static const struct print_field account_fields[] = {
	{ "Account", .member = "account" },
	{ "Server", .member = "host" },
	{ "Port", .form = "?{port}|?TLS: {tls}" },
	{ "Certificate", .words = account_say_certificate },
	{ "Trusted", .member = "tls_ca" },
	{ "Shown", .member = "tls_cert" },
	{ "Proxy", .member = "proxy" },
	{ "From", .member = "source_address" },
	{ "Pins", .words = account_say_pins },
	{ "User", .member = "user" },
	{ "Log-in by", .member = "mechanism" },
	{ "State", .words = account_say_state },
	{ "Paused", .words = account_say_paused },
	{ "Next poll", .member = "next", .kind = PRINT_TIME },
	{ "Interval", .words = account_say_interval },
	{ "Keep", .words = account_say_keep },
	{ "Delivered to", .words = account_say_targets },
	{ "Fetched", .form = "?after {fetch_after} on the server" },
	{ "At most", .form = "?{max_octets_per_day:size} a day" },
	{ "Last started", .member = "last_started", .kind = PRINT_TIME },
	{ "Last finished", .member = "last_finished", .kind = PRINT_TIME },
	{ "Last success", .member = "last_success", .kind = PRINT_TIME },
	{ "Outcome", .member = "last_outcome" },
	{ "Last error", .words = account_say_error },
	{ "What to do", .member = "advice" },
	{ "Failing", .words = account_say_failing },
	{ "Failures", .form = "?{failures} in a row" },
	{ "Renamed", .form = FORMER },
	{ "Moved", .member = "moved" },
	{ "Held", .form = "?{session.held} deletion{s}, far more than usual: "
			  "nothing is deleted" },
	{ "", .form = "?{session.held:none}to see which: evpopctl poll "
		      "--dry-run {account}" },
	{ "", .form = "?{session.held:none}" PLAN_HOW_TO_CONFIRM },
	{ "Quarantine", .form = "?{stored.quarantined} message{s} skipped "
				"after repeated failures" },
	{ "", .form = "?{stored.quarantined:none}\"evpopctl quarantine "
		      "{account}\" shows why; \"evpopctl quarantine retry "
		      "{account}\" fetches again" },
	{ "Messages", .words = account_say_identity },
	{ "Session", .form =
			 "{session.messages:figure}|{session.fetched:figure}|"
			 "{session.deleted:figure}|{session.failed:figure}|"
			 "{session.bytes_in:size}|?{session.seen:figure}" },
	{ "Not fetched",
	    .form = "?{session.too_large:figure}|?{session.later:figure}|"
		    "?{session.later_bytes:figure}|"
		    "?{session.waiting} wait{-s} (fetch_after)" },
	{ "Recognised",
	    .form =
		"?{session.adopted:figure}|?{session.adopted_bytes:figure}" },
	{ "Stored", .words = account_say_stored },
};

void
accounts_print_one(const struct ctl *ctl, const json_t *account)
{
	print_fields(
	    ctl, account_fields, PRINT_FIELD_COUNT(account_fields), account);
	tokens_print(ctl, account, print_detail);
}

static enum ctl_exit
account_show(const struct ctl *ctl, const char *name)
{
	struct target target;

	target_begin(&target, "/v1/accounts/*", name);
	return client_print(ctl, "GET", &target, accounts_print_one);
}

enum ctl_exit
account_run(const struct ctl *ctl, const struct invocation *invocation)
{
	struct names names = { NULL, 0, 0 };
	enum ctl_exit last = CTL_UNAVAILABLE; /* none was shown before */
	enum ctl_exit code = names_of_words(
	    ctl, invocation->arguments, invocation->count, NULL, &names);

	for (size_t i = 0; i < names.count && code != CTL_UNAVAILABLE; i++) {
		if (last == CTL_OK && !ctl->json)
			fputc('\n', ctl->out);
		last = account_show(ctl, names.items[i]);
		ctl_keep_first(&code, last);
	}
	names_free(&names);
	return code;
}

/* ---- pause, resume ---- */

static bool
account_can_resume(const json_t *account)
{
	return ctl_is(account, "state", "paused") ||
	       ctl_text(account, "paused_since") != NULL ||
	       (ctl_text(account, "failing_since") != NULL &&
		   !ctl_is(account, "state", "disabled"));
}

/* What `pause` and `resume` do. */
struct account_action {
	const char *path, *done;
	names_fit fit; /* which ones a pattern and --all include */
	const char *nothing;
};

/* Continue after a failure. */
static enum ctl_exit
account_act(const struct ctl *ctl, const struct invocation *invocation,
    const struct account_action *action)
{
	bool all = command_given(invocation, "all");
	struct names names = { NULL, 0, 0 };
	enum ctl_exit code, one;

	if (all == (invocation->count > 0)) {
		ctl_warn(ctl, "%s: name accounts, or say --all",
		    invocation->command->name);
		return command_usage(ctl, invocation->command);
	}
	code = all ? names_of_all(ctl, action->fit, &names)
		   : names_of_words(ctl, invocation->arguments,
			 invocation->count, action->fit, &names);
	if (all && code == CTL_OK && names.count == 0)
		ctl_warn(ctl, "%s", action->nothing);
	for (size_t i = 0; i < names.count; i++) {
		one =
		    client_act(ctl, action->path, names.items[i], action->done);
		ctl_keep_first(&code, one);
		if (one == CTL_UNAVAILABLE)
			break;
	}
	names_free(&names);
	return code;
}

enum ctl_exit
pause_run(const struct ctl *ctl, const struct invocation *invocation)
{
	static const struct account_action pause = { "/v1/accounts/*/pause",
		"paused", account_can_pause,
		"nothing to do: each account is paused or disabled" };

	return account_act(ctl, invocation, &pause);
}

enum ctl_exit
resume_run(const struct ctl *ctl, const struct invocation *invocation)
{
	static const struct account_action resume = { "/v1/accounts/*/resume",
		"resumed", account_can_resume,
		"nothing to do: no account is paused or fails" };

	return account_act(ctl, invocation, &resume);
}
