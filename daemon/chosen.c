#include "daemon/chosen.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base/glob.h"
#include "lib/base/near.h"

static void
chosen_report_unknown(const struct config *config, const char *name)
{
	struct evpop_near near = { NULL, 0 };

	fprintf(stderr, "evpopd: there is no account \"%s\"\n", name);
	for (size_t i = 0; i < config->account_count; i++)
		evpop_near_consider(&near, name, config->accounts[i]->name);
	if (near.word != NULL)
		fprintf(stderr, "        did you mean \"%s\"?\n", near.word);
}

static int
chosen_check_one(const struct config *config, const char *name)
{
	size_t matches = 0, enabled = 0;

	for (size_t i = 0; i < config->account_count; i++) {
		const struct config_account *account = config->accounts[i];

		if (strcmp(account->name, name) != 0 &&
		    !evpop_glob_matches(name, account->name))
			continue;
		matches++;
		enabled += account->enabled;
	}
	if (enabled > 0)
		return EX_OK;
	if (matches > 0) {
		fprintf(stderr,
		    "evpopd: account \"%s\" is disabled: set enabled = yes in "
		    "its section\n",
		    name);
		return EX_CONFIG;
	}
	if (evpop_glob_is_pattern(name))
		fprintf(stderr, "evpopd: no account matches \"%s\"\n", name);
	else
		chosen_report_unknown(config, name);
	return EX_USAGE;
}

int
chosen_check(const struct config *config, char *const *names, size_t count)
{
	int first = EX_OK, code;

	for (size_t i = 0; i < count; i++) {
		code = chosen_check_one(config, names[i]);
		if (first == EX_OK)
			first = code;
	}
	return first;
}
