/* A whole session by the sync driver, with a store that only remembers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "tests/dialog/session.h"

/* The clock of plans: an hour after everything was stored. */
#define NOW_MS 3600000

static const struct {
	const char *name;
	enum evpop_known_state state;
} states[] = {
	{ "stored", EVPOP_KNOWN_STORED },
	{ "delete", EVPOP_KNOWN_DELETE },
	{ "seen", EVPOP_KNOWN_SEEN },
	{ "deleted", EVPOP_KNOWN_DELETED },
	{ "gone", EVPOP_KNOWN_GONE },
	{ "waiting", EVPOP_KNOWN_WAITING },
};

static struct session_known *
find_known(
    struct session *session, const struct octets *id, uint32_t occurrence)
{
	struct session_known *known;
	size_t i;

	for (i = 0; i < session->known_count; i++) {
		known = &session->known[i];
		if (known->occurrence == occurrence &&
		    known->id.length == id->length &&
		    memcmp(known->id.bytes, id->bytes, id->length) == 0)
			return known;
	}
	return NULL;
}

static struct session_known *
remember(struct session *session, const void *id, size_t length,
    uint32_t occurrence, enum evpop_known_state state)
{
	struct octets wanted = { NULL, 0, 0 };
	struct session_known *known;

	octets_add(&wanted, id, length);
	known = find_known(session, &wanted, occurrence);
	if (known == NULL) {
		session->known = reallocarray(session->known,
		    session->known_count + 1, sizeof *session->known);
		if (session->known == NULL)
			abort();
		known = &session->known[session->known_count++];
		memset(known, 0, sizeof *known);
		known->id = wanted;
		known->occurrence = occurrence;
	} else
		octets_clear(&wanted);
	known->state = state;
	return known;
}

static void
remember_entry(struct session *session, const struct evpop_entry *entry,
    enum evpop_known_state state)
{
	if (entry->unique_id != NULL)
		(void)remember(session, entry->unique_id,
		    entry->unique_id_length, entry->occurrence, state);
}

static void
remember_header(struct session_known *known, const struct octets *header)
{
	known->has_header = true;
	if (EVP_Digest(header->bytes, header->length, known->header_digest,
		NULL, EVP_sha256(), NULL) != 1)
		abort();
}

/* Ids of a dialog; the same one again is the next occurrence of it. */
static void
remember_dialog(struct session *session)
{
	const struct dialog_known *known;
	struct session_known *remembered;
	uint32_t occurrence;
	size_t i, s;

	for (i = 0; i < session->dialog->known_count; i++) {
		known = &session->dialog->known[i];
		for (s = 0; strcmp(states[s].name, known->state) != 0; s++)
			;
		for (occurrence = 0;
		     find_known(session, &known->id, occurrence) != NULL;
		     occurrence++)
			;
		remembered = remember(session, known->id.bytes,
		    known->id.length, occurrence, states[s].state);
		remembered->octets = known->octets;
		if (known->has_header)
			remember_header(remembered, &known->header);
	}
}

/* ---- callbacks ---- */

static void
tell_known(struct session *session)
{
	struct evpop_known *list =
	    calloc(session->known_count + 1, sizeof *list);
	size_t i;

	if (list == NULL)
		abort();
	for (i = 0; i < session->known_count; i++)
		list[i] = (struct evpop_known){
			.unique_id = session->known[i].id.bytes,
			.unique_id_length = session->known[i].id.length,
			.occurrence = session->known[i].occurrence,
			.state = session->known[i].state,
			.octets = session->known[i].octets,
			.header_digest = session->known[i].has_header
					     ? session->known[i].header_digest
					     : NULL,
		};
	evpop_sync_known(session->sync, list, session->known_count, NOW_MS);
	free(list);
}

static void
on_listing(
    struct evpop_sync *sync, const struct evpop_listing *listing, void *arg)
{
	struct session *session = arg;
	const struct evpop_entry *entry;
	size_t i;

	(void)sync;
	for (i = 0; i < listing->count; i++) {
		entry = &listing->entries[i];
		record_entry(&session->record, entry->number, entry->octets,
		    entry->unique_id, entry->unique_id_length);
	}
	record_entries(&session->record, listing->ignored);
	session->listing = listing;
	tell_known(session);
}

/* " seen=1", and nothing where there is none. */
static const char *
some(char text[32], const char *name, size_t count)
{
	text[0] = '\0';
	if (count > 0)
		snprintf(text, 32, " %s=%zu", name, count);
	return text;
}

/* What the store would do with entries that need not be fetched. */
static void
take_note(struct session *session, const struct evpop_plan *plan,
    const struct evpop_entry *entry, size_t index)
{
	const struct evpop_adoption *adoption;
	struct session_known *known;

	if (plan->actions[index] == EVPOP_ACTION_SEEN)
		remember_entry(session, entry, EVPOP_KNOWN_SEEN);
	if (plan->actions[index] == EVPOP_ACTION_WAIT)
		remember_entry(session, entry, EVPOP_KNOWN_WAITING);
	if (plan->actions[index] != EVPOP_ACTION_ADOPT)
		return;
	adoption = evpop_plan_adoption(plan, index);
	known = &session->known[adoption->known];
	record_add(&session->record, "adopt %u %s", (unsigned)entry->number,
	    octets_text(&known->id));
	octets_clear(&known->id);
	octets_add(&known->id, entry->unique_id, entry->unique_id_length);
	known->occurrence = entry->occurrence;
	known->state = EVPOP_KNOWN_STORED;
}

static void
on_planned(struct evpop_sync *sync, const struct evpop_plan *plan, void *arg)
{
	struct session *session = arg;
	char seen[32], adopt[32], held[32], wait[32];
	size_t i;

	(void)sync;
	for (i = 0; i < session->known_count && plan->gone_count > 0; i++)
		if (plan->gone[i])
			record_add(&session->record, "gone %s",
			    octets_text(&session->known[i].id));
	for (i = 0; i < session->listing->count; i++)
		take_note(session, plan, &session->listing->entries[i], i);
	record_add(&session->record,
	    "plan fetch=%zu delete=%zu too-large=%zu later=%zu "
	    "unidentified=%zu%s%s%s%s",
	    plan->fetches, plan->deletes, plan->too_large, plan->later,
	    plan->unidentified, some(seen, "seen", plan->seen),
	    some(adopt, "adopt", plan->adopts), some(held, "held", plan->held),
	    some(wait, "wait", plan->waits));
}

static enum evpop_flow
on_begin(struct evpop_sync *sync, const struct evpop_entry *entry,
    enum evpop_action action, void **message, void *arg)
{
	struct session *session = arg;

	(void)sync;
	(void)entry;
	(void)action;
	*message = NULL;
	record_body_begin(&session->record);
	return EVPOP_FLOW_CONTINUE;
}

static enum evpop_flow
on_data(struct evpop_sync *sync, void *message, const unsigned char *bytes,
    size_t length, void *arg)
{
	(void)sync;
	(void)message;
	return session_take(arg, bytes, length);
}

static bool
store_is(const struct session *session, const char *how)
{
	const char *store = session->dialog->settings.store;

	return store != NULL && strcmp(store, how) == 0;
}

/* Durable; from now on what is owed to the server is known. */
static void
stored(struct session *session, const struct evpop_entry *entry)
{
	const char *keep = session->dialog->settings.keep;

	remember_entry(session, entry,
	    keep != NULL && strcmp(keep, "delete") == 0 ? EVPOP_KNOWN_DELETE
							: EVPOP_KNOWN_STORED);
	evpop_sync_stored(session->sync, entry, true);
}

void
session_sync_late(evutil_socket_t fd, short what, void *arg)
{
	struct session *session = arg;
	size_t i, count = session->stored_late_count;

	(void)fd;
	(void)what;
	session->stored_late_count = 0;
	for (i = 0; i < count && session->sync != NULL; i++)
		stored(session, session->stored_late[i]);
}

static void
on_end(struct evpop_sync *sync, const struct evpop_entry *entry, void *message,
    const struct evpop_result *result, void *arg)
{
	static const struct timeval soon = { 0, 3000 };
	struct session *session = arg;

	(void)message;
	if (result->error != EVPOP_ERROR_NONE) {
		record_result(&session->record, "retr", entry->number, result);
		return;
	}
	record_body_end(&session->record, entry->number);
	if (store_is(session, "never"))
		evpop_sync_stored(sync, entry, false);
	else if (!store_is(session, "later") ||
		 session->stored_late_count ==
		     sizeof session->stored_late /
			 sizeof session->stored_late[0])
		stored(session, entry);
	else {
		session->stored_late[session->stored_late_count++] = entry;
		evtimer_add(session->late, &soon);
	}
}

static void
on_refused(struct evpop_sync *sync, const struct evpop_entry *entry,
    const struct evpop_result *result, void *arg)
{
	struct session *session = arg;

	(void)sync;
	record_result(&session->record, "refused", entry->number, result);
}

static void
on_deleted(struct evpop_sync *sync, const struct evpop_entry *entry, void *arg)
{
	struct session *session = arg;

	(void)sync;
	record_add(&session->record, "deleted %u", (unsigned)entry->number);
	remember_entry(session, entry, EVPOP_KNOWN_DELETED);
}

static void
on_done(
    struct evpop_sync *sync, const struct evpop_sync_report *report, void *arg)
{
	struct session *session = arg;
	char seen[32], adopted[32], held[32], later[32], waiting[32];

	(void)sync;
	record_result(&session->record, "sync", 0, &report->result);
	record_add(&session->record,
	    "done fetched=%u failed=%u deleted=%u quit=%s%s%s%s%s%s",
	    (unsigned)report->fetched, (unsigned)report->failed,
	    (unsigned)report->deleted, evpop_quit_name(report->quit),
	    some(seen, "seen", report->seen),
	    some(adopted, "adopted", report->adopted),
	    some(held, "held", report->held),
	    some(later, "later", report->later),
	    some(waiting, "waiting", report->waiting));
	session->closed = true;
	session_answered(session);
}

static const struct evpop_sync_callbacks callbacks = {
	.listing = on_listing,
	.planned = on_planned,
	.begin = on_begin,
	.data = on_data,
	.end = on_end,
	.refused = on_refused,
	.deleted = on_deleted,
	.done = on_done,
};

/* ---- begin and end ---- */

static void
policy_of(const struct dialog_settings *set, struct evpop_policy *policy)
{
	*policy = (struct evpop_policy){
		.max_message_octets = set->max_octets,
		.max_messages = (uint32_t)set->max_messages,
		.order = set->order != NULL && strcmp(set->order, "newest") == 0
			     ? EVPOP_ORDER_NEWEST
			     : EVPOP_ORDER_OLDEST,
		.expect_nothing = set->expect_nothing != 0,
		.max_session_deletes = (uint32_t)set->max_session_deletes,
		.max_deletes = (uint32_t)set->max_deletes,
		.delete_above_octets = set->delete_above,
		.baseline = set->baseline != 0,
		.dry_run = set->dry_run != 0,
		.fetch_unidentified = set->fetch_unidentified != 0,
		.fetch_after_ms = (int64_t)set->fetch_after,
	};
	if (set->keep == NULL)
		return;
	if (strcmp(set->keep, "delete") == 0)
		policy->keep = EVPOP_KEEP_NONE;
	else {
		policy->keep = EVPOP_KEEP_AGE;
		policy->keep_ms = atoll(set->keep);
	}
}

void
session_sync_begin(struct session *session)
{
	struct evpop_client_config config;
	struct evpop_credentials credentials;
	struct evpop_policy policy;
	enum evpop_error error;

	if (session->known == NULL)
		remember_dialog(session);
	session_config(session, &config);
	policy_of(&session->dialog->settings, &policy);
	if (!session_credentials(session, &credentials))
		session_fail(session, "auth names no mechanism");
	session->closed = false;
	session->unanswered++;
	session->sync = evpop_sync_new(session->stage->base,
	    session->stage->dns, &config, &policy, &callbacks, session);
	error = session->sync == NULL
		    ? EVPOP_ERROR_USAGE
		    : evpop_sync_start(session->sync, &credentials);
	if (error == EVPOP_ERROR_NONE)
		return;
	record_add(&session->record, "sync %s", evpop_error_name(error));
	session->closed = true;
	session_answered(session);
}

void
session_sync_clear(struct session *session)
{
	session->stored_late_count = 0;
	evpop_sync_free(session->sync);
	session->sync = NULL;
}
