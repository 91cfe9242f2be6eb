
#include <string.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/human.h"
#include "daemon/ctl/target.h"

static void
print_daemon(struct ctl *ctl, const json_t *status)
{
	char text[128], uptime[64];

	human_duration((int64_t)ctl_count(status, "uptime_seconds"), uptime,
	    sizeof(uptime));
	snprintf(text, sizeof(text), "evpopd %.40s, pid %llu, up %s",
	    ctl_text(status, "version") != NULL ? ctl_text(status, "version")
						: "?",
	    (unsigned long long)ctl_count(status, "pid"), uptime);
	ctl_print_detail(ctl, "Daemon", text);
}

static void
print_accounts(struct ctl *ctl, const json_t *accounts)
{
	uint64_t failing = ctl_count(accounts, "failing");
	uint64_t refused = ctl_count(accounts, "refused");
	char text[160], attention[64] = "";

	if (refused > 0)
		snprintf(attention, sizeof(attention),
		    ", %llu of them need%s attention",
		    (unsigned long long)refused, refused == 1 ? "s" : "");
	snprintf(text, sizeof(text), "%llu, %llu failing%s",
	    (unsigned long long)ctl_count(accounts, "total"),
	    (unsigned long long)failing, attention);
	ctl_print_detail(ctl, "Accounts", text);
	if (failing > 0)
		ctl_print_detail(ctl, "",
		    "\"evpopctl accounts\" shows which; \"evpopctl account "
		    "NAME\" says what to do");
}

/* Whether a script should look closer. */
static bool
is_in_trouble(const json_t *status)
{
	const char *store =
	    ctl_text(json_object_get(status, "store"), "status");
	const char *clock =
	    ctl_text(json_object_get(status, "clock"), "status");

	return ctl_count(json_object_get(status, "accounts"), "failing") > 0 ||
	       store == NULL || strcmp(store, "ok") != 0 ||
	       (clock != NULL && strcmp(clock, "ok") != 0);
}

static void
print_work(struct ctl *ctl, const json_t *status)
{
	const json_t *accounts = json_object_get(status, "accounts");
	const json_t *polls = json_object_get(status, "polls");
	const json_t *limits = json_object_get(status, "limits");
	char text[160], size[HUMAN_SIZE];

	print_accounts(ctl, accounts);
	snprintf(text, sizeof(text), "%llu of at most %llu, %llu waiting",
	    (unsigned long long)ctl_count(accounts, "polling"),
	    (unsigned long long)ctl_count(limits, "max_sessions"),
	    (unsigned long long)ctl_count(accounts, "queued"));
	ctl_print_detail(ctl, "Sessions", text);
	ctl_print_detail(ctl, "", ctl_text(limits, "text"));
	snprintf(text, sizeof(text), "%llu since the start, %llu failed",
	    (unsigned long long)ctl_count(polls, "total"),
	    (unsigned long long)ctl_count(polls, "failed"));
	ctl_print_detail(ctl, "Polls", text);
	snprintf(text, sizeof(text), "%llu stored since the start, %s",
	    (unsigned long long)ctl_count(polls, "messages"),
	    human_octets(ctl_count(polls, "octets"), size));
	ctl_print_detail(ctl, "Messages", text);
}

static void
print_held(struct ctl *ctl, const json_t *status)
{
	const json_t *held = json_object_get(status, "held");
	char text[96];

	if (ctl_count(held, "accounts") == 0)
		return;
	snprintf(text, sizeof(text), "%llu deletions of %llu account%s",
	    (unsigned long long)ctl_count(held, "deletions"),
	    (unsigned long long)ctl_count(held, "accounts"),
	    ctl_count(held, "accounts") == 1 ? "" : "s");
	ctl_print_detail(ctl, "Held", text);
	ctl_print_detail(ctl, "", ctl_text(held, "hint"));
}

static void
print_quarantined(struct ctl *ctl, const json_t *status)
{
	uint64_t count =
	    ctl_count(json_object_get(status, "store"), "quarantined");
	char text[96];

	if (count == 0)
		return;
	snprintf(text, sizeof(text), "%llu message%s skipped, since %s failed",
	    (unsigned long long)count, count == 1 ? " is" : "s are",
	    count == 1 ? "it" : "they");
	ctl_print_detail(ctl, "Quarantine", text);
	ctl_print_detail(ctl, "",
	    "\"evpopctl quarantine\" shows why; \"evpopctl quarantine retry "
	    "--all\" fetches anew");
}

static void
print_store(struct ctl *ctl, const json_t *status)
{
	const json_t *store = json_object_get(status, "store");
	char text[512], queued[HUMAN_SIZE], most[HUMAN_SIZE];

	snprintf(text, sizeof(text), "%s%s%s",
	    ctl_text(store, "status") != NULL ? ctl_text(store, "status") : "?",
	    ctl_text(store, "text") != NULL ? ": " : "",
	    ctl_text(store, "text") != NULL ? ctl_text(store, "text") : "");
	ctl_print_detail(ctl, "Store", text);
	ctl_print_detail(ctl, "", ctl_text(store, "hint"));
	snprintf(text, sizeof(text), "%s, %s at its fullest",
	    human_octets(ctl_count(store, "queued_octets"), queued),
	    human_octets(ctl_count(store, "queued_octets_max"), most));
	ctl_print_detail(ctl, "Write queue", text);
}

static void
print_clock(struct ctl *ctl, const json_t *status)
{
	const json_t *clock = json_object_get(status, "clock");

	if (ctl_text(clock, "text") == NULL)
		return;
	ctl_print_detail(ctl, "Clock", ctl_text(clock, "text"));
	ctl_print_detail(ctl, "", ctl_text(clock, "hint"));
}

enum ctl_exit
status_run(struct ctl *ctl, const struct invocation *invocation)
{
	struct target target;
	struct http_error error;
	const json_t *unknown;
	json_t *status;
	enum ctl_exit code = CTL_OK;

	(void)invocation;
	target_begin(&target, "/v1/status");
	if (!http_ask(ctl, "GET", &target, &status, &error))
		return http_report(ctl, &error);
	if (ctl->json) {
		code = ctl_print_json(ctl, status);
	} else {
		print_daemon(ctl, status);
		print_work(ctl, status);
		print_held(ctl, status);
		print_quarantined(ctl, status);
		print_store(ctl, status);
		print_clock(ctl, status);
		unknown = json_object_get(status, "unknown_admins");
		for (size_t i = 0; i < json_array_size(unknown); i++)
			ctl_print_detail(ctl, "Unknown admin",
			    json_string_value(json_array_get(unknown, i)));
	}
	if (code == CTL_OK && is_in_trouble(status))
		code = CTL_TROUBLE;
	json_decref(status);
	return code;
}

enum ctl_exit
reload_run(struct ctl *ctl, const struct invocation *invocation)
{
	struct target target;
	struct http_error error;
	const json_t *remarks;
	json_t *answer;
	enum ctl_exit code = CTL_OK;

	(void)invocation;
	target_begin(&target, "/v1/reload");
	if (!http_ask(ctl, "POST", &target, &answer, &error))
		return http_report(ctl, &error);
	if (ctl->json)
		code = ctl_print_json(ctl, answer);
	else
		fprintf(ctl->out, "reloaded\n");
	remarks = json_object_get(answer, "remarks");
	for (size_t i = 0; !ctl->json && i < json_array_size(remarks); i++)
		ctl_warn(
		    ctl, "%s", json_string_value(json_array_get(remarks, i)));
	json_decref(answer);
	return code;
}
