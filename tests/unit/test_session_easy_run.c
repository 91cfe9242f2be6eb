#include "tests/unit/test_session_easy_run.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

static void
stop(evutil_socket_t fd, short what, void *arg)
{
	struct easy_server *server = arg;

	(void)fd;
	(void)what;
	event_base_loopbreak(server->base);
}

/*
 * A client that hangs up first is none of the server's errors.  SIGPIPE is
 * blocked in this thread only: the library's own must still end the test.
 */
static void *
serve(void *arg)
{
	struct easy_server *server = arg;
	sigset_t hung_up;

	sigemptyset(&hung_up);
	sigaddset(&hung_up, SIGPIPE);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, &hung_up, NULL), 0);
	event_base_dispatch(server->base);
	return NULL;
}

void
easy_server_start(
    struct easy_server *server, const struct net_server_options *options)
{
	server->base = event_base_new();
	assert_non_null(server->base);
	net_server_start(&server->server, server->base, options, NULL, 0);
	assert_int_equal(pipe(server->channel), 0);
	server->told =
	    event_new(server->base, server->channel[0], EV_READ, stop, server);
	assert_non_null(server->told);
	assert_int_equal(event_add(server->told, NULL), 0);
	assert_int_equal(
	    pthread_create(&server->thread, NULL, serve, server), 0);
}

void
easy_server_stop(struct easy_server *server)
{
	assert_int_equal(write(server->channel[1], "", 1), 1);
	assert_int_equal(pthread_join(server->thread, NULL), 0);
	event_free(server->told);
	net_server_stop(&server->server);
	event_base_free(server->base);
	close(server->channel[0]);
	close(server->channel[1]);
}

struct evpop_easy *
easy_make(
    const struct easy_server *server, const struct evpop_client_config *config)
{
	struct evpop_client_config own = { .host = NULL };
	struct evpop_easy *easy;

	if (config != NULL)
		own = *config;
	if (own.host == NULL)
		own.host = "127.0.0.1";
	own.port = server->server.port;
	own.tls = EVPOP_TLS_NONE;
	easy = evpop_easy_new(&own, NULL, NULL);
	assert_non_null(easy);
	return easy;
}

struct evpop_easy *
easy_begin(
    const struct easy_server *server, const struct evpop_client_config *config)
{
	struct evpop_easy *easy = easy_make(server, config);

	assert_ok(evpop_easy_open(easy, "anna", "secret"));
	return easy;
}

struct evpop_easy *
easy_serve(struct easy_server *server, const struct net_server_options *options,
    const struct evpop_client_config *config)
{
	easy_server_start(server, options);
	return easy_begin(server, config);
}

void
easy_end(struct evpop_easy *easy, struct easy_server *server)
{
	evpop_easy_free(easy);
	easy_server_stop(server);
}
