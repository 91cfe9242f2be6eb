/*
 * How often the allocator is asked for each message that the client fetches
 * from a server, libevent and libc included; and how many it fetches a second.
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <event2/event.h>

#include <evpop/client.h>

#include "tests/bench/allocations.h"

/* Until then rooms grow; what comes behind is the steady state. */
#define WARM_MESSAGES 1000
/* Requests that wait, more than the window takes. */
#define WAITING 256

struct bench {
	struct event_base *base;
	struct evpop_client *client;
	uint32_t asked, ended, messages;
	uint64_t octets, before, allocations;
	double started, took;
	bool closed;
};

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
check(const struct evpop_result *result)
{
	if (result->error != EVPOP_ERROR_NONE)
		errx(EXIT_FAILURE, "%s: %s", evpop_error_name(result->error),
		    result->text);
}

static void
answered(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	(void)client;
	(void)arg;
	check(&reply->result);
}

static void
closed(
    struct evpop_client *client, const struct evpop_result *result, void *arg)
{
	struct bench *bench = arg;

	(void)client;
	check(result);
	bench->closed = true;
	event_base_loopbreak(bench->base);
}

static enum evpop_flow
data(struct evpop_client *client, const unsigned char *bytes, size_t length,
    void *arg)
{
	struct bench *bench = arg;

	(void)client;
	(void)bytes;
	bench->octets += length;
	return EVPOP_FLOW_CONTINUE;
}

static void ask(struct bench *);

static void
end(struct evpop_client *client, uint32_t number,
    const struct evpop_result *result, void *arg)
{
	struct bench *bench = arg;

	(void)number;
	check(result);
	if (++bench->ended == WARM_MESSAGES) {
		bench->before = allocations_so_far();
		bench->started = seconds();
	}
	if (bench->ended < WARM_MESSAGES + bench->messages) {
		ask(bench);
		return;
	}
	bench->allocations = allocations_so_far() - bench->before;
	bench->took = seconds() - bench->started;
	if (evpop_client_quit(client, answered, bench) != EVPOP_ERROR_NONE)
		errx(EXIT_FAILURE, "no QUIT");
}

static void
ask(struct bench *bench)
{
	static const struct evpop_sink sink = { .data = data, .end = end };

	while (bench->asked < WARM_MESSAGES + bench->messages &&
	       bench->asked - bench->ended < WAITING) {
		bench->asked++;
		if (evpop_client_retr(bench->client, bench->asked, &sink,
			bench) != EVPOP_ERROR_NONE)
			errx(EXIT_FAILURE, "a request is refused");
	}
}

int
main(int argc, char **argv)
{
	static const struct evpop_credentials credentials = {
		.user = "steady1",
		.password = "secret",
	};
	static const struct evpop_client_callbacks callbacks = {
		.closed = closed,
	};
	struct evpop_client_config config = {
		.host = "127.0.0.1",
		.tls = EVPOP_TLS_NONE,
	};
	struct bench bench = { .asked = 0 };

	if (argc != 3)
		errx(EXIT_FAILURE, "usage: bench_requests MESSAGES PORT");
	bench.messages = (uint32_t)strtoul(argv[1], NULL, 10);
	config.port = (uint16_t)strtoul(argv[2], NULL, 10);
	if (bench.messages == 0 || config.port == 0)
		errx(EXIT_FAILURE, "MESSAGES and PORT are numbers");
	bench.base = event_base_new();
	if (bench.base == NULL)
		errx(EXIT_FAILURE, "no loop");
	bench.client =
	    evpop_client_new(bench.base, NULL, &config, &callbacks, &bench);
	if (bench.client == NULL ||
	    evpop_client_connect(bench.client, answered, &bench) !=
		EVPOP_ERROR_NONE ||
	    evpop_client_login(bench.client, &credentials, answered, &bench) !=
		EVPOP_ERROR_NONE)
		errx(EXIT_FAILURE, "no client");
	ask(&bench);
	event_base_dispatch(bench.base);
	if (!bench.closed)
		errx(EXIT_FAILURE, "the loop ended before the session");
	evpop_client_free(bench.client);
	event_base_free(bench.base);
	printf("{\"messages\": %" PRIu32 ", \"octets\": %" PRIu64
	       ", \"allocations\": %" PRIu64 ", \"seconds\": %.6f}\n",
	    bench.messages, bench.octets, bench.allocations, bench.took);
	return EXIT_SUCCESS;
}
