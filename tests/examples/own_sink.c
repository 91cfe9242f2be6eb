/* Print the first message, a piece at a time: a sink that slows the server. */
#include <err.h>
#include <event2/event.h>
#include <evpop/client.h>
#include <stdio.h>
#include <stdlib.h>

static enum evpop_flow data(struct evpop_client *pop,
    const unsigned char *bytes, size_t length, void *arg) {
	fwrite(bytes, 1, length, stdout);
	return EVPOP_FLOW_PAUSE; /* until evpop_client_resume() */
}

static void end(struct evpop_client *pop, uint32_t number,
    const struct evpop_result *result, void *arg) {
	if (result->error != EVPOP_ERROR_NONE)
		errx(1, "%s", result->text);
}

int main(int argc, char **argv) {
	const struct evpop_sink sink = { .data = data, .end = end };
	const struct evpop_client_config config = { .host = argv[1],
		.port = (uint16_t)atoi(argc == 3 ? argv[2] : "0"),
		.tls = EVPOP_TLS_NONE };
	struct event_base *base = event_base_new();
	struct evpop_client *pop;

	if (!base ||
	    !(pop = evpop_client_new(base, NULL, &config, NULL, NULL)) ||
	    evpop_client_open(pop, "user1", getenv("PASSWORD"), NULL, NULL) ||
	    evpop_client_retr(pop, 1, &sink, NULL) ||
	    evpop_client_quit(pop, NULL, NULL))
		errx(2, "usage: PASSWORD=... own_sink HOST PORT");
	while (event_base_loop(base, EVLOOP_ONCE) == 0)
		evpop_client_resume(pop); /* here, once a turn */
	evpop_client_free(pop);
	event_base_free(base);
	return fflush(stdout) != 0;
}
