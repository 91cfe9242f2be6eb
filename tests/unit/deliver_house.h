/*
 * A store, a configuration of targets, and carriers that do what a test says:
 * an engine between them.
 */
#ifndef DELIVER_HOUSE_H
#define DELIVER_HOUSE_H

#include "tests/unit/test_store_fixture.h"

#include "daemon/config/target.h"
#include "daemon/deliver/carrier.h"
#include "daemon/deliver/deliver.h"
#include "daemon/deliver/parcel.h"
#include "daemon/deliver/verdict.h"
#include "daemon/store/outbox.h"

#define HOUSE_TARGETS 2
#define HOUSE_PENDING 512

/* What the carriers of all targets do. */
struct house_carriers {
	/* What comes of the next parcels, each once; then DELIVERED. */
	struct carried_result results[16];
	size_t result_count, result_next;
	/* As long as it is set; or NULL. */
	const struct carried_result *always;
	/* Of this message alone, as long as it is set. */
	int64_t culprit;
	struct carried_result of_culprit;
	bool holds; /* they answer when house_release() says so */
	unsigned most_at_once, at_once, begun, ended, flushed, probed;
	/* Messages in the order of delivery: "1 2 3", of others "maildir:4". */
	char delivered[8192];
	size_t delivered_count, carried;
	char last_body[512]; /* or as much as there is room for */
	uint64_t last_octets;
	struct parcel last;   /* without what it points to */
	char last_words[256]; /* "account recipient sender note" */
};

struct house {
	struct fixture *fixture;
	struct config config;
	struct config_account home, other;
	struct config_target targets[HOUSE_TARGETS];
	struct deliver *deliver;
	char events[4096]; /* "delivered 1 a; down a; ..." */
	bool is_over;
	int64_t other_id;
	/* What rspamd says; NULL: it is not asked. */
	const struct verdict *verdict;
	unsigned verdicts;
};
extern struct house_carriers house_carriers;
extern struct house *house;

/* For cmocka; targets "a" (LMTP) and "b" (Maildir), "home" delivers to "a". */
int house_set_up(void **state);
int house_tear_down(void **state);
#define HOUSE_TEST(function) \
	cmocka_unit_test_setup_teardown(function, house_set_up, house_tear_down)

void house_open(void);
void house_close(void);
/* Store messages of "home" or "other", each with its number as body. */
void house_store(const char *account, unsigned count);
/* Answer all that is held. */
void house_release(void);
/* Turn the loop until so many have been delivered; or nothing is to be done. */
void house_wait_delivered(size_t count);
void house_wait_carried(size_t count);
/* The same, until the store says so, which comes after what is delivered. */
void house_expect(const char *sql, int64_t value);
void house_finish(void);
struct deliver_status house_status(const char *target);

#endif
