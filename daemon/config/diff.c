#include <stdlib.h>
#include <string.h>

#include "daemon/config/config.h"
#include "daemon/config/option.h"
#include "daemon/config/value.h"

/* Where it stands in a file is no difference. */
static bool
accounts_equal(const struct config_account *a, const struct config_account *b)
{
	for (size_t i = 0; i < config_option_count; i++)
		if (config_options[i].scope == CONFIG_SCOPE_ACCOUNT &&
		    !config_value_equal(&config_options[i], a, b))
			return false;
	return true;
}

static bool
allocate(struct config_diff *diff, const struct config *old,
    const struct config *new)
{
	size_t size = sizeof(*diff->added);

	/* One more than needed: an empty array has an address too. */
	diff->added = calloc(new->account_count + 1, size);
	diff->changed = calloc(new->account_count + 1, size);
	diff->removed = calloc(old->account_count + 1, size);
	diff->restart = calloc(config_option_count, sizeof(*diff->restart));
	return diff->added != NULL && diff->changed != NULL &&
	       diff->removed != NULL && diff->restart != NULL;
}

/* Both are sorted by name. */
static void
merge_accounts(struct config_diff *diff, const struct config *old,
    const struct config *new)
{
	size_t i = 0, j = 0;
	int order;

	while (i < old->account_count || j < new->account_count) {
		if (i == old->account_count)
			order = 1;
		else if (j == new->account_count)
			order = -1;
		else
			order = strcmp(
			    old->accounts[i]->name, new->accounts[j]->name);
		if (order < 0) {
			diff->removed[diff->removed_count++] =
			    old->accounts[i++];
		} else if (order > 0) {
			diff->added[diff->added_count++] = new->accounts[j++];
		} else {
			if (!accounts_equal(old->accounts[i], new->accounts[j]))
				diff->changed[diff->changed_count++] =
				    new->accounts[j];
			i++;
			j++;
		}
	}
}

bool
config_diff(struct config_diff *diff, const struct config *old,
    const struct config *new)
{
	*diff = (struct config_diff){ 0 };
	if (!allocate(diff, old, new)) {
		config_diff_free(diff);
		return false;
	}
	merge_accounts(diff, old, new);
	for (size_t i = 0; i < config_option_count; i++) {
		const struct config_option *option = &config_options[i];

		if (!option->reload && !config_value_equal(option, old, new))
			diff->restart[diff->restart_count++] = option->name;
	}
	return true;
}

void
config_diff_free(struct config_diff *diff)
{
	free(diff->added);
	free(diff->changed);
	free(diff->removed);
	free(diff->restart);
	*diff = (struct config_diff){ 0 };
}
