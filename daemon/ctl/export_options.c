#include "daemon/ctl/export_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/glob.h"

bool
export_options_form(
    const struct invocation *invocation, struct export_options *options)
{
	static const char *const forms[] = {
		[EXPORT_MAILDIR] = "maildir",
		[EXPORT_EML] = "eml",
		[EXPORT_MBOX] = "mbox",
		[EXPORT_SEALED] = "sealed",
	};
	unsigned given = 0;

	for (unsigned i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (!command_given(invocation, forms[i]))
			continue;
		options->form = (enum export_form)i;
		options->path = command_value(invocation, forms[i]);
		given++;
	}
	return given == 1;
}

bool
export_options_folders(const struct ctl *ctl,
    const struct invocation *invocation, struct export_options *options)
{
	static const char *const names[] = {
		[EXPORT_PLAIN] = "plain",
		[EXPORT_MAILDIRPP] = "maildir++",
		[EXPORT_FLAT] = "none",
	};
	const char *folders = command_value(invocation, "folders");
	const char *account = command_value(invocation, "account");

	options->folders = account != NULL && !evpop_glob_is_pattern(account)
			       ? EXPORT_FLAT
			       : EXPORT_PLAIN;
	if (folders == NULL)
		return true;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(folders, names[i]) != 0 ||
		    (i == EXPORT_MAILDIRPP && options->form != EXPORT_MAILDIR))
			continue;
		options->folders = (enum export_folders)i;
		return true;
	}
	ctl_warn(ctl, "invalid --folders \"%s\"", folders);
	ctl_hint(ctl, "plain or none; for a Maildir also maildir++");
	return false;
}

char *
export_options_choice(const struct invocation *invocation)
{
	static const char *const options[] = { "account", "from", "query",
		"since", "before", "crlf" };
	char *choice = strdup(""), *longer;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		const char *value = command_value(invocation, options[i]);
		int made;

		if (value == NULL || choice == NULL)
			continue;
		made = asprintf(&longer, "%s%s--%s%s%s", choice,
		    *choice != '\0' ? " " : "", options[i],
		    *value != '\0' ? " " : "", value);
		free(choice);
		choice = made == -1 ? NULL : longer;
	}
	for (char *at = choice; at != NULL && *at != '\0'; at++)
		if (*at == '\n')
			*at = ' ';
	return choice;
}

bool
export_options_after(const struct ctl *ctl, const struct invocation *invocation,
    int64_t *after_r)
{
	const char *text = command_value(invocation, "after-id");

	*after_r = 0;
	if (text == NULL)
		return true;
	errno = 0;
	*after_r = strtoll(text, NULL, 10);
	if (errno == 0 && *text != '\0' &&
	    text[strspn(text, "0123456789")] == '\0')
		return true;
	ctl_warn(ctl, "invalid --after-id \"%s\"", text);
	ctl_hint(ctl, "ids are whole numbers, as \"evpopctl messages\" shows "
		      "them");
	return false;
}
