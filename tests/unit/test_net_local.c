/* A dial to a socket of this machine. */
#include <sys/socket.h>
#include <sys/un.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "lib/net/dial.h"

static struct event_base *base;
static char folder[] = "/tmp/evpop-local-XXXXXX";

struct trial {
	struct evpop_dial *dial;
	struct evpop_dialed dialed;
	struct evpop_result result;
	size_t connected, failed;
	bool frees;
};

static void
on_connecting(void *arg)
{
	(void)arg;
	fail();
}

static void
on_connected(const struct evpop_dialed *dialed, void *arg)
{
	struct trial *trial = arg;

	trial->connected++;
	trial->dialed = *dialed;
	if (trial->frees)
		evpop_dial_free(&trial->dial);
}

static void
on_failed(const struct evpop_result *result, void *arg)
{
	struct trial *trial = arg;

	trial->failed++;
	trial->result = *result;
	if (trial->frees)
		evpop_dial_free(&trial->dial);
}

static const struct evpop_dial_handler handler = { on_connecting, on_connected,
	on_failed };

/* Whatever else is said, it is the socket that counts. */
static struct trial
dial_socket(const char *path, bool frees)
{
	const struct evpop_dial_options options = {
		.host = "localhost", .port = 1, .socket = path
	};
	struct trial trial = { .frees = frees };

	trial.dial = evpop_dial_new(base, NULL, &options, &handler, &trial);
	assert_non_null(trial.dial);
	assert_int_equal(trial.connected + trial.failed, 0);
	assert_int_not_equal(event_base_loop(base, EVLOOP_ONCE), -1);
	assert_int_equal(trial.connected + trial.failed, 1);
	evpop_dial_free(&trial.dial);
	return trial;
}

static int
listen_at(const char *path, int backlog)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	assert_int_equal(
	    bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

static void
test_connected(void **state)
{
	char path[100], octet;
	struct trial trial;
	int listener, fd, i;

	(void)state;
	snprintf(path, sizeof path, "%s/socket", folder);
	listener = listen_at(path, 8);
	for (i = 0; i < 2; i++) {
		trial = dial_socket(path, i == 1);
		assert_int_equal(trial.connected, 1);
		assert_true(trial.dialed.loopback);
		assert_int_equal(trial.dialed.address.length, 0);
		fd = accept(listener, NULL, NULL);
		assert_int_equal(write(fd, "x", 1), 1);
		assert_int_equal(read(trial.dialed.fd, &octet, 1), 1);
		assert_int_equal(read(trial.dialed.fd, &octet, 1), -1);
		close(fd);
		close(trial.dialed.fd);
	}
	close(listener);
	trial = dial_socket(path, true);
	assert_int_equal(trial.failed, 1);
	assert_non_null(strstr(trial.result.text, ": Connection refused"));
	unlink(path);
}

static void
check_failed(const char *path, const char *words)
{
	struct trial trial = dial_socket(path, false);

	assert_int_equal(trial.failed, 1);
	assert_int_equal(trial.result.error, EVPOP_ERROR_IO);
	assert_int_equal(trial.result.phase, EVPOP_PHASE_CONNECT);
	assert_true(trial.result.retry);
	assert_non_null(strstr(trial.result.text, path));
	if (strstr(trial.result.text, words) == NULL)
		fail_msg("%s", trial.result.text);
}

static void
test_failed(void **state)
{
	char path[100], longer[sizeof(struct sockaddr_un)];

	(void)state;
	snprintf(path, sizeof path, "%s/none", folder);
	check_failed(path, ": No such file or directory");
	memset(longer, 'x', sizeof longer);
	longer[0] = '/';
	longer[sizeof longer - 2] = '\0';
	check_failed(longer, ": File name too long");
}

/* Nobody accepts, and more are waiting already than there is room for. */
static void
test_busy(void **state)
{
	char path[100];
	struct trial trial, waiting[8];
	size_t count = 0;
	int listener;

	(void)state;
	snprintf(path, sizeof path, "%s/busy", folder);
	listener = listen_at(path, 0);
	for (;;) {
		trial = dial_socket(path, false);
		if (trial.failed == 1)
			break;
		assert_true(count < 8);
		waiting[count++] = trial;
	}
	assert_non_null(
	    strstr(trial.result.text, "the server is too busy to accept it"));
	while (count-- > 0)
		close(waiting[count].dialed.fd);
	close(listener);
	unlink(path);
}

static int
group_begin(void **state)
{
	(void)state;
	base = event_base_new();
	return base == NULL || mkdtemp(folder) == NULL;
}

static int
group_end(void **state)
{
	(void)state;
	event_base_free(base);
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connected),
		cmocka_unit_test(test_failed),
		cmocka_unit_test(test_busy),
	};

	return cmocka_run_group_tests(tests, group_begin, group_end);
}
