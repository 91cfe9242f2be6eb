#include "daemon/poll/pauses.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/log/log.h"
#include "lib/base/clock.h"

struct pauses {
	struct store *store;
	struct accounts *accounts;
	struct agenda *agenda;
	void (*changed)(struct account *, void *arg);
	void *arg;
	unsigned owed; /* answers of the store */
	bool is_freed; /* goes when they have come */
};

/* What the store was asked to remember. */
struct pause {
	struct pauses *pauses;
	char *name, *who;
	int64_t since_ms; /* 0: it is resumed */
	store_done_cb done;
	void *arg;
};

struct pauses *
pauses_new(struct store *store, struct accounts *accounts,
    struct agenda *agenda, void (*changed)(struct account *, void *arg),
    void *arg)
{
	struct pauses *pauses = calloc(1, sizeof *pauses);

	if (pauses == NULL)
		return NULL;
	*pauses = (struct pauses){
		.store = store,
		.accounts = accounts,
		.agenda = agenda,
		.changed = changed,
		.arg = arg,
	};
	return pauses;
}

void
pauses_free(struct pauses **pauses_p)
{
	struct pauses *pauses = *pauses_p;

	if (pauses == NULL)
		return;
	*pauses_p = NULL;
	if (pauses->owed > 0)
		pauses->is_freed = true;
	else
		free(pauses);
}

static void
pause_free(struct pause *pause)
{
	free(pause->name);
	free(pause->who);
	free(pause);
}

/* It may not be configured any more, or be disabled now. */
static void
pauses_apply(struct pauses *pauses, const struct pause *pause)
{
	struct account *account = accounts_find(pauses->accounts, pause->name);

	if (account == NULL ||
	    agenda_state(account_item(account)) == POLLER_DISABLED)
		return;
	if (pause->since_ms == 0)
		account_resume(
		    account, pauses->agenda, evpop_clock_monotonic_ms());
	else
		account_pause(
		    account, pauses->agenda, pause->since_ms, pause->who);
	log_write(LOG_LEVEL_INFO, pause->name, "%s%s%s",
	    pause->since_ms != 0 ? "paused" : "resumed",
	    pause->who != NULL ? " by " : "",
	    pause->who != NULL ? pause->who : "");
	pauses->changed(account, pauses->arg);
}

static void
pauses_answered(enum store_status status, void *arg)
{
	struct pause *pause = arg;
	struct pauses *pauses = pause->pauses;

	pauses->owed--;
	if (status == STORE_OK && !pauses->is_freed)
		pauses_apply(pauses, pause);
	if (pause->done != NULL)
		pause->done(status, pause->arg);
	if (pauses->is_freed && pauses->owed == 0)
		free(pauses);
	pause_free(pause);
}

/* NULL without memory. */
static struct pause *
pauses_request(struct pauses *pauses, const struct config_account *config,
    const char *who, store_done_cb done, void *arg)
{
	struct pause *pause = calloc(1, sizeof *pause);

	if (pause == NULL)
		return NULL;
	*pause = (struct pause){
		.pauses = pauses,
		.name = strdup(config->name),
		.who = who != NULL ? strdup(who) : NULL,
		.done = done,
		.arg = arg,
	};
	if (pause->name != NULL && (who == NULL || pause->who != NULL)) {
		pauses->owed++;
		return pause;
	}
	pause_free(pause);
	return NULL;
}

void
pauses_begin(struct pauses *pauses, struct account *account, const char *who,
    store_done_cb done, void *arg)
{
	const struct config_account *config = account_config(account);
	struct pause *pause = pauses_request(pauses, config, who, done, arg);

	if (pause == NULL) {
		if (done != NULL)
			done(STORE_MEMORY, arg);
		return;
	}
	pause->since_ms = evpop_clock_unix_ms();
	store_account_pause(pauses->store, config->name, config->id,
	    pause->since_ms, who, pauses_answered, pause);
}

void
pauses_end(struct pauses *pauses, struct account *account, store_done_cb done,
    void *arg)
{
	const struct config_account *config = account_config(account);
	struct pause *pause = pauses_request(pauses, config, NULL, done, arg);

	if (pause == NULL) {
		if (done != NULL)
			done(STORE_MEMORY, arg);
		return;
	}
	store_account_resume(
	    pauses->store, config->name, config->id, pauses_answered, pause);
}
