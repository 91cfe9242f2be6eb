#include "daemon/store/retention.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log/log.h"
#include "daemon/store/calendar.h"
#include "daemon/store/delete.h"
#include "daemon/store/private.h"
#include "daemon/store/record.h"
#include "daemon/store/writer.h"
#include "lib/base/clock.h"
#include "lib/base/unit.h"

/* Before the first round, and between two. */
#define FIRST_MS 100
#define EVERY_MS EVPOP_HOUR_MS

/*
 * Messages that a step looks at, which takes some milliseconds; and its pause,
 * so that the commits of others are not always behind one of these.
 */
#define STEP_MESSAGES 256
#define PAUSE_MS      10

/* Where a round is. */
struct round {
	int64_t account_id; /* all before are done */
	int64_t message_id; /* of this account, what was looked at */
	uint64_t deleted;   /* of this account, not yet recorded */
	uint64_t total;
	bool is_done;
};

struct store_retention {
	struct store *store;
	struct event *timer;
	struct round round;
	bool is_closed, is_stepping;
	bool is_outdated; /* begin again: the rows say something else */
};

struct step_op {
	struct store_op op;
	struct store_retention *retention;
	struct round round, after; /* where it was before the step, and then */
};

/* ---- a step; the writer's ---- */

struct account {
	int64_t id; /* 0: there is none */
	int64_t retain_ms;
	char name[160];
};

/* The first one from there on that does not retain for ever. */
static enum store_status
step_find_account(struct sql_db *db, int64_t from, struct account *account_r)
{
	static const char sql[] =
	    "SELECT id, retain_ms, name FROM account"
	    " WHERE id >= ?1 AND retain_ms IS NOT NULL ORDER BY id LIMIT 1";
	struct sql_statement use;

	memset(account_r, 0, sizeof(*account_r));
	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, from);
	if (sql_step(&use)) {
		const char *name = sql_column_text(&use, 2);

		account_r->id = sql_column_int(&use, 0);
		account_r->retain_ms = sql_column_int(&use, 1);
		snprintf(account_r->name, sizeof(account_r->name), "%s",
		    name != NULL ? name : "");
	}
	return sql_end(&use);
}

/*
 * The next messages, in the order in which they were stored.  Where none of
 * them is old, no later one is.
 */
static enum store_status
step_look(struct sql_db *db, const struct account *account, int64_t above,
    int64_t before_ms, int64_t *last_r, bool *has_old_r)
{
	static const char sql[] =
	    "SELECT coalesce(max(id), 0), coalesce(min(stored_ms), ?3) < ?3"
	    " FROM (SELECT id, stored_ms FROM message WHERE account = ?1"
	    "  AND id > ?2 ORDER BY id LIMIT ?4) AS page";
	struct sql_statement use;

	*last_r = 0;
	*has_old_r = false;
	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, account->id);
	sql_bind_int(&use, 2, above);
	sql_bind_int(&use, 3, before_ms);
	sql_bind_int(&use, 4, STEP_MESSAGES);
	if (sql_step(&use)) {
		*last_r = sql_column_int(&use, 0);
		*has_old_r = sql_column_int(&use, 1) != 0;
	}
	return sql_end(&use);
}

/* The account is done: one line for all that went. */
static enum store_status
step_end_account(
    struct sql_db *db, const struct account *account, struct round *round)
{
	char object[256], reason[64], age[32];
	const struct store_deed deed = { .who = STORE_BY_RETENTION,
		.action = "delete",
		.object = object,
		.reason = reason };
	const uint64_t deleted = round->deleted;

	round->account_id = account->id + 1;
	round->message_id = 0;
	round->deleted = 0;
	if (deleted == 0)
		return STORE_OK;
	evpop_unit_text(
	    account->retain_ms, evpop_unit_durations, age, sizeof(age));
	snprintf(object, sizeof(object), "%" PRIu64 " message%s of account %s",
	    deleted, deleted == 1 ? "" : "s", account->name);
	snprintf(reason, sizeof(reason), "retain = %s", age);
	return store_record_add(db, &deed);
}

static enum store_status
step_delete(struct store_writer *writer, const struct account *account,
    struct round *round)
{
	struct sql_db *db = store_writer_db(writer);
	const int64_t before_ms = store_db_now_ms(db) - account->retain_ms;
	char age[32], reason[64];
	struct store_doomed doomed = { .account_id = account->id,
		.first = round->message_id + 1,
		.stored_before_ms = before_ms,
		.who = STORE_BY_RETENTION,
		.reason = reason };
	uint64_t deleted = 0;
	bool has_old;
	enum store_status status = step_look(
	    db, account, round->message_id, before_ms, &doomed.last, &has_old);

	if (status == STORE_OK && !has_old)
		return step_end_account(db, account, round);
	evpop_unit_text(
	    account->retain_ms, evpop_unit_durations, age, sizeof(age));
	snprintf(reason, sizeof(reason), "retain = %s", age);
	if (status == STORE_OK)
		status = store_delete_doomed(writer, &doomed, &deleted);
	round->message_id = doomed.last;
	round->deleted += deleted;
	round->total += deleted;
	return status;
}

static enum store_status
step_write(struct store_writer *writer, struct store_op *op)
{
	struct step_op *step = (struct step_op *)op;
	struct sql_db *db = store_writer_db(writer);
	struct account account;
	uint64_t setting;
	enum store_status status;

	step->after = step->round;
	status = step_find_account(db, step->round.account_id, &account);
	if (status != STORE_OK)
		return status;
	step->after.is_done = account.id == 0;
	if (account.id == 0)
		return STORE_OK;
	/* Of another account nothing was looked at. */
	if (account.id != step->round.account_id) {
		step->after.account_id = account.id;
		step->after.message_id = 0;
		step->after.deleted = 0;
	}
	/* It may be one that is no longer polled. */
	status = store_calendar_judges(
	    store_writer_calendar(writer), db, STORE_ANY_ACCOUNT, &setting);
	if (status != STORE_OK)
		return status;
	return setting == 0 ? step_end_account(db, &account, &step->after)
			    : step_delete(writer, &account, &step->after);
}

/* ---- rounds ---- */

static void
retention_wait(struct store_retention *retention, int64_t ms)
{
	const struct timeval wait = evpop_clock_wait(ms);

	if (!retention->is_closed)
		evtimer_add(retention->timer, &wait);
}

static void
retention_end(struct store_retention *retention)
{
	if (retention->round.total > 0)
		log_write(LOG_LEVEL_INFO, NULL,
		    "deleted %" PRIu64 " message%s by age",
		    retention->round.total,
		    retention->round.total == 1 ? "" : "s");
	retention->round = (struct round){ .account_id = 0 };
	retention_wait(retention, EVERY_MS);
}

/* A store that fails says so itself; the next round finds the same. */
static void
step_answer(struct store *store, struct store_op *op, enum store_status status)
{
	struct step_op *step = (struct step_op *)op;
	struct store_retention *retention = step->retention;

	(void)store;
	retention->is_stepping = false;
	if (status == STORE_OK)
		retention->round = step->after;
	if (retention->is_outdated) {
		retention->is_outdated = false;
		retention->round.account_id = retention->round.message_id = 0;
		retention_wait(retention, FIRST_MS);
	} else if (status != STORE_OK || retention->round.is_done)
		retention_end(retention);
	else
		retention_wait(retention, PAUSE_MS);
}

static const struct store_op_type step_type = {
	.write = step_write,
	.answer = step_answer,
};

static void
retention_step(evutil_socket_t fd, short what, void *arg)
{
	struct store_retention *retention = arg;
	struct step_op *step = store_op_new(&step_type, sizeof(*step));

	(void)fd;
	(void)what;
	if (step == NULL) {
		retention_wait(retention, EVERY_MS);
		return;
	}
	step->retention = retention;
	step->round = retention->round;
	retention->is_stepping = true;
	store_submit(retention->store, &step->op);
}

struct store_retention *
store_retention_new(struct store *store, struct event_base *base)
{
	struct store_retention *retention = calloc(1, sizeof(*retention));

	if (retention == NULL)
		return NULL;
	retention->store = store;
	retention->timer = evtimer_new(base, retention_step, retention);
	if (retention->timer != NULL)
		return retention;
	free(retention);
	return NULL;
}

void
store_retention_free(struct store_retention *retention)
{
	event_free(retention->timer);
	free(retention);
}

void
store_retention_go_on(struct store_retention *retention)
{
	if (retention->is_stepping) {
		retention->is_outdated = true;
		return;
	}
	retention->round = (struct round){ .account_id = 0 };
	retention_wait(retention, FIRST_MS);
}

void
store_retention_close(struct store_retention *retention)
{
	retention->is_closed = true;
	evtimer_del(retention->timer);
}
