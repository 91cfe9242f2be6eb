#include "tests/unit/test_control_fakes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_query {
	struct store *store;
	struct fake_query *next;
	void (*run)(struct fake_query *);
	union {
		store_search_cb messages;
		store_conversation_cb conversation;
		store_feed_cb feed;
		store_message_row_cb message;
		store_subjects_cb subjects;
		store_part_cb part;
		store_seek_cb seek;
		store_parts_cb parts;
		store_fields_cb fields;
		store_text_cb text;
		store_accounts_cb accounts;
		store_polls_cb polls;
		store_quarantines_cb quarantines;
		store_release_cb release;
		store_deeds_cb deeds;
		store_tombstones_cb tombstones;
		store_account_cb account;
		store_kept_cb kept;
		store_message_cb import;
		store_sealed_size_cb sealed_size;
	} cb;
	void *arg;
	int64_t id;
	uint32_t part;
	unsigned limit;
	char first[64], last[64]; /* names of accounts */
};

static void
run_query(evutil_socket_t fd, short what, void *arg)
{
	struct fake_query *query = arg;

	(void)fd;
	(void)what;
	query->run(query);
	free(query);
}

static struct fake_query *
new_query(struct store *store, void (*run)(struct fake_query *), void *arg)
{
	static const struct timeval now = { 0, 0 };
	struct fake_query *query = calloc(1, sizeof(*query)), **last;

	if (query == NULL)
		abort();
	query->store = store;
	query->run = run;
	query->arg = arg;
	if (store->hold) {
		for (last = &store->queue; *last != NULL;)
			last = &(*last)->next;
		*last = query;
		store->held++;
	} else if (event_base_once(store->base, -1, EV_TIMEOUT, run_query,
		       query, &now) != 0) {
		abort();
	}
	return query;
}

void
store_fake_release(struct store *store)
{
	struct fake_query *query;

	while ((query = store->queue) != NULL) {
		store->queue = query->next;
		store->held--;
		run_query(-1, 0, query);
	}
}

/* As the store does, it answers all the same. */
void
store_leave(struct store *store, const void *arg)
{
	for (struct fake_query *query = store->queue; query != NULL;
	     query = query->next)
		store->left += query->arg == arg;
}

const char *
store_status_name(enum store_status status)
{
	static const char *const names[] = { "ok", "full", "io", "busy",
		"read-only", "damaged", "newer", "not-found", "memory",
		"closed", "slow", "replaced", "sealed", "no-key" };

	_Static_assert(sizeof(names) / sizeof(names[0]) == STORE_STATUS_COUNT,
	    "a name for each status");
	return names[status];
}

const char *
store_status_hint(enum store_status status)
{
	if (status == STORE_SLOW)
		return "ask for one account";
	return status == STORE_FULL ? "make room" : "look at the disk";
}

void
store_clock(struct store *store, struct store_clock *clock_r)
{
	(void)store;
	*clock_r = (struct store_clock){ 0 };
}

void
store_clock_behind_text(
    const struct store_clock *clock, char *text_r, size_t size)
{
	snprintf(text_r, size, "behind %lld", (long long)clock->least_ms);
}

const char *
store_clock_hint(void)
{
	return "set it";
}

const struct store_error *
store_health(const struct store *store)
{
	return &store->health;
}

void
store_stats(const struct store *store, struct store_stats *stats_r)
{
	(void)store;
	*stats_r = (struct store_stats){ .commits = 3,
		.messages = 5,
		.body_octets = 700,
		.queued_octets = 11,
		.queued_octets_max = 13,
		.quarantined = store->quarantine_count };
}

static void
give_accounts(struct fake_query *query)
{
	struct store *store = query->store;
	const struct store_account_row *rows = store->accounts;
	size_t count = store->account_count;

	for (; count > 0 && strcmp(rows->name, query->first) < 0; count--)
		rows++;
	while (count > 0 && strcmp(rows[count - 1].name, query->last) > 0)
		count--;
	query->cb.accounts(store->answer, rows, count, query->arg);
}

void
store_accounts(struct store *store, const char *first, const char *last,
    store_accounts_cb cb, void *arg)
{
	struct fake_query *query = new_query(store, give_accounts, arg);

	query->cb.accounts = cb;
	snprintf(query->first, sizeof(query->first), "%s", first);
	snprintf(query->last, sizeof(query->last), "%s", last);
}

/* Rows are newest first; `id` is where the page begins. */
static size_t
messages_from(const struct fake_query *query, size_t *count_r)
{
	const struct store *store = query->store;
	size_t first = 0;

	while (query->id != 0 && first < store->message_count &&
	       store->messages[first].id >= query->id)
		first++;
	*count_r = store->message_count - first;
	if (*count_r > query->limit)
		*count_r = query->limit;
	return first;
}

static void
give_messages(struct fake_query *query)
{
	struct store *store = query->store;
	size_t count, first = messages_from(query, &count);
	const struct store_search_page page = { .rows = store->messages + first,
		.count = count,
		.more = first + count<store->message_count, .is_complete = true,
				    .top_id = count> 0
			    ? store->messages[first].id
			    : 0,
		.ranked_among = store->seen.order == STORE_ORDER_RANKED
				    ? (unsigned)store->message_count
				    : 0 };

	query->cb.messages(store->answer,
	    store->answer == STORE_OK ? &page : NULL, query->arg);
}

void
store_search(struct store *store, const struct store_message_filter *filter,
    store_search_cb cb, void *arg)
{
	struct fake_query *query = new_query(store, give_messages, arg);

	store->seen = *filter;
	query->cb.messages = cb;
	query->id = filter->below_id;
	query->limit = filter->limit;
}

/* What is asked for cannot be read where it begins in a parenthesis. */
bool
store_query_check(const char *text, store_query_time time, int64_t now_ms,
    struct store_query_problem *problem_r)
{
	(void)time;
	(void)now_ms;
	if (text[0] != '(')
		return true;
	problem_r->position = 1;
	strcpy(problem_r->message, "this parenthesis is not closed");
	strcpy(problem_r->hint, "a hint");
	return false;
}

static void
give_conversation(struct fake_query *query)
{
	struct store *store = query->store;
	size_t count, first = messages_from(query, &count);

	query->cb.conversation(store->answer, store->messages + first,
	    store->answer == STORE_OK ? count : 0,
	    first + count < store->message_count, false, query->arg);
}

void
store_conversation(struct store *store, int64_t id, int64_t after_id,
    unsigned limit, store_conversation_cb cb, void *arg)
{
	struct fake_query *query = new_query(store, give_conversation, arg);

	(void)id;
	query->cb.conversation = cb;
	query->id = after_id;
	query->limit = limit;
}

/* Rows are newest first, and a feed shows the newest only. */
static void
give_feed(struct fake_query *query)
{
	const struct store *store = query->store;
	struct store_feed_page page = { .rows = store->messages, .epoch = "e" };

	if (store->message_count > 0)
		page.newest_id = store->messages[0].id;
	page.next_id = page.newest_id;
	page.count = page.newest_id > query->id;
	query->cb.feed(
	    query->id > page.newest_id ? STORE_NOT_FOUND : store->answer, &page,
	    query->arg);
}

void
store_feed(struct store *store, const char *account, const char *epoch,
    int64_t after_id, unsigned limit, store_feed_cb cb, void *arg)
{
	struct fake_query *query = new_query(store, give_feed, arg);

	(void)account;
	(void)epoch;
	query->cb.feed = cb;
	query->id = after_id;
	query->limit = limit;
}

/* That of the first message, and no others. */
static void
give_subjects(struct fake_query *query)
{
	const struct store *store = query->store;
	const char **subjects = calloc(query->limit + 1, sizeof(*subjects));

	if (query->limit > 1 && store->message_count > 0)
		subjects[1] = store->messages[0].subject;
	query->cb.subjects(store->answer, subjects, query->limit, query->arg);
	free(subjects);
}

void
store_subjects(struct store *store, const char *account,
    const struct store_known *known, size_t count, store_subjects_cb cb,
    void *arg)
{
	struct fake_query *query = new_query(store, give_subjects, arg);

	(void)account;
	(void)known;
	query->cb.subjects = cb;
	query->limit = (unsigned)count;
}

static void
give_message(struct fake_query *query)
{
	struct store *store = query->store;
	const struct store_message_row *found = NULL;
	enum store_status status = store->answer;

	for (size_t i = 0; i < store->message_count; i++) {
		if (store->messages[i].id == query->id)
			found = &store->messages[i];
	}
	if (status == STORE_OK && found == NULL)
		status = STORE_NOT_FOUND;
	query->cb.message(
	    status, status == STORE_OK ? found : NULL, query->arg);
}

void
store_message(
    struct store *store, int64_t id, store_message_row_cb cb, void *arg)
{
	struct fake_query *query = new_query(store, give_message, arg);

	query->cb.message = cb;
	query->id = id;
}

static void
give_part(struct fake_query *query)
{
	struct store *store = query->store;
	size_t start = query->part * store->part_size, length = 0;

	if (query->part + 1 == store->fail_at_part) {
		query->cb.part(STORE_IO, NULL, 0, query->arg);
		return;
	}
	if (start < store->body_length) {
		length = store->body_length - start;
		if (length > store->part_size)
			length = store->part_size;
	}
	query->cb.part(STORE_OK, store->body + (length > 0 ? start : 0), length,
	    query->arg);
}

void
store_body_read(
    struct store *store, int64_t id, uint32_t part, store_part_cb cb, void *arg)
{
	struct fake_query *query = new_query(store, give_part, arg);

	store->parts_asked++;
	query->cb.part = cb;
	query->id = id;
	query->part = part;
}

/* The sealed form is the body. */
static void
give_sealed_size(struct fake_query *query)
{
	query->cb.sealed_size(query->store->answer, query->store->body_length,
	    "00112233445566778899aabbccddeeff", query->arg);
}

void
store_sealed_size(
    struct store *store, int64_t id, store_sealed_size_cb cb, void *arg)
{
	struct fake_query *query = new_query(store, give_sealed_size, arg);

	(void)id;
	query->cb.sealed_size = cb;
}

void
store_sealed_read(
    struct store *store, int64_t id, uint32_t part, store_part_cb cb, void *arg)
{
	store_body_read(store, id, part, cb, arg);
}

void
store_sealed_quarantine_size(
    struct store *store, int64_t id, store_sealed_size_cb cb, void *arg)
{
	store_sealed_size(store, id, cb, arg);
}

void
store_sealed_quarantine_read(
    struct store *store, int64_t id, uint32_t part, store_part_cb cb, void *arg)
{
	store_body_read(store, id, part, cb, arg);
}

static enum store_status
look_into(const struct fake_query *query)
{
	for (size_t i = 0; i < query->store->message_count; i++) {
		if (query->store->messages[i].id == query->id)
			return query->store->answer;
	}
	return STORE_NOT_FOUND;
}

static void
give_parts(struct fake_query *query)
{
	struct store *store = query->store;
	enum store_status status = look_into(query);

	query->cb.parts(status, store->parts,
	    status == STORE_OK ? store->part_count : 0, false, query->arg);
}

void
store_parts(struct store *store, int64_t id, store_parts_cb cb, void *arg)
{
	struct fake_query *query = new_query(store, give_parts, arg);

	query->cb.parts = cb;
	query->id = id;
}

static void
give_fields(struct fake_query *query)
{
	struct store *store = query->store;
	enum store_status status = look_into(query);

	query->cb.fields(status, store->fields,
	    status == STORE_OK ? store->field_count : 0, false, query->arg);
}

void
store_fields(struct store *store, int64_t id, store_fields_cb cb, void *arg)
{
	struct fake_query *query = new_query(store, give_fields, arg);

	query->cb.fields = cb;
	query->id = id;
}

static void
give_text(struct fake_query *query)
{
	const char *text = query->store->text;
	enum store_status status = look_into(query);

	query->cb.text(status, text,
	    status == STORE_OK && text != NULL ? strlen(text) : 0, query->arg);
}

void
store_text(struct store *store, int64_t id, store_text_cb cb, void *arg)
{
	struct fake_query *query = new_query(store, give_text, arg);

	query->cb.text = cb;
	query->id = id;
}

struct store_extract {
	struct store *store;
	int64_t id;
	uint32_t part;
};

struct store_extract *
store_extract_new(struct store *store, int64_t id, unsigned number)
{
	struct store_extract *extract = calloc(1, sizeof(*extract));

	(void)number;
	if (extract == NULL)
		abort();
	extract->store = store;
	extract->id = id;
	return extract;
}

void
store_extract_next(struct store_extract *extract, store_part_cb cb, void *arg)
{
	store_body_read(extract->store, extract->id, extract->part++, cb, arg);
}

void
store_extract_free(struct store_extract *extract)
{
	free(extract);
}

static void
give_polls(struct fake_query *query)
{
	struct store *store = query->store;
	size_t count = store->poll_count;

	if (count > query->limit)
		count = query->limit;
	query->cb.polls(store->answer, store->polls, count,
	    count < store->poll_count, query->arg);
}

void
store_polls(struct store *store, const char *account, int64_t below_id,
    unsigned limit, store_polls_cb cb, void *arg)
{
	struct fake_query *query = new_query(store, give_polls, arg);

	(void)account;
	query->cb.polls = cb;
	query->id = below_id;
	query->limit = limit;
}

void
store_deed_record(struct store *store, const struct store_deed *deed)
{
	const size_t used = strlen(store->deeds);

	snprintf(store->deeds + used, sizeof(store->deeds) - used, "%s %s\n",
	    deed->action, deed->object);
}

void
store_deed_note(struct store *store, const struct store_deed *deed)
{
	store_deed_record(store, deed);
}

static void
give_kept(struct fake_query *query)
{
	const struct store_kept_answer answer = { .deleted = 1,
		.last_id = query->id,
		.hold = { 1000, "alice", "a case" } };

	query->cb.kept(query->store->answer,
	    query->store->answer == STORE_OK ? &answer : NULL, query->arg);
}

void
store_hold(struct store *store, int64_t id, const char *who, const char *reason,
    store_kept_cb cb, void *arg)
{
	struct fake_query *query = new_query(store, give_kept, arg);

	query->cb.kept = cb;
	query->id = id;
	snprintf(store->deeds, sizeof(store->deeds), "hold %lld %s %s",
	    (long long)id, who, reason);
}

void
store_release(struct store *store, int64_t id, const char *who,
    const char *reason, store_kept_cb cb, void *arg)
{
	store_hold(store, id, who, reason != NULL ? reason : "-", cb, arg);
}

void
store_delete(struct store *store, int64_t id, const char *who,
    const char *reason, store_kept_cb cb, void *arg)
{
	store_hold(store, id, who, reason, cb, arg);
}

void
store_delete_of(struct store *store, const struct store_delete_of *of,
    const char *who, const char *reason, store_kept_cb cb, void *arg)
{
	store_hold(store, of->after_id, who, reason, cb, arg);
}

static void
give_deeds(struct fake_query *query)
{
	static const struct store_deed_row row = { 7, 1000,
		{ "alice", "delete", "message 5", "asked to" } };

	query->cb.deeds(query->store->answer, &row, 1, false, query->arg);
}

void
store_deeds(struct store *store, const char *who, const char *action,
    int64_t below_id, unsigned limit, store_deeds_cb cb, void *arg)
{
	struct fake_query *query = new_query(store, give_deeds, arg);

	(void)who;
	(void)action;
	(void)below_id;
	(void)limit;
	query->cb.deeds = cb;
}

static void
give_account(struct fake_query *query)
{
	query->cb.account(STORE_NOT_FOUND, NULL, query->arg);
}

void
store_account(struct store *store, const char *name, const char *stable_id,
    store_account_cb cb, void *arg)
{
	new_query(store, give_account, arg)->cb.account = cb;
	snprintf(store->seen_account, sizeof(store->seen_account), "%.16s%.12s",
	    name, stable_id != NULL ? " by its id" : "");
}

static void
give_tombstones(struct fake_query *query)
{
	query->cb.tombstones(STORE_OK, NULL, 0, false, query->arg);
}

void
store_tombstones(struct store *store, const char *account, int64_t below_id,
    unsigned limit, store_tombstones_cb cb, void *arg)
{
	new_query(store, give_tombstones, arg)->cb.tombstones = cb;
	snprintf(store->seen_account, sizeof(store->seen_account),
	    "%.12s %u %d", account != NULL ? account : "", limit, below_id > 0);
}

static void
give_quarantines(struct fake_query *query)
{
	struct store *store = query->store;
	size_t first = 0, count;

	while (query->id != 0 && first < store->quarantine_count &&
	       store->quarantine[first].id >= query->id)
		first++;
	count = store->quarantine_count - first;
	if (count > query->limit)
		count = query->limit;
	query->cb.quarantines(store->answer, store->quarantine + first,
	    store->answer == STORE_OK ? count : 0,
	    first + count < store->quarantine_count, query->arg);
}

void
store_quarantines(struct store *store, const char *account, int64_t below_id,
    unsigned limit, store_quarantines_cb cb, void *arg)
{
	struct fake_query *query = new_query(store, give_quarantines, arg);

	snprintf(store->seen_account, sizeof(store->seen_account), "%s",
	    account != NULL ? account : "");
	query->cb.quarantines = cb;
	query->id = below_id;
	query->limit = limit;
}

static const struct store_quarantine_row *
quarantined(const struct store *store, int64_t id)
{
	for (size_t i = 0; i < store->quarantine_count; i++) {
		if (store->quarantine[i].id == id)
			return &store->quarantine[i];
	}
	return NULL;
}

static void
give_quarantine(struct fake_query *query)
{
	const struct store_quarantine_row *found =
	    quarantined(query->store, query->id);
	enum store_status status = query->store->answer;

	if (status == STORE_OK && found == NULL)
		status = STORE_NOT_FOUND;
	query->cb.quarantines(
	    status, found, status == STORE_OK ? 1 : 0, false, query->arg);
}

void
store_quarantine(
    struct store *store, int64_t id, store_quarantines_cb cb, void *arg)
{
	struct fake_query *query = new_query(store, give_quarantine, arg);

	query->cb.quarantines = cb;
	query->id = id;
}

void
store_quarantine_read(
    struct store *store, int64_t id, uint32_t part, store_part_cb cb, void *arg)
{
	store_body_read(store, id, part, cb, arg);
}

static void
give_release(struct fake_query *query)
{
	const struct store_quarantine_row *found =
	    quarantined(query->store, query->id);
	enum store_status status = query->store->answer;

	if (status == STORE_OK && found == NULL)
		status = STORE_NOT_FOUND;
	if (status == STORE_OK)
		query->cb.release(STORE_OK,
		    &(struct store_released){ found->account, 1 }, 1,
		    query->arg);
	else
		query->cb.release(status, NULL, 0, query->arg);
}

/* Those of an account, or all, which stand by account. */
static void
give_releases(struct fake_query *query)
{
	const struct store *store = query->store;
	struct store_released released[8] = { 0 };
	size_t count = 0;

	for (size_t i = 0; i < store->quarantine_count; i++) {
		const char *account = store->quarantine[i].account;

		if (store->seen_account[0] != '\0' &&
		    strcmp(store->seen_account, account) != 0)
			continue;
		if (count == 0 ||
		    strcmp(released[count - 1].account, account) != 0)
			released[count++].account = account;
		released[count - 1].messages++;
	}
	query->cb.release(store->answer, released,
	    store->answer == STORE_OK ? count : 0, query->arg);
}

void
store_quarantine_release_all(
    struct store *store, const char *account, store_release_cb cb, void *arg)
{
	struct fake_query *query = new_query(store, give_releases, arg);

	snprintf(store->seen_account, sizeof(store->seen_account), "%s",
	    account != NULL ? account : "");
	query->cb.release = cb;
}

void
store_quarantine_release(
    struct store *store, int64_t id, store_release_cb cb, void *arg)
{
	struct fake_query *query = new_query(store, give_release, arg);

	query->cb.release = cb;
	query->id = id;
}

enum store_status
store_backup_start(struct store *store, const char *path)
{
	(void)path;
	return store->answer;
}

void
store_backup(const struct store *store, struct store_backup *backup_r)
{
	(void)store;
	memset(backup_r, 0, sizeof(*backup_r));
}

struct store_body {
	struct store *store;
};

struct store_body *
store_body_new(struct store *store, const struct store_body_meta *meta)
{
	struct store_body *body;

	(void)meta;
	if (!store->takes_bodies)
		return NULL;
	body = malloc(sizeof(*body));
	if (body == NULL)
		abort();
	body->store = store;
	store->open_bodies++;
	return body;
}

enum store_flow
store_body_append(
    struct store_body *body, const unsigned char *bytes, size_t length)
{
	(void)bytes;
	body->store->taken_octets += length;
	return STORE_FLOW_CONTINUE;
}

void
store_body_abort(struct store_body *body)
{
	body->store->open_bodies--;
	free(body);
}

static void
give_import(struct fake_query *query)
{
	query->cb.import(query->store->answer, 1, STORE_TAKEN_NEW, query->arg);
}

void
store_body_import(struct store_body *body, store_message_cb done, void *arg)
{
	struct fake_query *query = new_query(body->store, give_import, arg);

	query->cb.import = done;
	store_body_abort(body);
}

enum store_status
store_check_start(struct store *store)
{
	if (store->answer != STORE_OK)
		return store->answer;
	if (store->check.running)
		return STORE_BUSY;
	store->checks_started++;
	store->check = (struct store_check){ .running = true,
		.started_ms = 1000 * store->checks_started,
		.messages = store->check.messages };
	return STORE_OK;
}

void
store_check(const struct store *store, struct store_check *check_r)
{
	*check_r = store->check;
}

void
poller_status(const struct poller *poller, struct poller_status *status_r)
{
	*status_r = poller->totals;
	status_r->accounts = poller->count;
	for (size_t i = 0; i < poller->count; i++) {
		status_r->held_accounts += poller->accounts[i].tally.held > 0;
		status_r->held_deletions += poller->accounts[i].tally.held;
	}
}

bool
poller_account_status_at(const struct poller *poller, size_t index,
    struct poller_account_status *status_r)
{
	if (index >= poller->count)
		return false;
	*status_r = poller->accounts[index];
	return true;
}

bool
poller_account_status(const struct poller *poller, const char *name,
    struct poller_account_status *status_r)
{
	for (size_t i = 0; i < poller->count; i++) {
		if (strcmp(poller->accounts[i].name, name) == 0)
			return poller_account_status_at(poller, i, status_r);
	}
	return false;
}

bool
poller_account_advice(const struct poller *poller, const char *name,
    char advice_r[POLLER_ADVICE_SIZE])
{
	struct poller_account_status status;

	if (!poller_account_status(poller, name, &status) ||
	    status.health == POLLER_WELL)
		return false;
	snprintf(advice_r, POLLER_ADVICE_SIZE, "correct %s", name);
	return true;
}

static enum poller_answer
take_wish(struct poller *poller, const char *wish, const char *name,
    enum poller_state then)
{
	struct poller_account_status *status = NULL;

	snprintf(poller->asked, sizeof(poller->asked), "%s %s", wish, name);
	for (size_t i = 0; i < poller->count; i++) {
		if (strcmp(poller->accounts[i].name, name) == 0)
			status = &poller->accounts[i];
	}
	if (status == NULL)
		return POLLER_NO_SUCH_ACCOUNT;
	if (status->state == POLLER_DISABLED)
		return POLLER_IS_DISABLED;
	if (poller->answer == POLLER_DONE)
		status->state = then;
	return poller->answer;
}

enum poller_answer
poller_poll_now(struct poller *poller, const char *name, enum poller_wish wish)
{
	static const char *const wishes[] = { "poll", "dry-run", "baseline",
		"confirm" };

	_Static_assert(sizeof(wishes) / sizeof(wishes[0]) == POLLER_WISH_COUNT,
	    "a word for each wish");
	return take_wish(poller, wishes[wish], name, POLLER_QUEUED);
}

const struct poller_plan *
poller_plan(const struct poller *poller, const char *name)
{
	return poller->planned != NULL && strcmp(poller->planned, name) == 0
		   ? &poller->plan
		   : NULL;
}

enum poller_answer
poller_pause(struct poller *poller, const char *name, const char *who,
    store_done_cb done, void *arg)
{
	enum poller_answer answer =
	    take_wish(poller, "pause", name, POLLER_PAUSED);

	(void)who;
	if (answer == POLLER_DONE)
		done(poller->remembers, arg);
	return answer;
}

enum poller_answer
poller_resume(
    struct poller *poller, const char *name, store_done_cb done, void *arg)
{
	enum poller_answer answer =
	    take_wish(poller, "resume", name, POLLER_WAITING);

	if (answer == POLLER_DONE)
		done(poller->remembers, arg);
	return answer;
}

static void
give_seek(struct fake_query *query)
{
	const struct store *store = query->store;

	query->cb.seek(store->answer, query->part,
	    (uint64_t)query->part * store->part_size, query->arg);
}

void
store_body_seek(struct store *store, int64_t id, uint64_t octets,
    store_seek_cb cb, void *arg)
{
	struct fake_query *query = new_query(store, give_seek, arg);

	(void)id;
	query->cb.seek = cb;
	query->part = (uint32_t)(octets / store->part_size);
}

void
store_quarantine_seek(struct store *store, int64_t id, uint64_t octets,
    store_seek_cb cb, void *arg)
{
	store_body_seek(store, id, octets, cb, arg);
}
