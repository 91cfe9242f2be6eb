#include "daemon/supervisor.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/deliver/deliver.h"
#include "daemon/notify/notify.h"
#include "daemon/poll/poller.h"
#include "daemon/store/store.h"

#define STATUS_SIZE 512

/* What a status line tells of. */
#define EVENTS                                                              \
	(NOTIFY_BIT(NOTIFY_POLL_BEGUN) | NOTIFY_BIT(NOTIFY_POLL_OVER) |     \
	    NOTIFY_BIT(NOTIFY_ACCOUNT_STATE) |                              \
	    NOTIFY_BIT(NOTIFY_STORE_HEALTH) | NOTIFY_BIT(NOTIFY_RELOADED) | \
	    NOTIFY_BIT(NOTIFY_TARGET_STATE) |                               \
	    NOTIFY_BIT(NOTIFY_TARGET_HEALTH) |                              \
	    NOTIFY_BIT(NOTIFY_MESSAGE_DELIVERED) |                          \
	    NOTIFY_BIT(NOTIFY_DELIVERY_REFUSED))

struct supervisor {
	struct notify_subscription subscription;
	struct store *store;
	struct poller *poller;
	struct deliver *deliver;
	struct event *status; /* shows the line; pending once it may differ */
	struct event *alive;  /* tells the watchdog; NULL: there is none */
	char shown[STATUS_SIZE];
};

/* ---- systemd ---- */

#ifdef EVPOPD_SYSTEMD

#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "lib/base/clock.h"

static void
systemd_tell(const char *state)
{
	sd_notify(0, state);
}

/* Whether anybody reads a status line. */
static bool
systemd_listens(void)
{
	return getenv("NOTIFY_SOCKET") != NULL;
}

/* How often the watchdog is to be told, in microseconds; 0: never. */
static uint64_t
systemd_watchdog_us(void)
{
	uint64_t us;

	/* Twice in the time, as sd_watchdog_enabled(3) advises. */
	return sd_watchdog_enabled(0, &us) > 0 ? us / 2 : 0;
}

/* Type=notify-reload compares this with its own clock. */
void
supervisor_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)evpop_clock_monotonic_us());
}

int
supervisor_socket(void)
{
	if (sd_listen_fds(1) < 1 || sd_is_socket_unix(SD_LISTEN_FDS_START,
					SOCK_STREAM, 1, NULL, 0) <= 0)
		return -1;
	return SD_LISTEN_FDS_START;
}

#else

static void
systemd_tell(const char *state)
{
	(void)state;
}

static bool
systemd_listens(void)
{
	return false;
}

static uint64_t
systemd_watchdog_us(void)
{
	return 0;
}

void
supervisor_reloading(void)
{
}

int
supervisor_socket(void)
{
	return -1;
}

#endif

void
supervisor_ready(void)
{
	systemd_tell("READY=1");
}

void
supervisor_stopping(void)
{
	systemd_tell("STOPPING=1");
}

void
supervisor_status(const char *text)
{
	char state[STATUS_SIZE + sizeof "STATUS="];

	(void)snprintf(state, sizeof state, "STATUS=%s", text);
	systemd_tell(state);
}

/* ---- the status line ---- */

/* The first that is down, by name: mostly it is the only one. */
static void
status_write_down(const struct deliver *deliver, FILE *out)
{
	struct deliver_totals totals;
	struct deliver_status status;
	size_t down;

	deliver_totals(deliver, &totals);
	down = totals.down + totals.refused;
	for (size_t i = 0; deliver_status_at(deliver, i, &status); i++) {
		if (status.state != DELIVER_DOWN &&
		    status.state != DELIVER_REFUSED)
			continue;
		fprintf(out, "; target %s is %s", status.name,
		    deliver_state_name(status.state));
		if (down > 1)
			fprintf(out, ", %zu more fail%s", down - 1,
			    down == 2 ? "s" : "");
		return;
	}
}

static void
status_write_targets(const struct deliver *deliver, FILE *out)
{
	struct deliver_totals totals;

	deliver_totals(deliver, &totals);
	if (totals.targets == 0)
		return;
	fprintf(out, "; %" PRIu64 " to deliver", totals.waiting);
	if (totals.refused_messages > 0)
		fprintf(out, ", %" PRIu64 " refused", totals.refused_messages);
	status_write_down(deliver, out);
	if (totals.paused > 0)
		fprintf(out, "; %zu target%s paused", totals.paused,
		    totals.paused == 1 ? "" : "s");
}

static void
status_write_accounts(const struct poller *poller, FILE *out)
{
	struct poller_status status;

	poller_status(poller, &status);
	fprintf(out,
	    "%zu account%s, %zu polling, %zu failing, %" PRIu64
	    " message%s stored",
	    status.accounts, status.accounts == 1 ? "" : "s", status.polling,
	    status.failing, status.messages, status.messages == 1 ? "" : "s");
}

static void
status_write(const struct supervisor *supervisor, char text[STATUS_SIZE])
{
	const struct store_error *health = store_health(supervisor->store);
	FILE *out;

	text[0] = '\0';
	out = fmemopen(text, STATUS_SIZE, "w");
	if (out == NULL)
		return;
	if (health->status != STORE_OK)
		fprintf(out, "polls wait for the store: %s", health->text);
	else {
		status_write_accounts(supervisor->poller, out);
		status_write_targets(supervisor->deliver, out);
	}
	fclose(out);
	/* What is longer is cut. */
	text[STATUS_SIZE - 1] = '\0';
}

static void
status_show(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *supervisor = arg;
	char text[STATUS_SIZE];

	(void)fd;
	(void)what;
	status_write(supervisor, text);
	if (strcmp(text, supervisor->shown) == 0)
		return;
	(void)snprintf(supervisor->shown, STATUS_SIZE, "%s", text);
	supervisor_status(text);
}

/* Many things happen in a second. */
static void
status_may_differ(const struct notify_event *event, void *arg)
{
	const struct timeval soon = { .tv_sec = 1 };
	struct supervisor *supervisor = arg;

	(void)event;
	if (!evtimer_pending(supervisor->status, NULL))
		evtimer_add(supervisor->status, &soon);
}

/* ---- the watchdog ---- */

static void
watchdog_tell(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	systemd_tell("WATCHDOG=1");
}

static bool
watchdog_start(struct supervisor *supervisor, struct event_base *base)
{
	uint64_t us = systemd_watchdog_us();
	const struct timeval every = { .tv_sec = (time_t)(us / 1000000),
		.tv_usec = (suseconds_t)(us % 1000000) };

	if (us == 0)
		return true;
	supervisor->alive =
	    event_new(base, -1, EV_PERSIST, watchdog_tell, NULL);
	return supervisor->alive != NULL &&
	       event_add(supervisor->alive, &every) == 0;
}

struct supervisor *
supervisor_new(struct event_base *base, struct notify *notify,
    struct store *store, struct poller *poller, struct deliver *deliver)
{
	struct supervisor *supervisor = calloc(1, sizeof *supervisor);

	if (supervisor == NULL)
		return NULL;
	supervisor->store = store;
	supervisor->poller = poller;
	supervisor->deliver = deliver;
	supervisor->status = evtimer_new(base, status_show, supervisor);
	if (supervisor->status == NULL || !watchdog_start(supervisor, base)) {
		supervisor_free(&supervisor);
		return NULL;
	}
	if (systemd_listens()) {
		notify_subscribe(notify, &supervisor->subscription, EVENTS,
		    status_may_differ, supervisor);
		status_show(-1, 0, supervisor);
	}
	return supervisor;
}

void
supervisor_free(struct supervisor **supervisor_p)
{
	struct supervisor *supervisor = *supervisor_p;

	if (supervisor == NULL)
		return;
	*supervisor_p = NULL;
	notify_leave(&supervisor->subscription);
	if (supervisor->status != NULL)
		event_free(supervisor->status);
	if (supervisor->alive != NULL)
		event_free(supervisor->alive);
	free(supervisor);
}
