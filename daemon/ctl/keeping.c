#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/ctl/command.h"
#include "daemon/ctl/list.h"
#include "daemon/ctl/local.h"

/* ---- hold, release, delete ID... ---- */

/* CTL_USAGE, having said so, where a reason is missing. */
static enum ctl_exit
keeping_check_reason(const struct ctl *ctl, const struct invocation *invocation)
{
	const char *reason = command_value(invocation, "reason");

	if (reason != NULL && reason[strspn(reason, " ")] != '\0')
		return CTL_OK;
	ctl_warn(ctl, "%s: say why: --reason TEXT", invocation->command->name);
	ctl_hint(ctl, "the reason is kept with the record of who did what");
	return CTL_USAGE;
}

/* The same for each message; goes on after a failure. */
static enum ctl_exit
keeping_act(const struct ctl *ctl, const struct invocation *invocation,
    const char *method, const char *pattern, const char *done)
{
	const char *reason = command_value(invocation, "reason");
	enum ctl_exit first = CTL_OK;

	for (size_t i = 0; i < invocation->count; i++) {
		struct target target;
		struct client_error error;
		json_t *answer;

		target_begin(&target, pattern, invocation->arguments[i]);
		target_parameter(&target, "reason", reason);
		if (!client_ask(ctl, method, &target, &answer, &error)) {
			ctl_keep_first(&first, client_report(ctl, &error));
			continue;
		}
		if (ctl->json)
			ctl_keep_first(&first, ctl_print_json(ctl, answer));
		else
			print_detail(ctl, done, invocation->arguments[i]);
		json_decref(answer);
	}
	return first;
}

enum ctl_exit
hold_run(const struct ctl *ctl, const struct invocation *invocation)
{
	enum ctl_exit code = keeping_check_reason(ctl, invocation);

	return code == CTL_OK ? keeping_act(ctl, invocation, "POST",
				    "/v1/messages/*/hold", "held")
			      : code;
}

enum ctl_exit
release_run(const struct ctl *ctl, const struct invocation *invocation)
{
	return keeping_act(
	    ctl, invocation, "POST", "/v1/messages/*/release", "released");
}

/* ---- what is to be deleted, and whether it really is ---- */

/* Whoever is asked on a terminal answers "yes" or nothing happens. */
static bool
delete_is_confirmed(const struct ctl *ctl, const struct invocation *invocation,
    const char *what)
{
	char answer[16] = "";

	if (command_given(invocation, "yes"))
		return true;
	if (!isatty(STDIN_FILENO)) {
		ctl_warn(ctl, "not deleted: %s", what);
		ctl_hint(ctl, "where nobody can be asked, --yes says so");
		return false;
	}
	fprintf(ctl->err, "Delete %s for good? Type yes: ", what);
	fflush(ctl->err);
	if (fgets(answer, sizeof(answer), stdin) != NULL &&
	    strcmp(answer, "yes\n") == 0)
		return true;
	fprintf(ctl->err, "evpopctl: nothing was deleted\n");
	return false;
}

static enum ctl_exit
delete_ids(const struct ctl *ctl, const struct invocation *invocation)
{
	char what[64];

	if (invocation->count == 1)
		snprintf(what, sizeof(what), "message %.40s",
		    invocation->arguments[0]);
	else
		snprintf(what, sizeof(what), "%zu messages", invocation->count);
	if (!delete_is_confirmed(ctl, invocation, what))
		return CTL_USAGE;
	return keeping_act(
	    ctl, invocation, "DELETE", "/v1/messages/*", "deleted");
}

/* ---- delete --account NAME --all ---- */

struct deletion {
	uint64_t deleted, held;
	int64_t after_id;
	bool has_more;
};

static bool
deletion_step(const struct ctl *ctl, const struct invocation *invocation,
    struct deletion *deletion, struct client_error *error_r)
{
	struct target target;
	const json_t *next;
	json_t *answer;
	char after[24];

	snprintf(after, sizeof(after), "%lld", (long long)deletion->after_id);
	target_begin(&target, "/v1/messages", NULL);
	target_parameter(
	    &target, "account", command_value(invocation, "account"));
	target_parameter(&target, "after_id", after);
	target_time(&target, "before", command_value(invocation, "before"));
	target_parameter(
	    &target, "reason", command_value(invocation, "reason"));
	if (!client_ask(ctl, "DELETE", &target, &answer, error_r))
		return false;
	deletion->deleted += ctl_count(answer, "deleted");
	deletion->held += ctl_count(answer, "held");
	next = ctl_member(answer, "next_after_id");
	deletion->has_more = json_is_integer(next);
	deletion->after_id = json_integer_value(next);
	json_decref(answer);
	return true;
}

static enum ctl_exit
deletion_print(const struct ctl *ctl, const struct deletion *deletion)
{
	json_t *json;
	enum ctl_exit code;

	if (!ctl->json) {
		fprintf(ctl->out, "deleted %llu message%s",
		    (unsigned long long)deletion->deleted,
		    deletion->deleted == 1 ? "" : "s");
		if (deletion->held > 0)
			fprintf(ctl->out, "; %llu held, which stay%s",
			    (unsigned long long)deletion->held,
			    deletion->held == 1 ? "s" : "");
		fprintf(ctl->out, "\n");
		return CTL_OK;
	}
	json = json_pack("{sIsI}", "deleted", (json_int_t)deletion->deleted,
	    "held", (json_int_t)deletion->held);
	code = json != NULL ? ctl_print_json(ctl, json) : ctl_no_memory(ctl);
	json_decref(json);
	return code;
}

static enum ctl_exit
delete_of_account(const struct ctl *ctl, const struct invocation *invocation,
    const char *account)
{
	const char *before = command_value(invocation, "before");
	struct deletion deletion = { .has_more = true };
	bool shows = isatty(STDERR_FILENO) && !ctl->json;
	bool is_done = true;
	struct client_error error;
	char what[256];

	snprintf(what, sizeof(what), "all mail of account \"%.160s\"%s%.40s",
	    account, before != NULL ? " stored before " : "",
	    before != NULL ? before : "");
	if (!delete_is_confirmed(ctl, invocation, what))
		return CTL_USAGE;
	while (is_done && deletion.has_more) {
		is_done = deletion_step(ctl, invocation, &deletion, &error);
		if (shows)
			fprintf(ctl->err, "\r%llu deleted",
			    (unsigned long long)deletion.deleted);
	}
	if (shows)
		fprintf(ctl->err, "\r\033[K");
	if (is_done)
		return deletion_print(ctl, &deletion);
	if (deletion.deleted > 0)
		(void)deletion_print(ctl, &deletion);
	return client_report(ctl, &error);
}

enum ctl_exit
delete_run(const struct ctl *ctl, const struct invocation *invocation)
{
	const char *account = command_value(invocation, "account");
	bool before = command_given(invocation, "before");
	bool all = command_given(invocation, "all") || before;
	enum ctl_exit code;

	if (account != NULL && invocation->count > 0)
		ctl_warn(ctl, "delete: either ids or --account");
	else if (account != NULL && !all)
		ctl_warn(ctl, "delete: all mail of \"%.160s\"? then add --all",
		    account);
	else if (account == NULL && all)
		ctl_warn(ctl, "delete: --%s needs --account NAME",
		    before ? "before" : "all");
	else if (account == NULL && invocation->count == 0)
		ctl_warn(ctl, "delete: of which messages?");
	else {
		code = keeping_check_reason(ctl, invocation);
		if (code != CTL_OK)
			return code;
		return account != NULL
			   ? delete_of_account(ctl, invocation, account)
			   : delete_ids(ctl, invocation);
	}
	return command_usage(ctl, invocation->command);
}

/* ---- accounts that are no longer configured ---- */

void
former_print(const struct ctl *ctl)
{
	struct target target;
	struct client_error error;
	const json_t *list, *row;
	json_t *answer;
	size_t i;

	target_begin(&target, "/v1/store/accounts", NULL);
	/* Who may not see them need not hear of it. */
	if (!client_ask(ctl, "GET", &target, &answer, &error))
		return;
	list = ctl_member(answer, "not_configured");
	json_array_foreach(list, i, row)
	{
		const struct print_field fields[] = {
			{ "Not configured",
			    .form = "{account}|{messages} message{s}|"
				    "{bytes:size}" },
		};

		if (i == 0)
			fprintf(ctl->out, "\n");
		print_fields(ctl, fields, PRINT_FIELD_COUNT(fields), row);
	}
	if (json_array_size(list) > 0)
		ctl_hint(ctl,
		    "\"evpopctl delete --account NAME --all --reason TEXT\" "
		    "deletes such mail");
	json_decref(answer);
}
