#include <string.h>
#include <time.h>

#include "daemon/control/when.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/human.h"
#include "daemon/ctl/progress.h"
#include "daemon/ctl/target.h"

/* How often a check is looked at. */
static const struct timespec look_interval = { 0, 200000000 };

static bool
ask_check(struct ctl *ctl, const char *method, json_t **check_r,
    struct http_error *error_r)
{
	struct target target;

	target_begin(&target, "/v1/store/check");
	return http_ask(ctl, method, &target, check_r, error_r);
}

/* How long it took, in words; "?" where a time is missing. */
static const char *
time_taken(const json_t *check, char *text_r, size_t size)
{
	const char *started = ctl_text(check, "started");
	const char *finished = ctl_text(check, "finished");
	int64_t from, to;

	if (started == NULL || finished == NULL ||
	    !when_parse(started, 0, &from) || !when_parse(finished, 0, &to))
		snprintf(text_r, size, "?");
	else
		human_duration((to - from) / 1000, text_r, size);
	return text_r;
}

static void
print_problems(struct ctl *ctl, const json_t *check)
{
	const json_t *texts = json_object_get(check, "texts");
	uint64_t problems = ctl_count(check, "problems");
	size_t shown = json_array_size(texts);

	for (size_t i = 0; i < shown; i++)
		ctl_print_detail(
		    ctl, "", json_string_value(json_array_get(texts, i)));
	if (problems > shown)
		fprintf(ctl->out, "%-14s and %llu more\n", "",
		    (unsigned long long)(problems - shown));
}

static void
print_check(struct ctl *ctl, const json_t *check)
{
	uint64_t problems = ctl_count(check, "problems");
	char text[160], size[HUMAN_SIZE], taken[64];

	snprintf(text, sizeof(text), "%llu messages, %s, in %s",
	    (unsigned long long)ctl_count(check, "messages_done"),
	    human_octets(ctl_count(check, "octets_done"), size),
	    time_taken(check, taken, sizeof(taken)));
	ctl_print_detail(ctl, "Checked", text);
	if (json_is_true(json_object_get(check, "sound"))) {
		ctl_print_detail(ctl, "Store", "sound");
		return;
	}
	snprintf(text, sizeof(text), "%llu problem%s",
	    (unsigned long long)problems, problems == 1 ? "" : "s");
	ctl_print_detail(ctl, "Store", text);
	print_problems(ctl, check);
}

/* What a check that is over means. */
static enum ctl_exit
conclude(struct ctl *ctl, const json_t *check)
{
	const char *status = ctl_text(check, "status");
	enum ctl_exit code = CTL_OK;

	if (ctl->json)
		code = ctl_print_json(ctl, check);
	if (ctl_text(check, "finished") == NULL) {
		ctl_warn(ctl, "the check did not come to its end: the daemon "
			      "was started anew");
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
		print_check(ctl, check);
	if (ctl_count(check, "problems") > 0)
		return CTL_DATA;
	return code;
}

/* Look at the check under way until it is over. */
static enum ctl_exit
follow(struct ctl *ctl)
{
	struct http_error error;
	json_t *check;
	enum ctl_exit code;

	for (;;) {
		if (!ask_check(ctl, "GET", &check, &error)) {
			progress_clear(ctl);
			return http_report(ctl, &error);
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
	code = conclude(ctl, check);
	json_decref(check);
	return code;
}

enum ctl_exit
check_run(struct ctl *ctl, const struct invocation *invocation)
{
	struct http_error error;
	json_t *check;

	if (!command_given(invocation, "store")) {
		ctl_warn(ctl, "check: say what to check: --store");
		command_print_help(ctl->err, invocation->command);
		return CTL_USAGE;
	}
	if (ask_check(ctl, "POST", &check, &error))
		json_decref(check);
	else if (strcmp(error.code, "already") == 0)
		fprintf(ctl->err, "a check is under way: following it\n");
	else
		return http_report(ctl, &error);
	return follow(ctl);
}
