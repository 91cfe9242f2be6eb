/*
 * Connections of users that are no admins, with small limits: for whoever runs
 * the test, nobody is one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "daemon/control/connections.h"

#define SHARE   2
#define WAITING 3

/* More than the sockets' buffers take. */
#define BIG ((size_t)8 << 20)

#define FEW_TURNS 6

struct server {
	struct event_base *base;
	struct evhttp *http;
	struct connections *connections;
	struct sockaddr_un address;
	struct evhttp_request *held[8];
	size_t held_count;
};

static bool
nobody_is_admin(uid_t user, void *arg)
{
	(void)user;
	(void)arg;
	return false;
}

static void
answer(struct evhttp_request *request, size_t length)
{
	struct evbuffer *body = evhttp_request_get_output_buffer(request);
	char *octets = calloc(1, length);

	assert_non_null(octets);
	assert_int_equal(evbuffer_add(body, octets, length), 0);
	free(octets);
	evhttp_send_reply(request, 200, NULL, NULL);
}

static void
request_came(struct evhttp_request *request, void *arg)
{
	struct server *server = arg;
	const char *path = evhttp_request_get_uri(request);

	connections_begin(server->connections, request);
	if (strcmp(path, "/held") == 0)
		server->held[server->held_count++] = request;
	else
		answer(request, strcmp(path, "/big") == 0 ? BIG : 2);
}

static void
release(struct server *server)
{
	for (size_t i = 0; i < server->held_count; i++)
		answer(server->held[i], 2);
	server->held_count = 0;
}

static void
start(struct server *server, int64_t taking_ms)
{
	const struct connections_options options = {
		.limits = { .admins = 1,
		    .others = 2 * SHARE,
		    .share = SHARE,
		    .waiting = WAITING,
		    .waiting_each = WAITING },
		.taking_ms = taking_ms,
		.is_admin = nobody_is_admin,
	};
	struct evconnlistener *listener;
	socklen_t length = sizeof(server->address);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	/* A name that the kernel chooses, in no folder. */
	memset(server, 0, sizeof(*server));
	server->address.sun_family = AF_UNIX;
	assert_int_equal(
	    bind(fd, (struct sockaddr *)&server->address, sizeof(sa_family_t)),
	    0);
	assert_int_equal(
	    getsockname(fd, (struct sockaddr *)&server->address, &length), 0);
	assert_int_equal(listen(fd, 64), 0);
	server->base = event_base_new();
	server->http = evhttp_new(server->base);
	listener = evconnlistener_new(
	    server->base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE, 0, fd);
	assert_non_null(listener);
	assert_non_null(evhttp_bind_listener(server->http, listener));
	server->connections =
	    connections_new(server->base, server->http, listener, &options);
	assert_non_null(server->connections);
	evhttp_set_gencb(server->http, request_came, server);
}

static void
stop(struct server *server)
{
	release(server);
	connections_free(&server->connections);
	evhttp_free(server->http);
	event_base_loop(server->base, EVLOOP_NONBLOCK);
	event_base_free(server->base);
}

static int
dial(struct server *server, const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char request[64];
	int length = snprintf(request, sizeof(request),
	    "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);

	assert_int_equal(connect(fd, (struct sockaddr *)&server->address,
			     sizeof(sa_family_t) + 6),
	    0);
	assert_int_equal(
	    send(fd, request, (size_t)length, MSG_NOSIGNAL), length);
	return fd;
}

static void
turn(struct server *server, int turns)
{
	while (turns-- > 0)
		event_base_loop(server->base, EVLOOP_NONBLOCK);
}

/* What has come: "" for nothing, "200" and the like, "end". */
static const char *
hear(int fd)
{
	static char octets[4096];
	ssize_t got = recv(fd, octets, sizeof(octets) - 1, MSG_DONTWAIT);

	if (got == 0 || (got == -1 && errno == ECONNRESET))
		return "end";
	if (got == -1)
		return "";
	octets[got] = '\0';
	assert_true(strlen(octets) > 12);
	octets[12] = '\0';
	return octets + strlen("HTTP/1.1 ");
}

/* How much more comes until the end. */
static size_t
rest_of(int fd)
{
	char octets[65536];
	size_t length = 0;
	ssize_t got;

	while ((got = recv(fd, octets, sizeof(octets), 0)) > 0)
		length += (size_t)got;
	return length;
}

static void
test_a_share_and_who_waits(void **state)
{
	struct server server;
	int fds[SHARE + WAITING + 1];
	struct connections_count count;

	(void)state;
	start(&server, 60000);
	for (size_t i = 0; i < SHARE + WAITING + 1; i++)
		fds[i] = dial(&server, "/held");
	turn(&server, FEW_TURNS);
	assert_int_equal(server.held_count, SHARE);
	count = connections_count(server.connections);
	assert_int_equal(count.served, SHARE);
	assert_int_equal(count.waiting, WAITING);
	assert_int_equal(count.refused, 1);
	assert_int_equal(count.closed, 0);
	assert_string_equal(hear(fds[SHARE + WAITING]), "503");
	assert_string_equal(hear(fds[SHARE + WAITING]), "end");
	assert_string_equal(hear(fds[SHARE]), "");

	/* An answer makes room for one that waits, in the order of coming. */
	for (size_t served = 0; served < SHARE + WAITING;) {
		size_t now = server.held_count;

		assert_in_range(now, 1, SHARE);
		release(&server);
		turn(&server, FEW_TURNS);
		for (size_t i = 0; i < now; i++)
			assert_string_equal(hear(fds[served++]), "200");
	}
	assert_int_equal(connections_count(server.connections).waiting, 0);
	for (size_t i = 0; i < SHARE + WAITING + 1; i++)
		close(fds[i]);
	stop(&server);
}

/* One that went away while it waited takes nobody's place. */
static void
test_who_waits_may_go(void **state)
{
	static const struct timespec pause = { 0, 1000000 };
	const char *heard;
	struct server server;
	int fds[SHARE + WAITING];

	(void)state;
	start(&server, 60000);
	for (size_t i = 0; i < SHARE + WAITING; i++)
		fds[i] = dial(&server, "/held");
	turn(&server, FEW_TURNS);
	for (size_t i = SHARE; i < SHARE + WAITING - 1; i++)
		close(fds[i]);
	/* What it had said is read all the same; its end is seen by and by. */
	for (unsigned turns = 0;
	     *(heard = hear(fds[SHARE + WAITING - 1])) == '\0'; turns++) {
		assert_true(turns < 10000);
		release(&server);
		turn(&server, 1);
		nanosleep(&pause, NULL);
	}
	assert_string_equal(heard, "200");
	for (size_t i = 0; i < SHARE; i++)
		close(fds[i]);
	close(fds[SHARE + WAITING - 1]);
	stop(&server);
}

static void
test_an_idle_one_is_closed(void **state)
{
	struct server server;
	int fds[SHARE + 2];

	(void)state;
	start(&server, 60000);
	fds[0] = dial(&server, "/held");
	fds[1] = dial(&server, "/");
	turn(&server, FEW_TURNS);
	assert_string_equal(hear(fds[1]), "200");
	fds[2] = dial(&server, "/");
	turn(&server, FEW_TURNS);
	assert_string_equal(hear(fds[1]), "end");
	assert_string_equal(hear(fds[2]), "200");
	fds[3] = dial(&server, "/");
	turn(&server, FEW_TURNS);
	assert_string_equal(hear(fds[2]), "end");
	assert_string_equal(hear(fds[3]), "200");
	assert_int_equal(connections_count(server.connections).closed, 2);
	release(&server);
	turn(&server, FEW_TURNS);
	assert_string_equal(hear(fds[0]), "200");
	for (size_t i = 0; i < SHARE + 2; i++)
		close(fds[i]);
	stop(&server);
}

/*
 * An answer that is not taken holds a place until its time is over; here that
 * is at once, so it ends when it is looked at.
 */
static void
test_an_answer_has_its_time(void **state)
{
	struct server server;
	int fds[SHARE + 1];

	(void)state;
	start(&server, 0);
	for (size_t i = 0; i < SHARE; i++)
		fds[i] = dial(&server, "/big");
	turn(&server, FEW_TURNS);
	fds[SHARE] = dial(&server, "/");
	turn(&server, FEW_TURNS);
	assert_string_equal(hear(fds[SHARE]), "200");
	for (size_t i = 0; i < SHARE; i++) {
		assert_string_equal(hear(fds[i]), "200");
		assert_true(rest_of(fds[i]) < BIG);
		close(fds[i]);
	}
	close(fds[SHARE]);
	stop(&server);

	/* With time left, it stays, and others wait. */
	start(&server, 60000);
	for (size_t i = 0; i < SHARE; i++)
		fds[i] = dial(&server, "/big");
	turn(&server, FEW_TURNS);
	fds[SHARE] = dial(&server, "/");
	turn(&server, FEW_TURNS);
	assert_string_equal(hear(fds[SHARE]), "");
	assert_int_equal(connections_count(server.connections).waiting, 1);
	for (size_t i = 0; i < SHARE + 1; i++)
		close(fds[i]);
	stop(&server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_share_and_who_waits),
		cmocka_unit_test(test_who_waits_may_go),
		cmocka_unit_test(test_an_idle_one_is_closed),
		cmocka_unit_test(test_an_answer_has_its_time),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
