/*
 * A command gets the message whole, is told of it, and decides by its exit
 * status what becomes of it; what it leaves undone is ended.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/deliver_parcels.h"

static const char message[] = "Subject: x\r\n\r\none\r\n\rtwo\r\n";

static char command[1024];

/* A carrier for a command, in which %s is the folder. */
static struct post *
pipe_new(bool shell, const char *format)
{
	struct post *post = post_new(&carrier_pipe);

	post->target.type = CONFIG_TARGET_PIPE;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(command, sizeof(command), format, post->folder,
	    post->folder, post->folder);
#pragma GCC diagnostic pop
	post->target.command = command;
	post->target.shell = shell;
	post_begin(post);
	return post;
}

static void
assert_file(const struct post *post, const char *name, const char *expected)
{
	char *text = post_read(post_path(post, "%s", name));

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static void
test_message(void **state)
{
	struct post *post = pipe_new(true, "cat >%s/got");
	struct sent *sent = post_message(post, message);

	(void)state;
	for (size_t piece = 1; piece < sizeof(message); piece++) {
		sent->piece = piece;
		assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
		assert_file(post, "got", "Subject: x\n\none\n\rtwo\n");
	}
	post->target.line_ends = CONFIG_LINE_ENDS_CRLF;
	post_begin(post);
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	assert_file(post, "got", message);
	post_free(post);
}

/* What has no room in memory lies on the disk; the command sees it whole. */
static void
test_large_message(void **state)
{
	const size_t length = 1536 * 1024;
	char *large = malloc(length + 1), *got;
	struct post *post = pipe_new(true, "cat >%s/got");
	struct sent *sent;

	(void)state;
	assert_non_null(large);
	for (size_t i = 0; i < length; i++)
		large[i] = (char)('a' + i % 23);
	large[length] = '\0';
	sent = post_message(post, large);
	sent->piece = 100000;
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	got = post_read(post_path(post, "got"));
	assert_string_equal(got, large);
	free(got);

	/* Nothing of it stays. */
	assert_int_equal(post_files(post->folder), 1);

	/* Ended while it is written. */
	post_carry(post, sent);
	post->type->end(post->carrier);
	post->carrier = NULL;
	assert_int_equal(sent->answers, 0);
	post_begin(post);
	sent->fails_to_read = true;
	assert_int_equal(post_deliver(post, sent), CARRIED_UNREAD);
	sent->fails_to_read = false;

	post->setup.folder = "/nowhere/at/all";
	post->type->end(post->carrier);
	post->carrier = post->type->begin(&post->setup);
	assert_int_equal(post_deliver(post, sent), CARRIED_DOWN);
	assert_string_equal(sent->answer,
	    "cannot keep the message for the command in /nowhere/at/all: No "
	    "such file or directory");
	post_free(post);
	free(large);
}

static void
test_environment(void **state)
{
	struct post *post = pipe_new(true, "env | grep ^EVPOP_ | sort >%s/got");
	struct sent *sent = post_message(post, message);

	(void)state;
	sent->parcel.attempts = 2;
	sent->parcel.may_be_there = true;
	sent->parcel.recipient = "anna@example.org";
	sent->parcel.sender = "a\nEVPOP_X=1";
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	assert_file(post, "got",
	    "EVPOP_ACCOUNT=a\nEVPOP_ATTEMPT=3\n"
	    "EVPOP_ID=0000000000000000000000000000feed.1\n"
	    "EVPOP_MESSAGE_ID=1\nEVPOP_RECEIVED=2001-09-09T01:46:40Z\n"
	    "EVPOP_RECIPIENT=anna@example.org\nEVPOP_REPEATED=1\n"
	    "EVPOP_SENDER=a?EVPOP_X=1\nEVPOP_SIZE=25\nEVPOP_TARGET=home\n");
	post_free(post);
}

static void
test_words(void **state)
{
	struct post *post = pipe_new(false, "tee '%s/{id} $HOME;x'");
	struct sent *sent = post_message(post, message);

	(void)state;
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	assert_file(post, "0000000000000000000000000000feed.1 $HOME;x",
	    "Subject: x\n\none\n\rtwo\n");
	post_free(post);
}

static void
test_exits(void **state)
{
	static const struct {
		const char *command;
		enum carried outcome;
		bool may_be_there;
		const char *answer;
	} rows[] = {
		{ "echo ticket 7; echo more", CARRIED_DELIVERED, false,
		    "ticket 7; more" },
		{ "true", CARRIED_DELIVERED, false, "" },
		{ "echo no >&2; exit 75", CARRIED_LATER, false,
		    "exit status 75, temporary failure: no" },
		{ "exit 1", CARRIED_LATER, false, "exit status 1" },
		{ "exit 69", CARRIED_LATER, false,
		    "exit status 69, service unavailable" },
		{ "exit 73", CARRIED_LATER, false,
		    "exit status 73, cannot create output" },
		{ "echo banned; exit 77", CARRIED_REFUSED, false,
		    "exit status 77, permission denied: banned" },
		{ "exit 65", CARRIED_REFUSED, false,
		    "exit status 65, the message is bad" },
		{ "exit 67", CARRIED_REFUSED, false,
		    "exit status 67, no such user" },
		{ "exit 64", CARRIED_WRONG, false,
		    "exit status 64, wrong usage" },
		{ "exit 78", CARRIED_WRONG, false,
		    "exit status 78, its configuration is wrong" },
		{ "exit 127", CARRIED_WRONG, false,
		    "exit status 127, there is no such program" },
		{ "kill -9 $$", CARRIED_LATER, true, "signal 9, Killed" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct post *post = pipe_new(true, rows[i].command);
		struct sent *sent = post_message(post, message);

		assert_int_equal(post_deliver(post, sent), rows[i].outcome);
		assert_int_equal(sent->may_be_there, rows[i].may_be_there);
		assert_string_equal(sent->answer, rows[i].answer);
		post_free(post);
	}
}

/* What it prints is bounded, and never stops it. */
static void
test_output_is_bounded(void **state)
{
	struct post *post = pipe_new(true, "cat /dev/zero | head -c 10000000");
	struct sent *sent = post_message(post, message);

	(void)state;
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	assert_true(strlen(sent->answer) < sizeof(sent->answer) - 1);
	post_free(post);
}

static void
test_timeout(void **state)
{
	struct post *post =
	    pipe_new(true, "trap 'echo bye >%s/bye; exit 0' TERM; sleep 600 & "
			   "echo $! >%s/child; wait");
	struct sent *sent = post_message(post, message);
	char *child;
	pid_t pid;

	(void)state;
	post->target.timeout_ms = 300;
	post_begin(post);
	assert_int_equal(post_deliver(post, sent), CARRIED_LATER);
	assert_true(sent->may_be_there);
	assert_string_equal(sent->answer,
	    "the command did not finish within 300ms, and was ended");
	assert_file(post, "bye", "bye\n");
	child = post_read(post_path(post, "child"));
	pid = (pid_t)strtol(child, NULL, 10);
	free(child);
	/* All of its group; who adopts it may be late to bury it. */
	for (int i = 0; i < 1000 && kill(pid, 0) == 0; i++) {
		char path[64], *status;

		(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
		status = post_read(path);
		if (status == NULL || strstr(status, "State:\tZ") != NULL) {
			free(status);
			break;
		}
		free(status);
		assert_int_not_equal(i, 999);
		(void)usleep(10000);
	}
	post_free(post);
}

static void
test_memory_limit(void **state)
{
	struct post *post = pipe_new(true,
	    "dd if=/dev/zero of=/dev/null bs=200M count=1 2>/dev/null || "
	    "exit 75");
	struct sent *sent = post_message(post, message);

	(void)state;
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	post->target.memory_limit = (uint64_t)100 * 1024 * 1024;
	post_begin(post);
	assert_int_equal(post_deliver(post, sent), CARRIED_LATER);
	post_free(post);

	post = pipe_new(false, "dd if=/dev/zero of=/dev/null bs=200M count=1");
	sent = post_message(post, message);
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	post->target.memory_limit = (uint64_t)100 * 1024 * 1024;
	post_begin(post);
	assert_int_equal(post_deliver(post, sent), CARRIED_LATER);
	assert_non_null(strstr(sent->answer, "memory"));
	post_free(post);
}

static void
test_no_such_program(void **state)
{
	struct post *post = pipe_new(false, "/nowhere/at/all {id}");
	struct sent *sent = post_message(post, message);

	(void)state;
	assert_int_equal(post_deliver(post, sent), CARRIED_WRONG);
	assert_string_equal(sent->answer,
	    "the command cannot start: No such file or directory");
	assert_int_equal(post_probe(post), CARRIED_WRONG);
	assert_string_equal(
	    post->probe.answer, "/nowhere/at/all: there is no such program");
	post_free(post);

	post = pipe_new(false, "/bin/sh -c false");
	assert_int_equal(post_probe(post), CARRIED_DELIVERED);
	post_free(post);
}

/* One that cannot be read whole is given to nobody. */
static void
test_unread(void **state)
{
	struct post *post = pipe_new(true, "touch %s/ran");
	struct sent *sent = post_message(post, message);

	(void)state;
	sent->piece = 5;
	sent->fails_to_read = true;
	assert_int_equal(post_deliver(post, sent), CARRIED_UNREAD);
	assert_int_equal(post_files(post->folder), 0);
	sent->fails_to_read = false;
	post->ends_at_answer = true;
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	assert_null(post->carrier);
	post_free(post);
}

/* Ended at any time on the way to a command that runs. */
static void
test_early_ends(void **state)
{
	(void)state;
	for (int turns = 0; turns < 40; turns++) {
		struct post *post = pipe_new(true, "sleep 600");
		struct sent *sent = post_message(post, message);

		post_carry(post, sent);
		for (int i = 0; i < turns; i++)
			(void)event_base_loop(
			    post->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
		post->type->end(post->carrier);
		post->carrier = NULL;
		assert_int_equal(sent->answers, 0);
		post_free(post);
	}
}

/* Ended while the command runs. */
static void
test_end(void **state)
{
	struct post *post = pipe_new(true, "touch %s/ran; sleep 600");
	struct sent *sent = post_message(post, message);

	(void)state;
	post_carry(post, sent);
	while (access(post_path(post, "ran"), F_OK) != 0)
		(void)event_base_loop(post->base, EVLOOP_NONBLOCK);
	post->type->end(post->carrier);
	post->carrier = NULL;
	assert_int_equal(sent->answers, 0);
	post_free(post);
}

/* Commands are to find what they are told of, not what tests are told. */
static int
forget_variables(void **state)
{
	char name[64];
	size_t i = 0;

	(void)state;
	while (environ[i] != NULL) {
		size_t length = strcspn(environ[i], "=");

		if (strncmp(environ[i], "EVPOP_", 6) != 0) {
			i++;
			continue;
		}
		assert_true(length < sizeof(name));
		memcpy(name, environ[i], length);
		name[length] = '\0';
		assert_int_equal(unsetenv(name), 0);
	}
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_large_message),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_exits),
		cmocka_unit_test(test_output_is_bounded),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_memory_limit),
		cmocka_unit_test(test_no_such_program),
		cmocka_unit_test(test_unread),
		cmocka_unit_test(test_early_ends),
		cmocka_unit_test(test_end),
	};

	return cmocka_run_group_tests(tests, forget_variables, NULL);
}
