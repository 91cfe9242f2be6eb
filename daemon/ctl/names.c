#include "daemon/ctl/names.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/list.h"
#include "lib/base/array.h"
#include "lib/base/glob.h"

struct names_taking {
	struct names *names;
	names_fit fit;
	size_t matches; /* whether they fit or not */
};

static bool
names_add(struct names *names, const char *name)
{
	char **items = evpop_array_grow(
	    names->items, names->count, &names->room, sizeof(*items));

	if (items == NULL)
		return false;
	names->items = items;
	names->items[names->count] = strdup(name);
	if (names->items[names->count] == NULL)
		return false;
	names->count++;
	return true;
}

static enum ctl_exit
names_take_page(const struct ctl *ctl, const json_t *page, void *arg)
{
	struct names_taking *taking = arg;
	const json_t *account;
	size_t i;

	json_array_foreach(ctl_member(page, "accounts"), i, account)
	{
		const char *name = ctl_text(account, "account");

		if (name == NULL)
			continue;
		taking->matches++;
		if ((taking->fit == NULL || taking->fit(account)) &&
		    !names_add(taking->names, name))
			return ctl_no_memory(ctl);
	}
	return CTL_OK;
}

static enum ctl_exit
names_ask(
    const struct ctl *ctl, const char *pattern, struct names_taking *taking)
{
	struct target target;

	target_begin(&target, "/v1/accounts", NULL);
	target_parameter(&target, "name", pattern);
	return list_walk(
	    ctl, &target, "accounts", LIST_ALL, names_take_page, taking);
}

static enum ctl_exit
names_of_pattern(const struct ctl *ctl, const char *pattern, names_fit fit,
    struct names *names)
{
	struct names_taking taking = { names, fit, 0 };
	size_t before = names->count;
	enum ctl_exit code = names_ask(ctl, pattern, &taking);

	if (code != CTL_OK || names->count > before)
		return code;
	if (taking.matches > 0) {
		ctl_warn(ctl,
		    "nothing to do: of the accounts that match \"%s\", each is "
		    "paused, disabled, or in that state already",
		    pattern);
		return CTL_OK;
	}
	ctl_warn(ctl, "no account matches \"%s\"", pattern);
	ctl_hint(ctl, "\"evpopctl accounts\" lists them");
	return CTL_NOT_FOUND;
}

enum ctl_exit
names_of_words(const struct ctl *ctl, char *const *words, size_t count,
    names_fit fit, struct names *names)
{
	enum ctl_exit first = CTL_OK, code;

	for (size_t i = 0; i < count; i++) {
		if (evpop_glob_is_pattern(words[i])) {
			code = names_of_pattern(ctl, words[i], fit, names);
			ctl_keep_first(&first, code);
			/* The daemon has gone: ask no more. */
			if (code == CTL_UNAVAILABLE)
				return code;
		} else if (!names_add(names, words[i])) {
			return ctl_no_memory(ctl);
		}
	}
	return first;
}

enum ctl_exit
names_of_all(const struct ctl *ctl, names_fit fit, struct names *names)
{
	struct names_taking taking = { names, fit, 0 };

	return names_ask(ctl, NULL, &taking);
}

void
names_free(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
	*names = (struct names){ NULL, 0, 0 };
}
