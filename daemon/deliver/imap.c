/*
 * The carrier of IMAP: messages are appended to folders, exactly once.  Before
 * one goes, it is noted durably which UIDs its folder has; so that after an
 * attempt whose end is not known its key is looked for among what came since.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "daemon/config/target.h"
#include "daemon/deliver/carrier.h"
#include "daemon/deliver/imap_append.h"
#include "daemon/deliver/imap_look.h"
#include "daemon/deliver/imap_mailbox.h"
#include "daemon/deliver/imap_name.h"
#include "daemon/deliver/imap_noting.h"
#include "daemon/deliver/parcel.h"
#include "lib/base/clock.h"

/*
 * A message waits so long for others that come with it, even if nobody says
 * that there are none: what is queued elsewhere may have to wait for this one.
 */
#define COMPANY_MS 20

enum imap_step {
	IMAP_RESTING = 0,
	IMAP_TALKING,  /* with the server: who does that goes on */
	IMAP_SETTLING, /* until the timer says so */
	IMAP_NOTING    /* until the store has it */
};

struct carrier {
	const struct carrier_setup *setup;
	struct event wake;
	struct imap_queue *queue;
	bool is_flushed, is_probing;
	enum imap_step step;

	struct imap_link *link;
	bool has_served; /* the link: it may have ended of old age */

	/* One at a time. */
	struct imap_folder folder;
	char sent[IMAP_FOLDER];
	bool is_known; /* its state, from this connection */

	/* At most one of them. */
	struct imap_mailbox *mailbox;
	struct imap_look *look;
	struct imap_append *append;

	struct imap_noting *noting;
	bool is_lost; /* the link, while they were awaited; and why: */
	struct imap_verdict loss;
};

static void imap_proceed(struct carrier *);

static void
imap_wait(struct carrier *carrier, int64_t wait_ms)
{
	const struct timeval after = evpop_clock_wait(wait_ms);

	(void)evtimer_add(&carrier->wake, &after);
}

/* ---- the end of a connection ---- */

static void
imap_hang_up(struct carrier *carrier)
{
	imap_mailbox_free(&carrier->mailbox);
	imap_look_free(&carrier->look);
	imap_append_free(&carrier->append);
	imap_link_free(&carrier->link);
	carrier->is_known = carrier->has_served = false;
	carrier->step = IMAP_RESTING;
}

/* Nothing can be delivered now; the verdict is not of what is freed here. */
static void
imap_give_up(struct carrier *carrier, const struct imap_verdict *verdict)
{
	const struct imap_verdict kept = *verdict;

	if (carrier->append != NULL && verdict->outcome == CARRIED_DOWN)
		imap_append_lose(carrier->append, &kept);
	imap_hang_up(carrier);
	if (carrier->is_probing)
		imap_queue_probed(carrier->queue, &kept);
	carrier->is_probing = false;
	imap_queue_settle_all(carrier->queue, &kept);
}

/* The server may close when it likes, also just when a message comes. */
static void
imap_lose_link(struct carrier *carrier, const struct imap_verdict *verdict)
{
	bool is_idle =
	    imap_queue_count(carrier->queue) == 0 && !carrier->is_probing;

	if (!is_idle && carrier->has_served &&
	    verdict->outcome == CARRIED_DOWN &&
	    (carrier->append == NULL ||
		!imap_append_is_whole(carrier->append))) {
		imap_hang_up(carrier);
		imap_proceed(carrier);
		return;
	}
	imap_give_up(carrier, verdict);
	if (is_idle)
		imap_queue_closed(carrier->queue);
}

static void
imap_link_failed(const struct imap_verdict *verdict, void *arg)
{
	struct carrier *carrier = arg;

	if (carrier->step == IMAP_NOTING) {
		carrier->is_lost = true;
		carrier->loss = *verdict;
	} else
		imap_lose_link(carrier, verdict);
}

static void
imap_no_memory(struct carrier *carrier)
{
	static const struct imap_verdict verdict = {
		.outcome = CARRIED_DOWN,
		.answer = "There is no memory",
	};

	imap_give_up(carrier, &verdict);
}

/* ---- the folder ---- */

/* Whether all messages of the target go to one folder. */
static bool
imap_has_one_folder(const struct carrier *carrier)
{
	const char *folder = carrier->setup->target->folder;

	return folder == NULL || strchr(folder, '{') == NULL;
}

/* The folder is no good: those that want it are settled. */
static void
imap_refuse_folder(struct carrier *carrier, const struct imap_verdict *verdict)
{
	const struct imap_item *item;
	size_t i;

	if (verdict->outcome == CARRIED_DOWN ||
	    verdict->outcome == CARRIED_WRONG) {
		imap_give_up(carrier, verdict);
		return;
	}
	for (i = imap_queue_count(carrier->queue); i-- > 0;) {
		item = imap_queue_at(carrier->queue, i);
		if (imap_item_goes_to(item, &carrier->folder))
			imap_queue_settle_as(item, verdict);
	}
	imap_proceed(carrier);
}

static void
imap_probed(struct carrier *carrier, const char *folder)
{
	struct talk *talk = imap_wire_talk(imap_link_wire(carrier->link));
	struct imap_verdict verdict = { .outcome = CARRIED_DELIVERED };

	(void)snprintf(verdict.answer, sizeof(verdict.answer),
	    "IMAP at %.100s, %.60s, logged in; %s", talk_peer(talk),
	    talk_privacy_name(talk), folder);
	carrier->is_probing = false;
	imap_queue_probed(carrier->queue, &verdict);
	imap_proceed(carrier);
}

static void
imap_mailbox_found(const struct imap_state *state, void *arg)
{
	struct carrier *carrier = arg;

	carrier->folder.state = *state;
	carrier->is_known = true;
	imap_mailbox_free(&carrier->mailbox);
	if (carrier->is_probing)
		imap_probed(carrier, "the folder is there");
	else
		imap_proceed(carrier);
}

static void
imap_mailbox_missing(void *arg)
{
	struct carrier *carrier = arg;

	imap_mailbox_free(&carrier->mailbox);
	imap_probed(carrier, "the first message will make the folder");
}

static void
imap_mailbox_refused(const struct imap_reply *reply, void *arg)
{
	struct carrier *carrier = arg;
	struct imap_verdict verdict;

	imap_mailbox_free(&carrier->mailbox);
	imap_verdict_folder(reply, carrier->folder.name,
	    imap_has_one_folder(carrier), &verdict);
	imap_refuse_folder(carrier, &verdict);
}

static const struct imap_mailbox_handler mailbox_handler = {
	.found = imap_mailbox_found,
	.missing = imap_mailbox_missing,
	.refused = imap_mailbox_refused,
};

static void
imap_find_folder(struct carrier *carrier, enum imap_mailbox_wish wish)
{
	carrier->is_known = false;
	carrier->step = IMAP_TALKING;
	carrier->mailbox = imap_mailbox_new(carrier->link, carrier->folder.sent,
	    wish, &mailbox_handler, carrier);
	if (carrier->mailbox == NULL)
		imap_no_memory(carrier);
}

static void
imap_choose_folder(
    struct carrier *carrier, const char *name, enum imap_mailbox_wish wish)
{
	const struct imap_verdict verdict = {
		.outcome = imap_has_one_folder(carrier) ? CARRIED_WRONG
							: CARRIED_REFUSED,
		.answer = "The folder's name is too long, no UTF-8, or has "
			  "control characters",
	};
	char *copy = strdup(name);

	if (copy == NULL) {
		imap_no_memory(carrier);
		return;
	}
	free(carrier->folder.name);
	carrier->folder = (struct imap_folder){
		.name = copy,
		.sent = carrier->sent,
	};
	if (imap_folder_write(
		carrier->sent, name, imap_link_naming(carrier->link)))
		imap_find_folder(carrier, wish);
	else
		imap_refuse_folder(carrier, &verdict);
}

/* ---- looking for what may be there ---- */

static void
imap_looked(int64_t wait_ms, void *arg)
{
	struct carrier *carrier = arg;

	imap_look_free(&carrier->look);
	if (wait_ms == 0) {
		imap_proceed(carrier);
		return;
	}
	carrier->step = IMAP_SETTLING;
	imap_wait(carrier, wait_ms);
}

static void
imap_look_refused(const struct imap_verdict *verdict, void *arg)
{
	imap_give_up(arg, verdict);
}

static const struct imap_look_handler look_handler = {
	.done = imap_looked,
	.refused = imap_look_refused,
};

static void
imap_look(struct carrier *carrier)
{
	carrier->step = IMAP_TALKING;
	carrier->look = imap_look_new(
	    carrier->link, carrier->queue, &look_handler, carrier);
	if (carrier->look == NULL)
		imap_no_memory(carrier);
}

/* ---- noting ---- */

static void
imap_noted(void *arg)
{
	struct carrier *carrier = arg;

	imap_noting_free(&carrier->noting);
	carrier->step = IMAP_RESTING;
	if (carrier->is_lost) {
		carrier->is_lost = false;
		imap_lose_link(carrier, &carrier->loss);
	} else
		imap_proceed(carrier);
}

static void
imap_note(struct carrier *carrier)
{
	carrier->step = IMAP_NOTING;
	carrier->noting = imap_noting_new(
	    &carrier->folder, carrier->queue, imap_noted, carrier);
	if (carrier->noting == NULL)
		imap_no_memory(carrier);
	else
		imap_noting_begin(carrier->noting);
}

/* ---- appending ---- */

static void
imap_delivered(size_t count, const struct imap_state *after, void *arg)
{
	struct carrier *carrier = arg;

	(void)count;
	carrier->has_served = true;
	carrier->folder.is_made = false;
	if (after->next == 0)
		return;
	/* The next are noted by this; or the folder was made anew meanwhile. */
	carrier->is_known = after->validity == carrier->folder.state.validity;
	carrier->folder.state = *after;
}

static void
imap_append_done(
    enum imap_appended end, const struct imap_verdict *verdict, void *arg)
{
	struct carrier *carrier = arg;
	bool has_half = imap_append_has_half(carrier->append);

	imap_append_free(&carrier->append);
	if (end == IMAP_APPENDED_DOWN) {
		imap_give_up(carrier, verdict);
		return;
	}
	if (end == IMAP_APPENDED_MISSING)
		carrier->folder.is_made = true;
	/* What was sent next would be taken for the rest. */
	if (has_half)
		imap_hang_up(carrier);
	else if (end == IMAP_APPENDED_MISSING) {
		imap_find_folder(carrier, IMAP_MAILBOX_MAKE);
		return;
	}
	imap_proceed(carrier);
}

static const struct imap_append_handler append_handler = {
	.done = imap_append_done,
	.delivered = imap_delivered,
};

static void
imap_append(struct carrier *carrier)
{
	carrier->step = IMAP_TALKING;
	carrier->append = imap_append_new(carrier->link, &carrier->folder,
	    carrier->queue, &append_handler, carrier);
	if (carrier->append == NULL)
		imap_no_memory(carrier);
}

/* ---- one thing after the other ---- */

static void
imap_link_is_up(void *arg)
{
	imap_proceed(arg);
}

static void
imap_replied(const struct imap_reply *reply, void *arg)
{
	struct carrier *carrier = arg;

	if (carrier->mailbox != NULL)
		imap_mailbox_reply(carrier->mailbox, reply);
	else if (carrier->look != NULL)
		imap_look_reply(carrier->look, reply);
	else if (carrier->append != NULL)
		imap_append_reply(carrier->append, reply);
}

static const struct imap_link_handler link_handler = {
	.ready = imap_link_is_up,
	.reply = imap_replied,
	.failed = imap_link_failed,
};

static void
imap_open(struct carrier *carrier)
{
	carrier->step = IMAP_TALKING;
	carrier->link = imap_link_new(carrier->setup, &link_handler, carrier);
	if (carrier->link == NULL)
		imap_no_memory(carrier);
}

static void
imap_probe_folder(struct carrier *carrier)
{
	const char *folder = carrier->setup->target->folder;

	if (imap_has_one_folder(carrier))
		imap_choose_folder(
		    carrier, folder == NULL ? "" : folder, IMAP_MAILBOX_LOOK);
	else
		imap_probed(carrier, "the folder depends on the account");
}

/* Whether it is worth while to wait for more: none is under way yet. */
static bool
imap_waits_for_company(const struct carrier *carrier)
{
	size_t count = imap_queue_count(carrier->queue), i;

	if (carrier->is_flushed || count == IMAP_DEPTH)
		return false;
	for (i = 0; i < count; i++)
		if (imap_item_is(
			imap_queue_at(carrier->queue, i), IMAP_MARK_NOTED))
			return false;
	return true;
}

/* Whether there is anything to do. */
static bool
imap_is_wanted(const struct carrier *carrier)
{
	return carrier->is_probing || (imap_queue_count(carrier->queue) > 0 &&
					  !imap_waits_for_company(carrier));
}

/* The next thing to do, when nothing is under way. */
static void
imap_proceed(struct carrier *carrier)
{
	const struct imap_item *first;

	carrier->step = IMAP_RESTING;
	if (!imap_is_wanted(carrier)) {
		if (imap_queue_count(carrier->queue) > 0)
			imap_wait(carrier, COMPANY_MS);
		return;
	}
	if (carrier->link == NULL) {
		imap_open(carrier);
		return;
	}
	if (carrier->is_probing) {
		imap_probe_folder(carrier);
		return;
	}
	if (imap_look_is_needed(carrier->queue)) {
		imap_look(carrier);
		return;
	}
	imap_queue_refuse_large(carrier->queue,
	    imap_link_capabilities(carrier->link)->append_limit);
	if (imap_queue_count(carrier->queue) == 0)
		return;
	first = imap_queue_at(carrier->queue, 0);
	if (!imap_item_goes_to(first, &carrier->folder))
		imap_choose_folder(
		    carrier, first->parcel->folder, IMAP_MAILBOX_FIND);
	else if (!carrier->is_known)
		imap_find_folder(carrier, IMAP_MAILBOX_FIND);
	else if (imap_append_is_possible(&carrier->folder, carrier->queue))
		imap_append(carrier);
	else
		imap_note(carrier);
}

static void
imap_woken(evutil_socket_t fd, short what, void *arg)
{
	struct carrier *carrier = arg;

	(void)fd;
	if (carrier->step == IMAP_RESTING && (what & EV_TIMEOUT) != 0)
		carrier->is_flushed = true;
	if (carrier->step == IMAP_RESTING ||
	    (carrier->step == IMAP_SETTLING && (what & EV_TIMEOUT) != 0))
		imap_proceed(carrier);
}

/* ---- what a carrier is ---- */

static struct carrier *
imap_begin(const struct carrier_setup *setup)
{
	struct carrier *carrier = calloc(1, sizeof(*carrier));

	if (carrier == NULL)
		return NULL;
	carrier->setup = setup;
	carrier->queue = imap_queue_new(setup);
	if (carrier->queue == NULL) {
		free(carrier);
		return NULL;
	}
	(void)evtimer_assign(&carrier->wake, setup->base, imap_woken, carrier);
	return carrier;
}

/* Go on from the loop. */
static void
imap_wake(struct carrier *carrier)
{
	if (carrier->step == IMAP_RESTING)
		event_active(&carrier->wake, EV_WRITE, 0);
}

static unsigned
imap_marks(const struct parcel *parcel)
{
	unsigned marks = 0;

	/* It may be why others failed with it. */
	if (parcel->attempts > 0 || parcel->octets > IMAP_COMPANY_MOST)
		marks |= IMAP_MARK_ALONE;
	if (!parcel->may_be_there && parcel->note[0] == '\0')
		marks |= IMAP_MARK_LOOKED_FOR;
	return marks;
}

static void
imap_carry(struct carrier *carrier, struct parcel *parcel)
{
	imap_queue_add(carrier->queue, parcel, imap_marks(parcel));
	carrier->is_flushed = false;
	imap_wake(carrier);
}

static void
imap_flush(struct carrier *carrier)
{
	carrier->is_flushed = true;
	imap_wake(carrier);
}

static void
imap_probe(struct carrier *carrier)
{
	carrier->is_probing = true;
	imap_wake(carrier);
}

static void
imap_end(struct carrier *carrier)
{
	imap_noting_free(&carrier->noting);
	imap_queue_free(&carrier->queue);
	imap_hang_up(carrier);
	event_del(&carrier->wake);
	free(carrier->folder.name);
	free(carrier);
}

const struct carrier_type carrier_imap = {
	.depth = IMAP_DEPTH,
	.begin = imap_begin,
	.carry = imap_carry,
	.flush = imap_flush,
	.end = imap_end,
	.probe = imap_probe,
};
