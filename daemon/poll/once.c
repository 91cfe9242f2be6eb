#include "daemon/poll/once.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/log/log.h"
#include "lib/base/glob.h"

struct once {
	const char *const *names;
	size_t name_count;
	bool is_chosen;
	size_t chosen, left;
};

enum once_meant {
	ONCE_NOT = 0,
	ONCE_AMONG_OTHERS,
	ONCE_BY_NAME
};

struct once *
once_new(const char *const *names, size_t count)
{
	struct once *once = calloc(1, sizeof *once);

	if (once == NULL)
		return NULL;
	once->names = names;
	once->name_count = count;
	return once;
}

static enum once_meant
once_means(const struct once *once, const char *name)
{
	enum once_meant meant =
	    once->name_count == 0 ? ONCE_AMONG_OTHERS : ONCE_NOT;

	for (size_t i = 0; i < once->name_count; i++) {
		if (strcmp(once->names[i], name) == 0)
			return ONCE_BY_NAME;
		if (evpop_glob_matches(once->names[i], name))
			meant = ONCE_AMONG_OTHERS;
	}
	return meant;
}

/* Whether it is to be polled. */
static bool
once_choose_one(
    const struct once *once, struct account *account, struct agenda *agenda)
{
	static const struct store_refusal none = { 0 };
	struct agenda_item *item = account_item(account);
	const char *name = account_config(account)->name;
	enum once_meant meant = once_means(once, name);

	if (agenda_state(item) == POLLER_DISABLED)
		return false;
	if (meant == ONCE_BY_NAME) {
		account_set_refusal(account, &none);
		if (agenda_is_paused(item))
			agenda_wish(agenda, item);
		return true;
	}
	if (meant == ONCE_NOT && !agenda_is_paused(item))
		agenda_rest(agenda, item, POLLER_WAITING);
	if (meant == ONCE_AMONG_OTHERS && agenda_is_paused(item))
		log_write(LOG_LEVEL_INFO, name,
		    "not polled: it is paused; \"evpopd --once %s\" polls it "
		    "all the same",
		    name);
	return meant == ONCE_AMONG_OTHERS && !agenda_is_paused(item);
}

void
once_choose(struct once *once, struct accounts *accounts, struct agenda *agenda)
{
	if (once->is_chosen)
		return;
	once->is_chosen = true;
	for (size_t i = 0; i < accounts_count(accounts); i++)
		once->chosen +=
		    once_choose_one(once, accounts_at(accounts, i), agenda);
	once->left = once->chosen;
}

void
once_count(struct once *once)
{
	if (once != NULL)
		once->left--;
}

bool
once_is_over(const struct once *once)
{
	return once != NULL && once->is_chosen && once->left == 0;
}

size_t
once_chosen(const struct once *once)
{
	return once->chosen;
}

void
once_free(struct once **once)
{
	free(*once);
	*once = NULL;
}
