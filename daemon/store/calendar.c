#include "daemon/store/calendar.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/store/meta.h"
#include "lib/base/clock.h"
#include "lib/base/unit.h"

/* A smaller change keeps a clock right; it does not set it. */
#define SET_LEAST_MS EVPOP_MINUTE_MS

/* How often it is written down what the time is, where anything is written. */
#define SEEN_EVERY_MS EVPOP_MINUTE_MS

/* A machine's clock may go as wrong while it is off. */
#define BEHIND_LEAST_MS EVPOP_HOUR_MS

/* For so long a machine may be off before its clock is doubted. */
#define OFF_MOST_MS (2 * EVPOP_DAY_MS)

/*
 * A clock that is behind what the store has seen is believed after so long:
 * what was seen was wrong then.
 */
#define BEHIND_MOST_MS (7 * EVPOP_DAY_MS)

/*
 * Until then a clock that is set was wrong before; later it may also be that
 * the machine stood still, as virtual ones do, and what people see as the time
 * of a message was right.
 */
#define YOUNG_MOST_MS EVPOP_DAY_MS

/* A date before 2024 comes from a clock that was wrong. */
#define FIRST_MS INT64_C(1704067200000)

/* Both clocks, at one time. */
struct reading {
	int64_t elapsed_ms, unix_ms;
};

/* A thread may be kept waiting between two clocks, or the whole machine. */
#define READ_TRIES   10
#define READ_MOST_MS 100

static struct reading
clocks_read(void)
{
	struct reading now;
	int tries = 0;

	do {
		now.elapsed_ms = evpop_clock_elapsed_ms();
		now.unix_ms = evpop_clock_unix_ms();
	} while (evpop_clock_elapsed_ms() - now.elapsed_ms > READ_MOST_MS &&
		 ++tries < READ_TRIES);
	return now;
}

/* ---- what is kept ---- */

static const struct field {
	const char *key;
	size_t offset;
} fields[] = {
	{ "clock_offset_ms", offsetof(struct store_era, offset_ms) },
	{ "clock_since_ms", offsetof(struct store_era, since_ms) },
	{ "clock_seen_ms", offsetof(struct store_era, seen_ms) },
	{ "clock_floor_ms", offsetof(struct store_era, floor_ms) },
	{ "clock_message", offsetof(struct store_era, message) },
	{ "clock_poll", offsetof(struct store_era, poll) },
	{ "clock_quarantine", offsetof(struct store_era, quarantine) },
	{ "clock_doubted_poll", offsetof(struct store_era, doubted_poll) },
	{ "clock_has_leapt", offsetof(struct store_era, has_leapt) },
	{ "clock_is_behind", offsetof(struct store_era, is_behind) },
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static int64_t *
era_field(struct store_era *era, const struct field *field)
{
	return (int64_t *)(void *)((char *)era + field->offset);
}

static enum store_status
era_load(struct store_era *era, struct sql_db *db, bool *found_r)
{
	enum store_status status;

	memset(era, 0, sizeof(*era));
	status = store_meta_get_text(
	    db, "clock_start", era->start, sizeof(era->start), found_r);
	for (size_t i = 0; status == STORE_OK && i < FIELDS; i++)
		status = store_meta_get(
		    db, fields[i].key, era_field(era, &fields[i]));
	return status;
}

static enum store_status
era_save(struct store_era *era, struct sql_db *db)
{
	enum store_status status =
	    store_meta_set_text(db, "clock_start", era->start);

	for (size_t i = 0; status == STORE_OK && i < FIELDS; i++)
		status = store_meta_set(
		    db, fields[i].key, *era_field(era, &fields[i]));
	return status;
}

/* ---- moving what was dated ---- */

/* ?1: by how much; ?2 and ?3: what lies between; ?4: ids above. */
static const char *const ages[] = {
	"UPDATE uid SET stored_ms = stored_ms + ?1"
	" WHERE stored_ms BETWEEN ?2 AND ?3",
	"UPDATE failure SET last_ms = last_ms + ?1"
	" WHERE last_ms BETWEEN ?2 AND ?3",
};
static const struct shown {
	const char *sql;
	size_t id; /* in struct store_era */
} shown[] = {
	{ "UPDATE message SET stored_ms = stored_ms + ?1"
	  " WHERE id > ?4 AND stored_ms BETWEEN ?2 AND ?3",
	    offsetof(struct store_era, message) },
	{ "UPDATE tombstone SET stored_ms = stored_ms + ?1"
	  " WHERE id > ?4 AND stored_ms BETWEEN ?2 AND ?3",
	    offsetof(struct store_era, message) },
	{ "UPDATE poll SET started_ms = started_ms + ?1,"
	  " finished_ms = finished_ms + ?1"
	  " WHERE id > ?4 AND finished_ms BETWEEN ?2 AND ?3",
	    offsetof(struct store_era, poll) },
	{ "UPDATE quarantine SET stored_ms = stored_ms + ?1"
	  " WHERE id > ?4 AND stored_ms BETWEEN ?2 AND ?3",
	    offsetof(struct store_era, quarantine) },
	{ "UPDATE account SET last_success_ms = last_success_ms + ?1"
	  " WHERE last_success_ms BETWEEN ?2 AND ?3 AND ?4 >= 0",
	    offsetof(struct store_era, poll) },
	{ "UPDATE account SET last_error_ms = last_error_ms + ?1"
	  " WHERE last_error_ms BETWEEN ?2 AND ?3 AND ?4 >= 0",
	    offsetof(struct store_era, poll) },
	{ "UPDATE account SET failing_since_ms = failing_since_ms + ?1"
	  " WHERE failing_since_ms BETWEEN ?2 AND ?3 AND ?4 >= 0",
	    offsetof(struct store_era, poll) },
};

/* Everything that the era has dated until then. */
static enum store_status
era_move(
    struct store_era *era, struct sql_db *db, int64_t until_ms, int64_t by_ms)
{
	bool is_shown =
	    era->is_behind != 0 || until_ms - era->since_ms < YOUNG_MOST_MS;
	enum store_status status = STORE_OK;
	struct sql_statement use;

	for (size_t i = 0;
	     status == STORE_OK && i < sizeof(ages) / sizeof(ages[0]); i++) {
		sql_prepare_once(&use, db, ages[i]);
		sql_bind_int(&use, 1, by_ms);
		sql_bind_int(&use, 2, era->since_ms);
		sql_bind_int(&use, 3, until_ms);
		status = sql_run(&use);
	}
	for (size_t i = 0; status == STORE_OK && is_shown &&
			   i < sizeof(shown) / sizeof(shown[0]);
	     i++) {
		const struct field id = { NULL, shown[i].id };

		sql_prepare_once(&use, db, shown[i].sql);
		sql_bind_int(&use, 1, by_ms);
		sql_bind_int(&use, 2, era->since_ms);
		sql_bind_int(&use, 3, until_ms);
		sql_bind_int(&use, 4, *era_field(era, &id));
		status = sql_run(&use);
	}
	return status;
}

/* A date ahead of the clock comes from a wrong clock: it becomes now. */
static enum store_status
calendar_redate_future(struct sql_db *db, int64_t now_ms)
{
	static const char *const futures[] = {
		"UPDATE uid SET stored_ms = ?1 WHERE stored_ms > ?1",
		"UPDATE failure SET last_ms = ?1 WHERE last_ms > ?1",
		"UPDATE message SET stored_ms = ?1 WHERE stored_ms > ?1",
		"UPDATE quarantine SET stored_ms = ?1 WHERE stored_ms > ?1",
	};
	enum store_status status = STORE_OK;
	struct sql_statement use;

	for (size_t i = 0;
	     status == STORE_OK && i < sizeof(futures) / sizeof(futures[0]);
	     i++) {
		sql_prepare_once(&use, db, futures[i]);
		sql_bind_int(&use, 1, now_ms);
		status = sql_run(&use);
	}
	return status;
}

/*
 * The same for dates that are too old, where the clock is known to have been
 * wrong.
 */
static enum store_status
calendar_redate_past(struct sql_db *db, int64_t now_ms)
{
	struct sql_statement use;

	sql_prepare_once(
	    &use, db, "UPDATE uid SET stored_ms = ?1 WHERE stored_ms < ?2");
	sql_bind_int(&use, 1, now_ms);
	sql_bind_int(&use, 2, FIRST_MS);
	return sql_run(&use);
}

/* ---- eras ---- */

static int64_t
era_least_ms(const struct store_era *era)
{
	int64_t built_ms = store_clock_built_ms();
	int64_t seen_ms = era->floor_ms - BEHIND_LEAST_MS;

	return seen_ms > built_ms ? seen_ms : built_ms;
}

/* The clock was set by so much; what the era has dated, it did until then. */
static enum store_status
calendar_set(struct store_calendar_state *state, struct sql_db *db,
    int64_t until_ms, int64_t by_ms)
{
	struct store_era *era = &state->era;
	enum store_status status = era_move(era, db, until_ms, by_ms);

	state->is_doubted = true;
	era->since_ms += by_ms;
	era->has_leapt = 0;
	state->setting++;
	state->clock.times_set++;
	state->clock.set_by_ms = by_ms;
	return status;
}

/* The machine was started anew, and what its clock showed before was right. */
static enum store_status
era_begin(struct store_calendar_state *state, struct sql_db *db,
    int64_t floor_ms, int64_t now_ms)
{
	struct store_era *era = &state->era;
	bool leaps = floor_ms > 0 && now_ms - floor_ms > OFF_MOST_MS;
	enum store_status status = sql_integer(
	    db, "SELECT coalesce(max(id), 0) FROM message", &era->message);

	if (status == STORE_OK)
		status = sql_integer(
		    db, "SELECT coalesce(max(id), 0) FROM poll", &era->poll);
	if (status == STORE_OK)
		status = sql_integer(db,
		    "SELECT coalesce(max(id), 0) FROM quarantine",
		    &era->quarantine);
	/* On a machine that is started once a week every second poll counts. */
	era->has_leapt = leaps && era->has_leapt == 0;
	state->is_doubted = era->has_leapt != 0;
	era->since_ms = now_ms;
	era->floor_ms = floor_ms;
	state->setting++;
	return status;
}

/* A store whose clock was never looked at. */
static enum store_status
calendar_begin_first(
    struct store_calendar_state *state, struct sql_db *db, int64_t now_ms)
{
	static const char sql[] =
	    "SELECT coalesce(max(ms), 0) FROM"
	    " (SELECT max(stored_ms) AS ms FROM message UNION ALL"
	    "  SELECT finished_ms FROM poll"
	    "  WHERE id = (SELECT max(id) FROM poll)) AS newest";
	int64_t newest_ms;
	enum store_status status = sql_integer(db, sql, &newest_ms);

	state->era.doubted_poll = STORE_NOT_DOUBTED;
	if (status == STORE_OK)
		status = era_begin(state, db, newest_ms, now_ms);
	/*
	 * Whether it is behind is found next; until then it counts as behind.
	 */
	state->era.is_behind = 1;
	return status;
}

/* If the last one was behind, only the fact that it has ended is known. */
static enum store_status
calendar_begin_next(
    struct store_calendar_state *state, struct sql_db *db, int64_t now_ms)
{
	int64_t seen_ms = state->era.seen_ms;

	return state->era.is_behind != 0
		   ? calendar_set(state, db, seen_ms + 2 * SEEN_EVERY_MS,
			 now_ms - seen_ms)
		   : era_begin(state, db, seen_ms, now_ms);
}

/* The first transaction of this process. */
static enum store_status
calendar_start(struct store_calendar_state *state, struct sql_db *db,
    const struct reading *now, bool *goes_on_r)
{
	char id[STORE_CLOCK_START];
	bool found;
	enum store_status status = era_load(&state->era, db, &found);

	store_clock_start(id);
	*goes_on_r = status == STORE_OK && found && id[0] != '\0' &&
		     strcmp(id, state->era.start) == 0;
	if (status == STORE_OK && !*goes_on_r)
		status = found ? calendar_begin_next(state, db, now->unix_ms)
			       : calendar_begin_first(state, db, now->unix_ms);
	memcpy(state->era.start, id, sizeof(id));
	/* Answers of an earlier process are nobody's. */
	state->setting++;
	state->is_loaded = true;
	return status;
}

/* How far the clock is from where it should be, if it was not set. */
static enum store_status
calendar_compare_clocks(struct store_calendar_state *state, struct sql_db *db,
    const struct reading *now)
{
	struct store_era *era = &state->era;
	int64_t was_ms = era->offset_ms + now->elapsed_ms;
	int64_t by_ms = now->unix_ms - was_ms;

	if (by_ms < SET_LEAST_MS && by_ms > -SET_LEAST_MS)
		return STORE_OK;
	return calendar_set(state, db, was_ms, by_ms);
}

static enum store_status
calendar_judge(
    struct store_calendar_state *state, struct sql_db *db, int64_t now_ms)
{
	struct store_era *era = &state->era;
	bool was_behind = era->is_behind != 0;
	bool is_behind = now_ms < era_least_ms(era);
	enum store_status status = STORE_OK;

	if (is_behind && now_ms >= store_clock_built_ms() &&
	    now_ms - era->since_ms >= BEHIND_MOST_MS) {
		status = calendar_redate_future(db, now_ms);
		era->floor_ms = now_ms;
		is_behind = false;
	}
	if (status == STORE_OK && was_behind && !is_behind)
		status = calendar_redate_past(db, now_ms);
	if (was_behind != is_behind)
		state->setting++;
	era->is_behind = is_behind;
	return status;
}

/* ---- the writer's ---- */

enum store_status
store_calendar_begin(struct store_calendar *calendar, struct sql_db *db)
{
	struct store_calendar_state *state = &calendar->next;
	struct reading now = clocks_read();
	bool goes_on = true;
	enum store_status status = STORE_OK;

	store_db_set_now_ms(db, now.unix_ms);
	*state = calendar->kept;
	state->is_doubted = false;
	if (!state->is_loaded)
		status = calendar_start(state, db, &now, &goes_on);
	if (status == STORE_OK && goes_on)
		status = calendar_compare_clocks(state, db, &now);
	state->era.offset_ms = now.unix_ms - now.elapsed_ms;
	if (status == STORE_OK)
		status = calendar_judge(state, db, now.unix_ms);
	if (status != STORE_OK ||
	    (state->setting == calendar->kept.setting &&
		now.unix_ms - state->era.seen_ms < SEEN_EVERY_MS))
		return status;
	state->era.seen_ms = now.unix_ms;
	return era_save(&state->era, db);
}

/* Polls that are recorded with it began before. */
enum store_status
store_calendar_end(struct store_calendar *calendar, struct sql_db *db)
{
	struct store_calendar_state *state = &calendar->next;
	enum store_status status;

	if (!state->is_doubted)
		return STORE_OK;
	status = sql_integer(db, "SELECT coalesce(max(id), 0) FROM poll",
	    &state->era.doubted_poll);
	return status == STORE_OK ? era_save(&state->era, db) : status;
}

bool
store_calendar_is_set(const struct store_calendar *calendar)
{
	return calendar->next.setting != calendar->kept.setting;
}

void
store_calendar_committed(struct store_calendar *calendar)
{
	calendar->kept = calendar->next;
}

struct store_clock
store_calendar_clock(const struct store_calendar *calendar)
{
	const struct store_calendar_state *state = &calendar->kept;
	struct store_clock clock = state->clock;

	clock.is_behind = state->is_loaded && state->era.is_behind != 0;
	clock.least_ms = era_least_ms(&state->era);
	clock.offset_ms = state->era.offset_ms;
	clock.setting = state->setting;
	return clock;
}

struct store_clock
store_calendar_clock_unsure(const struct store_calendar *calendar)
{
	struct store_clock clock = store_calendar_clock(calendar);

	clock.setting = 0;
	return clock;
}

enum store_status
store_calendar_judges(const struct store_calendar *calendar, struct sql_db *db,
    int64_t account_id, uint64_t *setting_r)
{
	/* One that got as far as a listing. */
	static const char of_one[] =
	    "SELECT 1 FROM poll WHERE id > ?1 AND account = ?2"
	    " AND (outcome = 'ok' OR messages > 0) LIMIT 1";
	static const char of_any[] =
	    "SELECT 1 FROM poll WHERE id > ?1"
	    " AND (outcome = 'ok' OR messages > 0) LIMIT 1";
	const struct store_calendar_state *state = &calendar->next;
	struct sql_statement use;

	*setting_r = 0;
	if (state->era.is_behind != 0 || state->is_doubted)
		return STORE_OK;
	if (state->era.doubted_poll == STORE_NOT_DOUBTED) {
		*setting_r = state->setting;
		return STORE_OK;
	}
	sql_prepare(
	    &use, db, account_id == STORE_ANY_ACCOUNT ? of_any : of_one);
	sql_bind_int(&use, 1, state->era.doubted_poll);
	if (account_id != STORE_ANY_ACCOUNT)
		sql_bind_int(&use, 2, account_id);
	if (sql_step(&use))
		*setting_r = state->setting;
	return sql_end(&use);
}

/* ---- in words ---- */

#define DAY_SIZE  16
#define SPAN_SIZE 48

static void
calendar_day_text(int64_t time_ms, char text_r[DAY_SIZE])
{
	time_t time_s = (time_t)(time_ms / 1000);
	struct tm tm;

	if (gmtime_r(&time_s, &tm) == NULL ||
	    strftime(text_r, DAY_SIZE, "%Y-%m-%d", &tm) == 0)
		snprintf(text_r, DAY_SIZE, "an unknown day");
}

static void
calendar_span_text(int64_t span_ms, char text_r[SPAN_SIZE])
{
	int64_t count = span_ms / EVPOP_MINUTE_MS;
	const char *unit = "minute";

	if (span_ms >= 2 * EVPOP_DAY_MS) {
		count = span_ms / EVPOP_DAY_MS;
		unit = "day";
	} else if (span_ms >= 2 * EVPOP_HOUR_MS) {
		count = span_ms / EVPOP_HOUR_MS;
		unit = "hour";
	}
	snprintf(text_r, SPAN_SIZE, "%" PRId64 " %s%s", count, unit,
	    count == 1 ? "" : "s");
}

const char *
store_clock_hint(void)
{
	return "set the clock, for example by systemd-timesyncd; messages "
	       "stored until then get new times";
}

void
store_clock_behind_text(
    const struct store_clock *clock, char *text_r, size_t size)
{
	int64_t now_ms = clock->offset_ms + evpop_clock_elapsed_ms();
	const char *who = clock->least_ms == store_clock_built_ms()
			      ? "this evpopd was built"
			      : "the store was last written";
	char now[DAY_SIZE], least[DAY_SIZE];

	calendar_day_text(now_ms, now);
	calendar_day_text(clock->least_ms, least);
	snprintf(text_r, size,
	    "this machine's clock says %s, but %s on %s: nothing is deleted by "
	    "age",
	    now, who, least);
}

void
store_clock_set_text(const struct store_clock *clock, char *text_r, size_t size)
{
	bool is_forward = clock->set_by_ms > 0;
	char span[SPAN_SIZE];

	calendar_span_text(
	    is_forward ? clock->set_by_ms : -clock->set_by_ms, span);
	snprintf(text_r, size,
	    "the clock was set %s by %s: messages stored since this machine "
	    "started get new times, and each account deletes nothing by age "
	    "until it has been polled once more",
	    is_forward ? "forward" : "back", span);
}
