#include "tests/unit/poll_fakes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka wants the four above before it. */
#include <cmocka.h>

#include "daemon/oauth/oauth.h"
#include "daemon/poll/servers.h"

struct fakes fakes;

static char store_handle, sync_handle, client_handle, body_handle;

void
fakes_reset(void)
{
	fakes = (struct fakes){ .account = { .id = 7, .listed = true } };
}

struct store *
fakes_store(void)
{
	return (struct store *)(void *)&store_handle;
}

struct evpop_sync *
fakes_sync(void)
{
	return (struct evpop_sync *)(void *)&sync_handle;
}

static void __attribute__((format(printf, 1, 2))) asked(const char *format, ...)
{
	size_t used = strlen(fakes.asked);
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(
	    fakes.asked + used, sizeof(fakes.asked) - used, format, arguments);
	va_end(arguments);
}

const char *
fakes_asked(void)
{
	static char copy[sizeof(fakes.asked)];

	memcpy(copy, fakes.asked, sizeof(copy));
	fakes.asked[0] = '\0';
	return copy;
}

static struct fake_owed *
owe(void (*give)(struct fake_owed *), void *arg)
{
	struct fake_owed *owed = &fakes.owed[fakes.count++];

	assert_true(fakes.count <= FAKE_OWED_MAX);
	*owed = (struct fake_owed){ .give = give, .arg = arg };
	return owed;
}

void
fakes_answer(void)
{
	struct fake_owed owed = fakes.owed[0];

	assert_true(fakes.count > 0);
	memmove(&fakes.owed[0], &fakes.owed[1],
	    --fakes.count * sizeof(fakes.owed[0]));
	owed.give(&owed);
}

void
fakes_answer_all(void)
{
	while (fakes.count > 0)
		fakes_answer();
}

/* ---- unique-ids ---- */

static void
give_uids(struct fake_owed *owed)
{
	owed->cb.uids(fakes.status, fakes.uids,
	    fakes.status == STORE_OK ? fakes.uid_count : 0, false, owed->arg);
}

void
store_uids(struct store *store, int64_t account_id,
    const struct store_uid *after, store_uids_cb cb, void *arg)
{
	(void)store;
	assert_int_equal(account_id, 7);
	assert_null(after);
	asked("uids;");
	owe(give_uids, arg)->cb.uids = cb;
}

static void
give_done(struct fake_owed *owed)
{
	owed->cb.done(fakes.status, owed->arg);
}

void
store_uids_change(struct store *store, int64_t account_id,
    const struct store_uid_change *changes, size_t count, store_done_cb cb,
    void *arg)
{
	(void)store;
	assert_int_equal(account_id, 7);
	fakes.change = changes[0];
	asked("change %zu;", count);
	owe(give_done, arg)->cb.done = cb;
}

bool
store_uid_is_kept(const unsigned char *unique_id, size_t length)
{
	return length > 0 && unique_id[0] == ' ';
}

uint64_t
store_uids_version(const struct store *store)
{
	(void)store;
	return 1;
}

void
store_key_digest(
    const struct store *store, unsigned char digest[STORE_HEADER_DIGEST_SIZE])
{
	(void)store;
	(void)digest;
}

int64_t
store_age_now_ms(struct store *store, uint64_t setting)
{
	(void)store;
	return setting == 0 ? STORE_NEVER_MS : (int64_t)setting;
}

/* ---- identities and bodies ---- */

struct store_identity *
store_identity_new(int64_t account_id)
{
	assert_int_equal(account_id, 7);
	return malloc(1);
}

void
store_identity_free(struct store_identity **identity)
{
	free(*identity);
	*identity = NULL;
}

void
store_identity_deleted(struct store *store, struct store_identity *identity,
    store_done_cb cb, void *arg)
{
	(void)store;
	assert_non_null(identity);
	asked("identity deleted;");
	owe(give_done, arg)->cb.done = cb;
}

struct store_body *
store_body_new(struct store *store, const struct store_body_meta *meta)
{
	(void)store;
	assert_int_equal(meta->account_id, 7);
	return fakes.is_out_of_memory
		   ? NULL
		   : (struct store_body *)(void *)&body_handle;
}

enum store_flow
store_body_append(
    struct store_body *body, const unsigned char *bytes, size_t length)
{
	(void)body;
	(void)bytes;
	(void)length;
	return fakes.is_full ? STORE_FLOW_PAUSE : STORE_FLOW_CONTINUE;
}

static void
give_message(struct fake_owed *owed)
{
	owed->cb.message(fakes.status, 42, STORE_TAKEN_NEW, owed->arg);
}

void
store_body_commit(struct store_body *body, store_message_cb cb, void *arg)
{
	(void)body;
	asked("commit;");
	owe(give_message, arg)->cb.message = cb;
}

void
store_body_abort(struct store_body *body)
{
	(void)body;
	asked("abort;");
}

/* ---- failures ---- */

static void
give_failure(struct fake_owed *owed)
{
	owed->cb.failure(
	    fakes.status, &(struct store_counted){ .attempts = 1 }, owed->arg);
}

void
store_failure(struct store *store, const struct store_failure *failure,
    store_failure_cb cb, void *arg)
{
	(void)store;
	asked("failure %s%s;", failure->reason,
	    failure->transcript != NULL && failure->transcript[0] != '\0'
		? " with transcript"
		: "");
	owe(give_failure, arg)->cb.failure = cb;
}

static void
give_failed_before(struct fake_owed *owed)
{
	owed->cb.failed_before(fakes.status, false, owed->arg);
}

void
store_failed_before(struct store *store, int64_t account_id,
    const struct store_uid *uids, size_t count, store_failed_before_cb cb,
    void *arg)
{
	(void)store;
	(void)account_id;
	(void)uids;
	asked("failed before %zu;", count);
	owe(give_failed_before, arg)->cb.failed_before = cb;
}

/* ---- accounts and polls ---- */

static void
give_account(struct fake_owed *owed)
{
	owed->cb.account(fakes.status,
	    fakes.status == STORE_OK ? &fakes.account : NULL, owed->arg);
}

void
store_account(struct store *store, const char *name, const char *stable_id,
    store_account_cb cb, void *arg)
{
	(void)store;
	(void)stable_id;
	asked("account %s;", name);
	owe(give_account, arg)->cb.account = cb;
}

void
store_account_again(
    struct store *store, int64_t account_id, store_account_cb cb, void *arg)
{
	(void)store;
	asked("account %d;", (int)account_id);
	owe(give_account, arg)->cb.account = cb;
}

static void
give_octets(struct fake_owed *owed)
{
	owed->cb.octets(fakes.status, 0, owed->arg);
}

void
store_poll_octets(struct store *store, int64_t account_id, int64_t since_ms,
    store_octets_cb cb, void *arg)
{
	(void)store;
	(void)since_ms;
	asked("octets %d;", (int)account_id);
	owe(give_octets, arg)->cb.octets = cb;
}

static void
give_bound(struct fake_owed *owed)
{
	static const struct store_bound bound = { .is_moved = false };

	owed->cb.bound(
	    fakes.status, fakes.status == STORE_OK ? &bound : NULL, owed->arg);
}

void
store_account_bind(struct store *store, int64_t account_id, const char *host,
    const char *user, store_bound_cb cb, void *arg)
{
	(void)store;
	(void)account_id;
	asked("bind %s %s;", host, user);
	owe(give_bound, arg)->cb.bound = cb;
}

void
store_poll_record(struct store *store, const struct store_poll *poll,
    store_done_cb cb, void *arg)
{
	(void)store;
	fakes.poll = *poll;
	asked("record %s;", poll->outcome);
	owe(give_done, arg)->cb.done = cb;
}

void
store_poll_note(struct store *store, const struct store_poll *poll)
{
	(void)store;
	fakes.poll = *poll;
	asked("note %s;", poll->outcome);
}

const char *
store_status_name(enum store_status status)
{
	return status == STORE_FULL ? "full" : "else";
}

const char *
store_status_hint(enum store_status status)
{
	(void)status;
	return "make room";
}

struct evpop_memory *
servers_memory(struct servers *servers)
{
	(void)servers;
	return NULL;
}

void
servers_keep(struct servers *servers)
{
	(void)servers;
	asked("keep;");
}

/* ---- the sync ---- */

struct evpop_sync *
evpop_sync_new(struct event_base *base, struct evdns_base *dns,
    const struct evpop_client_config *config, const struct evpop_policy *policy,
    const struct evpop_sync_callbacks *callbacks, void *arg)
{
	(void)base;
	(void)dns;
	(void)config;
	(void)policy;
	fakes.callbacks = callbacks;
	fakes.arg = arg;
	return fakes_sync();
}

void
evpop_sync_set_policy(
    struct evpop_sync *sync, const struct evpop_policy *policy)
{
	(void)sync;
	(void)policy;
}

enum evpop_error
evpop_sync_start(
    struct evpop_sync *sync, const struct evpop_credentials *credentials)
{
	(void)sync;
	asked("start %s;", credentials->user);
	return EVPOP_ERROR_NONE;
}

void
evpop_sync_known_batch(struct evpop_sync *sync, const struct evpop_known *known,
    size_t count, bool is_last, int64_t now_ms)
{
	(void)sync;
	(void)now_ms;
	asked("known %zu%s;", count, is_last ? " last" : "");
	for (size_t i = 0; i < count; i++)
		if (known[i].state == EVPOP_KNOWN_GONE ||
		    known[i].state == EVPOP_KNOWN_WAITING)
			fakes.callbacks->gone(sync, &known[i], fakes.arg);
}

void
evpop_sync_unchanged(struct evpop_sync *sync)
{
	(void)sync;
	asked("unchanged;");
}

const struct evpop_plan *
evpop_sync_plan(const struct evpop_sync *sync)
{
	(void)sync;
	return fakes.plan;
}

int64_t
evpop_plan_waits_since(const struct evpop_plan *plan, size_t index)
{
	(void)plan;
	return index == 0 ? fakes.waits_since_ms : 0;
}

const struct evpop_adoption *
evpop_plan_adoption(const struct evpop_plan *plan, size_t index)
{
	assert_int_equal(plan->actions[index], EVPOP_ACTION_ADOPT);
	return &fakes.adoption;
}

void
evpop_sync_progress(
    struct evpop_sync *sync, struct evpop_sync_report *progress_r)
{
	(void)sync;
	*progress_r = fakes.report;
}

void
evpop_sync_stored(
    struct evpop_sync *sync, const struct evpop_entry *entry, bool durable)
{
	(void)sync;
	asked(
	    "%s %u;", durable ? "stored" : "lost", (unsigned int)entry->number);
}

void
evpop_sync_resume(struct evpop_sync *sync)
{
	(void)sync;
	asked("resume;");
}

void
evpop_sync_stop(struct evpop_sync *sync)
{
	(void)sync;
	asked("stop;");
}

void
evpop_sync_cancel(struct evpop_sync *sync, const struct evpop_result *reason)
{
	(void)sync;
	fakes.cancelled = *reason;
	asked("cancel;");
}

void
evpop_sync_free(struct evpop_sync *sync)
{
	(void)sync;
}

struct evpop_client *
evpop_sync_client(struct evpop_sync *sync)
{
	(void)sync;
	return (struct evpop_client *)(void *)&client_handle;
}

enum evpop_mechanism
evpop_client_mechanism(const struct evpop_client *client)
{
	(void)client;
	return EVPOP_MECHANISM_PLAIN;
}

unsigned int
evpop_client_tried(const struct evpop_client *client)
{
	(void)client;
	return 1;
}

const struct evpop_capabilities *
evpop_client_capabilities(const struct evpop_client *client)
{
	static const struct evpop_capabilities capabilities = {
		.login_delay = true, .login_delay_s = 60
	};

	(void)client;
	return &capabilities;
}

enum evpop_error
evpop_client_token(struct evpop_client *client, const char *token)
{
	(void)client;
	(void)token;
	return EVPOP_ERROR_NONE;
}

bool
evpop_sync_wants_other_token(const struct evpop_sync *sync)
{
	(void)sync;
	return false;
}

/* No account here has OAuth 2. */
struct oauth_request *
oauth_ask(struct oauth *oauth, const char *owner, const char *refused,
    oauth_cb cb, void *arg)
{
	(void)oauth;
	(void)owner;
	(void)refused;
	(void)cb;
	(void)arg;
	return NULL;
}

void
oauth_cancel(struct oauth_request **request)
{
	assert_null(*request);
}

void
oauth_note_refused(struct oauth *oauth, const char *owner)
{
	(void)oauth;
	(void)owner;
}
