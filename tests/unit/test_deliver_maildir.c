/*
 * Messages go into Maildirs: whole, once, under names of their own, with the
 * rights and the quota that are asked for; and what goes wrong is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/deliver_parcels.h"

static const char message[] = "Subject: one\r\n\r\nFrom here\r\nbare\rcr\r\n";
static const char as_file[] = "Subject: one\n\nFrom here\nbare\rcr\n";

static int
setup(void **state)
{
	struct post *post = post_new(&carrier_maildir);

	post->target.path = strdup(post_path(post, "Maildir"));
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

/* Use a template from now on. */
static void
use_path(struct post *post, const char *path)
{
	free(post->target.path);
	post->target.path = strdup(path);
	assert_non_null(post->target.path);
	post_begin(post);
}

static void
assert_file(const char *path, const char *expected)
{
	char *text = post_read(path);

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static void
test_delivers(void **state)
{
	struct post *post = *state;
	struct sent *sent = post_message(post, message);
	struct stat status;
	char name[256];

	sent->parcel.received_ms += 7089;
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	snprintf(name, sizeof(name), "Maildir/new/1732000000.%s.evpop,S=%zu",
	    sent->parcel.key, sizeof(as_file) - 1);
	assert_string_equal(sent->place, post_path(post, "%s", name));
	assert_file(sent->place, as_file);
	assert_int_equal(stat(sent->place, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(status.st_mtim.tv_sec, 1000000007);
	assert_int_equal(status.st_mtim.tv_nsec, 89000000);
	assert_int_equal(stat(post_path(post, "Maildir"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	assert_int_equal(post_files(post_path(post, "Maildir/tmp")), 0);
	assert_int_equal(post_files(post_path(post, "Maildir/cur")), 0);
}

static void
test_line_ends_and_mode(void **state)
{
	struct post *post = *state;
	struct sent *sent;
	struct stat status;

	post->target.line_ends = CONFIG_LINE_ENDS_CRLF;
	post->target.mode = 0640;
	post_begin(post);
	sent = post_message(post, message);
	sent->piece = 1;
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	assert_file(sent->place, message);
	assert_int_equal(stat(sent->place, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
	assert_int_equal(stat(post_path(post, "Maildir/new"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0750);
}

/* Below a folder that gives its group to what is made in it. */
static void
test_group(void **state)
{
	struct post *post = *state;
	struct stat status;

	post->target.mode = 0660;
	post_begin(post);
	assert_int_equal(chmod(post->folder, 02770), 0);
	assert_int_equal(
	    post_deliver(post, post_message(post, message)), CARRIED_DELIVERED);
	assert_int_equal(stat(post_path(post, "Maildir"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 02770);
	assert_int_equal(stat(post_path(post, "Maildir/new"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 02770);
}

/* Cut anywhere, and larger than what waits for the thread. */
static void
test_large(void **state)
{
	struct post *post = *state;
	const size_t size = 2000000;
	char *text = malloc(size + 1), *found;
	struct sent *sent;

	assert_non_null(text);
	memset(text, 'x', size);
	for (size_t i = 76; i < size; i += 78)
		memcpy(text + i, "\r\n", 2);
	text[size] = '\0';
	sent = post_message(post, text);
	sent->piece = 262144 - 1;
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	found = post_read(sent->place);
	assert_non_null(found);
	assert_int_equal(strlen(found), size - (size - 76 + 77) / 78);
	assert_null(strchr(found, '\r'));
	free(found);
	free(text);
}

static void
test_many(void **state)
{
	struct post *post = *state;

	for (size_t i = 0; i < 256; i++)
		post_carry(post, post_message(post, message));
	post_wait(post);
	for (size_t i = 0; i < post->count; i++) {
		assert_int_equal(post->sent[i].outcome, CARRIED_DELIVERED);
		assert_file(post->sent[i].place, as_file);
	}
	assert_int_equal(post_files(post_path(post, "Maildir/new")), 256);
	assert_int_equal(post_files(post_path(post, "Maildir/tmp")), 0);
}

/* Delivered before, and nobody knows: by its name in new. */
static void
test_there_in_new(void **state)
{
	struct post *post = *state;
	struct sent *sent = post_message(post, message);

	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	assert_string_equal(sent->answer, "");
	post_begin(post);
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	assert_string_equal(sent->answer, "it was there already");
	assert_int_equal(post_files(post_path(post, "Maildir/new")), 1);
	assert_int_equal(post_files(post_path(post, "Maildir/tmp")), 0);
}

/* Its reader has moved it, and given it flags. */
static void
move_to_cur(struct post *post, const struct sent *sent)
{
	const char *name = strrchr(sent->place, '/');

	assert_int_equal(
	    rename(sent->place, post_path(post, "Maildir/cur%s:2,RS", name)),
	    0);
}

static void
test_there_in_cur(void **state)
{
	struct post *post = *state;
	struct sent *sent[3];

	for (size_t i = 0; i < 3; i++) {
		sent[i] = post_message(post, message);
		if (i < 2)
			post_deliver(post, sent[i]);
		if (i < 2)
			move_to_cur(post, sent[i]);
	}
	/* A new carrier looks once, and then knows. */
	post_begin(post);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(
		    post_deliver(post, sent[i]), CARRIED_DELIVERED);
		assert_string_equal(
		    sent[i]->answer, i < 2 ? "it was there already" : "");
	}
	assert_int_equal(post_files(post_path(post, "Maildir/new")), 1);
	assert_int_equal(post_files(post_path(post, "Maildir/cur")), 2);
}

/* What a carrier of this life has put there is found when it is said. */
static void
test_tried_again(void **state)
{
	struct post *post = *state;
	struct sent *sent = post_message(post, message);

	sent->parcel.stored_ms = INT64_C(9000000000000);
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	move_to_cur(post, sent);
	sent->parcel.may_be_there = true;
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	assert_string_equal(sent->answer, "it was there already");
	sent->parcel.may_be_there = false;
	sent->parcel.attempts = 1;
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	assert_string_equal(sent->answer, "it was there already");
}

static void
test_cannot_be_read(void **state)
{
	struct post *post = *state;
	struct sent *sent = post_message(post, message);

	sent->fails_to_read = true;
	sent->piece = 10;
	assert_int_equal(post_deliver(post, sent), CARRIED_UNREAD);
	assert_int_equal(post_files(post_path(post, "Maildir/tmp")), 0);
	assert_int_equal(post_files(post_path(post, "Maildir/new")), 0);
	sent->fails_to_read = false;
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
}

/* Half a file of an attempt that a crash has cut goes with the next one. */
static void
test_left_in_tmp(void **state)
{
	static const char name[] = "Maildir/tmp/1732000000.%s.evpop-%s";
	struct post *post = *state;
	struct sent *sent = post_message(post, message);
	const char *key = sent->parcel.key;
	char *own;

	assert_int_equal(post_probe(post), CARRIED_DELIVERED);
	own = strdup(post_path(post, name, key, "7e6f9d6e+1-a.2"));
	assert_non_null(own);
	post_write(own, "half");
	/* Of another message, and of another target. */
	post_write(post_path(post, name, "abc.1", "7e6f9d6e+1-a.2"), "half");
	post_write(post_path(post, name, key, "00000000+1-a.2"), "half");
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	assert_file(sent->place, as_file);
	assert_int_equal(access(own, F_OK), -1);
	assert_int_equal(post_files(post_path(post, "Maildir/tmp")), 2);
	free(own);
}

/* Its thread may be at work for a while, and another carrier takes over. */
static void
test_taken_over(void **state)
{
	struct post *post = *state;
	struct sent *sent;

	for (int i = 0; i < 50; i++) {
		sent = post_message(post, message);
		sent->parcel.may_be_there = true;
		post_carry(post, sent);
		post_begin(post);
		assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	}
	assert_int_equal(post_files(post_path(post, "Maildir/new")), 50);
}

static void
test_folders(void **state)
{
	static const struct {
		const char *folder, *path;
	} cases[] = {
		{ "", "" },
		{ "INBOX", "" },
		{ "inbox", "" },
		{ "Lists", "/.Lists" },
		{ "Lists/evpop", "/.Lists.evpop" },
		{ "/../x", "/.x" },
		{ "Entw\xc3\xbcrfe/a&b\"\\", "/.Entw&APw-rfe.a&-b\"\\" },
	};
	struct post *post = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sent *sent = post_message(post, message);
		const char *folder =
		    post_path(post, "Maildir%s/new", cases[i].path);

		sent->parcel.folder = cases[i].folder;
		assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
		assert_memory_equal(sent->place, folder, strlen(folder));
	}
	assert_int_equal(
	    access(post_path(post, "Maildir/.Lists/maildirfolder"), F_OK), 0);
	assert_int_equal(access(post_path(post, "Maildir/cur"), F_OK), 0);
	assert_int_equal(post_files(post_path(post, "Maildir/new")), 3);
}

static void
test_no_folder(void **state)
{
	struct post *post = *state;
	struct sent *sent = post_message(post, message);
	char longest[300] = "";

	sent->parcel.folder = "no\xff\xfe";
	/* The fault is the target's, or one account's. */
	assert_int_equal(post_deliver(post, sent), CARRIED_WRONG);
	assert_non_null(strstr(sent->answer, "cannot be the name"));
	post->target.folder = (char *)(uintptr_t) "{account}";
	assert_int_equal(post_deliver(post, sent), CARRIED_LATER);
	assert_int_equal(access(post_path(post, "Maildir"), F_OK), -1);

	memset(longest, 'x', sizeof(longest) - 1);
	sent->parcel.folder = longest;
	assert_int_equal(post_deliver(post, sent), CARRIED_LATER);
	post->target.folder = NULL;
	assert_int_equal(post_deliver(post, sent), CARRIED_WRONG);
	assert_non_null(strstr(sent->answer, "File name too long"));
}

static void
test_templates(void **state)
{
	struct post *post = *state;
	struct sent *one, *two;

	use_path(post, post_path(post, "{domain}/{user}"));
	one = post_message(post, message);
	two = post_message(post, message);
	one->parcel.path = post_path(post, "example.org/anna");
	two->parcel.path = post_path(post, "example.org/bert");
	post_carry(post, one);
	post_carry(post, two);
	post_wait(post);
	assert_int_equal(one->outcome, CARRIED_DELIVERED);
	assert_int_equal(two->outcome, CARRIED_DELIVERED);
	assert_int_equal(
	    post_files(post_path(post, "example.org/anna/new")), 1);
	assert_int_equal(
	    post_files(post_path(post, "example.org/bert/new")), 1);
	/* Something of one account's is wrong: the others go on. */
	post_write(post_path(post, "example.org/carl"), "");
	one = post_message(post, message);
	one->parcel.path = post_path(post, "example.org/carl");
	assert_int_equal(post_deliver(post, one), CARRIED_LATER);
	assert_non_null(strstr(one->answer, "example.org/carl"));
	assert_non_null(strstr(one->answer, "Not a directory"));
}

/* What all have in common must be there: a typing error makes no folders. */
static void
test_wrong_path(void **state)
{
	struct post *post = *state;
	struct sent *sent;

	use_path(post, post_path(post, "no/such/Maildir"));
	sent = post_message(post, message);
	assert_int_equal(post_deliver(post, sent), CARRIED_WRONG);
	assert_non_null(strstr(sent->answer, "does not exist"));
	assert_int_equal(access(post_path(post, "no"), F_OK), -1);
	assert_int_equal(post_probe(post), CARRIED_WRONG);
	use_path(post, post_path(post, "no/such/{user}"));
	assert_int_equal(post_probe(post), CARRIED_WRONG);
}

static void
test_probe(void **state)
{
	struct post *post = *state;

	assert_int_equal(post_probe(post), CARRIED_DELIVERED);
	assert_string_equal(post->probe.place, post_path(post, "Maildir"));
	use_path(post, post_path(post, "{user}"));
	assert_int_equal(post_probe(post), CARRIED_DELIVERED);
	if (geteuid() == 0)
		return; /* root may do everything */
	use_path(post, post_path(post, "Maildir"));
	assert_int_equal(chmod(post_path(post, "Maildir/tmp"), 0500), 0);
	assert_int_equal(post_probe(post), CARRIED_WRONG);
	assert_non_null(strstr(post->probe.answer, "Permission denied"));
	assert_int_equal(chmod(post_path(post, "Maildir/tmp"), 0700), 0);
}

static void
test_quota(void **state)
{
	struct post *post = *state;
	struct sent *sent[3];
	char *text;

	assert_int_equal(post_probe(post), CARRIED_DELIVERED);
	post_write(post_path(post, "Maildir/maildirsize"), "80S,10C\n20 1\n");
	for (size_t i = 0; i < 3; i++)
		sent[i] = post_message(post, message);
	assert_int_equal(post_deliver(post, sent[0]), CARRIED_DELIVERED);
	text = post_read(post_path(post, "Maildir/maildirsize"));
	assert_string_equal(text, "80S,10C\n20 1\n32 1\n");
	free(text);
	/* It seems used up, but what was counted was deleted since. */
	assert_int_equal(post_deliver(post, sent[1]), CARRIED_DELIVERED);
	text = post_read(post_path(post, "Maildir/maildirsize"));
	assert_string_equal(text, "80S,10C\n32 1\n32 1\n");
	free(text);
	/* This time it is. */
	assert_int_equal(post_deliver(post, sent[2]), CARRIED_LATER);
	assert_non_null(strstr(sent[2]->answer, "quota"));
	assert_int_equal(post_files(post_path(post, "Maildir/new")), 2);
	assert_int_equal(post_files(post_path(post, "Maildir/tmp")), 0);
	/* A person deletes one. */
	assert_int_equal(unlink(sent[0]->place), 0);
	post_write(
	    post_path(post, "Maildir/maildirsize"), "80S,10C\n64 2\n-32 -1\n");
	assert_int_equal(post_deliver(post, sent[2]), CARRIED_DELIVERED);
}

static void
test_no_room(void **state)
{
	struct post *post = *state;
	struct sent *sent = post_message(post, message);

	/* A file where a folder is to be; a full disk is tried elsewhere. */
	assert_int_equal(mkdir(post_path(post, "Maildir"), 0700), 0);
	post_write(post_path(post, "Maildir/tmp"), "");
	assert_int_equal(post_deliver(post, sent), CARRIED_WRONG);
	assert_non_null(strstr(sent->answer, "Maildir/tmp"));
}

/* Ended at any time: with parcels under way, and inside an answer. */
static void
test_ends(void **state)
{
	struct post *post = *state;

	for (size_t i = 0; i < 100; i++)
		post_carry(post, post_message(post, message));
	post->ends_at_answer = true;
	while (post->carrier != NULL)
		assert_int_not_equal(event_base_dispatch(post->base), -1);
	post->ends_at_answer = false;
	post_begin(post);
	for (size_t i = 0; i < 100; i++)
		if (post->sent[i].answers == 0) {
			post->sent[i].parcel.may_be_there = true;
			post_carry(post, &post->sent[i]);
		}
	post_wait(post);
	assert_int_equal(post_files(post_path(post, "Maildir/new")), 100);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_delivers),
		TEST(test_line_ends_and_mode),
		TEST(test_group),
		TEST(test_large),
		TEST(test_many),
		TEST(test_there_in_new),
		TEST(test_there_in_cur),
		TEST(test_tried_again),
		TEST(test_cannot_be_read),
		TEST(test_left_in_tmp),
		TEST(test_taken_over),
		TEST(test_folders),
		TEST(test_no_folder),
		TEST(test_templates),
		TEST(test_wrong_path),
		TEST(test_probe),
		TEST(test_quota),
		TEST(test_no_room),
		TEST(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
