#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/command.h"
#include "daemon/ctl/list.h"
#include "daemon/ctl/raw.h"
#include "daemon/ctl/text.h"

/* ---- list ---- */

static const struct print_field quarantine_columns[] = {
	{ "ID", .member = "id", .kind = PRINT_COUNT },
	{ "SINCE", .member = "stored_at", .kind = PRINT_TIME },
	{ "ACCOUNT", .member = "account", .fit = PRINT_CUT_MIDDLE },
	{ "SIZE", .member = "bytes", .kind = PRINT_SIZE, .drop = 1 },
	{ "UNIQUE-ID", .member = "unique_id", .kind = PRINT_UNIQUE_ID,
	    .fit = PRINT_CUT_END },
	{ "REASON", .member = "reason", .fit = PRINT_WRAP },
};

static enum ctl_exit
quarantine_list(const struct ctl *ctl, const struct invocation *invocation)
{
	static const struct list list = { "quarantine", quarantine_columns,
		PRINT_FIELD_COUNT(quarantine_columns),
		"nothing is in quarantine\n", NULL };
	/* An account's name may follow "list", or stand alone. */
	size_t place = invocation->count > 0 &&
		       strcmp(invocation->arguments[0], "list") == 0;
	struct target target;
	size_t limit;
	enum ctl_exit code = list_limit(ctl, invocation, &limit);

	if (code != CTL_OK)
		return code;
	target_begin(&target, "/v1/quarantine", NULL);
	target_parameter(&target, "account",
	    place < invocation->count ? invocation->arguments[place] : NULL);
	return list_print(ctl, &list, &target, limit);
}

/* ---- show ---- */

static const struct print_field quarantine_fields[] = {
	{ "Account", .member = "account" },
	{ "Unique-id", .member = "unique_id" },
	{ "", .member = "unique_id_hex" },
	{ "Since", .member = "stored_at", .kind = PRINT_TIME },
	{ "Received", .form = "{bytes:size} ({bytes} bytes)" },
	{ "Reason", .member = "reason" },
};

static void
quarantine_print(const struct ctl *ctl, const json_t *row)
{
	const char *transcript = ctl_text(row, "transcript");
	char *clean;

	print_fields(
	    ctl, quarantine_fields, PRINT_FIELD_COUNT(quarantine_fields), row);
	if (transcript != NULL) {
		clean = text_clean(transcript, TEXT_KEEP_LINES);
		fprintf(ctl->out, "\n%s%s",
		    clean != NULL ? clean : "(out of memory)",
		    clean != NULL && *clean != '\0' &&
			    clean[strlen(clean) - 1] == '\n'
			? ""
			: "\n");
		free(clean);
	}
	if (ctl->is_terminal)
		fprintf(ctl->out,
		    "\nTo try again: %sevpopctl quarantine retry %llu\n",
		    ctl_sudo(), (unsigned long long)ctl_count(row, "id"));
}

static enum ctl_exit
quarantine_show(const struct ctl *ctl, const struct invocation *invocation)
{
	struct target target;

	target_begin(&target, "/v1/quarantine/*", invocation->arguments[1]);
	return client_print(ctl, "GET", &target, quarantine_print);
}

static enum ctl_exit
quarantine_raw(const struct ctl *ctl, const struct invocation *invocation)
{
	struct target target;

	target_begin(&target, "/v1/quarantine/*/raw", invocation->arguments[1]);
	return raw_print(ctl, &target, invocation);
}

/* ---- retry ---- */

/* Print what will be fetched again for one account. */
static void
quarantine_print_released(
    const struct ctl *ctl, const char *form, const json_t *account)
{
	const struct print_field fields[] = {
		{ "to be fetched", .form = form },
		{ "", .member = "hint" },
	};

	print_fields(ctl, fields, PRINT_FIELD_COUNT(fields), account);
}

static void
quarantine_print_one(const struct ctl *ctl, const json_t *answer)
{
	quarantine_print_released(ctl, "{id} of {account}", answer);
}

static void
quarantine_print_all(const struct ctl *ctl, const json_t *answer)
{
	const json_t *accounts = ctl_member(answer, "accounts"), *account;
	size_t i;

	if (json_array_size(accounts) == 0)
		fprintf(ctl->out, "nothing is in quarantine\n");
	json_array_foreach(accounts, i, account)
	{
		quarantine_print_released(
		    ctl, "{messages} of {account}", account);
	}
}

/* Retry the messages of an account, or all for NULL. */
static enum ctl_exit
quarantine_retry_account(const struct ctl *ctl, const char *account)
{
	struct target target;

	target_begin(&target, "/v1/quarantine/retry", NULL);
	target_parameter(&target, "account", account);
	return client_print(ctl, "POST", &target, quarantine_print_all);
}

/* A number is an id; --account is for an account with such a name. */
static enum ctl_exit
quarantine_retry_word(const struct ctl *ctl, const char *word)
{
	struct target target;

	if (*word == '\0' || word[strspn(word, "0123456789")] != '\0')
		return quarantine_retry_account(ctl, word);
	target_begin(&target, "/v1/quarantine/*/retry", word);
	return client_print(ctl, "POST", &target, quarantine_print_one);
}

static enum ctl_exit
quarantine_retry(const struct ctl *ctl, const struct invocation *invocation)
{
	const char *account = command_value(invocation, "account");
	enum ctl_exit first = CTL_OK;

	if (command_given(invocation, "all"))
		return quarantine_retry_account(ctl, NULL);
	if (account != NULL)
		first = quarantine_retry_account(ctl, account);
	for (size_t i = 1; i < invocation->count; i++)
		ctl_keep_first(&first,
		    quarantine_retry_word(ctl, invocation->arguments[i]));
	return first;
}

/* ---- which of them ---- */

static const struct action {
	const char *name;
	size_t most; /* arguments, including its own name */
	bool has_limit, has_output;
	enum ctl_exit (*run)(const struct ctl *, const struct invocation *);
} actions[] = {
	{ "list", 2, true, false, quarantine_list },
	{ "show", 2, false, false, quarantine_show },
	{ "raw", 2, false, true, quarantine_raw },
	{ "retry", COMMAND_ANY, false, false, quarantine_retry },
};

/* The first argument is an action, or the account to list. */
static const struct action *
quarantine_action(const struct invocation *invocation)
{
	for (size_t i = 0;
	     invocation->count > 0 && i < sizeof(actions) / sizeof(actions[0]);
	     i++) {
		if (strcmp(invocation->arguments[0], actions[i].name) == 0)
			return &actions[i];
	}
	return &actions[0];
}

enum ctl_exit
quarantine_run(const struct ctl *ctl, const struct invocation *invocation)
{
	const struct action *action = quarantine_action(invocation);
	bool some = command_given(invocation, "account");
	bool all = command_given(invocation, "all");
	size_t least = action == &actions[0] ? 0 : some || all ? 1 : 2;
	size_t most = all ? 1 : action->most;

	/* Without the action's name there is one argument less. */
	if (least == 0 && invocation->count > 0 &&
	    strcmp(invocation->arguments[0], action->name) != 0)
		most--;
	if (invocation->count < least || invocation->count > most)
		ctl_warn(ctl, "quarantine %s: too %s arguments", action->name,
		    invocation->count < least ? "few" : "many");
	else if ((some || all) && action->run != quarantine_retry)
		ctl_warn(ctl, "--%s is for \"quarantine retry\"",
		    some ? "account" : "all");
	else if (some && all)
		ctl_warn(ctl, "--account and --all exclude each other");
	else if (command_given(invocation, "limit") && !action->has_limit)
		ctl_warn(ctl, "--limit is for a list");
	else if (command_given(invocation, "output") && !action->has_output)
		ctl_warn(ctl, "--output is for \"quarantine raw\"");
	else if (command_given(invocation, "force") && !action->has_output)
		ctl_warn(ctl, "--force is for \"quarantine raw\"");
	else
		return action->run(ctl, invocation);
	return command_usage(ctl, invocation->command);
}
