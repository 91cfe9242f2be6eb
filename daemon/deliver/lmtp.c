/*
 * LMTP.  MAIL, RCPT and DATA of a message leave together, behind the octets of
 * the one before, where the server pipelines: a message costs one round trip.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "daemon/config/target.h"
#include "daemon/deliver/carrier.h"
#include "daemon/deliver/lmtp_session.h"
#include "daemon/deliver/login.h"
#include "daemon/deliver/parcel.h"
#include "daemon/failpoint/failpoint.h"
#include "lib/base/text.h"

/* One whose octets are on their way, one behind it, and one in reserve. */
#define LMTP_DEPTH 3

enum item_stage {
	ITEM_WAITING = 0, /* nothing was written of it */
	ITEM_ENVELOPE,
	ITEM_SENDING,
	ITEM_SENT /* an answer is awaited */
};

/* What the answers to an envelope come to. */
enum item_envelope {
	ITEM_TAKEN = 0, /* so far */
	ITEM_REFUSED,
	ITEM_TRY_ANONYMOUS /* once more, with no sender */
};

struct item {
	struct parcel *parcel;
	enum item_stage stage;
	enum item_envelope envelope;
	bool is_anonymous; /* the server did not like the sender */
	bool is_mail_accepted;
	enum carried refusal;
	char answer[LMTP_TEXT];
};

/*
 * Replies come in the order of commands, so that whatever is answered is of the
 * first item.
 */
struct carrier {
	const struct carrier_setup *setup;
	struct lmtp_session *session; /* NULL: there is no connection */
	bool is_ready, is_probing;
	bool was_useful; /* this connection has had an answer to a message */
	struct item items[LMTP_DEPTH];
	size_t item_count;
	struct event wake;
	unsigned depth; /* of calls from the loop */
	bool is_ended;  /* inside of one */
};

static void lmtp_advance(struct carrier *);
static void lmtp_connect(struct carrier *);

/* ---- in and out ---- */

static void
lmtp_release(struct carrier *lmtp)
{
	event_del(&lmtp->wake);
	free(lmtp);
}

static void
lmtp_enter(struct carrier *lmtp)
{
	lmtp->depth++;
}

static void
lmtp_leave(struct carrier *lmtp)
{
	if (!lmtp->is_ended)
		lmtp_advance(lmtp);
	if (--lmtp->depth == 0 && lmtp->is_ended)
		lmtp_release(lmtp);
}

static void
lmtp_wake(struct carrier *lmtp)
{
	event_active(&lmtp->wake, EV_TIMEOUT, 0);
}

static void
lmtp_woken(evutil_socket_t fd, short what, void *arg)
{
	struct carrier *lmtp = arg;

	(void)fd;
	(void)what;
	lmtp_enter(lmtp);
	if (lmtp->session == NULL && (lmtp->item_count > 0 || lmtp->is_probing))
		lmtp_connect(lmtp);
	lmtp_leave(lmtp);
}

/* ---- what became of messages ---- */

/* The first is answered.  The carrier may have been ended then. */
static void
lmtp_answer(struct carrier *lmtp, const struct carried_result *result)
{
	struct parcel *parcel = lmtp->items[0].parcel;

	lmtp->item_count--;
	memmove(lmtp->items, lmtp->items + 1,
	    lmtp->item_count * sizeof lmtp->items[0]);
	lmtp->setup->carried(parcel, result, lmtp->setup->arg);
}

static void
lmtp_hang_up(struct carrier *lmtp)
{
	lmtp_session_free(&lmtp->session);
	lmtp->is_ready = false;
}

/* Nothing can be delivered there now. */
static void
lmtp_break(struct carrier *lmtp, enum carried outcome, const char *answer)
{
	const struct carried_result result = { .outcome = outcome,
		.answer = answer };
	size_t count = lmtp->item_count;

	lmtp_hang_up(lmtp);
	if (lmtp->is_probing) {
		lmtp->is_probing = false;
		lmtp->setup->carried(NULL, &result, lmtp->setup->arg);
	}
	for (; count > 0 && !lmtp->is_ended; count--)
		lmtp_answer(lmtp, &result);
}

/*
 * The connection is of no use any more, while the server is: what it has not
 * begun with goes over another one.
 */
static void
lmtp_renew(struct carrier *lmtp)
{
	size_t i;

	lmtp_hang_up(lmtp);
	for (i = 0; i < lmtp->item_count; i++)
		lmtp->items[i] = (struct item){
			.parcel = lmtp->items[i].parcel,
			.is_anonymous = lmtp->items[i].is_anonymous,
		};
	if (lmtp->item_count > 0)
		lmtp_wake(lmtp);
	else
		lmtp->setup->closed(lmtp->setup->arg);
}

/* The first is answered, and the connection with it. */
static void
lmtp_answer_and_renew(struct carrier *lmtp, const struct carried_result *result)
{
	lmtp_hang_up(lmtp);
	lmtp_answer(lmtp, result);
	if (!lmtp->is_ended)
		lmtp_renew(lmtp);
}

/*
 * The connection broke off.  A message that was under way had its try: if it
 * is the reason, it must not stand in the way of all others.
 */
static void
lmtp_lost(const char *why, void *arg)
{
	struct carrier *lmtp = arg;
	const struct item *first = &lmtp->items[0];
	const struct carried_result result = { .outcome = CARRIED_LATER,
		.may_be_there = first->stage == ITEM_SENT,
		.answer = why };

	lmtp_enter(lmtp);
	if (lmtp->item_count > 0 &&
	    (first->stage >= ITEM_SENDING ||
		(first->stage == ITEM_ENVELOPE && !lmtp->was_useful)))
		lmtp_answer_and_renew(lmtp, &result);
	else
		lmtp_renew(lmtp);
	lmtp_leave(lmtp);
}

static void
lmtp_failed(enum carried outcome, const char *why, void *arg)
{
	struct carrier *lmtp = arg;

	lmtp_enter(lmtp);
	lmtp_break(lmtp, outcome, why);
	lmtp_leave(lmtp);
}

/* ---- envelopes ---- */

static void
lmtp_write_mail(struct carrier *lmtp, const struct item *item)
{
	const struct lmtp_offer *offer = lmtp_session_offer(lmtp->session);
	const struct parcel *parcel = item->parcel;
	const char *sender = parcel->sender;
	bool is_ascii;
	char size[32] = "";

	/* A sender that cannot be written is none: the message matters more. */
	if (item->is_anonymous || !lmtp_is_address(sender) ||
	    (!offer->utf8 && !evpop_text_is_ascii(sender)))
		sender = "";
	is_ascii = evpop_text_is_ascii(sender) &&
		   evpop_text_is_ascii(parcel->recipient);
	if (offer->size)
		snprintf(size, sizeof size, " SIZE=%llu",
		    (unsigned long long)parcel->octets);
	lmtp_session_command(lmtp->session, LMTP_MAIL, "MAIL FROM:<%s>%s%s%s",
	    sender, size, offer->eight_bit ? " BODY=8BITMIME" : "",
	    offer->utf8 && !is_ascii ? " SMTPUTF8" : "");
}

static void
lmtp_write_rcpt(struct carrier *lmtp, const struct item *item)
{
	lmtp_session_command(
	    lmtp->session, LMTP_RCPT, "RCPT TO:<%s>", item->parcel->recipient);
}

static void
lmtp_begin_item(struct carrier *lmtp, struct item *item)
{
	item->stage = ITEM_ENVELOPE;
	lmtp_write_mail(lmtp, item);
	if (!lmtp_session_offer(lmtp->session)->pipelining)
		return;
	lmtp_write_rcpt(lmtp, item);
	lmtp_session_command(lmtp->session, LMTP_DATA, "DATA");
}

/* A recipient comes from the configuration, with parts of an account's in it.
 */
static bool
lmtp_is_sendable(const struct carrier *lmtp, const struct item *item)
{
	const char *recipient = item->parcel->recipient;

	return lmtp_is_address(recipient) &&
	       (lmtp_session_offer(lmtp->session)->utf8 ||
		   evpop_text_is_ascii(recipient));
}

static void
lmtp_refuse_recipient(struct carrier *lmtp)
{
	const char *recipient = lmtp->items[0].parcel->recipient;
	struct carried_result result = { .outcome = CARRIED_REFUSED };
	char text[EVPOP_TEXT_SIZE], shown[160];

	evpop_printable(shown, sizeof shown, recipient, strlen(recipient));
	if (*recipient == '\0')
		snprintf(text, sizeof text,
		    "there is no recipient: set deliver_to of the target or "
		    "of the account");
	else
		snprintf(text, sizeof text,
		    "<%s> %s: see deliver_to of the target or of the account",
		    shown,
		    lmtp_is_address(recipient)
			? "is beyond ASCII, which the server does not take"
			: "is no address that mail can be sent to");
	result.answer = text;
	lmtp_answer(lmtp, &result);
}

/* Begin with what may be begun with. */
static void
lmtp_advance(struct carrier *lmtp)
{
	struct item *first = &lmtp->items[0], *next = &lmtp->items[1];

	while (!lmtp->is_ended && lmtp->is_ready && lmtp->item_count > 0 &&
	       first->stage == ITEM_WAITING) {
		if (lmtp_is_sendable(lmtp, first))
			lmtp_begin_item(lmtp, first);
		else
			lmtp_refuse_recipient(lmtp);
	}
	if (!lmtp->is_ended && lmtp->is_ready && lmtp->item_count > 1 &&
	    first->stage == ITEM_SENT && next->stage == ITEM_WAITING &&
	    lmtp_session_offer(lmtp->session)->pipelining &&
	    lmtp_is_sendable(lmtp, next))
		lmtp_begin_item(lmtp, next);
}

/* ---- replies to envelopes ---- */

/* The server may take the message, were it not for its sender. */
static bool
lmtp_is_about_sender(const struct lmtp_reply *reply)
{
	return reply->code == 501 || reply->code == 553 || reply->code == 555 ||
	       (reply->code >= 500 && reply->subject == 1 &&
		   (reply->detail == 7 || reply->detail == 8));
}

static void
lmtp_note_refusal(
    struct item *item, enum lmtp_step step, const struct lmtp_reply *reply)
{
	if (item->envelope != ITEM_TAKEN)
		return;
	item->envelope = ITEM_REFUSED;
	item->refusal = lmtp_reply_outcome(reply, step);
	snprintf(item->answer, sizeof item->answer, "%s", reply->text);
	if (step == LMTP_MAIL && !item->is_anonymous &&
	    item->parcel->sender[0] != '\0' && lmtp_is_about_sender(reply))
		item->envelope = ITEM_TRY_ANONYMOUS;
}

/* All that was written of the first was answered, and one answer was no. */
static void
lmtp_settle_envelope(struct carrier *lmtp, bool is_data_awaited)
{
	struct item *item = &lmtp->items[0];
	struct carried_result result = { .outcome = item->refusal };
	char text[LMTP_TEXT];

	snprintf(text, sizeof text, "%s", item->answer);
	result.answer = text;
	lmtp->was_useful = true;
	if (item->envelope == ITEM_TRY_ANONYMOUS) {
		*item = (struct item){ .parcel = item->parcel,
			.is_anonymous = true };
		if (is_data_awaited)
			lmtp_renew(lmtp);
		return;
	}
	if (is_data_awaited) {
		/* It waits for a message for nobody. */
		lmtp_answer_and_renew(lmtp, &result);
		return;
	}
	if (item->is_mail_accepted)
		lmtp_session_command(lmtp->session, LMTP_RSET, "RSET");
	lmtp_answer(lmtp, &result);
}

static void
lmtp_replied_envelope(
    struct carrier *lmtp, enum lmtp_step step, const struct lmtp_reply *reply)
{
	bool is_pipelined = lmtp_session_offer(lmtp->session)->pipelining;
	struct item *item = &lmtp->items[0];
	unsigned class = reply->code / 100;

	if (class != (step == LMTP_DATA ? 3 : 2))
		lmtp_note_refusal(item, step, reply);
	else if (step == LMTP_MAIL)
		item->is_mail_accepted = true;
	if (step != LMTP_DATA && is_pipelined)
		return;
	if (item->envelope != ITEM_TAKEN)
		lmtp_settle_envelope(lmtp, step == LMTP_DATA && class == 3);
	else if (step == LMTP_MAIL)
		lmtp_write_rcpt(lmtp, item);
	else if (step == LMTP_RCPT)
		lmtp_session_command(lmtp->session, LMTP_DATA, "DATA");
	else {
		item->stage = ITEM_SENDING;
		FAILPOINT("lmtp: envelope answered");
		lmtp_session_send(lmtp->session, item->parcel);
	}
}

/* ---- replies to messages ---- */

static void
lmtp_sent(bool is_whole, void *arg)
{
	struct carrier *lmtp = arg;
	const struct carried_result unread = { .outcome = CARRIED_UNREAD,
		.answer = "the message cannot be read" };

	lmtp_enter(lmtp);
	if (is_whole) {
		lmtp->items[0].stage = ITEM_SENT;
		FAILPOINT("lmtp: message written");
	} else
		/* The server throws away what has no end. */
		lmtp_answer_and_renew(lmtp, &unread);
	lmtp_leave(lmtp);
}

/* An answer while there is still something to send: a refusal, in haste. */
static void
lmtp_replied_early(struct carrier *lmtp, const struct lmtp_reply *reply)
{
	struct carried_result result = { .outcome = CARRIED_LATER,
		.answer = reply->text };

	if (reply->code / 100 != 2)
		result.outcome = lmtp_reply_outcome(reply, LMTP_BODY);
	/* The rest of the message would be read as commands. */
	lmtp_answer_and_renew(lmtp, &result);
}

static void
lmtp_replied_body(struct carrier *lmtp, const struct lmtp_reply *reply)
{
	const char *recipient = lmtp->items[0].parcel->recipient;
	struct carried_result result = { .answer = reply->text };
	char place[EVPOP_TEXT_SIZE];

	lmtp->was_useful = true;
	if (lmtp->items[0].stage != ITEM_SENT) {
		lmtp_replied_early(lmtp, reply);
		return;
	}
	FAILPOINT("lmtp: message answered");
	evpop_printable(place, sizeof place, recipient, strlen(recipient));
	if (reply->code / 100 == 2)
		result.place = place;
	else
		result.outcome = lmtp_reply_outcome(reply, LMTP_BODY);
	lmtp_answer(lmtp, &result);
}

/* 421, or what asks for other credentials. */
static bool
lmtp_is_end(enum lmtp_step step, const struct lmtp_reply *reply)
{
	enum carried outcome = lmtp_reply_outcome(reply, step);

	return reply->code / 100 >= 4 &&
	       (outcome == CARRIED_DOWN || outcome == CARRIED_WRONG);
}

static void
lmtp_break_by_reply(
    struct carrier *lmtp, enum lmtp_step step, const struct lmtp_reply *reply)
{
	char text[LMTP_TEXT + 64];

	snprintf(text, sizeof text, "%s%s", reply->text,
	    lmtp_reply_wants_login(reply) &&
		    !login_is_wanted(lmtp->setup->target)
		? "; set user and password of the target"
		: "");
	lmtp_break(lmtp, lmtp_reply_outcome(reply, step), text);
}

static void
lmtp_replied(enum lmtp_step step, const struct lmtp_reply *reply, void *arg)
{
	struct carrier *lmtp = arg;
	struct lmtp_reply copy = *reply;

	lmtp_enter(lmtp);
	if (lmtp_is_end(step, &copy)) {
		/* Some take a number of messages on a connection. */
		if (step != LMTP_BODY && lmtp->was_useful)
			lmtp_renew(lmtp);
		else
			lmtp_break_by_reply(lmtp, step, &copy);
	} else if (step == LMTP_BODY)
		lmtp_replied_body(lmtp, &copy);
	else if (step != LMTP_RSET)
		lmtp_replied_envelope(lmtp, step, &copy);
	lmtp_leave(lmtp);
}

/* ---- the connection ---- */

static void
lmtp_ready(const char *server, void *arg)
{
	struct carrier *lmtp = arg;
	const struct carried_result result = { .outcome = CARRIED_DELIVERED,
		.answer = server };

	lmtp_enter(lmtp);
	FAILPOINT("lmtp: opened");
	lmtp->is_ready = true;
	lmtp->was_useful = false;
	if (lmtp->is_probing) {
		lmtp->is_probing = false;
		lmtp->setup->carried(NULL, &result, lmtp->setup->arg);
	}
	lmtp_leave(lmtp);
}

static const struct lmtp_handler session_handler = {
	.ready = lmtp_ready,
	.replied = lmtp_replied,
	.sent = lmtp_sent,
	.failed = lmtp_failed,
	.lost = lmtp_lost,
};

static void
lmtp_connect(struct carrier *lmtp)
{
	lmtp->session = lmtp_session_new(lmtp->setup, &session_handler, lmtp);
	if (lmtp->session == NULL)
		lmtp_break(
		    lmtp, CARRIED_DOWN, "there is no memory for a connection");
}

/* ---- the carrier ---- */

static struct carrier *
lmtp_begin(const struct carrier_setup *setup)
{
	struct carrier *lmtp = calloc(1, sizeof *lmtp);

	if (lmtp == NULL)
		return NULL;
	lmtp->setup = setup;
	if (event_assign(&lmtp->wake, setup->base, -1, 0, lmtp_woken, lmtp) ==
	    0)
		return lmtp;
	free(lmtp);
	return NULL;
}

static void
lmtp_carry(struct carrier *lmtp, struct parcel *parcel)
{
	assert(lmtp->item_count < LMTP_DEPTH);
	lmtp->items[lmtp->item_count++] = (struct item){ .parcel = parcel };
	lmtp_wake(lmtp);
}

static void
lmtp_probe(struct carrier *lmtp)
{
	lmtp->is_probing = true;
	lmtp_wake(lmtp);
}

static void
lmtp_end(struct carrier *lmtp)
{
	/* In the middle of a message there is nothing to say. */
	if (lmtp->item_count == 0)
		lmtp_session_quit(&lmtp->session);
	else
		lmtp_session_free(&lmtp->session);
	lmtp->item_count = 0;
	lmtp->is_ended = true;
	if (lmtp->depth == 0)
		lmtp_release(lmtp);
}

const struct carrier_type carrier_lmtp = {
	.depth = LMTP_DEPTH,
	.begin = lmtp_begin,
	.carry = lmtp_carry,
	.end = lmtp_end,
	.probe = lmtp_probe,
};
