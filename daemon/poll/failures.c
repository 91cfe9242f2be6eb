#include "daemon/poll/failures.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "daemon/log/log.h"
#include "daemon/notify/notify.h"

/* ---- the transcript ---- */

/* Octets from `at` to where the ring's memory ends, or fewer. */
static size_t
transcript_to_edge(size_t at, size_t length)
{
	return length < TRANSCRIPT_SIZE - at ? length : TRANSCRIPT_SIZE - at;
}

/* Every line of a listing comes here: octets are not looked at singly. */
static void
transcript_drop_oldest(struct transcript *transcript)
{
	size_t begin = transcript->begin;
	size_t run = transcript_to_edge(begin, transcript->length), dropped;
	const char *end = memchr(transcript->bytes + begin, '\n', run);

	if (end != NULL)
		dropped = (size_t)(end - transcript->bytes) - begin + 1;
	else {
		end = memchr(transcript->bytes, '\n', transcript->length - run);
		dropped = run + (size_t)(end - transcript->bytes) + 1;
	}
	transcript->begin = (begin + dropped) % TRANSCRIPT_SIZE;
	transcript->length -= dropped;
}

static void
transcript_append(
    struct transcript *transcript, const char *bytes, size_t length)
{
	size_t at = (transcript->begin + transcript->length) % TRANSCRIPT_SIZE;
	size_t run = transcript_to_edge(at, length);

	memcpy(transcript->bytes + at, bytes, run);
	memcpy(transcript->bytes, bytes + run, length - run);
	transcript->length += length;
}

void
transcript_add(
    struct transcript *transcript, bool from_server, const char *line)
{
	static const char marks[] = "C: S: ";
	size_t mark = sizeof marks / 2;
	size_t length = strnlen(line, TRANSCRIPT_LINE - mark - 2);

	while (TRANSCRIPT_SIZE - transcript->length < mark + length + 1)
		transcript_drop_oldest(transcript);
	transcript_append(transcript, from_server ? marks + mark : marks, mark);
	transcript_append(transcript, line, length);
	transcript_append(transcript, "\n", 1);
}

void
transcript_text(const struct transcript *transcript, char *text)
{
	size_t i;

	for (i = 0; i < transcript->length; i++)
		text[i] =
		    transcript
			->bytes[(transcript->begin + i) % TRANSCRIPT_SIZE];
	text[transcript->length] = '\0';
}

/* ---- failures ---- */

/* If more than this are refused in a row, no message is at fault. */
#define FAILURES_HELD 64

/* A message that failed; whether it is at fault does not show yet. */
struct failed {
	TAILQ_ENTRY(failed) link;
	uint32_t number, occurrence;
	uint64_t listed_octets;
	size_t unique_id_length; /* 0: it has none, and cannot be counted */
	unsigned char *unique_id;
	char *reason;
	char *transcript;
	struct store_body *body;
	bool is_excused; /* the server says itself that it is not the message */
	bool is_vague;   /* it may mean so */
	bool is_doubt;   /* less came than there is */
	bool is_empty;
};
TAILQ_HEAD(failed_list, failed);

struct failures {
	struct store *store;
	struct notify *notify;
	const char *name;
	store_done_cb noted;
	void *arg;
	int64_t account_id;
	struct transcript transcript;
	uint32_t given;
	uint32_t refused;          /* in a row, since the last one given */
	struct evpop_result first; /* of these */
	struct failed_list held;   /* of these */
	size_t held_count;
	struct failed_list doubts;
	size_t doubt_count;
	struct failed_list counted; /* once in a poll is enough */
	size_t counted_count;
	unsigned waiting; /* answers owed by the store */
};

struct failures *
failures_new(struct store *store, struct notify *notify, const char *name,
    store_done_cb noted, void *arg)
{
	struct failures *failures;

	failures = calloc(1, sizeof *failures);
	if (failures == NULL)
		return NULL;
	failures->store = store;
	failures->notify = notify;
	failures->name = name;
	failures->noted = noted;
	failures->arg = arg;
	TAILQ_INIT(&failures->held);
	TAILQ_INIT(&failures->doubts);
	TAILQ_INIT(&failures->counted);
	return failures;
}

void
failures_set_account(struct failures *failures, int64_t account_id)
{
	failures->account_id = account_id;
}

void
failures_trace(struct failures *failures, bool from_server, const char *line)
{
	transcript_add(&failures->transcript, from_server, line);
}

bool
failures_are_pending(const struct failures *failures)
{
	return failures->waiting > 0;
}

/* ---- one of them ---- */

static void
failed_free(struct failed *failed)
{
	if (failed == NULL)
		return;
	if (failed->body != NULL)
		store_body_abort(failed->body);
	free(failed->unique_id);
	free(failed->reason);
	free(failed->transcript);
	free(failed);
}

static void
failed_free_all(struct failed_list *list, size_t *count)
{
	struct failed *failed;

	while ((failed = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, failed, link);
		failed_free(failed);
	}
	*count = 0;
}

void
failures_free(struct failures **failures_p)
{
	struct failures *failures = *failures_p;

	if (failures == NULL)
		return;
	assert(failures->waiting == 0);
	failed_free_all(&failures->held, &failures->held_count);
	failed_free_all(&failures->doubts, &failures->doubt_count);
	failed_free_all(&failures->counted, &failures->counted_count);
	free(failures);
	*failures_p = NULL;
}

/* The same number of bytes is the same reason. */
static char *
failed_doubt_reason(const struct failures_message *message)
{
	char reason[128];

	snprintf(reason, sizeof reason,
	    "%llu bytes came%s, and the server lists it with %llu",
	    (unsigned long long)message->octets,
	    message->is_empty ? ", nothing but line ends" : "",
	    (unsigned long long)message->entry->octets);
	return strdup(reason);
}

/* NULL without memory. */
static struct failed *
failed_new(const struct failures *failures,
    const struct failures_message *message, const struct evpop_result *result)
{
	const struct evpop_entry *entry = message->entry;
	struct failed *failed = calloc(1, sizeof *failed);

	if (failed == NULL)
		return NULL;
	failed->is_doubt = result->error == EVPOP_ERROR_INCOMPLETE;
	failed->is_empty = message->is_empty;
	if (result->error == EVPOP_ERROR_REFUSED) {
		failed->is_excused = result->scope != EVPOP_SCOPE_MESSAGE;
		failed->is_vague = result->retry;
	}
	failed->number = entry->number;
	failed->occurrence = entry->occurrence;
	failed->listed_octets = entry->octets;
	failed->unique_id = malloc(entry->unique_id_length + 1);
	failed->reason = failed->is_doubt ? failed_doubt_reason(message)
					  : strdup(result->text);
	failed->transcript = malloc(TRANSCRIPT_SIZE + 1);
	if (failed->unique_id == NULL || failed->reason == NULL ||
	    failed->transcript == NULL) {
		failed_free(failed);
		return NULL;
	}
	transcript_text(&failures->transcript, failed->transcript);
	if (entry->unique_id != NULL) {
		failed->unique_id_length = entry->unique_id_length;
		memcpy(failed->unique_id, entry->unique_id,
		    entry->unique_id_length);
	}
	failed->body = message->body;
	return failed;
}

static bool
failed_is(const struct failed *failed, const struct evpop_entry *entry)
{
	return entry->unique_id != NULL &&
	       failed->unique_id_length == entry->unique_id_length &&
	       failed->occurrence == entry->occurrence &&
	       memcmp(failed->unique_id, entry->unique_id,
		   entry->unique_id_length) == 0;
}

/* ---- counting ---- */

struct failures_count {
	struct failures *failures;
	uint32_t number;
	bool is_doubt;
};

static void
failures_tell(const struct failures *failures,
    const struct failures_count *count, const struct store_counted *counted)
{
	if (counted->outcome == STORE_FAILED_QUARANTINED) {
		log_write(LOG_LEVEL_ERROR, failures->name,
		    "message %lu failed %u times and is now skipped; see "
		    "\"evpopctl quarantine show %lld\"",
		    (unsigned long)count->number, counted->attempts,
		    (long long)counted->quarantine_id);
		notify_publish(failures->notify,
		    &(struct notify_event){ .kind = NOTIFY_MESSAGE_QUARANTINED,
			.account = failures->name,
			.skipped = { count->number, counted->attempts,
			    counted->quarantine_id } });
	}
	if (counted->outcome != STORE_FAILED_STORED)
		return;
	log_write(LOG_LEVEL_WARNING, failures->name,
	    "message %lu came with the same few bytes %u times and is stored: "
	    "the server announces more than it has",
	    (unsigned long)count->number, counted->attempts);
	if (counted->message_id != 0)
		notify_publish(failures->notify,
		    &(struct notify_event){ .kind = NOTIFY_MESSAGE_STORED,
			.account = failures->name,
			.message = { counted->message_id, counted->octets } });
}

static void
failures_counted(
    enum store_status status, const struct store_counted *counted, void *arg)
{
	struct failures_count *count = arg;
	struct failures *failures = count->failures;

	if (status == STORE_OK)
		failures_tell(failures, count, counted);
	free(count);
	failures->waiting--;
	failures->noted(status, failures->arg);
}

static void
failures_count(
    struct failures *failures, struct failed *failed, enum store_failed end)
{
	struct failures_count *count = NULL;

	if (failed->unique_id_length > 0)
		count = malloc(sizeof *count);
	if (count != NULL) {
		*count = (struct failures_count){ failures, failed->number,
			failed->is_doubt };
		failures->waiting++;
		store_failure(failures->store,
		    &(struct store_failure){
			.account_id = failures->account_id,
			.unique_id = failed->unique_id,
			.unique_id_length = failed->unique_id_length,
			.occurrence = failed->occurrence,
			.reason = failed->reason,
			.transcript = failed->transcript,
			.body = failed->body,
			.attempts_most = failed->is_doubt ? FAILURES_DOUBTS
							  : FAILURES_ATTEMPTS,
			.apart_ms = failed->is_doubt ? FAILURES_DOUBT_MS : 0,
			.end = end,
			.listed_octets = failed->listed_octets,
		    },
		    failures_counted, count);
		failed->body = NULL;
	}
	if (count == NULL || failures->counted_count == FAILURES_HELD) {
		failed_free(failed);
		return;
	}
	TAILQ_INSERT_TAIL(&failures->counted, failed, link);
	failures->counted_count++;
}

static void
failures_count_held(struct failures *failures)
{
	struct failed *failed;

	while ((failed = TAILQ_FIRST(&failures->held)) != NULL) {
		TAILQ_REMOVE(&failures->held, failed, link);
		if (failed->is_excused)
			failed_free(failed);
		else
			failures_count(
			    failures, failed, STORE_FAILED_QUARANTINED);
	}
	failures->held_count = 0;
}

/* ---- what happens in a poll ---- */

void
failures_given(struct failures *failures)
{
	failures->given++;
	failures->refused = 0;
	failures_count_held(failures);
}

/* An end for a reason of our own says nothing about the message. */
static bool
failures_say_something(const struct evpop_result *result)
{
	return result->error != EVPOP_ERROR_CANCELLED &&
	       result->error != EVPOP_ERROR_MEMORY;
}

/* A server that hangs up on one message may do so on all of them. */
static bool
failures_may_be_of_account(const struct evpop_result *result)
{
	return result->error == EVPOP_ERROR_REFUSED ||
	       result->error == EVPOP_ERROR_IO ||
	       result->error == EVPOP_ERROR_TIMEOUT;
}

static bool
failures_have_counted(
    const struct failures *failures, const struct evpop_entry *entry)
{
	const struct failed *failed;

	TAILQ_FOREACH(failed, &failures->counted, link)
		if (failed_is(failed, entry))
			return true;
	return false;
}

static void
failures_forget_earlier(
    struct failures *failures, const struct evpop_entry *entry)
{
	struct failed *failed;

	TAILQ_FOREACH(failed, &failures->held, link)
		if (failed_is(failed, entry)) {
			TAILQ_REMOVE(&failures->held, failed, link);
			failures->held_count--;
			failures->refused--;
			failed_free(failed);
			return;
		}
}

static void
failures_hold(struct failures *failures, struct failed *failed,
    const struct evpop_result *result)
{
	if (failures->refused++ == 0)
		failures->first = *result;
	if (failures->held_count == FAILURES_HELD) {
		failed_free(failed);
		return;
	}
	TAILQ_INSERT_TAIL(&failures->held, failed, link);
	failures->held_count++;
}

static void
failures_hold_doubt(struct failures *failures, struct failed *failed)
{
	if (failures->doubt_count == FAILURES_HELD) {
		failed_free(failed);
		return;
	}
	TAILQ_INSERT_TAIL(&failures->doubts, failed, link);
	failures->doubt_count++;
}

void
failures_add(struct failures *failures, const struct failures_message *message,
    const struct evpop_result *result)
{
	struct failed *failed = NULL;

	log_write(LOG_LEVEL_WARNING, failures->name,
	    "message %lu was not fetched: %s",
	    (unsigned long)message->entry->number, result->text);
	if (failures_say_something(result) &&
	    !failures_have_counted(failures, message->entry)) {
		failed = failed_new(failures, message, result);
		if (failed == NULL)
			failures->noted(STORE_MEMORY, failures->arg);
	}
	if (failed == NULL) {
		if (message->body != NULL)
			store_body_abort(message->body);
		return;
	}
	failures_forget_earlier(failures, message->entry);
	if (failed->is_doubt)
		failures_hold_doubt(failures, failed);
	else if (failures_may_be_of_account(result))
		failures_hold(failures, failed, result);
	else
		failures_count(failures, failed, STORE_FAILED_QUARANTINED);
}

/* ---- the end ---- */

/* Others were given, and the last one of all was not. */
static bool
failures_are_of_one(const struct failures *failures)
{
	const struct failed *failed = TAILQ_FIRST(&failures->held);

	return failures->given > 0 && failures->refused == 1 &&
	       failed != NULL && !failed->is_excused && !failed->is_vague;
}

bool
failures_are_of_account(
    const struct failures *failures, struct evpop_result *result)
{
	unsigned long refused = failures->refused, given = failures->given;

	if (refused == 0 || failures_are_of_one(failures))
		return false;
	if (given > 0)
		evpop_result_set(result, failures->first.error,
		    EVPOP_PHASE_BODY,
		    "the server gave %lu %s and not the next %lu: %.200s",
		    given, given == 1 ? "message" : "messages", refused,
		    failures->first.text);
	else
		evpop_result_set(result, failures->first.error,
		    EVPOP_PHASE_BODY, "the server gave none of %lu %s: %.200s",
		    refused, refused == 1 ? "message" : "messages",
		    failures->first.text);
	result->code = failures->first.code;
	return true;
}

/* If all of them failed in earlier polls, too, they are counted. */
static void
failures_known(enum store_status status, bool all, void *arg)
{
	struct failures *failures = arg;

	failures->waiting--;
	if (status == STORE_OK && all)
		failures_count_held(failures);
	else
		failed_free_all(&failures->held, &failures->held_count);
	failures->noted(status, failures->arg);
}

static void
failures_look_up_held(struct failures *failures)
{
	struct store_uid uids[FAILURES_HELD];
	const struct failed *failed;
	size_t count = 0;

	TAILQ_FOREACH(failed, &failures->held, link) {
		if (failed->is_excused || failed->is_vague ||
		    failed->unique_id_length == 0)
			return;
		uids[count++] = (struct store_uid){
			.unique_id = failed->unique_id,
			.unique_id_length = failed->unique_id_length,
			.occurrence = failed->occurrence,
		};
	}
	if (count == 0 || count < failures->refused)
		return;
	failures->waiting++;
	store_failed_before(failures->store, failures->account_id, uids, count,
	    failures_known, failures);
}

/* An empty one is never taken for all; where others come, it is skipped. */
static void
failures_count_doubts(struct failures *failures)
{
	struct failed *failed;
	enum store_failed end;

	while ((failed = TAILQ_FIRST(&failures->doubts)) != NULL) {
		TAILQ_REMOVE(&failures->doubts, failed, link);
		end = !failed->is_empty     ? STORE_FAILED_STORED
		      : failures->given > 0 ? STORE_FAILED_QUARANTINED
					    : STORE_FAILED_COUNTED;
		failures_count(failures, failed, end);
	}
	failures->doubt_count = 0;
}

void
failures_settle(struct failures *failures)
{
	failures_count_doubts(failures);
	if (failures_are_of_one(failures))
		failures_count_held(failures);
	else
		failures_look_up_held(failures);
}
