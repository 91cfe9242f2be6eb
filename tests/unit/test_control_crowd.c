/*
 * Crowds at the socket: whoever holds whatever number of connections, in
 * whatever state, an admin's question is answered in the next turns of the
 * loop.  Turns are counted, no time is measured; nobody's deadline runs out,
 * for all of them are longer than a test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/control/limits.h"
#include "tests/unit/test_control_client.h"

#define CROWD    1500
#define IDLE     1000
#define STRANGER 65533
#define ANOTHER  65532

/* To be accepted, judged, read, and answered. */
#define FEW_TURNS 4

#define STATUS "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"

struct crowd {
	int fds[CROWD];
	size_t count;
};

/* A descriptor each for this side and the other's, as far as we may. */
static size_t
size_of_crowd(size_t wanted)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < wanted + LIMITS_DESCRIPTORS + 64) {
		print_message("only %ju descriptors: a smaller crowd\n",
		    (uintmax_t)limit.rlim_max);
		return (size_t)limit.rlim_max / 2;
	}
	return wanted;
}

static void
open_crowd(struct fixture *fixture, struct crowd *crowd, size_t count,
    const char *words)
{
	for (size_t i = 0; i < count; i++) {
		crowd->fds[crowd->count] = dial(fixture);
		/* One that is closed for a later one may be so already. */
		(void)send(crowd->fds[crowd->count], words, strlen(words),
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		crowd->count++;
		if (i % 8 == 7)
			turn(fixture);
	}
}

static void
close_crowd(struct crowd *crowd)
{
	while (crowd->count > 0)
		close(crowd->fds[--crowd->count]);
}

/* Whether the daemon has closed it; what it sent before is thrown away. */
static bool
is_closed(int fd)
{
	char octets[4096];
	ssize_t got;

	do
		got = recv(fd, octets, sizeof(octets), MSG_DONTWAIT);
	while (got > 0);
	return got == 0 || errno == ECONNRESET;
}

static size_t
count_open(const struct crowd *crowd)
{
	size_t open = 0;

	for (size_t i = 0; i < crowd->count; i++)
		open += !is_closed(crowd->fds[i]);
	return open;
}

/* The turns until the answer is whole; the status in it is 200. */
static unsigned
turns_until_answered(struct fixture *fixture, int fd)
{
	struct reply reply;
	unsigned turns = 0;

	memset(&reply, 0, sizeof(reply));
	do {
		turn(fixture);
		turns++;
		assert_true(turns < 10000);
		assert_true(read_some(fd, &reply));
	} while (reply.length == 0 || strstr(reply.bytes, "\"pid\":") == NULL);
	assert_memory_equal(reply.bytes, "HTTP/1.1 200 ", 13);
	forget(&reply);
	return turns;
}

static unsigned
ask_status(struct fixture *fixture)
{
	int fd = dial(fixture);
	unsigned turns;

	say(fd, STATUS);
	turns = turns_until_answered(fixture, fd);
	close(fd);
	return turns;
}

static void
expect_few_turns(struct fixture *fixture)
{
	unsigned turns = ask_status(fixture);

	if (turns > FEW_TURNS)
		fail_msg("answered after %u turns", turns);
}

static void
test_a_thousand_idle(void **state)
{
	struct fixture *fixture = *state;
	struct crowd crowd = { .count = 0 };
	int mine = dial(fixture);

	/* One that asks now and then is not the least recently used. */
	open_crowd(fixture, &crowd, 50, "");
	say(mine, STATUS);
	(void)turns_until_answered(fixture, mine);
	open_crowd(fixture, &crowd, 50, "");
	say(mine, STATUS);
	(void)turns_until_answered(fixture, mine);

	open_crowd(fixture, &crowd, size_of_crowd(IDLE) - 100, "");
	expect_few_turns(fixture);
	assert_int_equal(count_open(&crowd), LIMITS_ADMIN_CONNECTIONS - 1);
	/* The last to come are those that stay. */
	assert_true(is_closed(crowd.fds[0]));
	assert_false(is_closed(crowd.fds[crowd.count - 1]));
	close_crowd(&crowd);
	expect_few_turns(fixture);
	close(mine);
}

static void
test_half_sent_requests(void **state)
{
	static const char *const halves[] = { "G", "GET /v1/st",
		"GET /v1/status HTTP/1.1\r\n",
		"GET /v1/status HTTP/1.1\r\nHost: x\r\n",
		"POST /v1/reload HTTP/1.1\r\nContent-Length: 9\r\n\r\n{" };
	struct fixture *fixture = *state;
	struct crowd crowd = { .count = 0 };
	size_t size = size_of_crowd(CROWD);

	open_crowd(fixture, &crowd, size - size / 3, "");
	for (size_t i = 0; i < 5; i++)
		open_crowd(fixture, &crowd, size / 15, halves[i]);
	expect_few_turns(fixture);
	close_crowd(&crowd);
}

/* Octet by octet: it moves all the time, and is no request yet. */
static void
test_requests_that_drip(void **state)
{
	struct fixture *fixture = *state;
	struct crowd crowd = { .count = 0 };
	int fd;

	open_crowd(fixture, &crowd, size_of_crowd(500), "GET /");
	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < crowd.count; i++)
			(void)send(
			    crowd.fds[i], "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		fd = dial(fixture);
		say(fd, STATUS);
		assert_true(turns_until_answered(fixture, fd) <= FEW_TURNS);
		close(fd);
	}
	close_crowd(&crowd);
}

static void
test_answers_that_nobody_reads(void **state)
{
	static const char *const requests[] = {
		"GET /v1/messages/100/raw HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /v1/messages?limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n"
		"GET /v1/messages?limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n"
		"GET /v1/messages?limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n",
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < 2; i++) {
		struct crowd crowd = { .count = 0 };

		open_crowd(fixture, &crowd, size_of_crowd(400), requests[i]);
		for (int turns = 0; turns < 50; turns++)
			turn(fixture);
		expect_few_turns(fixture);
		close_crowd(&crowd);
	}
}

/* The answer that is being taken goes on, those that stand still do not. */
static void
test_an_answer_that_is_read_goes_on(void **state)
{
	struct fixture *fixture = *state;
	struct crowd crowd = { .count = 0 };
	struct reply reply;
	int fd = dial(fixture);

	say(fd, "GET /v1/messages/100/raw HTTP/1.1\r\nHost: x\r\n\r\n");
	memset(&reply, 0, sizeof(reply));
	while (crowd.count < size_of_crowd(400)) {
		open_crowd(fixture, &crowd, 8,
		    "GET /v1/messages/100/raw HTTP/1.1\r\nHost: x\r\n\r\n");
		turn(fixture);
		assert_true(read_some(fd, &reply));
		turn(fixture);
	}
	for (int turns = 0; reply.length < BODY_SIZE && turns < 10000;
	     turns++) {
		turn(fixture);
		assert_true(read_some(fd, &reply));
	}
	assert_true(reply.length > BODY_SIZE);
	forget(&reply);
	close(fd);
	close_crowd(&crowd);
}

/* Every one waits for the store, which is held: the oldest questions go. */
static void
test_questions_that_the_store_holds(void **state)
{
	struct fixture *fixture = *state;
	struct crowd crowd = { .count = 0 };

	fixture->store.hold = true;
	open_crowd(fixture, &crowd, size_of_crowd(300),
	    "GET /v1/messages HTTP/1.1\r\nHost: x\r\n\r\n");
	for (int turns = 0; turns < 50; turns++)
		turn(fixture);
	expect_few_turns(fixture);
	assert_true(is_closed(crowd.fds[0]));
	assert_false(is_closed(crowd.fds[crowd.count - 1]));
	fixture->store.hold = false;
	store_fake_release(&fixture->store);
	expect_few_turns(fixture);
	close_crowd(&crowd);
}

/* Somebody else, who is no admin; only root can be one. */
static void
let_strangers_in(const struct fixture *fixture)
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(fixture->folder, 0755), 0);
	assert_int_equal(chmod(fixture->path, 0666), 0);
}

static void
open_crowd_as(struct fixture *fixture, uid_t user, struct crowd *crowd,
    size_t count, const char *words)
{
	assert_int_equal(seteuid(user), 0);
	open_crowd(fixture, crowd, count, words);
	assert_int_equal(seteuid(0), 0);
}

static void
test_a_crowd_of_a_stranger(void **state)
{
	struct fixture *fixture = *state;
	struct crowd crowd = { .count = 0 }, other = { .count = 0 };
	int admins, fd;

	let_strangers_in(fixture);
	admins = dial(fixture);
	open_crowd_as(fixture, ANOTHER, &other, 3, "");
	open_crowd_as(fixture, STRANGER, &crowd, size_of_crowd(IDLE), "");
	open_crowd_as(fixture, STRANGER, &crowd, 100, "GET /v1");
	expect_few_turns(fixture);
	/* A share is open; the admin's and the other user's are untouched. */
	assert_int_equal(count_open(&crowd), LIMITS_USER_CONNECTIONS);
	assert_int_equal(count_open(&other), 3);
	say(admins, STATUS);
	assert_true(turns_until_answered(fixture, admins) <= FEW_TURNS);

	/* So is one more of the stranger's. */
	open_crowd_as(fixture, STRANGER, &crowd, 1, STATUS);
	fd = crowd.fds[crowd.count - 1];
	assert_true(turns_until_answered(fixture, fd) <= FEW_TURNS);
	close(admins);
	close_crowd(&crowd);
	close_crowd(&other);
}

static void
test_strangers_wait_for_themselves(void **state)
{
	static const char lists[] = "GET /v1/polls HTTP/1.1\r\nHost: x\r\n\r\n";
	struct fixture *fixture = *state;
	struct crowd crowd = { .count = 0 }, other = { .count = 0 };
	struct reply reply;

	let_strangers_in(fixture);
	fixture->store.hold = true;
	open_crowd_as(fixture, STRANGER, &crowd,
	    LIMITS_USER_CONNECTIONS + LIMITS_USER_WAITING, lists);
	for (int turns = 0; turns < 50; turns++)
		turn(fixture);
	assert_int_equal(fixture->store.held, LIMITS_USER_CONNECTIONS);
	assert_int_equal(count_open(&crowd), crowd.count);
	/* One more is told so. */
	open_crowd_as(fixture, STRANGER, &other, 1, lists);
	assert_true(hear(fixture, other.fds[0], &reply));
	assert_int_equal(reply.status, 503);
	assert_string_equal(error_text(&reply, "code"), "too_many_connections");
	forget(&reply);
	/* Others are served. */
	open_crowd_as(fixture, ANOTHER, &other, 1, STATUS);
	assert_true(turns_until_answered(fixture, other.fds[1]) <= FEW_TURNS);
	expect_few_turns(fixture);

	/* All who waited get their answer. */
	fixture->store.hold = false;
	store_fake_release(&fixture->store);
	for (size_t i = 0; i < crowd.count; i++) {
		assert_true(hear(fixture, crowd.fds[i], &reply));
		assert_int_equal(reply.status, 200);
		forget(&reply);
	}
	close_crowd(&crowd);
	close_crowd(&other);
}

/* ---- no descriptor left ---- */

/* Beyond what a test has open by itself. */
#define DESCRIPTORS 256

/* Take all that are left, and say how many. */
static size_t
take_descriptors(int fds[DESCRIPTORS])
{
	struct rlimit limit;
	size_t count = 0;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = DESCRIPTORS;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while ((fds[count] = dup(STDERR_FILENO)) != -1)
		count++;
	assert_int_equal(errno, EMFILE);
	return count;
}

static void
connect_to(const struct fixture *fixture, int fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memcpy(address.sun_path, fixture->path, strlen(fixture->path));
	assert_int_equal(
	    connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

/*
 * One is served with the spare descriptor, the next for the one before, which
 * is idle then; and when there are descriptors again, so is the spare one.
 */
static void
test_no_descriptor_left(void **state)
{
	struct fixture *fixture = *state;
	int taken[DESCRIPTORS], fds[5];

	for (int round = 0; round < 3; round++) {
		size_t count;

		for (size_t i = 0; i < 5; i++) {
			fds[i] = socket(AF_UNIX, SOCK_STREAM, 0);
			assert_int_not_equal(fds[i], -1);
		}
		count = take_descriptors(taken);
		for (size_t i = 0; i < 5; i++) {
			connect_to(fixture, fds[i]);
			say(fds[i], STATUS);
			assert_true(turns_until_answered(fixture, fds[i]) <=
				    FEW_TURNS + 2);
		}
		for (size_t i = 0; i < 5; i++)
			close(fds[i]);
		while (count > 0)
			close(taken[--count]);
		expect_few_turns(fixture);
	}
}

/* With none left at all, accepting is tried again now and then. */
static void
test_no_descriptor_and_all_at_work(void **state)
{
	struct fixture *fixture = *state;
	int taken[DESCRIPTORS], fds[2];
	size_t count;

	for (size_t i = 0; i < 2; i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM, 0);
		assert_int_not_equal(fds[i], -1);
	}
	count = take_descriptors(taken);
	fixture->store.hold = true;
	connect_to(fixture, fds[0]);
	say(fds[0], "GET /v1/messages HTTP/1.1\r\nHost: x\r\n\r\n");
	while (fixture->store.held == 0)
		turn(fixture);
	connect_to(fixture, fds[1]);
	say(fds[1], STATUS);
	for (int turns = 0; turns < 100; turns++)
		turn(fixture);
	fixture->store.hold = false;
	store_fake_release(&fixture->store);
	(void)turns_until_answered(fixture, fds[1]);
	for (size_t i = 0; i < 2; i++)
		close(fds[i]);
	while (count > 0)
		close(taken[--count]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(test_a_thousand_idle),
		LIVE(test_half_sent_requests),
		LIVE(test_requests_that_drip),
		LIVE(test_answers_that_nobody_reads),
		LIVE(test_an_answer_that_is_read_goes_on),
		LIVE(test_questions_that_the_store_holds),
		LIVE(test_a_crowd_of_a_stranger),
		LIVE(test_strangers_wait_for_themselves),
		LIVE(test_no_descriptor_left),
		LIVE(test_no_descriptor_and_all_at_work),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
