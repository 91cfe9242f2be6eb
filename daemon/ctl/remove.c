#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/accountfile.h"
#include "daemon/ctl/ask.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/consent.h"
#include "daemon/ctl/print.h"

static enum ctl_exit
remove_reload(const struct ctl *ctl, const char *name)
{
	struct client_error error;
	struct target target;
	json_t *answer;
	char text[512];

	target_begin(&target, "/v1/reload", NULL);
	if (!client_ask(ctl, "POST", &target, &answer, &error)) {
		/* Without a daemon there is nobody to tell. */
		return error.exit == CTL_UNAVAILABLE
			   ? CTL_OK
			   : client_report(ctl, &error);
	}
	json_decref(answer);
	if (ctl->json)
		return CTL_OK;
	(void)snprintf(text, sizeof(text),
	    "stays in the store; %sevpopctl delete --account %s --all "
	    "--reason TEXT deletes it",
	    ctl_sudo(), name);
	print_detail(ctl, "Its mail", text);
	return CTL_OK;
}

static enum ctl_exit
remove_file(const struct ctl *ctl, const struct invocation *invocation,
    const struct config_account *account)
{
	struct phrase question;
	enum ctl_exit code = CTL_OK;

	if (!accountfile_is_alone(account)) {
		ctl_warn(ctl, "%s holds more than account \"%s\"",
		    account->file, account->name);
		phrase_begin(&question);
		phrase_add(&question,
		    "remove the section at line %u yourself, then type "
		    "evpopctl reload",
		    account->line);
		ctl_hint(ctl, question.text);
		return CTL_CONFIG;
	}
	phrase_begin(&question);
	phrase_add(&question, "Remove %s", account->file);
	if (!command_given(invocation, "yes")) {
		if (!ask_is_possible(ctl)) {
			ctl_warn(ctl, "remove: there is no terminal to ask");
			ctl_hint(ctl, "--yes means it");
			return CTL_USAGE;
		}
		if (ask_yes(ctl, question.text, ASK_NO) != ASK_YES)
			return CTL_TROUBLE;
	}
	/* While the daemon still knows whose it is. */
	if (account->oauth2 != NULL)
		code = consent_forget(ctl, account->name);
	/* One that the daemon does not have may go all the same. */
	if (code != CTL_OK && code != CTL_UNAVAILABLE && code != CTL_NOT_FOUND)
		return code;
	code = accountfile_remove(ctl, account->file);
	if (code == CTL_OK && !ctl->json)
		print_detail(ctl, "Removed", account->file);
	return code;
}

enum ctl_exit
remove_run(const struct ctl *ctl, const struct invocation *invocation)
{
	const char *name = invocation->arguments[0];
	const char *path = command_value(invocation, "config");
	const struct config_account *account;
	struct config *config;
	enum ctl_exit code;

	if (path == NULL)
		path = ACCOUNTFILE_CONFIG;
	config = accountfile_config(ctl, path, &code);
	if (config == NULL)
		return code;
	account = config_find(config, name);
	if (account == NULL) {
		ctl_warn(ctl, "%s: there is no account \"%s\"", path, name);
		code = CTL_NOT_FOUND;
	} else
		code = remove_file(ctl, invocation, account);
	config_free(&config);
	return code == CTL_OK ? remove_reload(ctl, name) : code;
}
