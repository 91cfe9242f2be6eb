/* What a store's outbox and its deliveries answer. */
#include <stdio.h>
#include <string.h>

#include "daemon/oauth/oauth.h"
#include "daemon/store/import.h"
#include "tests/unit/test_control_fakes.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Nobody asks these for more than their symbols. */
void
store_uids_see(struct store *store, int64_t account_id,
    const struct store_seen_id *ids, size_t count, store_seen_cb done,
    void *arg)
{
	(void)store;
	(void)account_id;
	(void)ids;
	done(STORE_OK, count, arg);
}

void
store_account_pause(struct store *store, const char *name,
    const char *stable_id, int64_t now_ms, const char *who, store_done_cb done,
    void *arg)
{
	(void)store;
	(void)name;
	(void)stable_id;
	(void)now_ms;
	(void)who;
	done(STORE_OK, arg);
}

const char *
oauth_state_name(enum oauth_state state)
{
	(void)state;
	return "none";
}

bool
oauth_status(
    const struct oauth *oauth, const char *owner, struct oauth_status *status_r)
{
	(void)oauth;
	(void)owner;
	(void)status_r;
	return false;
}

void
oauth_authorize_device(
    struct oauth *oauth, const char *owner, oauth_authorize_cb cb, void *arg)
{
	(void)oauth;
	(void)owner;
	cb(OAUTH_NO_SUCH_OWNER, NULL, NULL, arg);
}

void
oauth_authorize_code(struct oauth *oauth, const char *owner,
    const char *redirect_uri, oauth_authorize_cb cb, void *arg)
{
	(void)redirect_uri;
	oauth_authorize_device(oauth, owner, cb, arg);
}

void
oauth_authorize_finish(struct oauth *oauth, const char *owner, const char *code,
    const char *state, oauth_authorize_cb cb, void *arg)
{
	(void)code;
	(void)state;
	oauth_authorize_device(oauth, owner, cb, arg);
}

void
oauth_forget(
    struct oauth *oauth, const char *owner, oauth_authorize_cb cb, void *arg)
{
	oauth_authorize_device(oauth, owner, cb, arg);
}

void
delivery_fake_fill(struct store *store, struct deliver *deliver)
{
	static struct store_outbox_row rows[6];
	static const struct store_outbox_row first = { .account = "work",
		.sender = "A <a@example.org>",
		.subject = "\x1b]0;evil\x07 gr\xc3\xbc\xc3\x9f",
		.queued_ms = 1000,
		.octets = 2048 };
	static const struct store_outbox_figures figures[] = {
		{ .target = "archive", .delivered = 2 },
		{ .target = "desk",
		    .waiting = 1,
		    .refused = 1,
		    .oldest_waiting_ms = 1000 },
		{ .target = "gone", .waiting = 1, .oldest_waiting_ms = 1000 },
		{ .target = "people",
		    .dropped = 1,
		    .paused_ms = 3000,
		    .paused_by = "root" },
	};
	static const struct config_target section = { .concurrency = 2,
		.retry_min_ms = 60000,
		.retry_max_ms = 3600000,
		.max_waiting = 100000 };
	static const struct deliver_status targets[] = {
		{ .name = "archive",
		    .type = "maildir",
		    .where = "/var/mail/{user}",
		    .section = &section,
		    .last_success_ms = 5000,
		    .done = 2,
		    .octets = 4096 },
		{ .name = "desk",
		    .type = "http",
		    .where = "https://desk.example.org/mail",
		    .section = &section,
		    .state = DELIVER_DOWN,
		    .refused = 1,
		    .waiting = 1,
		    .down_since_ms = 2000,
		    .next_ms = 9000,
		    .text = "connection refused \x1b[31m",
		    .advice = "start it" },
		{ .name = "people",
		    .type = "lmtp",
		    .where = "mail.example.org:24",
		    .section = &section,
		    .state = DELIVER_PAUSED,
		    .paused_ms = 3000,
		    .paused_by = "root" },
	};
	static const char *const names[] = { "archive", "archive", "desk",
		"desk", "gone", "people" };
	static const enum store_outbox_state states[] = {
		STORE_OUTBOX_DELIVERED, STORE_OUTBOX_DELIVERED,
		STORE_OUTBOX_REFUSED, STORE_OUTBOX_WAITING,
		STORE_OUTBOX_WAITING, STORE_OUTBOX_DROPPED
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		rows[i] = first;
		rows[i].id = (int64_t)(COUNT(rows) - i);
		rows[i].message_id = rows[i].id / 2 + 1;
		rows[i].target = names[i];
		rows[i].state = states[i];
	}
	store->added =
	    (struct store_outbox_added){ .added = 2, .had = 1, .octets = 4096 };
	rows[0].settled_ms = rows[0].tried_ms = 5000;
	rows[0].place = "/var/mail/anna/new/key";
	rows[2].attempts = 3;
	rows[2].answer = "550 no such user \x1b[31m";
	rows[2].tried_ms = rows[2].settled_ms = 4000;
	rows[3].due_ms = 9000;
	store->outbox = rows;
	store->outbox_count = COUNT(rows);
	store->figures = figures;
	store->figure_count = COUNT(figures);
	*deliver = (struct deliver){ .targets = targets,
		.count = COUNT(targets),
		.text = "connection refused \x1b[31m" };
}

/* ---- the store's side ---- */

static bool
outbox_fits(
    const struct store_outbox_row *row, const struct store_outbox_query *query)
{
	return (query->account == NULL ||
		   strcmp(query->account, row->account) == 0) &&
	       (query->target == NULL ||
		   strcmp(query->target, row->target) == 0) &&
	       (query->state == -1 || query->state == (int)row->state) &&
	       (query->message_id == 0 ||
		   query->message_id == row->message_id) &&
	       row->id < query->below_id;
}

void
store_outbox_list(struct store *store, const struct store_outbox_query *query,
    store_outbox_cb cb, void *arg)
{
	struct store_outbox_row found[16];
	size_t count = 0;
	bool more = false;

	for (size_t i = 0; i < store->outbox_count && !more; i++) {
		if (!outbox_fits(&store->outbox[i], query))
			continue;
		more = count == query->limit;
		if (!more)
			found[count++] = store->outbox[i];
	}
	cb(store->answer, found, store->answer == STORE_OK ? count : 0, more,
	    arg);
}

/* As the store does: what has been delivered stays so. */
static bool
outbox_take(struct store_outbox_row *row, enum store_outbox_state state)
{
	if (row->state == STORE_OUTBOX_DELIVERED ||
	    (state == STORE_OUTBOX_DROPPED && row->state == state))
		return false;
	row->state = state;
	row->attempts = 0;
	return true;
}

void
store_outbox_change(struct store *store, const struct store_outbox_query *query,
    int64_t id, enum store_outbox_state state, store_outbox_changed_cb cb,
    void *arg)
{
	struct store_outbox_changed changed = { 0 };

	for (size_t i = 0; i < store->outbox_count; i++) {
		struct store_outbox_row *row = &store->outbox[i];

		if (id != 0 ? row->id != id : !outbox_fits(row, query))
			continue;
		if (query != NULL && changed.changed == query->limit) {
			changed.more = true;
			break;
		}
		if (outbox_take(row, state)) {
			changed.changed++;
			changed.last_id = row->id;
		}
	}
	cb(store->answer, &changed, arg);
}

void
store_outbox_figures(struct store *store, store_outbox_figures_cb cb, void *arg)
{
	cb(store->answer, store->figures,
	    store->answer == STORE_OK ? store->figure_count : 0, arg);
}

void
store_outbox_add(struct store *store, const struct store_outbox_add *add,
    store_outbox_added_cb cb, void *arg)
{
	store->wanted = *add;
	store->wanted.target = store->wanted.account = NULL;
	cb(store->answer, &store->added, arg);
}

/* ---- deliveries ---- */

static const struct deliver_status *
deliver_find(const struct deliver *deliver, const char *target)
{
	for (size_t i = 0; deliver != NULL && i < deliver->count; i++)
		if (strcmp(deliver->targets[i].name, target) == 0)
			return &deliver->targets[i];
	return NULL;
}

bool
deliver_status_at(const struct deliver *deliver, size_t index,
    struct deliver_status *status_r)
{
	if (deliver == NULL || index >= deliver->count)
		return false;
	*status_r = deliver->targets[index];
	return true;
}

bool
deliver_status(const struct deliver *deliver, const char *target,
    struct deliver_status *status_r)
{
	const struct deliver_status *found = deliver_find(deliver, target);

	if (found != NULL)
		*status_r = *found;
	return found != NULL;
}

const char *
deliver_state_name(enum deliver_state state)
{
	static const char *const names[] = { "ready", "delivering", "down",
		"refused", "paused", "disabled" };

	return names[state];
}

void
deliver_totals(const struct deliver *deliver, struct deliver_totals *totals_r)
{
	*totals_r = (struct deliver_totals){ 0 };
	for (size_t i = 0; deliver != NULL && i < deliver->count; i++) {
		const struct deliver_status *target = &deliver->targets[i];

		totals_r->targets++;
		totals_r->down += target->state == DELIVER_DOWN;
		totals_r->refused += target->state == DELIVER_REFUSED;
		totals_r->paused += target->state == DELIVER_PAUSED;
		totals_r->waiting += target->waiting;
		totals_r->refused_messages += target->refused;
	}
}

static void
deliver_note(struct deliver *deliver, const char *what, const char *target)
{
	const size_t used = strlen(deliver->asked);

	snprintf(deliver->asked + used, sizeof(deliver->asked) - used,
	    "%s %s\n", what, target != NULL ? target : "all");
}

static enum deliver_answer
deliver_take(struct deliver *deliver, const char *what, const char *target)
{
	if (deliver_find(deliver, target) == NULL)
		return DELIVER_NO_SUCH_TARGET;
	deliver_note(deliver, what, target);
	return deliver->answer;
}

enum deliver_answer
deliver_pause(struct deliver *deliver, const char *target, const char *who,
    store_done_cb done, void *arg)
{
	const enum deliver_answer answer =
	    deliver_take(deliver, "pause", target);

	(void)who;
	if (answer == DELIVER_DONE)
		done(deliver->remembers, arg);
	return answer;
}

enum deliver_answer
deliver_resume(
    struct deliver *deliver, const char *target, store_done_cb done, void *arg)
{
	const enum deliver_answer answer =
	    deliver_take(deliver, "resume", target);

	if (answer == DELIVER_DONE)
		done(deliver->remembers, arg);
	return answer;
}

void
deliver_kick(struct deliver *deliver, const char *target)
{
	deliver_note(deliver, "kick", target);
}

enum deliver_answer
deliver_probe(
    struct deliver *deliver, const char *target, deliver_probe_cb cb, void *arg)
{
	const enum deliver_answer answer =
	    deliver_take(deliver, "probe", target);

	if (answer == DELIVER_DONE && deliver->hold) {
		deliver->probed = cb;
		deliver->probe_arg = arg;
	} else if (answer == DELIVER_DONE) {
		cb(deliver->works, deliver->text, arg);
	}
	return answer;
}

void
deliver_probe_forget(struct deliver *deliver, void *arg)
{
	if (deliver->probe_arg == arg)
		deliver->probed = NULL;
}

void
deliver_fake_release(struct deliver *deliver)
{
	if (deliver->probed != NULL)
		deliver->probed(
		    deliver->works, deliver->text, deliver->probe_arg);
	deliver->probed = NULL;
}
