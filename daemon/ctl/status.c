#include "daemon/ctl/client.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/print.h"

/* So many names are printed. */
#define RELOAD_NAMES 5

/* What to do is said of so many accounts. */
#define STATUS_ATTENTION "3"

static void
status_say_store(
    const struct ctl *ctl, const json_t *status, struct phrase *phrase)
{
	print_form(ctl,
	    ctl_text(status, "store.text") != NULL
		? "{store.status}: {store.text}"
		: "{store.status}",
	    status, phrase);
}

static const struct print_field status_fields[] = {
	{ "Daemon", .form = "evpopd {version}|pid {pid}|"
			    "up {uptime_seconds:span}" },
	{ "Accounts", .form = "{accounts.total}|{accounts.failing} failing|"
			      "?{accounts.refused} need{-s} attention" },
	{ "", .form = "?{accounts.failing:none}\"evpopctl accounts\" shows "
		      "which; \"evpopctl account NAME\" says what to do" },
	{ "Sessions", .form = "{accounts.polling} of at most "
			      "{limits.max_sessions}|{accounts.queued} "
			      "waiting" },
	{ "", .member = "limits.text" },
	{ "Polls",
	    .form = "{polls.total} since the start|{polls.failed} failed" },
	{ "Messages", .form = "{polls.messages} stored since the start|"
			      "{polls.bytes:size}" },
	{ "Held", .form = "?{held.deletions} deletion{s} of "
			  "{held.accounts} account{s}" },
	{ "", .member = "held.hint" },
	{ "Targets", .form = "?{deliveries.targets}|?{deliveries.down} down|"
			     "?{deliveries.refused} need{-s} attention|"
			     "?{deliveries.paused} paused" },
	{ "Deliveries", .form =
			    "?{deliveries.waiting} waiting|"
			    "?{deliveries.refused_messages} refused|"
			    "?{deliveries.stranded} for targets that are not "
			    "configured|"
			    "?{deliveries.delivered} made since the start" },
	{ "", .form = "?{deliveries.stranded:none}\"evpopctl targets\" "
		      "shows which; \"evpopctl targets show NAME\" says "
		      "what to do" },
	{ "", .form = "?{deliveries.refused_messages:none}\"evpopctl "
		      "outbox\" shows why; \"evpopctl outbox retry --all\" "
		      "tries again" },
	{ "Quarantine", .form = "?{store.quarantined} message{s} skipped after "
				"repeated failures" },
	{ "", .form = "?{store.quarantined:none}\"evpopctl quarantine\" shows "
		      "why; \"evpopctl quarantine retry --all\" fetches "
		      "again" },
	{ "Store", .words = status_say_store },
	{ "Sealed to", .member = "store.seal_to" },
	{ "", .member = "store.hint" },
	{ "Write queue", .form = "{store.queued_bytes:size}|"
				 "peak {store.queued_bytes_max:size}" },
	{ "Key", .form = "?{key.source}|?{key.public}" },
	{ "Confined", .member = "confinement.text" },
	{ "Clock", .member = "clock.text" },
	{ "", .member = "clock.hint" },
};

/* Those who may do everything need not be told. */
static void
status_print_roles(const struct ctl *ctl, const json_t *roles)
{
	const json_t *role;
	char words[64] = "";
	size_t i, used = 0;

	if (roles == NULL || json_array_size(roles) == 3)
		return;
	json_array_foreach(roles, i, role)
	{
		used += (size_t)snprintf(words + used, sizeof(words) - used,
		    "%s%.16s", i > 0 ? ", " : "", json_string_value(role));
	}
	print_detail(
	    ctl, "You", used > 0 ? words : "may only see the state of things");
}

static void
status_print_hooks(const struct ctl *ctl, const json_t *hooks)
{
	const json_t *hook;
	struct phrase phrase;
	bool has_failed = false;
	size_t i;

	json_array_foreach(hooks, i, hook)
	{
		if (ctl_text(hook, "failed") == NULL)
			continue;
		has_failed = true;
		phrase_begin(&phrase);
		print_form(ctl, "{hook} failed: {failed}|{last_run:time}", hook,
		    &phrase);
		print_detail(ctl, "Hook", phrase.text);
	}
	if (has_failed)
		print_detail(ctl, "",
		    "correct the command in [hook]; it runs again at the next "
		    "event");
}

static void
status_print(const struct ctl *ctl, const json_t *status)
{
	const json_t *unknown = ctl_member(status, "unknown_users"), *name;
	size_t i;

	print_fields(
	    ctl, status_fields, PRINT_FIELD_COUNT(status_fields), status);
	status_print_hooks(ctl, ctl_member(status, "hooks"));
	status_print_roles(ctl, ctl_member(status, "you.roles"));
	json_array_foreach(unknown, i, name)
	    print_detail(ctl, "Unknown user", json_string_value(name));
}

static enum ctl_exit
status_print_attention_of(const struct ctl *ctl, const char *name)
{
	struct target target;
	struct client_error error;
	struct phrase phrase;
	json_t *account;

	target_begin(&target, "/v1/accounts/*", name);
	if (!client_ask(ctl, "GET", &target, &account, &error))
		return client_report(ctl, &error);
	phrase_begin(&phrase);
	/* Of tokens more is known. */
	print_form(ctl,
	    ctl_text(account, "authorization.advice") != NULL
		? "{account}: {authorization.advice}"
		: "{account}: {advice}",
	    account, &phrase);
	/* It may have come to work again in between. */
	if (ctl_text(account, "advice") != NULL)
		print_detail(ctl, "Attention", phrase.text);
	json_decref(account);
	return CTL_OK;
}

/* What to do about the first accounts that need somebody. */
static enum ctl_exit
status_print_attention(const struct ctl *ctl)
{
	struct target target;
	struct client_error error;
	enum ctl_exit code = CTL_OK;
	const json_t *accounts;
	json_t *page;

	target_begin(&target, "/v1/accounts", NULL);
	target_parameter(&target, "state", "refused");
	target_parameter(&target, "limit", STATUS_ATTENTION);
	if (!client_ask(ctl, "GET", &target, &page, &error))
		return client_report(ctl, &error);
	accounts = ctl_member(page, "accounts");
	for (size_t i = 0; i < json_array_size(accounts) && code == CTL_OK; i++)
		code = status_print_attention_of(
		    ctl, ctl_text(json_array_get(accounts, i), "account"));
	json_decref(page);
	return code;
}

enum ctl_exit
status_run(const struct ctl *ctl, const struct invocation *invocation)
{
	struct target target;
	struct client_error error;
	enum ctl_exit code = CTL_OK;
	json_t *status;

	(void)invocation;
	target_begin(&target, "/v1/status", NULL);
	if (!client_ask(ctl, "GET", &target, &status, &error))
		return client_report(ctl, &error);
	if (ctl->json)
		code = ctl_print_json(ctl, status);
	else
		status_print(ctl, status);
	if (!ctl->json && ctl_count(status, "accounts.refused") > 0)
		code = status_print_attention(ctl);
	if (code == CTL_OK &&
	    json_array_size(ctl_member(status, "attention")) > 0)
		code = CTL_TROUBLE;
	json_decref(status);
	return code;
}

/* "2 changed (a, b)"; names beyond the first ones are left out. */
static void
reload_add_change(const json_t *names, uint64_t count, const char *change,
    struct phrase *phrase)
{
	char list[PHRASE_SIZE] = "";
	const json_t *name;
	size_t i, length = 0;

	json_array_foreach(names, i, name)
	{
		if (i == RELOAD_NAMES || length >= sizeof(list))
			break;
		length += (size_t)snprintf(list + length, sizeof(list) - length,
		    "%s%s", i == 0 ? " (" : ", ", json_string_value(name));
	}
	phrase_add(phrase, "%llu %s%s%s", (unsigned long long)count, change,
	    list,
	    count > RELOAD_NAMES ? "...)"
	    : count > 0          ? ")"
				 : "");
}

static const char *const reload_changes[] = { "added", "changed", "removed" };

static void
reload_print_accounts(const struct ctl *ctl, const json_t *answer)
{
	struct phrase phrase;
	char member[32];

	phrase_begin(&phrase);
	for (size_t i = 0; i < 3; i++) {
		snprintf(
		    member, sizeof(member), "counts.%s", reload_changes[i]);
		reload_add_change(ctl_member(answer, reload_changes[i]),
		    ctl_count(answer, member), reload_changes[i], &phrase);
	}
	print_detail(ctl, "reloaded", phrase.text);
}

/* Nothing where none has changed: most have no targets. */
static void
reload_print_targets(const struct ctl *ctl, const json_t *answer)
{
	const json_t *targets = ctl_member(answer, "targets");
	struct phrase phrase;
	size_t count = 0;

	phrase_begin(&phrase);
	for (size_t i = 0; i < 3; i++) {
		const json_t *names = ctl_member(targets, reload_changes[i]);

		count += json_array_size(names);
		reload_add_change(
		    names, json_array_size(names), reload_changes[i], &phrase);
	}
	if (count > 0)
		print_detail(ctl, "targets", phrase.text);
}

static void
reload_print(const struct ctl *ctl, const json_t *answer)
{
	const json_t *warnings = ctl_member(answer, "warnings"), *warning;
	size_t i;

	reload_print_accounts(ctl, answer);
	reload_print_targets(ctl, answer);
	json_array_foreach(warnings, i, warning)
	    ctl_warn(ctl, "%s", json_string_value(warning));
}

enum ctl_exit
reload_run(const struct ctl *ctl, const struct invocation *invocation)
{
	struct target target;

	(void)invocation;
	target_begin(&target, "/v1/reload", NULL);
	return client_print(ctl, "POST", &target, reload_print);
}
