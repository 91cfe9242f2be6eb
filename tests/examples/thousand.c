/* Fetch the mail of user1 to user1000, all at once on one event loop. */
#include <err.h>
#include <event2/event.h>
#include <evpop/sync.h>
#include <stdio.h>
#include <stdlib.h>

static void
listed(struct evpop_sync *sync, const struct evpop_listing *all, void *arg)
{
	evpop_sync_known(sync, NULL, 0, 0); /* nothing was fetched before */
}

static void
ended(struct evpop_sync *sync, const struct evpop_entry *entry, void *message,
    const struct evpop_result *result, void *arg)
{
	if (result->error == EVPOP_ERROR_NONE)
		evpop_sync_stored(sync, entry, true);
}

static void
done(struct evpop_sync *sync, const struct evpop_sync_report *report, void *arg)
{
	*(uint32_t *)arg += report->fetched;
	evpop_sync_free(sync);
}

int
main(int argc, char **argv)
{
	const struct evpop_sync_callbacks callbacks = {
		.listing = listed, .end = ended, .done = done
	};
	const struct evpop_policy policy = { .keep = EVPOP_KEEP_FOREVER };
	struct evpop_client_config config = { .tls = EVPOP_TLS_NONE };
	struct event_base *base = event_base_new();
	char user[16];
	struct evpop_credentials who = { .user = user,
		.password = getenv("PASSWORD") };
	struct evpop_sync *sync;
	uint32_t i, fetched = 0;

	config.host = argc == 3 ? argv[1] : "";
	config.port = argc == 3 ? (uint16_t)atoi(argv[2]) : 0;
	for (i = 1; i <= 1000; i++) {
		snprintf(user, sizeof user, "user%u", i);
		sync = evpop_sync_new(
		    base, NULL, &config, &policy, &callbacks, &fetched);
		if (sync == NULL || evpop_sync_start(sync, &who) != 0)
			errx(2, "usage: PASSWORD=... thousand HOST PORT");
	}
	event_base_dispatch(base);
	event_base_free(base);
	return printf("%u messages\n", fetched) < 0;
}
