/*
 * Calls of the outbox that wait for their answer.
 */
#ifndef TEST_STORE_OUTBOX_CALLS_H
#define TEST_STORE_OUTBOX_CALLS_H

#include "tests/unit/test_store_fixture.h"

#include "daemon/store/outbox.h"

/* The messages of "home" go to these targets, one to three. */
void outbox_route(
    struct fixture *, bool deletes, const char *, const char *, const char *);

struct taken {
	bool done, more;
	enum store_status status;
	size_t count;
	int64_t next_ms, last_id;
	char text[512]; /* "message/attempts/body-or-octets note" of each */
};
/* What is due for a target by that time. */
struct taken outbox_take(
    struct fixture *, const char *target, int64_t now_ms, bool is_ordered);
struct taken outbox_take_of(struct fixture *, const struct store_outbox_want *);

/* One result, as SQL knows the row: by message and target. */
int64_t outbox_id(struct fixture *, int64_t message, const char *target);
void outbox_settle(struct fixture *, int64_t id, enum store_outbox_state,
    int64_t due_ms, const char *answer);

/* "waiting/delivered/refused/dropped", which must also be what there is. */
void outbox_expect(struct fixture *, const char *target, const char *figures);

#endif
