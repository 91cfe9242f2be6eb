/*
 * A store, a poller and deliveries that say what a test tells them, on the loop
 * as the real ones do.
 */
#ifndef TEST_CONTROL_FAKES_H
#define TEST_CONTROL_FAKES_H

#include <event2/event.h>
#include <stdbool.h>

#include "daemon/deliver/deliver.h"
#include "daemon/poll/poller.h"
#include "daemon/store/backup.h"
#include "daemon/store/import.h"
#include "daemon/store/keeping.h"
#include "daemon/store/outbox.h"
#include "daemon/store/reading.h"

struct store {
	struct event_base *base;
	struct store_error health;
	enum store_status answer; /* of every query */
	const struct store_message_row *messages;
	size_t message_count;
	const struct store_account_row *accounts;
	size_t account_count;
	const struct store_poll_row *polls;
	size_t poll_count;
	const struct store_quarantine_row *quarantine; /* newest first */
	size_t quarantine_count;
	char seen_account[32]; /* whose quarantine was asked for last */
	struct store_check check;
	int checks_started;
	/* The body that every message has, and the size of its parts. */
	const unsigned char *body;
	size_t body_length, part_size;
	/* What every message holds; the bytes of a part are the body. */
	const struct store_part_row *parts;
	size_t part_count;
	const struct store_field_row *fields;
	size_t field_count;
	const char *text;
	/* Bodies that are taken, their octets, and how many are open. */
	bool takes_bodies;
	size_t taken_octets, open_bodies;
	uint32_t parts_asked;
	uint32_t fail_at_part; /* 0: none; the first part is 1 */
	/* Queries wait for store_fake_release() instead of the loop. */
	bool hold;
	size_t held;
	size_t left; /* of those held, whose asker has gone */
	struct fake_query *queue;
	struct store_message_filter seen; /* the last filter */
	struct store_outbox_row *outbox;  /* newest first */
	size_t outbox_count;
	const struct store_outbox_figures *figures;
	size_t figure_count;
	struct store_outbox_added added; /* by store_outbox_add() */
	struct store_outbox_add wanted;  /* by the last one; not its texts */
	char deeds[512];                 /* that were recorded, a line each */
};

void store_fake_release(struct store *);

struct poller {
	struct poller_account_status *accounts; /* sorted by name */
	size_t count;
	struct poller_status totals;
	enum poller_answer answer;
	enum store_status remembers; /* whether the store takes a pause */
	char asked[64];              /* "poll NAME", the last wish */
	const char *planned;         /* the account that has a plan; or NULL */
	struct poller_plan plan;
};

struct deliver {
	const struct deliver_status *targets; /* sorted by name */
	size_t count;
	enum deliver_answer answer;
	enum store_status remembers; /* whether the store takes a pause */
	char asked[256]; /* "pause NAME" and the like, a line each */
	bool works;      /* what a probe finds */
	const char *text;
	/* A probe waits for deliver_fake_release(). */
	bool hold;
	deliver_probe_cb probed;
	void *probe_arg;
};

void deliver_fake_release(struct deliver *);

/*
 * Three targets: "archive" that works, "desk" that is down, "people" that is
 * paused; "gone" that only has rows; and a few rows, 6 being the newest.
 */
void delivery_fake_fill(struct store *, struct deliver *);

#endif
