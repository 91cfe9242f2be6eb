#include "daemon/deliver/imap_append.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/deliver/imap_name.h"
#include "daemon/deliver/parcel.h"
#include "daemon/failpoint/failpoint.h"

/* Octets of one command. */
#define COMPANY_OCTETS ((uint64_t)4 << 20)
/*
 * Above this a server is asked before a message is sent, even if it need not
 * be: what it refuses is not sent for nothing then (RFC 7888 section 5).
 */
#define UNASKED_MOST IMAP_COMPANY_MOST

static const char awaited[] = "the answer to APPEND";

enum append_state {
	APPEND_ASKING = 0, /* for a continuation */
	APPEND_SENDING,
	APPEND_WHOLE
};

struct imap_append {
	struct imap_link *link;
	const struct imap_folder *folder;
	const struct imap_append_handler *handler;
	void *arg;
	enum append_state state;
	const struct imap_item *items[IMAP_DEPTH];
	size_t count, at;
};

/* ---- sending ---- */

static struct talk *
append_talk(const struct imap_append *append)
{
	return imap_wire_talk(imap_link_wire(append->link));
}

static bool
append_fits(const struct imap_item *item, const struct imap_folder *folder)
{
	return imap_item_is(item, IMAP_MARK_NOTED) &&
	       imap_item_goes_to(item, folder);
}

bool
imap_append_is_possible(
    const struct imap_folder *folder, const struct imap_queue *queue)
{
	size_t i;

	for (i = 0; i < imap_queue_count(queue); i++)
		if (append_fits(imap_queue_at(queue, i), folder))
			return true;
	return false;
}

static void
append_choose(struct imap_append *append, const struct imap_queue *queue)
{
	bool has_company = imap_link_capabilities(append->link)->multiappend;
	const struct imap_item *item;
	uint64_t octets = 0;
	size_t i;

	for (i = 0; i < imap_queue_count(queue); i++) {
		item = imap_queue_at(queue, i);
		if (!append_fits(item, append->folder))
			continue;
		if (append->count > 0 &&
		    (imap_item_is(item, IMAP_MARK_ALONE) ||
			octets + item->parcel->octets > COMPANY_OCTETS))
			continue;
		octets += item->parcel->octets;
		append->items[append->count++] = item;
		if (!has_company || imap_item_is(item, IMAP_MARK_ALONE))
			return;
	}
}

static void append_sent(bool is_whole, void *arg);

static void
append_send(struct imap_append *append)
{
	const struct imap_item *item = append->items[append->at];

	append->state = APPEND_SENDING;
	if (imap_item_is(item, IMAP_MARK_READ))
		parcel_rewind(item->parcel);
	imap_queue_mark(item, IMAP_MARK_READ);
	talk_await(append_talk(append), EVPOP_PHASE_BODY, awaited);
	imap_wire_send(
	    imap_link_wire(append->link), item->parcel, append_sent, append);
}

/* No flags: it is unread. */
static void
append_announce(struct imap_append *append)
{
	const struct parcel *parcel = append->items[append->at]->parcel;
	const struct imap_capabilities *can =
	    imap_link_capabilities(append->link);
	struct talk *talk = append_talk(append);
	uint64_t most = can->literal_plus    ? UNASKED_MOST
			: can->literal_minus ? IMAP_LITERAL_MINUS
					     : 0;
	bool is_unasked = most > 0 && parcel->octets <= most;
	char date[IMAP_DATE];

	if (imap_date_write(date, parcel->received_ms))
		talk_print(talk, " %s", date);
	talk_print(talk, " {%" PRIu64 "%s}\r\n", parcel->octets,
	    is_unasked ? "+" : "");
	if (is_unasked)
		append_send(append);
	else {
		append->state = APPEND_ASKING;
		talk_await(talk, EVPOP_PHASE_COMMAND, awaited);
	}
}

static void
append_unread(struct imap_append *append)
{
	const struct carried_result unread = {
		.outcome = CARRIED_UNREAD,
		.answer = "The message cannot be read from the store",
	};

	imap_queue_settle(append->items[append->at], &unread);
	append->handler->done(IMAP_APPENDED, NULL, append->arg);
}

static void
append_sent(bool is_whole, void *arg)
{
	struct imap_append *append = arg;

	if (!is_whole) {
		append_unread(append);
		return;
	}
	if (++append->at < append->count) {
		append_announce(append);
		return;
	}
	append->state = APPEND_WHOLE;
	talk_print(append_talk(append), "\r\n");
	talk_await(append_talk(append), EVPOP_PHASE_COMMAND, awaited);
	FAILPOINT("imap: messages sent");
}

/* ---- what the server says ---- */

static void
append_delivered(struct imap_append *append, const struct imap_reply *reply)
{
	uint32_t uids[IMAP_DEPTH] = { 0 };
	struct imap_state after = { 0, 0 };
	char words[EVPOP_TEXT_SIZE];
	size_t i;

	FAILPOINT("imap: messages appended");
	(void)evpop_printable(
	    words, sizeof(words), reply->text.at, reply->text.length);
	if (reply->code == IMAP_CODE_APPENDUID &&
	    imap_appenduid_read(reply->code_data, &after.validity, uids,
		IMAP_DEPTH) == append->count)
		after.next = uids[append->count - 1] + 1;
	else
		memset(uids, 0, sizeof(uids));
	for (i = 0; i < append->count; i++)
		imap_queue_settle_delivered(
		    append->items[i], append->folder->name, uids[i], words);
	append->handler->delivered(append->count, &after, append->arg);
	append->handler->done(IMAP_APPENDED, NULL, append->arg);
}

/* Refused together: none of them is there, and one is at fault. */
static void
append_part_company(struct imap_append *append)
{
	size_t i;

	for (i = 0; i < append->count; i++)
		imap_queue_mark(append->items[i], IMAP_MARK_ALONE);
}

static void
append_refused(struct imap_append *append, const struct imap_reply *reply)
{
	enum imap_appended end = IMAP_APPENDED;
	struct imap_verdict verdict;

	imap_verdict_message(reply, &verdict);
	if (verdict.outcome == CARRIED_DOWN || verdict.outcome == CARRIED_WRONG)
		end = IMAP_APPENDED_DOWN;
	else if (imap_verdict_is_missing(reply) && !append->folder->is_made)
		end = IMAP_APPENDED_MISSING;
	else if (append->count > 1)
		append_part_company(append);
	else
		imap_queue_settle_as(append->items[0], &verdict);
	append->handler->done(end, &verdict, append->arg);
}

void
imap_append_reply(struct imap_append *append, const struct imap_reply *reply)
{
	struct imap_verdict verdict = { .outcome = CARRIED_DOWN };

	if (reply->kind == IMAP_CONTINUATION) {
		if (append->state == APPEND_ASKING)
			append_send(append);
	} else if (reply->kind != IMAP_TAGGED)
		return;
	else if (reply->condition != IMAP_OK)
		append_refused(append, reply);
	else if (append->state == APPEND_WHOLE)
		append_delivered(append, reply);
	else {
		(void)snprintf(verdict.answer, sizeof(verdict.answer),
		    "The server says that it has a message before it has all "
		    "of it");
		append->handler->done(
		    IMAP_APPENDED_DOWN, &verdict, append->arg);
	}
}

/* ---- from outside ---- */

struct imap_append *
imap_append_new(struct imap_link *link, const struct imap_folder *folder,
    struct imap_queue *queue, const struct imap_append_handler *handler,
    void *arg)
{
	struct imap_append *append = calloc(1, sizeof(*append));

	if (append == NULL)
		return NULL;
	append->link = link;
	append->folder = folder;
	append->handler = handler;
	append->arg = arg;
	append_choose(append, queue);
	imap_wire_open(
	    imap_link_wire(link), awaited, "APPEND %s", folder->sent);
	append_announce(append);
	return append;
}

bool
imap_append_has_half(const struct imap_append *append)
{
	return append->state == APPEND_SENDING;
}

bool
imap_append_is_whole(const struct imap_append *append)
{
	return append->state == APPEND_WHOLE;
}

void
imap_append_lose(struct imap_append *append, const struct imap_verdict *verdict)
{
	const struct carried_result result = {
		.outcome = CARRIED_LATER,
		.may_be_there = imap_append_is_whole(append),
		.retry_after_ms = verdict->retry_after_ms,
		.answer = verdict->answer,
	};
	size_t i;

	for (i = 0; i < append->count; i++)
		imap_queue_settle(append->items[i], &result);
}

void
imap_append_free(struct imap_append **append_p)
{
	free(*append_p);
	*append_p = NULL;
}
