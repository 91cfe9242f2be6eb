#include <string.h>
#include <time.h>

#include "daemon/control/when.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/print.h"
#include "lib/base/unit.h"

/* How often to ask how far a check is. */
static const struct timespec look_interval = { 0, 200000000 };

static bool
check_ask(const struct ctl *ctl, const char *method, json_t **check_r,
    struct client_error *error_r)
{
	struct target target;

	target_begin(&target, "/v1/store/check", NULL);
	return client_ask(ctl, method, &target, check_r, error_r);
}

static void
check_say_work(
    const struct ctl *ctl, const json_t *check, struct phrase *phrase)
{
	const char *started = ctl_text(check, "started");
	const char *finished = ctl_text(check, "finished");
	char taken[EVPOP_UNIT_SIZE] = "?";
	int64_t from, to;

	if (started != NULL && finished != NULL &&
	    when_parse(started, 0, &from) && when_parse(finished, 0, &to))
		evpop_unit_span((to - from) / 1000, taken);
	print_form(
	    ctl, "{messages_done} message{s}|{bytes_done:size}", check, phrase);
	phrase_add(phrase, "in %s", taken);
}

static void
check_say_result(
    const struct ctl *ctl, const json_t *check, struct phrase *phrase)
{
	print_form(ctl,
	    json_is_true(ctl_member(check, "sound")) ? "sound"
						     : "{problems} problem{s}",
	    check, phrase);
}

static void
check_print(const struct ctl *ctl, const json_t *check)
{
	static const struct print_field fields[] = {
		{ "Checked", .words = check_say_work },
		{ "Store", .words = check_say_result },
	};
	const json_t *texts = ctl_member(check, "texts"), *text;
	uint64_t problems = ctl_count(check, "problems");
	size_t shown;

	print_fields(ctl, fields, PRINT_FIELD_COUNT(fields), check);
	json_array_foreach(texts, shown, text)
	    print_detail(ctl, "", json_string_value(text));
	if (problems > shown)
		fprintf(ctl->out, "%-14s and %llu more\n", "",
		    (unsigned long long)(problems - shown));
}

/* Report the result of a finished check. */
static enum ctl_exit
check_conclude(const struct ctl *ctl, const json_t *check)
{
	const char *status = ctl_text(check, "status");
	enum ctl_exit code = CTL_OK;

	if (ctl->json)
		code = ctl_print_json(ctl, check);
	if (ctl_text(check, "finished") == NULL) {
		ctl_warn(ctl, "the check did not finish: the daemon was "
			      "restarted");
		return CTL_TEMPORARY;
	}
	if (status == NULL || strcmp(status, "ok") != 0) {
		ctl_warn(ctl, "the store could not be checked (%s)",
		    status != NULL ? status : "?");
		ctl_hint(ctl, ctl_text(check, "hint"));
		return status != NULL && strcmp(status, "damaged") == 0
			   ? CTL_DATA
			   : CTL_TEMPORARY;
	}
	if (!ctl->json)
		check_print(ctl, check);
	if (ctl_count(check, "problems") > 0)
		return CTL_DATA;
	return code;
}

/* Follow the running check until it has finished. */
static enum ctl_exit
check_follow(const struct ctl *ctl)
{
	struct client_error error;
	json_t *check;
	enum ctl_exit code;

	for (;;) {
		if (!check_ask(ctl, "GET", &check, &error)) {
			progress_clear(ctl);
			return client_report(ctl, &error);
		}
		if (!json_is_true(json_object_get(check, "running")))
			break;
		progress_show(ctl, "checking",
		    ctl_count(check, "messages_done"),
		    ctl_count(check, "messages"), "messages");
		json_decref(check);
		if (ferror(ctl->out))
			return CTL_OK;
		nanosleep(&look_interval, NULL);
	}
	progress_clear(ctl);
	code = check_conclude(ctl, check);
	json_decref(check);
	return code;
}

enum ctl_exit
check_run(const struct ctl *ctl, const struct invocation *invocation)
{
	struct client_error error;
	json_t *check;

	if (!command_given(invocation, "store")) {
		ctl_warn(ctl, "check: say what to check: --store");
		command_print_help(ctl->err, invocation->command);
		return CTL_USAGE;
	}
	if (check_ask(ctl, "POST", &check, &error))
		json_decref(check);
	else if (strcmp(error.code, "already") == 0)
		fprintf(ctl->err, "a check is already running: following it\n");
	else
		return client_report(ctl, &error);
	return check_follow(ctl);
}
