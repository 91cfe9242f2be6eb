/*
 * A process that dies at every durable step while its outbox changes: what was
 * answered is there, what was not is there whole or not at all, and deletions
 * are owed exactly where all deliveries have come to an end.
 *
 * The test runs itself as that process, which notes after each answer how the
 * file looks.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/store/keeping.h"
#include "tests/unit/test_store_outbox_calls.h"

#define STEPS_MAX    32
#define SNAPSHOT_MAX 1024
/* The changes below take far fewer; more would be a loop. */
#define DEATHS_MAX 400

/* ---- the changes ---- */

static void
store_one(struct fixture *fixture, const char *id)
{
	fixture_store(fixture, id, id, strlen(id));
}

static void
settle_two(struct fixture *fixture)
{
	const struct store_outbox_result results[] = {
		{ .id = outbox_id(fixture, 2, "one"),
		    .state = STORE_OUTBOX_DELIVERED,
		    .is_attempt = true,
		    .place = "new/2" },
		{ .id = outbox_id(fixture, 2, "two"),
		    .state = STORE_OUTBOX_REFUSED,
		    .is_attempt = true,
		    .answer = "550 no" },
	};
	struct answer answer = { .done = false };

	store_outbox_settle(fixture->store, results, 2, answer_done, &answer);
	fixture_wait(fixture, &answer.done);
}

static void
note_one(struct fixture *fixture)
{
	struct answer answer = { .done = false };

	store_outbox_note(fixture->store, outbox_id(fixture, 1, "one"), "tmp/x",
	    answer_done, &answer);
	fixture_wait(fixture, &answer.done);
}

static void
redirect_one(struct fixture *fixture)
{
	struct answer answer = { .done = false };

	store_outbox_redirect(fixture->store, outbox_id(fixture, 3, "two"),
	    "junk", "spam", answer_done, &answer);
	fixture_wait(fixture, &answer.done);
}

static void
changed(enum store_status status, const struct store_outbox_changed *answer,
    void *done)
{
	assert_int_equal(status, STORE_OK);
	assert_int_equal(answer->changed, 1);
	*(bool *)done = true;
}

static void
change(struct fixture *fixture, int64_t message, const char *target,
    enum store_outbox_state wanted)
{
	bool done = false;

	store_outbox_change(fixture->store, NULL,
	    outbox_id(fixture, message, target), wanted, changed, &done);
	fixture_wait(fixture, &done);
}

static void
deleted(enum store_status status, const struct store_kept_answer *answer,
    void *done)
{
	assert_int_equal(status, STORE_OK);
	assert_int_equal(answer->deleted, 1);
	*(bool *)done = true;
}

static void
added(enum store_status status, const struct store_outbox_added *answer,
    void *done)
{
	assert_int_equal(status, STORE_OK);
	assert_int_equal(answer->added, 2);
	*(bool *)done = true;
}

static void
delete_and_add(struct fixture *fixture, bool deletes)
{
	const struct store_outbox_add old = {
		.target = "archive", .before_ms = INT64_MAX, .limit = 10
	};
	bool done = false;

	if (deletes)
		store_delete(fixture->store, 3, "alice", "", deleted, &done);
	else
		store_outbox_add(fixture->store, &old, added, &done);
	fixture_wait(fixture, &done);
}

/* Each is one transaction.  False: there is none. */
static bool
step(struct fixture *fixture, unsigned number)
{
	switch (number) {
	case 0:
		outbox_route(fixture, true, "one", "two", NULL);
		return true;
	case 1:
		store_one(fixture, "a");
		return true;
	case 2:
		store_one(fixture, "b");
		return true;
	case 3:
		store_one(fixture, "c");
		return true;
	case 4:
		note_one(fixture);
		return true;
	case 5:
		outbox_settle(fixture, outbox_id(fixture, 1, "one"),
		    STORE_OUTBOX_DELIVERED, 0, "250 ok");
		return true;
	case 6:
		outbox_settle(fixture, outbox_id(fixture, 1, "two"),
		    STORE_OUTBOX_WAITING, 5000, "451 later");
		return true;
	case 7:
		outbox_settle(fixture, outbox_id(fixture, 1, "two"),
		    STORE_OUTBOX_DELIVERED, 0, "250 ok");
		return true;
	case 8:
		settle_two(fixture);
		return true;
	case 9:
		redirect_one(fixture);
		return true;
	case 10:
		change(fixture, 2, "two", STORE_OUTBOX_WAITING);
		return true;
	case 11:
		change(fixture, 2, "two", STORE_OUTBOX_DROPPED);
		return true;
	case 12:
	case 13:
		delete_and_add(fixture, number == 12);
		return true;
	default:
		return false;
	}
}

/* ---- how the file looks ---- */

static void
snapshot(const struct fixture *fixture, char text_r[SNAPSHOT_MAX])
{
	int length = snprintf(text_r, SNAPSHOT_MAX, "%s ",
	    fixture_text(fixture,
		"SELECT group_concat(message || target || ':' || state ||"
		" attempts || coalesce(place, '') || coalesce(answer, ''), ',')"
		" FROM (SELECT * FROM v_outbox ORDER BY message, target)"));

	length +=
	    snprintf(text_r + length, SNAPSHOT_MAX - (size_t)length, "%s ",
		fixture_text(fixture,
		    "SELECT group_concat(name || configured || waiting ||"
		    " delivered || refused || dropped, ',')"
		    " FROM (SELECT * FROM v_target ORDER BY name)"));
	length += snprintf(text_r + length, SNAPSHOT_MAX - (size_t)length, "%s",
	    fixture_text(fixture,
		"SELECT group_concat(CAST(unique_id AS TEXT) || state, ',')"
		" FROM (SELECT * FROM uid ORDER BY unique_id)"));
	assert_true(length < SNAPSHOT_MAX);
}

/* ---- the process that dies ---- */

static void
write_line(int fd, const char *text)
{
	char line[SNAPSHOT_MAX + 1];
	int length = snprintf(line, sizeof(line), "%s\n", text);

	if (write(fd, line, (size_t)length) != length)
		abort();
}

static int
run_steps(const char *path, const char *progress)
{
	int fd = open(progress, O_WRONLY | O_CREAT | O_APPEND, 0600);
	char text[SNAPSHOT_MAX];
	struct fixture *fixture;
	void *state;

	if (fd == -1 || fixture_setup_folder(&state) != 0)
		return 1;
	fixture = state;
	rmdir(fixture->folder);
	snprintf(fixture->path, sizeof(fixture->path), "%s", path);
	fixture_open(fixture);
	for (unsigned i = 0; step(fixture, i); i++) {
		snapshot(fixture, text);
		write_line(fd, text);
	}
	fixture_close(fixture);
	return fixture_teardown(&state);
}

/* ---- the test ---- */

struct lines {
	char text[STEPS_MAX][SNAPSHOT_MAX];
	size_t count;
};

static void
read_progress(const char *path, struct lines *lines)
{
	FILE *file = fopen(path, "r");

	lines->count = 0;
	while (file != NULL && lines->count < STEPS_MAX &&
	       fgets(lines->text[lines->count], SNAPSHOT_MAX, file) != NULL) {
		lines->text[lines->count]
			   [strcspn(lines->text[lines->count], "\n")] = '\0';
		lines->count++;
	}
	if (file != NULL)
		fclose(file);
}

/* Dies at that step; 0: at none.  Whether it died. */
static bool
run_process(const char *path, const char *progress, unsigned death)
{
	char *const words[] = { (char *)"outbox", (char *)path,
		(char *)progress, NULL };
	char number[16];
	pid_t child;
	int status;

	snprintf(number, sizeof(number), "%u", death);
	assert_int_equal(setenv("EVPOP_FAILPOINT", number, 1), 0);
	assert_int_equal(
	    posix_spawn(&child, "/proc/self/exe", NULL, NULL, words, environ),
	    0);
	assert_int_equal(unsetenv("EVPOP_FAILPOINT"), 0);
	while (waitpid(child, &status, 0) == -1)
		assert_int_equal(errno, EINTR);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGKILL);
		return true;
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

static void
remove_files(struct fixture *fixture, const char *progress)
{
	static const char *const ends[] = { "", "-wal", "-shm", ".lock" };
	char path[160];

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", fixture->path, ends[i]);
		unlink(path);
	}
	unlink(progress);
}

/* As after an answered step, or after the one that was under way. */
static void
expect_as_after(struct fixture *fixture, const struct lines *whole,
    size_t answered, unsigned death)
{
	char text[SNAPSHOT_MAX];

	snapshot(fixture, text);
	if (answered > 0 && strcmp(text, whole->text[answered - 1]) == 0)
		return;
	if (answered == 0 && strcmp(text, "  ") == 0)
		return;
	if (answered < whole->count && strcmp(text, whole->text[answered]) == 0)
		return;
	fail_msg("death %u, after %zu steps: %s\nafter the last: %s\n"
		 "after the next: %s",
	    death, answered, text,
	    answered > 0 ? whole->text[answered - 1] : "",
	    answered < whole->count ? whole->text[answered] : "");
}

static void
test_it_dies_at_every_step(void **state)
{
	struct fixture *fixture = *state;
	static struct lines whole, got;
	char progress[160];
	bool died = true;
	unsigned death;

	snprintf(progress, sizeof(progress), "%s/progress", fixture->folder);
	assert_false(run_process(fixture->path, progress, 0));
	read_progress(progress, &whole);
	assert_int_equal(whole.count, 14);
	/* Or else it would compare nothing with nothing. */
	assert_non_null(strstr(whole.text[13], "archive0"));
	assert_non_null(strstr(whole.text[7], "a1,b0,c0"));
	assert_non_null(strstr(whole.text[11], "a1,b1,c0"));
	for (death = 1; died && death < DEATHS_MAX; death++) {
		remove_files(fixture, progress);
		died = run_process(fixture->path, progress, death);
		read_progress(progress, &got);
		fixture_open(fixture);
		expect_as_after(fixture, &whole, got.count, death);
		assert_int_equal(fixture_check(fixture).problems, 0);
		fixture_close(fixture);
	}
	assert_false(died);
	assert_true(death > 2 * whole.count);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST_FOLDER(test_it_dies_at_every_step),
	};

	if (argc == 3)
		return run_steps(argv[1], argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
