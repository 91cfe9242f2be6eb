/*
 * The files of passwords of accounts that fail: one that has changed is tried
 * at once.
 */
#include <event2/event.h>

#include "daemon/log/log.h"
#include "daemon/poll/poller_internal.h"
#include "daemon/poll/setup.h"
#include "daemon/secret/mark.h"
#include "lib/base/clock.h"

/* From one round to the next; and in a round, so many in a turn of the loop. */
#define ROUND_MS       5000
#define STEP_MS        50
#define LOOKS_PER_STEP 64

uint32_t
poller_secret_mark(const struct config_account *account)
{
	struct secret_source source;

	return setup_secret(account, &source) ? secret_mark(&source) : 0;
}

static void
watch_look(struct poller *poller, struct poller_account *account)
{
	uint32_t mark = poller_secret_mark(account->config);

	if (mark == account->secret_mark)
		return;
	account->secret_mark = mark;
	log_write(LOG_LEVEL_INFO, account->config->name,
	    "the password file has changed: polling at once");
	agenda_retry(
	    &poller->agenda, &account->item, evpop_clock_monotonic_ms());
	poller_wake(poller);
}

static void
watch_wait(struct poller *poller, int64_t wait_ms)
{
	const struct timeval wait = {
		.tv_sec = (time_t)(wait_ms / 1000),
		.tv_usec = (suseconds_t)(wait_ms % 1000 * 1000),
	};

	evtimer_add(poller->watch, &wait);
}

void
poller_watch(struct poller *poller)
{
	if (poller->agenda.failing_count > 0 && !poller->once &&
	    !evtimer_pending(poller->watch, NULL))
		watch_wait(poller, ROUND_MS);
}

void
poller_watch_step(int fd, short what, void *arg)
{
	struct poller *poller = arg;
	struct agenda_item *item;
	unsigned looks;

	(void)fd;
	(void)what;
	if (poller->stopping)
		return;
	if (poller->watch_left == 0)
		poller->watch_left = poller->agenda.failing_count;
	for (looks = 0; looks < LOOKS_PER_STEP && poller->watch_left > 0;
	     looks++) {
		item = agenda_next_failing(&poller->agenda);
		if (item == NULL)
			poller->watch_left = 1;
		else
			watch_look(poller, (struct poller_account *)item);
		poller->watch_left--;
	}
	if (poller->watch_left > 0)
		watch_wait(poller, STEP_MS);
	else
		poller_watch(poller);
}
