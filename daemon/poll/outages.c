#include "daemon/poll/outages.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "daemon/log/log.h"
#include "lib/base/clock.h"
#include "lib/base/unit.h"

/* How long others are waited for: at first, and at the most. */
#define WINDOW_MS      (5 * EVPOP_SECOND_MS)
#define WINDOW_MOST_MS (10 * EVPOP_MINUTE_MS)

/* More reasons at a time than these are not put together. */
#define OUTAGES_MAX 256

struct outage {
	TAILQ_ENTRY(outage) link;
	char *host;
	char *reason;  /* NULL: they work again */
	unsigned mark; /* of those counted in this window */
	size_t others; /* besides the first */
	int64_t window_ms;
	int64_t end_ms; /* of the window, by the monotonic clock */
};

struct outages {
	TAILQ_HEAD(, outage) list;
	size_t count;
	unsigned marks; /* the one given last */
	struct event *timer;
};

static void
outage_tell(struct outage *outage)
{
	const struct log_about about = { .host = outage->host };
	const char *plural = outage->others == 1 ? "" : "s";

	if (outage->others == 0)
		return;
	if (outage->reason != NULL)
		log_write_about(LOG_LEVEL_WARNING, &about,
		    "%s: %s: %zu other account%s; \"evpopctl accounts "
		    "--failing\" lists what fails",
		    outage->host, outage->reason, outage->others, plural);
	else
		log_write_about(LOG_LEVEL_INFO, &about,
		    "%s: %zu other account%s again", outage->host,
		    outage->others, outage->others == 1 ? " works" : "s work");
	outage->others = 0;
}

static void
outages_remove(struct outages *outages, struct outage *outage)
{
	TAILQ_REMOVE(&outages->list, outage, link);
	outages->count--;
	free(outage->host);
	free(outage->reason);
	free(outage);
}

static void
outages_wait(struct outages *outages)
{
	int64_t first_ms = INT64_MAX;
	struct outage *outage;
	struct timeval wait;

	TAILQ_FOREACH(outage, &outages->list, link)
		if (outage->end_ms < first_ms)
			first_ms = outage->end_ms;
	if (first_ms == INT64_MAX)
		return;
	wait = evpop_clock_wait(first_ms - evpop_clock_monotonic_ms());
	evtimer_add(outages->timer, &wait);
}

static void
outage_open_window(
    struct outages *outages, struct outage *outage, int64_t window_ms)
{
	outage->window_ms =
	    window_ms < WINDOW_MOST_MS ? window_ms : WINDOW_MOST_MS;
	outage->end_ms = evpop_clock_monotonic_ms() + outage->window_ms;
	outages->marks = outages->marks % OUTAGES_MARK_MAX + 1;
	outage->mark = outages->marks;
}

/* What nobody was added to is over: the next one is the first again. */
static void
outages_end_windows(evutil_socket_t fd, short what, void *arg)
{
	struct outages *outages = arg;
	struct outage *outage, *next;
	int64_t now_ms = evpop_clock_monotonic_ms();

	(void)fd;
	(void)what;
	for (outage = TAILQ_FIRST(&outages->list); outage != NULL;
	     outage = next) {
		next = TAILQ_NEXT(outage, link);
		if (outage->end_ms > now_ms)
			continue;
		if (outage->others == 0) {
			outages_remove(outages, outage);
			continue;
		}
		outage_tell(outage);
		outage_open_window(outages, outage, 2 * outage->window_ms);
	}
	outages_wait(outages);
}

struct outages *
outages_new(struct event_base *base)
{
	struct outages *outages = calloc(1, sizeof *outages);

	if (outages == NULL)
		return NULL;
	TAILQ_INIT(&outages->list);
	outages->timer = evtimer_new(base, outages_end_windows, outages);
	if (outages->timer == NULL)
		outages_free(&outages);
	return outages;
}

static bool
outage_is(const struct outage *outage, const char *host, const char *reason)
{
	if (strcasecmp(outage->host, host) != 0)
		return false;
	return reason == NULL || outage->reason == NULL
		   ? reason == outage->reason
		   : strcmp(outage->reason, reason) == 0;
}

/* NULL without memory, and where there are too many. */
static struct outage *
outages_add(struct outages *outages, const char *host, const char *reason)
{
	struct outage *outage;

	if (outages->count >= OUTAGES_MAX)
		return NULL;
	outage = calloc(1, sizeof *outage);
	if (outage == NULL)
		return NULL;
	outage->host = strdup(host);
	outage->reason = reason != NULL ? strdup(reason) : NULL;
	TAILQ_INSERT_TAIL(&outages->list, outage, link);
	outages->count++;
	if (outage->host != NULL && (reason == NULL || outage->reason != NULL))
		return outage;
	outages_remove(outages, outage);
	return NULL;
}

bool
outages_note(struct outages *outages, const char *host, const char *reason,
    unsigned *mark)
{
	struct outage *outage;

	TAILQ_FOREACH(outage, &outages->list, link)
		if (outage_is(outage, host, reason))
			break;
	if (outage == NULL) {
		outage = outages_add(outages, host, reason);
		if (outage != NULL) {
			outage_open_window(outages, outage, WINDOW_MS);
			*mark = outage->mark;
			outages_wait(outages);
		}
		return true;
	}
	outage->others += *mark != outage->mark;
	*mark = outage->mark;
	return false;
}

void
outages_free(struct outages **outages_p)
{
	struct outages *outages = *outages_p;
	struct outage *outage;

	if (outages == NULL)
		return;
	*outages_p = NULL;
	while ((outage = TAILQ_FIRST(&outages->list)) != NULL) {
		outage_tell(outage);
		outages_remove(outages, outage);
	}
	if (outages->timer != NULL)
		event_free(outages->timer);
	free(outages);
}
