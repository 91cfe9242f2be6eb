#include "daemon/poll/watch.h"

#include <event2/event.h>
#include <stdlib.h>

#include "daemon/log/log.h"
#include "daemon/poll/account.h"
#include "lib/base/clock.h"

/* From one round to the next; and in a round, so many in a turn of the loop. */
#define ROUND_MS       5000
#define STEP_MS        50
#define LOOKS_PER_STEP 64

struct watch {
	struct agenda *agenda;
	void (*retried)(void *arg);
	void *arg;
	struct event *timer;
	size_t left; /* to look at in this round */
};

static void
watch_wait(struct watch *watch, int64_t wait_ms)
{
	const struct timeval wait = evpop_clock_wait(wait_ms);

	evtimer_add(watch->timer, &wait);
}

static void
watch_look_at(struct watch *watch, struct agenda_item *item)
{
	struct account *account = account_of(item);

	if (!account_secret_has_changed(account))
		return;
	log_write(LOG_LEVEL_INFO, account_config(account)->name,
	    "the password file has changed: polling at once");
	agenda_retry(watch->agenda, item, evpop_clock_monotonic_ms());
	watch->retried(watch->arg);
}

void
watch_look(struct watch *watch)
{
	struct agenda_item *item;
	unsigned looks;

	if (watch->left == 0)
		watch->left = agenda_count_failing(watch->agenda);
	for (looks = 0; looks < LOOKS_PER_STEP && watch->left > 0; looks++) {
		item = agenda_next_failing(watch->agenda);
		if (item == NULL)
			watch->left = 1;
		else
			watch_look_at(watch, item);
		watch->left--;
	}
	if (watch->left > 0)
		watch_wait(watch, STEP_MS);
	else
		watch_wake(watch);
}

static void
watch_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	watch_look(arg);
}

struct watch *
watch_new(struct event_base *base, struct agenda *agenda,
    void (*retried)(void *arg), void *arg)
{
	struct watch *watch = calloc(1, sizeof *watch);

	if (watch == NULL)
		return NULL;
	watch->agenda = agenda;
	watch->retried = retried;
	watch->arg = arg;
	watch->timer = evtimer_new(base, watch_timer, watch);
	if (watch->timer == NULL)
		watch_free(&watch);
	return watch;
}

void
watch_wake(struct watch *watch)
{
	if (agenda_count_failing(watch->agenda) > 0 &&
	    !evtimer_pending(watch->timer, NULL))
		watch_wait(watch, ROUND_MS);
}

void
watch_free(struct watch **watch)
{
	if (*watch == NULL)
		return;
	if ((*watch)->timer != NULL)
		event_free((*watch)->timer);
	free(*watch);
	*watch = NULL;
}
