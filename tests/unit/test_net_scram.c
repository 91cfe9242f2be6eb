/*
 * Log-ins by SCRAM, whose key is computed on another thread: held back there,
 * it holds nobody up, and whatever happens to its client may happen meanwhile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <gsasl.h>

#include "tests/unit/held_threads.h"
#include "tests/unit/net_run.h"

#define SHORT_MS 50

/* ---- a server that offers SCRAM-SHA-256 and PLAIN ---- */

struct peer;

struct server {
	struct event_base *base;
	struct evconnlistener *listener;
	uint16_t port;
	const char *iterations;
	struct peer *peers;
	bool asked; /* the first message of SCRAM went out */
	char last[1024];
};

struct peer {
	struct peer *next;
	struct server *server;
	struct bufferevent *stream;
	Gsasl *gsasl;
	Gsasl_session *scram; /* NULL: no exchange is under way */
};

static int
server_property(Gsasl *gsasl, Gsasl_session *session, Gsasl_property property)
{
	const struct server *server = gsasl_callback_hook_get(gsasl);

	switch (property) {
	case GSASL_PASSWORD:
		return gsasl_property_set(session, property, "pencil");
	case GSASL_SCRAM_ITER:
		return gsasl_property_set(
		    session, property, server->iterations);
	case GSASL_SCRAM_SALT:
		return gsasl_property_set(
		    session, property, "W22ZaJ0SNY7soEsUEjb6gQ==");
	default:
		return GSASL_NO_CALLBACK;
	}
}

static void
peer_say(struct peer *peer, const char *text)
{
	bufferevent_write(peer->stream, text, strlen(text));
	bufferevent_write(peer->stream, "\r\n", 2);
}

static void
peer_scram(struct peer *peer, const char *line)
{
	char *output = NULL;
	int rc = gsasl_step64(peer->scram, line, &output);

	if (rc == GSASL_OK || rc == GSASL_NEEDS_MORE) {
		peer->server->asked = true;
		bufferevent_write(peer->stream, "+ ", 2);
		peer_say(peer, output);
	}
	gsasl_free(output);
	if (rc == GSASL_NEEDS_MORE)
		return;
	gsasl_finish(peer->scram);
	peer->scram = NULL;
	if (rc != GSASL_OK)
		peer_say(peer, "-ERR [AUTH] no");
}

static void
peer_command(struct peer *peer, const char *line)
{
	static const char scram[] = "AUTH SCRAM-SHA-256 ";

	if (peer->scram != NULL)
		peer_scram(peer, line);
	else if (strcmp(line, "CAPA") == 0)
		peer_say(peer, "+OK\r\nSASL SCRAM-SHA-256 PLAIN\r\nUIDL\r\n.");
	else if (strncmp(line, scram, sizeof scram - 1) == 0) {
		assert_int_equal(gsasl_server_start(peer->gsasl,
				     "SCRAM-SHA-256", &peer->scram),
		    GSASL_OK);
		peer_scram(peer, line + sizeof scram - 1);
	} else
		peer_say(peer, "+OK 0 0");
}

static void
peer_read(struct bufferevent *stream, void *arg)
{
	struct peer *peer = arg;
	char *line;

	while ((line = evbuffer_readln(bufferevent_get_input(stream), NULL,
		    EVBUFFER_EOL_CRLF_STRICT)) != NULL) {
		snprintf(
		    peer->server->last, sizeof peer->server->last, "%s", line);
		peer_command(peer, line);
		free(line);
	}
}

static void
server_accept(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *address, int length, void *arg)
{
	struct server *server = arg;
	struct peer *peer = calloc(1, sizeof *peer);

	(void)listener;
	(void)address;
	(void)length;
	assert_non_null(peer);
	peer->server = server;
	peer->next = server->peers;
	server->peers = peer;
	assert_int_equal(gsasl_init(&peer->gsasl), GSASL_OK);
	gsasl_callback_set(peer->gsasl, server_property);
	gsasl_callback_hook_set(peer->gsasl, server);
	peer->stream = bufferevent_socket_new(server->base, fd, 0);
	assert_non_null(peer->stream);
	bufferevent_setcb(peer->stream, peer_read, NULL, NULL, peer);
	bufferevent_enable(peer->stream, EV_READ);
	peer_say(peer, "+OK");
}

static void
server_start(struct server *server, const char *iterations)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof address;

	memset(server, 0, sizeof *server);
	server->iterations = iterations;
	server->base = event_base_new();
	assert_non_null(server->base);
	server->listener = evconnlistener_new_bind(server->base, server_accept,
	    server, LEV_OPT_CLOSE_ON_FREE, -1, (struct sockaddr *)&address,
	    sizeof address);
	assert_non_null(server->listener);
	assert_int_equal(getsockname(evconnlistener_get_fd(server->listener),
			     (struct sockaddr *)&address, &length),
	    0);
	server->port = ntohs(address.sin_port);
}

static void
server_hang_up(struct server *server)
{
	struct peer *peer;
	evutil_socket_t fd;

	while ((peer = server->peers) != NULL) {
		server->peers = peer->next;
		fd = bufferevent_getfd(peer->stream);
		bufferevent_free(peer->stream);
		evutil_closesocket(fd);
		if (peer->scram != NULL)
			gsasl_finish(peer->scram);
		gsasl_done(peer->gsasl);
		free(peer);
	}
}

static void
server_stop(struct server *server)
{
	server_hang_up(server);
	evconnlistener_free(server->listener);
	event_base_free(server->base);
}

/* ---- a client ---- */

static void
login_done(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct net_run *run = arg;

	(void)client;
	run->login = reply->result;
	strcat(run->log,
	    reply->result.error == EVPOP_ERROR_NONE ? "in " : "refused ");
}

static void
client_begin(struct net_run *run, struct server *server,
    struct evpop_client_config config, enum evpop_mechanism mechanism,
    const char *user, const char *password)
{
	const struct evpop_credentials credentials = {
		.user = user,
		.password = password,
		.mechanisms = EVPOP_MECHANISM_BIT(mechanism),
	};

	config.tls = EVPOP_TLS_NONE;
	config.port = server->port;
	net_run_start(run, server->base, NULL, &config);
	net_run_connect(run);
	assert_int_equal(
	    evpop_client_login(run->client, &credentials, login_done, run),
	    EVPOP_ERROR_NONE);
	net_run_quit(run);
}

static void
client_begin_scram(struct net_run *run, struct server *server,
    struct evpop_memory *memory, const char *password)
{
	client_begin(run, server,
	    (struct evpop_client_config){ .memory = memory },
	    EVPOP_MECHANISM_SCRAM_SHA_256, "user", password);
}

/* Returns how many threads it took. */
static size_t
client_session(
    struct server *server, struct evpop_memory *memory, const char *password)
{
	const size_t created = held_threads_created();
	const bool right = strcmp(password, "pencil") == 0;
	struct net_run run;

	client_begin_scram(&run, server, memory, password);
	net_run_until(&run, &run.closed);
	assert_int_equal(
	    run.login.error, right ? EVPOP_ERROR_NONE : EVPOP_ERROR_AUTH);
	net_run_finish(&run);
	return held_threads_created() - created;
}

/* ---- what is known is not computed ---- */

static void
a_second_log_in_takes_no_thread(void **state)
{
	struct server server;
	struct evpop_memory *memory = evpop_memory_new();

	(void)state;
	assert_non_null(memory);
	server_start(&server, "4096");
	assert_int_equal(client_session(&server, memory, "pencil"), 1);
	assert_int_equal(client_session(&server, memory, "pencil"), 0);
	/* Another password is another key, and so is another count. */
	assert_int_equal(client_session(&server, memory, "pencils"), 1);
	assert_int_equal(client_session(&server, memory, "pencil"), 0);
	server.iterations = "4097";
	assert_int_equal(client_session(&server, memory, "pencil"), 1);
	/* Nothing is kept where there is no memory. */
	assert_int_equal(client_session(&server, NULL, "pencil"), 1);
	assert_int_equal(client_session(&server, NULL, "pencil"), 1);
	server_stop(&server);
	evpop_memory_free(memory);
}

static void
too_many_iterations_are_refused(void **state)
{
	const size_t created = held_threads_created();
	struct server server;
	struct net_run run;

	(void)state;
	server_start(&server, "600001");
	client_begin_scram(&run, &server, NULL, "pencil");
	net_run_until(&run, &run.closed);
	assert_int_not_equal(run.login.error, EVPOP_ERROR_NONE);
	assert_non_null(strstr(run.login.text,
	    "the server asks for 600001 iterations; more than 600000 are "
	    "refused"));
	assert_int_equal(held_threads_created(), created);
	net_run_finish(&run);
	server_stop(&server);
}

/* ---- while it is computed ---- */

/* A client whose key is held back until held_threads_release(). */
static void
client_begin_held(
    struct net_run *run, struct server *server, struct evpop_timeouts timeouts)
{
	const size_t created = held_threads_created();

	held_threads_hold();
	server_start(server, "4096");
	client_begin(run, server,
	    (struct evpop_client_config){ .timeouts = timeouts },
	    EVPOP_MECHANISM_SCRAM_SHA_256, "user", "pencil");
	net_run_until(run, &server->asked);
	while (held_threads_created() == created)
		assert_int_equal(event_base_loop(server->base, EVLOOP_ONCE), 0);
}

/* Freeing the last client waits for its thread. */
static void
client_end_held(struct net_run *run, struct server *server)
{
	held_threads_release();
	net_run_finish(run);
	server_stop(server);
}

static const struct evpop_timeouts standard;

static void
others_go_on(void **state)
{
	struct server server;
	struct net_run run, other;

	(void)state;
	client_begin_held(&run, &server, standard);
	client_begin(&other, &server, (struct evpop_client_config){ .port = 0 },
	    EVPOP_MECHANISM_PLAIN, "other", "word");
	net_run_until(&other, &other.closed);
	assert_int_equal(other.login.error, EVPOP_ERROR_NONE);
	assert_string_equal(run.log, "connect:ok ");
	held_threads_release();
	net_run_until(&run, &run.closed);
	assert_non_null(strstr(run.log, "connect:ok in quit:ok"));
	net_run_finish(&other);
	net_run_finish(&run);
	server_stop(&server);
}

/* The server waits for us: its deadline does not run, that of all does. */
static void
only_the_session_has_a_deadline(void **state)
{
	struct server server;
	struct net_run run;

	(void)state;
	client_begin_held(
	    &run, &server, (struct evpop_timeouts){ .login_ms = SHORT_MS });
	net_run_for(&run, 4 * SHORT_MS);
	assert_string_equal(run.log, "connect:ok ");
	client_end_held(&run, &server);

	client_begin_held(
	    &run, &server, (struct evpop_timeouts){ .session_ms = 1000 });
	net_run_until(&run, &run.closed);
	assert_int_equal(run.login.error, EVPOP_ERROR_TIMEOUT);
	assert_non_null(strstr(run.login.text, "session"));
	client_end_held(&run, &server);
}

enum end {
	END_FREE,
	END_CANCEL,
	END_HANG_UP,
	END_SPEAK
};

static void
end_session(struct net_run *run, struct server *server, enum end end)
{
	switch (end) {
	case END_FREE:
		return;
	case END_CANCEL:
		evpop_client_cancel(run->client);
		break;
	case END_HANG_UP:
		server_hang_up(server);
		break;
	case END_SPEAK:
		peer_say(server->peers, "-ERR too slow");
		break;
	}
	net_run_until(run, &run->closed);
	assert_int_not_equal(run->login.error, EVPOP_ERROR_NONE);
}

/* The key comes when nobody wants it any more. */
static void
a_session_may_end_before_its_key(void **state)
{
	const size_t idle = held_threads_count();
	struct server server;
	struct net_run run;
	int end;

	(void)state;
	for (end = END_FREE; end <= END_SPEAK; end++) {
		client_begin_held(&run, &server, standard);
		end_session(&run, &server, (enum end)end);
		client_end_held(&run, &server);
		held_threads_wait(idle);
	}
}

/* The key is there, and the loop has not seen it. */
static void
a_session_may_end_with_its_key(void **state)
{
	const size_t idle = held_threads_count();
	struct server server;
	struct net_run run;

	(void)state;
	client_begin_held(&run, &server, standard);
	held_threads_release();
	held_threads_wait(idle);
	evpop_client_cancel(run.client);
	net_run_until(&run, &run.closed);
	net_run_finish(&run);
	server_stop(&server);

	client_begin_held(&run, &server, standard);
	held_threads_release();
	held_threads_wait(idle);
	net_run_finish(&run);
	server_stop(&server);
}

static void
without_a_thread_the_log_in_fails(void **state)
{
	struct server server;
	struct net_run run;

	(void)state;
	server_start(&server, "4096");
	held_threads_refuse(true);
	client_begin_scram(&run, &server, NULL, "pencil");
	net_run_until(&run, &run.closed);
	held_threads_refuse(false);
	assert_int_not_equal(run.login.error, EVPOP_ERROR_NONE);
	assert_non_null(strstr(run.login.text, "no key could be derived"));
	net_run_finish(&run);
	server_stop(&server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_log_in_takes_no_thread),
		cmocka_unit_test(too_many_iterations_are_refused),
		cmocka_unit_test(others_go_on),
		cmocka_unit_test(only_the_session_has_a_deadline),
		cmocka_unit_test(a_session_may_end_before_its_key),
		cmocka_unit_test(a_session_may_end_with_its_key),
		cmocka_unit_test(without_a_thread_the_log_in_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
