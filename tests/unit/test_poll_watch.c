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
#include "daemon/poll/accounts.h"
#include "daemon/poll/watch.h"
#include "daemon/store/store.h"
#include "tests/unit/test_config_folder.h"

#define ACCOUNTS 500
/* Enough turns to look at all of them, and not many more. */
#define TURNS 8

struct scene {
	struct event_base *base;
	struct store *store;
	struct config *config;
	struct agenda agenda;
	struct accounts *accounts;
	struct watch *watch;
	unsigned retries;
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
count_retry(void *arg)
{
	((struct scene *)arg)->retries++;
}

static void
begin(struct scene *scene, const struct folder *folder)
{
	const struct config_diff nothing = { 0 };
	const struct queue_limits limits = { .sessions = ACCOUNTS,
		.sessions_per_host = ACCOUNTS };
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
	agenda_init(&scene->agenda, NULL);
	agenda_set_limits(&scene->agenda, &limits, 0);
	scene->accounts =
	    accounts_new(scene->store, &scene->agenda, count_retry, scene);
	assert_non_null(scene->accounts);
	assert_true(accounts_take(scene->accounts, scene->config, &nothing));
	scene->watch =
	    watch_new(scene->base, &scene->agenda, count_retry, scene);
	assert_non_null(scene->watch);
}

static void
end(struct scene *scene)
{
	watch_free(&scene->watch);
	accounts_free(&scene->accounts);
	agenda_clear(&scene->agenda);
	config_free(&scene->config);
	store_close(&scene->store);
	event_base_free(scene->base);
}

/* A poll of each that is due, which the server refuses. */
static size_t
refuse_all(struct scene *scene)
{
	const struct run_progress refused = { .result = {
						  .error = EVPOP_ERROR_AUTH } };
	struct agenda_item *item;
	size_t polls = 0;

	for (; (item = agenda_start(&scene->agenda, 1)) != NULL; polls++) {
		(void)account_secret_has_changed(account_of(item));
		account_end(
		    account_of(item), &scene->agenda, NULL, &refused, false);
	}
	return polls;
}

static void
look(struct scene *scene, int turns)
{
	while (turns-- > 0)
		watch_look(scene->watch);
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
	struct scene scene = { .retries = 0 };
	char path[160];

	begin(&scene, folder);
	assert_int_equal(refuse_all(&scene), ACCOUNTS);
	assert_int_equal(agenda_count_failing(&scene.agenda), ACCOUNTS);
	look(&scene, TURNS);
	assert_int_equal(agenda_count(&scene.agenda, POLLER_QUEUED), 0);
	/* One turn looks at some of them only. */
	for (int i = 0; i < ACCOUNTS; i++)
		write_password(folder, i);
	look(&scene, 1);
	assert_in_range(
	    agenda_count(&scene.agenda, POLLER_QUEUED), 1, ACCOUNTS / 4);
	look(&scene, TURNS - 1);
	assert_int_equal(agenda_count(&scene.agenda, POLLER_QUEUED), ACCOUNTS);
	assert_int_equal(scene.retries, ACCOUNTS);
	/* There is nothing left to look at. */
	look(&scene, 2);
	assert_int_equal(refuse_all(&scene), ACCOUNTS);
	look(&scene, 2 * TURNS);
	assert_int_equal(agenda_count(&scene.agenda, POLLER_QUEUED), 0);
	password_path(folder, 123, path);
	assert_int_equal(unlink(path), 0);
	look(&scene, TURNS);
	assert_int_equal(agenda_count(&scene.agenda, POLLER_QUEUED), 1);
	assert_int_equal(refuse_all(&scene), 1);
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
