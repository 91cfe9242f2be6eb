/*
 * A store in a folder of its own, and calls of it that wait for the answer.
 */
#ifndef TEST_STORE_FIXTURE_H
#define TEST_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka wants those before it. */
#include <cmocka.h>

#include "daemon/notify/notify.h"
#include "daemon/store/question.h"

struct event_base;

struct fixture {
	char folder[64], path[128];
	struct event_base *base;
	struct store *store;
	struct store_config config;
	struct notify_subscription subscription;
	void (*heard)(struct store *, void *arg);
	void *heard_arg;
	int64_t account; /* the row of "home" */
};

/* For cmocka: make the folder and open the store; close and remove all. */
int fixture_setup(void **state);
int fixture_teardown(void **state);
/* The folder only. */
int fixture_setup_folder(void **state);

/* A test of a store that is open, and of one that is not. */
#define FIXTURE_TEST(function)           \
	cmocka_unit_test_setup_teardown( \
	    function, fixture_setup, fixture_teardown)
#define FIXTURE_TEST_FOLDER(function)    \
	cmocka_unit_test_setup_teardown( \
	    function, fixture_setup_folder, fixture_teardown)

void fixture_open(struct fixture *);
void fixture_close(struct fixture *);

/* Call `heard` for each event of this kind, instead of what was heard before.
 */
void fixture_on(struct fixture *, enum notify_kind,
    void (*heard)(struct store *, void *arg), void *arg);

/* Turn the loop until *done; fails the test after a while. */
void fixture_wait(struct fixture *, const bool *done);
/* Turn the loop for some time. */
void fixture_turn(struct fixture *, int64_t ms);

enum store_status fixture_account(
    struct fixture *, const char *name, const char *stable_id, int64_t *id_r);

/* Of a unique-id; fails the test where it cannot be set. */
void fixture_set_state(
    struct fixture *, const char *unique_id, enum store_uid_state);

/* How a question ended, and how many rows (or octets) came. */
struct found {
	bool done, is_cut;
	enum store_status status;
	size_t count;
};
void found_messages(
    enum store_status, const struct store_search_page *, void *found);
void found_message(
    enum store_status, const struct store_message_row *, void *found);
void found_part(
    enum store_status, const unsigned char *, size_t length, void *found);
void found_polls(enum store_status, const struct store_poll_row *, size_t count,
    bool more, void *found);
void found_accounts(enum store_status, const struct store_account_row *,
    size_t count, void *found);
void found_quarantines(enum store_status, const struct store_quarantine_row *,
    size_t count, bool more, void *found);
void found_uids(enum store_status, const struct store_uid *, size_t count,
    bool more, void *found);
void found_servers(
    enum store_status, const struct store_server *, size_t count, void *found);

/* A search for words, for 100 messages at the most. */
struct found fixture_find(struct fixture *, const char *query);

/* A body in one append; unique_id may be NULL. */
enum store_status fixture_put(struct fixture *, const char *unique_id,
    const void *bytes, size_t length, int64_t *id_r);
/* The same, which must go well; returns the message's id. */
int64_t fixture_store(
    struct fixture *, const char *unique_id, const void *bytes, size_t length);
struct store_body_meta fixture_meta(
    const struct fixture *, const char *unique_id);

/* All parts of a body, for free(). */
unsigned char *fixture_read(struct fixture *, int64_t id, size_t *length_r);

/* Through a plain connection, as other programs see the file. */
int64_t fixture_integer(const struct fixture *, const char *sql);
/* Borrowed until the next call; "" for NULL. */
const char *fixture_text(const struct fixture *, const char *sql);

/* The file must answer this. */
void fixture_expect(const struct fixture *, const char *sql, int64_t value);
void fixture_expect_text(
    const struct fixture *, const char *sql, const char *text);

/* Change the file behind the store's back. */
void fixture_change(const struct fixture *, const char *sql);

/* A check of the whole file, carried out; its texts are the store's. */
struct store_check fixture_check(struct fixture *);

struct answer {
	bool done;
	enum store_status status;
	int64_t id;
	enum store_taken taken;   /* of a message */
	struct store_account row; /* of an account */
};
void answer_message(enum store_status, int64_t id, enum store_taken, void *arg);
void answer_account(enum store_status, const struct store_account *, void *arg);
void answer_done(enum store_status, void *arg);

#endif
