/*
 * Many live sessions on one loop, and what they take of memory.  Each logs in
 * and begins to fetch a message; none goes on before all have begun and a line
 * has come on standard input, so that they are there at once and others can
 * look.  Then each fetches its message whole and quits.
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include <evpop/client.h>

#include "tests/bench/resident.h"

/* Descriptors beside those of sessions. */
#define OWN_DESCRIPTORS 16

struct session;

struct bench {
	struct event_base *base;
	struct event *word; /* on standard input: all may go on */
	struct session *sessions;
	size_t count, begun, ended, closed;
	uint64_t octets;
	struct resident before, held;
};

struct session {
	struct bench *bench;
	struct evpop_client *client;
	uint64_t promised, octets;
};

static void
check(const struct evpop_result *result, const char *doing)
{
	if (result->error != EVPOP_ERROR_NONE)
		errx(EXIT_FAILURE, "%s: %s: %s", doing,
		    evpop_error_name(result->error), result->text);
}

static void
answered(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	(void)client;
	(void)arg;
	check(&reply->result, "a session");
}

static void
closed(
    struct evpop_client *client, const struct evpop_result *result, void *arg)
{
	struct session *session = arg;
	struct bench *bench = session->bench;

	check(result, "the end of a session");
	evpop_client_free(client);
	session->client = NULL;
	if (++bench->closed == bench->count)
		event_base_loopbreak(bench->base);
}

/* Everybody is here, logged in, with a message under way. */
static void
tell_held(struct bench *bench)
{
	size_t i;

	for (i = 0; i < bench->count; i++)
		if (evpop_client_state(bench->sessions[i].client) !=
		    EVPOP_STATE_TRANSACTION)
			errx(EXIT_FAILURE, "session %zu is not logged in", i);
	if (bench->ended != 0)
		errx(EXIT_FAILURE, "a message was fetched too early");
	if (!resident_read(&bench->held))
		errx(EXIT_FAILURE, "no word of memory from the kernel");
	printf("held %zu\n", bench->count);
	fflush(stdout);
	event_add(bench->word, NULL);
}

static enum evpop_flow
begin(struct evpop_client *client, uint32_t number, uint64_t octets, void *arg)
{
	struct session *session = arg;

	(void)client;
	(void)number;
	session->promised = octets;
	if (++session->bench->begun == session->bench->count)
		tell_held(session->bench);
	return EVPOP_FLOW_PAUSE;
}

static enum evpop_flow
data(struct evpop_client *client, const unsigned char *bytes, size_t length,
    void *arg)
{
	struct session *session = arg;

	(void)client;
	(void)bytes;
	session->octets += length;
	return EVPOP_FLOW_CONTINUE;
}

static void
end(struct evpop_client *client, uint32_t number,
    const struct evpop_result *result, void *arg)
{
	struct session *session = arg;

	(void)number;
	check(result, "a message");
	if (session->octets != session->promised)
		errx(EXIT_FAILURE,
		    "a message has %" PRIu64 " octets instead of %" PRIu64,
		    session->octets, session->promised);
	session->bench->octets += session->octets;
	session->bench->ended++;
	if (evpop_client_quit(client, answered, session) != EVPOP_ERROR_NONE)
		errx(EXIT_FAILURE, "no QUIT");
}

static void
go_on(evutil_socket_t fd, short what, void *arg)
{
	struct bench *bench = arg;
	char line[64];
	size_t i;

	(void)what;
	if (read(fd, line, sizeof line) <= 0)
		errx(EXIT_FAILURE, "nobody says go on");
	for (i = 0; i < bench->count; i++)
		evpop_client_resume(bench->sessions[i].client);
}

static void
start(struct session *session, const struct evpop_client_config *config,
    size_t number)
{
	static const struct evpop_client_callbacks callbacks = {
		.closed = closed,
	};
	static const struct evpop_sink sink = {
		.begin = begin,
		.data = data,
		.end = end,
	};
	char user[32];
	const struct evpop_credentials credentials = {
		.user = user,
		.password = "secret",
	};

	snprintf(user, sizeof user, "user%zu", number);
	session->client = evpop_client_new(
	    session->bench->base, NULL, config, &callbacks, session);
	if (session->client == NULL ||
	    evpop_client_connect(session->client, answered, session) !=
		EVPOP_ERROR_NONE ||
	    evpop_client_login(session->client, &credentials, answered,
		session) != EVPOP_ERROR_NONE ||
	    evpop_client_retr(session->client, 1, &sink, session) !=
		EVPOP_ERROR_NONE)
		errx(EXIT_FAILURE, "session %zu cannot be made", number);
}

static void
tell(const struct bench *bench)
{
	struct resident after;

	if (!resident_read(&after))
		errx(EXIT_FAILURE, "no word of memory from the kernel");
	if (after.peak < bench->held.peak)
		after.peak = bench->held.peak;
	printf("{\"sessions\": %zu, \"octets\": %" PRIu64 ", \"before\": %zu, "
	       "\"held\": %zu, \"peak\": %zu, \"per_session\": %zu}\n",
	    bench->count, bench->octets, bench->before.now, bench->held.now,
	    after.peak, (after.peak - bench->before.now) / bench->count);
}

static void
run(struct bench *bench, const struct evpop_client_config *config)
{
	size_t i;

	if (resident_descriptors() < bench->count + OWN_DESCRIPTORS)
		errx(EXIT_FAILURE, "%zu descriptors are not allowed: ulimit -n",
		    bench->count + OWN_DESCRIPTORS);
	bench->base = event_base_new();
	if (bench->base == NULL)
		errx(EXIT_FAILURE, "no loop");
	bench->word =
	    event_new(bench->base, STDIN_FILENO, EV_READ, go_on, bench);
	bench->sessions = calloc(bench->count, sizeof *bench->sessions);
	if (bench->word == NULL || bench->sessions == NULL)
		errx(EXIT_FAILURE, "no memory");
	if (!resident_read(&bench->before))
		errx(EXIT_FAILURE, "no word of memory from the kernel");
	for (i = 0; i < bench->count; i++) {
		bench->sessions[i].bench = bench;
		start(&bench->sessions[i], config, i + 1);
	}
	event_base_dispatch(bench->base);
	if (bench->closed != bench->count)
		errx(EXIT_FAILURE, "the loop ended before the sessions");
	tell(bench);
	free(bench->sessions);
	event_free(bench->word);
	event_base_free(bench->base);
}

int
main(int argc, char **argv)
{
	struct evpop_client_config config = {
		.host = "127.0.0.1",
		.tls = EVPOP_TLS_NONE,
	};
	struct evpop_tls_options options = { .ca = NULL };
	struct evpop_result result;
	struct bench bench = { .count = 0 };

	if (argc != 3 && argc != 4)
		errx(EXIT_FAILURE, "usage: bench_sessions COUNT PORT [CA]");
	bench.count = strtoul(argv[1], NULL, 10);
	config.port = (uint16_t)strtoul(argv[2], NULL, 10);
	if (bench.count == 0 || config.port == 0)
		errx(EXIT_FAILURE, "COUNT and PORT are numbers");
	if (argc == 4) {
		options.ca = argv[3];
		config.tls = EVPOP_TLS_IMPLICIT;
		config.tls_context = evpop_tls_context_new(&options, &result);
		if (config.tls_context == NULL)
			errx(EXIT_FAILURE, "%s", result.text);
	}
	run(&bench, &config);
	evpop_tls_context_free(config.tls_context);
	return EXIT_SUCCESS;
}
