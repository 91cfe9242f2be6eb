#include "daemon/ctl/trial.h"

#include <string.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/print.h"
#include "daemon/ctl/tokens.h"

bool
trial_is_of_target(const char *name)
{
	static const char *const beginnings[] = {
		"maildir:", "mbox:", "lmtp:", "pipe:"
	};

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
		if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	return false;
}

static bool
trial_ask(const struct ctl *ctl, const char *method, const char *pattern,
    const char *name, json_t **json_r, struct client_error *error_r)
{
	struct target target;

	target_begin(&target, pattern, name);
	return client_ask(ctl, method, &target, json_r, error_r);
}

bool
trial_knows_target(const struct ctl *ctl, const char *name)
{
	struct client_error error;
	json_t *target;

	if (!trial_ask(ctl, "GET", "/v1/targets/*", name, &target, &error))
		return false;
	json_decref(target);
	return true;
}

static const struct print_field trial_target[] = {
	{ "Target", .member = "target" },
	{ "Type", .member = "type" },
	{ "Where", .member = "where" },
	{ "Recipient", .member = "deliver_to" },
	{ "Folder", .member = "folder" },
};

static const struct print_field trial_found[] = {
	{ "It says", .member = "text" },
	{ "What to do", .member = "advice" },
};

/* What a person has to look at besides. */
static void
trial_print_rest(const struct ctl *ctl, const json_t *target)
{
	static const struct print_field fields[] = {
		{ "Paused", .form = "?{paused_since:time}|?by {paused_by}" },
		{ "Waiting", .form = "?{waiting} message{s}" },
		{ "Refused", .form = "?{refused} message{s}" },
	};

	print_fields(ctl, fields, PRINT_FIELD_COUNT(fields), target);
}

static enum ctl_exit
trial_exit(const json_t *found)
{
	if (json_is_true(ctl_member(found, "works")))
		return CTL_OK;
	return ctl_is(found, "state", "refused") ? CTL_NO_PERMISSION
						 : CTL_UNAVAILABLE;
}

enum ctl_exit
trial_run(const struct ctl *ctl, const char *name)
{
	struct client_error error;
	json_t *target, *found;
	enum ctl_exit code;

	if (!trial_ask(ctl, "GET", "/v1/targets/*", name, &target, &error))
		return client_report(ctl, &error);
	if (!ctl->json) {
		print_fields(
		    ctl, trial_target, PRINT_FIELD_COUNT(trial_target), target);
		fflush(ctl->out);
	}
	json_decref(target);
	if (!trial_ask(
		ctl, "POST", "/v1/targets/*/probe", name, &found, &error))
		return client_report(ctl, &error);
	/* As it stands now: it may have got a token for that. */
	if (!trial_ask(ctl, "GET", "/v1/targets/*", name, &target, &error)) {
		json_decref(found);
		return client_report(ctl, &error);
	}
	code = trial_exit(found);
	if (ctl->json) {
		tokens_add(target, found);
		ctl_keep_first(&code, ctl_print_json(ctl, found));
	} else {
		print_detail(ctl, "Mail",
		    code == CTL_OK ? "can be delivered"
				   : "cannot be delivered");
		print_fields(
		    ctl, trial_found, PRINT_FIELD_COUNT(trial_found), found);
		tokens_print(ctl, target, print_detail);
		trial_print_rest(ctl, target);
	}
	json_decref(found);
	json_decref(target);
	return code;
}
