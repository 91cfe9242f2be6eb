/*
 * Messages go to the end of mbox files: quoted, once, under lock; what a crash
 * has cut is taken away, and what others have written stays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/deliver_parcels.h"

#define KEY(number) "0000000000000000000000000000feed." number
#define FROM        "From ann@example.org Sun Sep  9 01:46:40 2001\n"
#define SENT(number)                                      \
	"X-Evpop-Id: " KEY(number) "\r\nSubject: " number \
				   "\r\n\r\nFrom here\r\n>From there"
#define WRITTEN(number)                                      \
	FROM "X-Evpop-Id: " KEY(number) "\nSubject: " number \
					"\n\n>From here\n>>From there\n\n"
#define OTHER "From x Mon Jan  1 00:00:00 2001\nSubject: other\n\nhello\n\n"

static int
setup(void **state)
{
	struct post *post = post_new(&carrier_mbox);

	post->target.path = strdup(post_path(post, "inbox"));
	assert_non_null(post->target.path);
	post_begin(post);
	*state = post;
	return 0;
}

static int
teardown(void **state)
{
	struct post *post = *state;

	free(post->target.path);
	post_free(post);
	return 0;
}

static void
assert_inbox(struct post *post, const char *expected)
{
	char *text = post_read(post_path(post, "inbox"));

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
	assert_int_equal(access(post_path(post, "inbox.lock"), F_OK), -1);
	assert_int_equal(post_files(post->folder), 1);
}

static void
test_delivers(void **state)
{
	struct post *post = *state;
	struct sent *sent = post_message(post, SENT("1"));
	struct stat status;

	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	assert_inbox(post, WRITTEN("1"));
	assert_string_equal(sent->place, post_path(post, "inbox"));
	assert_int_equal(stat(sent->place, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_string_equal(sent->note, "0 130");
	sent = post_message(post, SENT("2"));
	sent->piece = 1;
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	assert_inbox(post, WRITTEN("1") WRITTEN("2"));
	assert_string_equal(sent->note, "130 130");
}

static void
test_line_ends_and_sender(void **state)
{
	struct post *post = *state;
	struct sent *sent;

	post->target.line_ends = CONFIG_LINE_ENDS_CRLF;
	post->target.mode = 0660;
	post_begin(post);
	sent = post_message(post, "X-Evpop-Id: " KEY("1") "\r\n\r\nFrom a\r\n");
	sent->parcel.sender = "";
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	assert_inbox(post, "From MAILER-DAEMON Sun Sep  9 01:46:40 2001\r\n"
			   "X-Evpop-Id: " KEY("1") "\r\n\r\n>From a\r\n\r\n");
	/* It is found all the same. */
	sent->parcel.may_be_there = true;
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	assert_string_equal(sent->answer, "it was there already");
}

static void
test_many(void **state)
{
	struct post *post = *state;
	char *text, *at;

	for (size_t i = 0; i < 200; i++)
		post_carry(post, post_message(post, SENT("1")));
	post_wait(post);
	text = at = post_read(post_path(post, "inbox"));
	assert_non_null(text);
	for (size_t i = 0; i < 200; i++) {
		assert_int_equal(post->sent[i].outcome, CARRIED_DELIVERED);
		assert_memory_equal(at, WRITTEN("1"), sizeof(WRITTEN("1")) - 1);
		at += sizeof(WRITTEN("1")) - 1;
	}
	assert_string_equal(at, "");
	free(text);
}

/* What others have left is separated from what comes. */
static void
test_separates(void **state)
{
	static const struct {
		const char *before, *between;
	} cases[] = {
		{ "From x\n\nhello\n\n", "" },
		{ "From x\n\nhello\n", "\n" },
		{ "From x\n\nhello", "\n\n" },
		{ "\n", "\n" },
		{ "From x\r\n\r\nhello\r\n\r\n", "" },
		{ "From x\r\n\r\nhello\r\n", "\n" },
	};
	struct post *post = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char expected[1024];

		post_write(post_path(post, "inbox"), cases[i].before);
		assert_int_equal(
		    post_deliver(post, post_message(post, SENT("7"))),
		    CARRIED_DELIVERED);
		snprintf(expected, sizeof(expected), "%s%s%s", cases[i].before,
		    cases[i].between, WRITTEN("7"));
		assert_inbox(post, expected);
	}
}

/* An attempt of which nothing is known but what it noted. */
static enum carried
deliver_again(struct post *post, const char *note)
{
	struct sent *sent = &post->sent[0];

	if (post->count == 0)
		sent = post_message(post, SENT("1"));
	sent->parcel.note = note;
	return post_deliver(post, sent);
}

static void
test_there_already(void **state)
{
	static const struct {
		const char *before, *note, *after, *answer;
	} cases[] = {
		{ WRITTEN("1"), "0 130", WRITTEN("1"), "it was there already" },
		{ OTHER WRITTEN("1") OTHER, "0 130", OTHER WRITTEN("1") OTHER,
		    "it was there already" },
		{ OTHER WRITTEN("1"), "55 130", OTHER WRITTEN("1"),
		    "it was there already" },
		/* The file was written anew: it lies elsewhere. */
		{ OTHER WRITTEN("1"), "9999 130", OTHER WRITTEN("1"),
		    "it was there already" },
		/* Its reader has marked it. */
		{ FROM "Status: RO\nX-Evpop-Id: " KEY("1") "\nSubject: 1\n\n"
							   ">From here\n>>From "
							   "there\n\n" OTHER,
		    "0 130",
		    FROM "Status: RO\nX-Evpop-Id: " KEY(
			"1") "\nSubject: 1\n\n>From here\n>>From "
			     "there\n\n" OTHER,
		    "it was there already" },
		/* Another message quotes its header: that is not it. */
		{ "From x\nSubject: y\n\nX-Evpop-Id: " KEY("1") "\n\n", "0 130",
		    "From x\nSubject: y\n\nX-Evpop-Id: " KEY(
			"1") "\n\n" WRITTEN("1"),
		    "" },
		/* Nor is one whose key only begins so. */
		{ WRITTEN("11"), "0 130", WRITTEN("11") WRITTEN("1"), "" },
		{ OTHER, "0 130", OTHER WRITTEN("1"), "" },
		{ "", "0 130", WRITTEN("1"), "" },
	};
	struct post *post = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		post_write(post_path(post, "inbox"), cases[i].before);
		assert_int_equal(
		    deliver_again(post, cases[i].note), CARRIED_DELIVERED);
		assert_inbox(post, cases[i].after);
		assert_string_equal(post->sent[0].answer, cases[i].answer);
	}
}

/* Cut anywhere by a crash: it is there once, and what was before it as well. */
static void
test_cut(void **state)
{
	static const char whole[] = OTHER WRITTEN("1");
	struct post *post = *state;

	for (size_t length = sizeof(OTHER) - 1 + 5; length < sizeof(whole) - 1;
	     length++) {
		char part[sizeof(whole)];

		memcpy(part, whole, length);
		part[length] = '\0';
		post_write(post_path(post, "inbox"), part);
		assert_int_equal(
		    deliver_again(post, "55 130"), CARRIED_DELIVERED);
		assert_inbox(post, whole);
	}
}

/* Another program has added to one that was cut: that is not taken away. */
static void
test_cut_and_added_to(void **state)
{
	static const char cut[] =
	    FROM "X-Evpop-Id: " KEY("1") "\nSubject: 1\n\n>Fr\n\n";
	struct post *post = *state;
	char before[1024], after[2048];

	snprintf(before, sizeof(before), "%s%s", cut, OTHER);
	snprintf(after, sizeof(after), "%s%s", before, WRITTEN("1"));
	post_write(post_path(post, "inbox"), before);
	assert_int_equal(deliver_again(post, "0 130"), CARRIED_DELIVERED);
	assert_inbox(post, after);
}

static void
test_not_noted(void **state)
{
	struct post *post = *state;
	struct sent *sent = post_message(post, SENT("1"));

	sent->fails_to_note = true;
	assert_int_equal(post_deliver(post, sent), CARRIED_LATER);
	assert_int_equal(post_files(post->folder), 0);
	sent->fails_to_note = false;
	sent->fails_to_read = true;
	sent->piece = 20;
	assert_int_equal(post_deliver(post, sent), CARRIED_UNREAD);
	sent->fails_to_read = false;
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	assert_inbox(post, WRITTEN("1"));
}

/* In another process: locks of one's own do not count. */
static pid_t
lock_elsewhere(const char *path)
{
	int ready[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		struct flock lock = { .l_type = F_WRLCK };
		int fd = open(path, O_RDWR);

		if (fcntl(fd, F_SETLK, &lock) == 0)
			(void)!write(ready[1], "", 1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void
test_locked(void **state)
{
	struct post *post = *state;
	struct sent *sent;
	pid_t pid;
	char text[300], host[256];

	post->target.timeout_ms = 200;
	post_begin(post);
	sent = post_message(post, SENT("1"));
	post_write(post_path(post, "inbox"), "");
	pid = lock_elsewhere(post_path(post, "inbox"));
	assert_int_equal(post_deliver(post, sent), CARRIED_LATER);
	assert_non_null(strstr(sent->answer, "locked"));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	/* The file of somebody who lives. */
	gethostname(host, sizeof(host));
	snprintf(text, sizeof(text), "%d:%s", (int)getpid(), host);
	post_write(post_path(post, "inbox.lock"), text);
	assert_int_equal(post_deliver(post, sent), CARRIED_LATER);
	assert_non_null(strstr(sent->answer, "inbox.lock"));
	/* And of somebody who is dead. */
	snprintf(text, sizeof(text), "%d:%s", (int)pid, host);
	post_write(post_path(post, "inbox.lock"), text);
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	assert_inbox(post, WRITTEN("1"));
}

static void
test_wrong(void **state)
{
	struct post *post = *state;
	struct sent *sent = post_message(post, SENT("1"));

	assert_int_equal(post_probe(post), CARRIED_DELIVERED);
	assert_int_equal(mkdir(post_path(post, "inbox"), 0700), 0);
	assert_int_equal(post_probe(post), CARRIED_WRONG);
	assert_int_equal(post_deliver(post, sent), CARRIED_WRONG);
	assert_non_null(strstr(sent->answer, "inbox"));
	free(post->target.path);
	post->target.path = strdup(post_path(post, "no/such/inbox"));
	post_begin(post);
	assert_int_equal(post_probe(post), CARRIED_WRONG);
	sent = post_message(post, SENT("1"));
	assert_int_equal(post_deliver(post, sent), CARRIED_WRONG);
	assert_non_null(strstr(sent->answer, "does not exist"));
}

static void
test_templates(void **state)
{
	struct post *post = *state;
	struct sent *sent[3];
	char *text;

	free(post->target.path);
	post->target.path = strdup(post_path(post, "{domain}/{user}"));
	post_begin(post);
	for (size_t i = 0; i < 3; i++) {
		sent[i] = post_message(post, SENT("1"));
		sent[i]->parcel.path =
		    post_path(post, i == 1 ? "b/ann" : "a/ann");
		post_carry(post, sent[i]);
	}
	post_wait(post);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(sent[i]->outcome, CARRIED_DELIVERED);
	text = post_read(post_path(post, "a/ann"));
	assert_string_equal(text, WRITTEN("1") WRITTEN("1"));
	free(text);
	text = post_read(post_path(post, "b/ann"));
	assert_string_equal(text, WRITTEN("1"));
	free(text);
}

static void
test_ends(void **state)
{
	struct post *post = *state;

	for (size_t i = 0; i < 100; i++)
		post_carry(post, post_message(post, SENT("1")));
	post->type->end(post->carrier);
	post->carrier = NULL;
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_delivers),
		TEST(test_line_ends_and_sender),
		TEST(test_many),
		TEST(test_separates),
		TEST(test_there_already),
		TEST(test_cut),
		TEST(test_cut_and_added_to),
		TEST(test_not_noted),
		TEST(test_locked),
		TEST(test_wrong),
		TEST(test_templates),
		TEST(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
