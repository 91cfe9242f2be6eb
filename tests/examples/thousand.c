/* Fetch the mail of user1 to user1000, all at once on one event loop. */
#include <err.h>
#include <event2/event.h>
#include <evpop/sync.h>
#include <stdio.h>
#include <stdlib.h>

static void end(struct evpop_sync *sync, const struct evpop_entry *entry,
    void *message, const struct evpop_result *result, void *arg) {
	if (result->error == EVPOP_ERROR_NONE)
		evpop_sync_stored(sync, entry, true);
}

static void done(struct evpop_sync *sync,
    const struct evpop_sync_report *report, void *who) {
	printf("%s %u %s\n", (char *)who, report->fetched, report->result.text);
	evpop_sync_free(sync);
}

int main(int argc, char **argv) {
	const struct evpop_sync_callbacks own = { .end = end, .done = done };
	const struct evpop_client_config config = { .host = argv[1],
		.port = (uint16_t)atoi(argc == 3 ? argv[2] : "0"),
		.tls = EVPOP_TLS_NONE };
	struct event_base *base = event_base_new();
	struct evpop_sync *sync;
	char user[1000][16];
	size_t i;

	for (i = 0; i < 1000; i++) {
		snprintf(user[i], sizeof user[i], "user%zu", i + 1);
		sync = evpop_sync_new(base, NULL, &config, NULL, &own, user[i]);
		if (!sync || evpop_sync_open(sync, user[i], getenv("PASSWORD")))
			errx(2, "usage: PASSWORD=... thousand HOST PORT");
	}
	event_base_dispatch(base);
	event_base_free(base);
	return fflush(stdout) != 0;
}
