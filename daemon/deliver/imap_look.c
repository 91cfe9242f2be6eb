#include "daemon/deliver/imap_look.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/deliver/imap_name.h"
#include "daemon/deliver/imap_note.h"
#include "daemon/deliver/parcel.h"
#include "lib/base/clock.h"

/*
 * A server may still be at work on an attempt that broke off so lately: what is
 * not found by then is looked for once more.
 */
#define SETTLING_MS 3000

enum look_state {
	LOOK_EXAMINE = 0,
	LOOK_FETCH,
	LOOK_SEARCH
};

struct wanted {
	const struct imap_item *item;
	struct imap_note note; /* zero: there is none */
	uint32_t uid;          /* once it is found; 0 */
};

struct imap_look {
	struct imap_link *link;
	const struct imap_look_handler *handler;
	void *arg;
	enum look_state state;
	const char *folder; /* of an item that stays until it is over */
	struct wanted wanted[IMAP_DEPTH];
	size_t count, searched;
	struct imap_state found; /* the folder's */
};

bool
imap_look_is_needed(const struct imap_queue *queue)
{
	size_t i;

	for (i = 0; i < imap_queue_count(queue); i++)
		if (!imap_item_is(
			imap_queue_at(queue, i), IMAP_MARK_LOOKED_FOR))
			return true;
	return false;
}

/* Those that may be in the folder of the first of them. */
static void
look_collect(struct imap_look *look, const struct imap_queue *queue)
{
	const struct imap_item *item;
	struct wanted *wanted;
	const char *folder;
	size_t i;

	for (i = 0; i < imap_queue_count(queue); i++) {
		item = imap_queue_at(queue, i);
		if (imap_item_is(item, IMAP_MARK_LOOKED_FOR))
			continue;
		wanted = &look->wanted[look->count];
		*wanted = (struct wanted){ .item = item };
		folder = imap_note_read(item->parcel->note, &wanted->note)
			     ? wanted->note.folder
			     : item->parcel->folder;
		if (look->count > 0 && strcmp(look->folder, folder) != 0)
			continue;
		look->folder = folder;
		look->count++;
	}
	assert(look->count > 0);
}

struct imap_look *
imap_look_new(struct imap_link *link, struct imap_queue *queue,
    const struct imap_look_handler *handler, void *arg)
{
	struct imap_look *look = calloc(1, sizeof(*look));
	char sent[IMAP_FOLDER];

	if (look == NULL)
		return NULL;
	look->link = link;
	look->handler = handler;
	look->arg = arg;
	look_collect(look, queue);
	/* Such a name was never sent; the server will say so. */
	if (!imap_folder_write(sent, look->folder, imap_link_naming(link)))
		memcpy(sent, "\"\"", sizeof("\"\""));
	/* Nothing is marked as seen, or as no more recent, by this. */
	imap_wire_command(
	    imap_link_wire(link), "the answer to EXAMINE", "EXAMINE %s", sent);
	return look;
}

void
imap_look_free(struct imap_look **look_p)
{
	free(*look_p);
	*look_p = NULL;
}

/* ---- what came of it ---- */

/* How long to wait before it is certain that it is not there. */
static int64_t
wanted_settles_ms(const struct wanted *wanted)
{
	int64_t age;

	if (imap_item_is(wanted->item, IMAP_MARK_WAITED_FOR) ||
	    wanted->note.folder == NULL)
		return 0;
	age = evpop_clock_unix_ms() - wanted->note.noted_ms;
	if (age >= SETTLING_MS)
		return 0;
	return age < 0 ? SETTLING_MS : SETTLING_MS - age;
}

static void
look_end(struct imap_look *look)
{
	int64_t wait_ms = 0, one_ms;
	const struct wanted *wanted;

	for (wanted = look->wanted; wanted < look->wanted + look->count;
	     wanted++) {
		if (wanted->uid != 0) {
			imap_queue_settle_delivered(wanted->item, look->folder,
			    wanted->uid,
			    "It was there from an earlier attempt");
			continue;
		}
		one_ms = wanted_settles_ms(wanted);
		if (one_ms > wait_ms)
			wait_ms = one_ms;
		imap_queue_mark(wanted->item,
		    one_ms > 0 ? IMAP_MARK_WAITED_FOR : IMAP_MARK_LOOKED_FOR);
	}
	look->handler->done(wait_ms, look->arg);
}

/* Where there is no folder, there is no message. */
static void
look_refused(struct imap_look *look, const struct imap_reply *reply)
{
	struct imap_verdict verdict;
	size_t i;

	imap_verdict_message(reply, &verdict);
	if (verdict.outcome == CARRIED_DOWN ||
	    verdict.outcome == CARRIED_WRONG) {
		look->handler->refused(&verdict, look->arg);
		return;
	}
	if (reply->code != IMAP_CODE_INUSE &&
	    reply->code != IMAP_CODE_SERVERBUG) {
		look_end(look);
		return;
	}
	verdict.outcome = CARRIED_LATER;
	for (i = 0; i < look->count; i++)
		imap_queue_settle_as(look->wanted[i].item, &verdict);
	look->handler->done(0, look->arg);
}

/* ---- one command after the other ---- */

/* Whether UIDs that were noted still mean what they did. */
static bool
look_is_same(const struct imap_look *look, const struct wanted *wanted)
{
	return wanted->note.state.validity != 0 &&
	       wanted->note.state.next != 0 &&
	       wanted->note.state.validity == look->found.validity;
}

static void
look_search(struct imap_look *look)
{
	const struct wanted *wanted;

	look->state = LOOK_SEARCH;
	for (; look->searched < look->count; look->searched++) {
		wanted = &look->wanted[look->searched];
		if (wanted->uid != 0 || look_is_same(look, wanted))
			continue;
		imap_wire_command(imap_link_wire(look->link),
		    "the answer to SEARCH",
		    "UID SEARCH HEADER " IMAP_KEY_FIELD " \"%s\"",
		    wanted->item->parcel->key);
		return;
	}
	look_end(look);
}

/* What came since the first of them was noted. */
static void
look_fetch(struct imap_look *look)
{
	uint32_t first = 0, next;
	size_t i;

	look->state = LOOK_FETCH;
	for (i = 0; i < look->count; i++) {
		next = look->wanted[i].note.state.next;
		if (look_is_same(look, &look->wanted[i]) &&
		    (first == 0 || next < first))
			first = next;
	}
	/* An empty range would be answered with the last message. */
	if (first == 0 || (look->found.next != 0 && first >= look->found.next))
		look_search(look);
	else
		imap_wire_command(imap_link_wire(look->link),
		    "the answer to FETCH",
		    "UID FETCH %u:* (BODY.PEEK[HEADER.FIELDS "
		    "(" IMAP_KEY_FIELD ")])",
		    first);
}

static void
look_fetched(struct imap_look *look, struct imap_span data)
{
	struct imap_span key;
	uint32_t uid;
	size_t i;

	if (!imap_fetched_read(data, IMAP_KEY_FIELD, &uid, &key))
		return;
	for (i = 0; i < look->count; i++)
		if (imap_span_is(key, look->wanted[i].item->parcel->key))
			look->wanted[i].uid = uid;
}

/* One of them is enough, whichever. */
static void
look_matched(struct imap_look *look, struct imap_span data)
{
	uint32_t uid;

	if (look->searched < look->count && imap_span_number(&data, &uid))
		look->wanted[look->searched].uid = uid;
}

static void
look_told(struct imap_look *look, const struct imap_reply *reply)
{
	struct imap_span data = reply->code_data;

	if (look->state == LOOK_EXAMINE && reply->code == IMAP_CODE_UIDVALIDITY)
		(void)imap_span_number(&data, &look->found.validity);
	else if (look->state == LOOK_EXAMINE &&
		 reply->code == IMAP_CODE_UIDNEXT)
		(void)imap_span_number(&data, &look->found.next);
	else if (look->state == LOOK_FETCH &&
		 imap_span_is(reply->word, "FETCH"))
		look_fetched(look, reply->text);
	else if (look->state == LOOK_SEARCH &&
		 imap_span_is(reply->word, "SEARCH"))
		look_matched(look, reply->text);
}

void
imap_look_reply(struct imap_look *look, const struct imap_reply *reply)
{
	if (reply->kind != IMAP_TAGGED)
		look_told(look, reply);
	else if (look->state == LOOK_SEARCH) {
		/* Without an answer it was not found. */
		look->searched++;
		look_search(look);
	} else if (reply->condition != IMAP_OK)
		look_refused(look, reply);
	else if (look->state == LOOK_EXAMINE)
		look_fetch(look);
	else
		look_search(look);
}
