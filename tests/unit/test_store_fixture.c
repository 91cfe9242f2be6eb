#include "tests/unit/test_store_fixture.h"

#include <dirent.h>
#include <event2/event.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/test_store_faulty.h"

/* Slow machines under sanitizers; a healthy run takes milliseconds. */
#define PATIENCE_MS 60000

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int
fixture_setup_folder(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (fixture == NULL)
		return -1;
	snprintf(fixture->folder, sizeof(fixture->folder), "%s",
	    "/tmp/evpop-store-XXXXXX");
	if (mkdtemp(fixture->folder) == NULL)
		return -1;
	snprintf(fixture->path, sizeof(fixture->path), "%s/mail.db",
	    fixture->folder);
	fixture->config.path = fixture->path;
	fixture->base = event_base_new();
	fixture->config.notify = notify_new();
	*state = fixture;
	return fixture->base != NULL && fixture->config.notify != NULL ? 0 : -1;
}

static void
hear(const struct notify_event *event, void *arg)
{
	struct fixture *fixture = arg;

	(void)event;
	fixture->heard(fixture->store, fixture->heard_arg);
}

void
fixture_on(struct fixture *fixture, enum notify_kind kind,
    void (*heard)(struct store *, void *arg), void *arg)
{
	notify_leave(&fixture->subscription);
	fixture->heard = heard;
	fixture->heard_arg = arg;
	notify_subscribe(fixture->config.notify, &fixture->subscription,
	    NOTIFY_BIT(kind), hear, fixture);
}

void
fixture_open(struct fixture *fixture)
{
	struct store_error error;

	if (store_open(&fixture->store, &fixture->config, fixture->base,
		&error) != STORE_OK)
		fail_msg("%s", error.text);
	assert_int_equal(
	    fixture_account(fixture, "home", NULL, &fixture->account),
	    STORE_OK);
}

void
fixture_close(struct fixture *fixture)
{
	store_close(&fixture->store);
	assert_null(fixture->store);
}

int
fixture_setup(void **state)
{
	int failed = fixture_setup_folder(state);

	if (failed == 0)
		fixture_open(*state);
	return failed;
}

int
fixture_teardown(void **state)
{
	struct fixture *fixture = *state;
	struct dirent *entry;
	DIR *folder;

	store_close(&fixture->store);
	notify_leave(&fixture->subscription);
	notify_free(&fixture->config.notify);
	event_base_free(fixture->base);
	folder = opendir(fixture->folder);
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		char path[PATH_MAX];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", fixture->folder,
		    entry->d_name);
		unlink(path);
	}
	if (folder != NULL)
		closedir(folder);
	rmdir(fixture->folder);
	free(fixture);
	return 0;
}

void
fixture_turn(struct fixture *fixture, int64_t ms)
{
	struct timeval time = { ms / 1000, (ms % 1000) * 1000 };

	event_base_loopexit(fixture->base, &time);
	event_base_dispatch(fixture->base);
}

void
fixture_wait(struct fixture *fixture, const bool *done)
{
	const struct timespec nap = { 0, 100000 };
	int64_t deadline = now_ms() + PATIENCE_MS;

	while (!*done) {
		assert_true(now_ms() < deadline);
		event_base_loop(fixture->base, EVLOOP_NONBLOCK);
		nanosleep(&nap, NULL);
	}
}

void
answer_message(
    enum store_status status, int64_t id, enum store_taken taken, void *arg)
{
	struct answer *answer = arg;

	assert_false(answer->done);
	answer->done = true;
	answer->status = status;
	answer->id = id;
	answer->taken = taken;
}

void
answer_account(
    enum store_status status, const struct store_account *account, void *arg)
{
	struct answer *answer = arg;

	assert_int_equal(account != NULL, status == STORE_OK);
	if (account != NULL)
		answer->row = *account;
	answer_message(status, answer->row.id, STORE_TAKEN_NEW, arg);
}

void
answer_done(enum store_status status, void *arg)
{
	answer_message(status, 0, STORE_TAKEN_NEW, arg);
}

void
fixture_set_state(
    struct fixture *fixture, const char *unique_id, enum store_uid_state state)
{
	const struct store_uid_change change = {
		.unique_id = (const unsigned char *)unique_id,
		.unique_id_length = strlen(unique_id),
		.state = state
	};
	struct answer answer = { 0 };

	store_uids_change(
	    fixture->store, fixture->account, &change, 1, answer_done, &answer);
	fixture_wait(fixture, &answer.done);
	assert_int_equal(answer.status, STORE_OK);
}

static void
found_rows(struct found *found, enum store_status status, size_t count)
{
	assert_false(found->done);
	found->status = status;
	found->count = count;
	found->done = true;
}

void
found_messages(
    enum store_status status, const struct store_search_page *page, void *arg)
{
	struct found *found = arg;

	found->is_cut = page != NULL && page->is_cut;
	found_rows(arg, status, page != NULL ? page->count : 0);
}

void
found_message(
    enum store_status status, const struct store_message_row *row, void *arg)
{
	found_rows(arg, status, row != NULL);
}

void
found_part(enum store_status status, const unsigned char *bytes, size_t length,
    void *arg)
{
	(void)bytes;
	found_rows(arg, status, length);
}

void
found_polls(enum store_status status, const struct store_poll_row *rows,
    size_t count, bool more, void *arg)
{
	(void)rows;
	(void)more;
	found_rows(arg, status, count);
}

void
found_accounts(enum store_status status, const struct store_account_row *rows,
    size_t count, void *arg)
{
	(void)rows;
	found_rows(arg, status, count);
}

void
found_quarantines(enum store_status status,
    const struct store_quarantine_row *rows, size_t count, bool more, void *arg)
{
	(void)rows;
	(void)more;
	found_rows(arg, status, count);
}

void
found_uids(enum store_status status, const struct store_uid *uids, size_t count,
    bool more, void *arg)
{
	(void)uids;
	(void)more;
	found_rows(arg, status, count);
}

void
found_servers(enum store_status status, const struct store_server *servers,
    size_t count, void *arg)
{
	(void)servers;
	found_rows(arg, status, count);
}

struct found
fixture_find(struct fixture *fixture, const char *query)
{
	const struct store_message_filter filter = { .query = query,
		.limit = 100 };
	struct found found = { .done = false };

	store_search(fixture->store, &filter, found_messages, &found);
	fixture_wait(fixture, &found.done);
	return found;
}

enum store_status
fixture_account(struct fixture *fixture, const char *name,
    const char *stable_id, int64_t *id_r)
{
	struct answer answer = { 0 };

	store_account(fixture->store, name, stable_id, answer_account, &answer);
	fixture_wait(fixture, &answer.done);
	*id_r = answer.id;
	return answer.status;
}

struct store_body_meta
fixture_meta(const struct fixture *fixture, const char *unique_id)
{
	struct store_body_meta meta = { .account_id = fixture->account,
		.unique_id = (const unsigned char *)unique_id,
		.unique_id_length = unique_id != NULL ? strlen(unique_id) : 0,
		.state = STORE_UID_STORED };

	return meta;
}

enum store_status
fixture_put(struct fixture *fixture, const char *unique_id, const void *bytes,
    size_t length, int64_t *id_r)
{
	struct store_body_meta meta = fixture_meta(fixture, unique_id);
	struct store_body *body = store_body_new(fixture->store, &meta);
	struct answer answer = { 0 };

	assert_non_null(body);
	store_body_append(body, bytes, length);
	store_body_commit(body, answer_message, &answer);
	fixture_wait(fixture, &answer.done);
	if (id_r != NULL)
		*id_r = answer.id;
	return answer.status;
}

int64_t
fixture_store(struct fixture *fixture, const char *unique_id, const void *bytes,
    size_t length)
{
	int64_t id;

	assert_int_equal(
	    fixture_put(fixture, unique_id, bytes, length, &id), STORE_OK);
	return id;
}

struct reading {
	bool done;
	unsigned char *bytes;
	size_t length, part;
};

static void
take_part(enum store_status status, const unsigned char *bytes, size_t length,
    void *arg)
{
	struct reading *reading = arg;

	assert_int_equal(status, STORE_OK);
	reading->bytes = realloc(reading->bytes, reading->length + length + 1);
	assert_non_null(reading->bytes);
	if (length > 0)
		memcpy(reading->bytes + reading->length, bytes, length);
	reading->length += length;
	reading->part = length;
	reading->done = true;
}

unsigned char *
fixture_read(struct fixture *fixture, int64_t id, size_t *length_r)
{
	struct reading reading = { 0 };
	uint32_t part = 0;

	do {
		reading.done = false;
		store_body_read(
		    fixture->store, id, part++, take_part, &reading);
		fixture_wait(fixture, &reading.done);
	} while (reading.part > 0);
	*length_r = reading.length;
	return reading.bytes;
}

static sqlite3_stmt *
plain(const struct fixture *fixture, const char *sql, sqlite3 **handle_r)
{
	sqlite3_stmt *statement;

	assert_int_equal(sqlite3_open(fixture->path, handle_r), SQLITE_OK);
	/* The store may be at its chores. */
	assert_int_equal(sqlite3_busy_timeout(*handle_r, 60000), SQLITE_OK);
	if (sqlite3_prepare_v2(*handle_r, sql, -1, &statement, NULL) !=
	    SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(*handle_r));
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	return statement;
}

static void
end_plain(sqlite3_stmt *statement, sqlite3 *handle)
{
	sqlite3_finalize(statement);
	assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

int64_t
fixture_integer(const struct fixture *fixture, const char *sql)
{
	sqlite3 *handle;
	sqlite3_stmt *statement = plain(fixture, sql, &handle);
	int64_t value = sqlite3_column_int64(statement, 0);

	end_plain(statement, handle);
	return value;
}

const char *
fixture_text(const struct fixture *fixture, const char *sql)
{
	static char text[1024];
	sqlite3 *handle;
	sqlite3_stmt *statement = plain(fixture, sql, &handle);
	const unsigned char *value = sqlite3_column_text(statement, 0);

	snprintf(
	    text, sizeof(text), "%s", value != NULL ? (const char *)value : "");
	end_plain(statement, handle);
	return text;
}

void
fixture_expect(const struct fixture *fixture, const char *sql, int64_t value)
{
	int64_t found = fixture_integer(fixture, sql);

	if (found != value)
		fail_msg("%s: %lld instead of %lld", sql, (long long)found,
		    (long long)value);
}

void
fixture_expect_text(
    const struct fixture *fixture, const char *sql, const char *text)
{
	const char *found = fixture_text(fixture, sql);

	if (strcmp(found, text) != 0)
		fail_msg("%s: \"%s\" instead of \"%s\"", sql, found, text);
}

void
fixture_change(const struct fixture *fixture, const char *sql)
{
	sqlite3 *handle;

	assert_int_equal(sqlite3_open(fixture->path, &handle), SQLITE_OK);
	/* The store may be at its chores. */
	assert_int_equal(sqlite3_busy_timeout(handle, 60000), SQLITE_OK);
	if (sqlite3_exec(handle, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(handle));
	assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

struct store_check
fixture_check(struct fixture *fixture)
{
	int64_t deadline = now_ms() + PATIENCE_MS;
	struct store_check check;

	assert_int_equal(store_check_start(fixture->store), STORE_OK);
	do {
		assert_true(now_ms() < deadline);
		fixture_turn(fixture, 1);
		store_check(fixture->store, &check);
	} while (check.running);
	return check;
}

int
faulty_teardown(void **state)
{
	faulty_set(0, 0);
	return fixture_teardown(state);
}
