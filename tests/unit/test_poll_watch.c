/*
 * The files of passwords of accounts that fail: a change is noticed, once, and
 * looking for it takes short turns of the loop however many accounts there are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/log/log.h"
#include "daemon/poll/poller_internal.h"
#include "daemon/store/store.h"
#include "tests/unit/test_config_folder.h"

#define ACCOUNTS 500
/* Enough turns to look at all of them, and not many more. */
#define TURNS 8

struct scene {
	struct event_base *base;
	struct store *store;
	struct config *config;
	struct poller *poller;
};

static void
password_path(const struct folder *folder, int account, char path_r[160])
{
	(void)snprintf(path_r, 160, "%s/secret%03d", folder->path, account);
}

static void
write_accounts(const struct folder *folder)
{
	FILE *file = fopen(folder->main, "w");
	char path[160];

	assert_non_null(file);
	for (int i = 0; i < ACCOUNTS; i++) {
		password_path(folder, i, path);
		assert_true(fprintf(file,
				"[account user%03d]\nuser = u%03d\n"
				"password_file = %s\nhost = pop.test\n",
				i, i, path) > 0);
	}
	assert_int_equal(fclose(file), 0);
}

static void
begin(struct scene *scene, const struct folder *folder)
{
	struct store_error error;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/mail.db", folder->path);
	scene->base = event_base_new();
	assert_non_null(scene->base);
	assert_int_equal(
	    store_open(&scene->store, &(struct store_config){ .path = path },
		scene->base, &error),
	    STORE_OK);
	write_accounts(folder);
	scene->config = folder_read(folder);
	scene->poller =
	    poller_new(&(struct poller_options){ .base = scene->base,
			   .store = scene->store },
		scene->config);
	assert_non_null(scene->poller);
}

static void
end(struct scene *scene)
{
	poller_free(&scene->poller);
	config_free(&scene->config);
	store_close(&scene->store);
	event_base_free(scene->base);
}

/* A poll of each that is due, which the server refuses. */
static size_t
refuse_all(struct poller *poller)
{
	const struct evpop_result refused = { .error = EVPOP_ERROR_AUTH };
	const struct agenda_outcome outcome = { .result = &refused };
	struct poller_account *account;
	struct agenda_item *item;
	struct pace pace;
	size_t polls = 0;

	for (; (item = agenda_start(&poller->agenda, 1)) != NULL; polls++) {
		account = (struct poller_account *)item;
		account->secret_mark = poller_secret_mark(account->config);
		pace = poller_pace(account->config);
		(void)agenda_ended(
		    &poller->agenda, item, &outcome, &pace, 1, 0);
	}
	return polls;
}

static void
look(struct poller *poller, int turns)
{
	while (turns-- > 0)
		poller_watch_step(-1, 0, poller);
}

static void
write_password(const struct folder *folder, int account)
{
	char path[160];
	FILE *file;

	password_path(folder, account, path);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs("secret\n", file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void
test_changes_are_noticed(void **state)
{
	const struct folder *folder = *state;
	struct scene scene;
	char path[160];
	size_t *counts;

	begin(&scene, folder);
	counts = scene.poller->agenda.counts;
	assert_int_equal(refuse_all(scene.poller), ACCOUNTS);
	assert_int_equal(scene.poller->agenda.failing_count, ACCOUNTS);
	look(scene.poller, TURNS);
	assert_int_equal(counts[POLLER_QUEUED], 0);
	/* One turn looks at some of them only. */
	for (int i = 0; i < ACCOUNTS; i++)
		write_password(folder, i);
	look(scene.poller, 1);
	assert_in_range(counts[POLLER_QUEUED], 1, ACCOUNTS / 4);
	look(scene.poller, TURNS - 1);
	assert_int_equal(counts[POLLER_QUEUED], ACCOUNTS);
	/* There is nothing left to look at. */
	look(scene.poller, 2);
	assert_int_equal(refuse_all(scene.poller), ACCOUNTS);
	look(scene.poller, 2 * TURNS);
	assert_int_equal(counts[POLLER_QUEUED], 0);
	password_path(folder, 123, path);
	assert_int_equal(unlink(path), 0);
	look(scene.poller, TURNS);
	assert_int_equal(counts[POLLER_QUEUED], 1);
	assert_int_equal(refuse_all(scene.poller), 1);
	end(&scene);
	for (int i = 0; i < ACCOUNTS; i++) {
		password_path(folder, i, path);
		(void)unlink(path);
	}
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, folder_set_up, folder_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_changes_are_noticed),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
