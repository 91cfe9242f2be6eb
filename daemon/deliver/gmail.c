/*
 * An import for each message.  That it begins is noted first: what was under
 * way when we were ended is looked for before it goes again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "daemon/config/target.h"
#include "daemon/deliver/carrier.h"
#include "daemon/deliver/gmail_answer.h"
#include "daemon/deliver/gmail_body.h"
#include "daemon/deliver/gmail_header.h"
#include "daemon/deliver/gmail_label.h"
#include "daemon/deliver/gmail_link.h"
#include "daemon/deliver/gmail_look.h"
#include "daemon/deliver/gmail_path.h"
#include "daemon/deliver/parcel.h"
#include "daemon/failpoint/failpoint.h"
#include "lib/base/clock.h"
#include "lib/base/text.h"

/*
 * An import whose answer did not come may be under way for so long, and the
 * search finds it a little later than that.
 */
#define GMAIL_UNSURE_MS INT64_C(30000)
#define GMAIL_NOTE      "gmail "

enum gmail_state {
	GMAIL_IDLE = 0,
	GMAIL_LABELLING, /* its label's id is asked for */
	GMAIL_READING,   /* its header */
	GMAIL_LOOKING,   /* whether it is there */
	GMAIL_NOTING,
	GMAIL_IMPORTING,
	GMAIL_CLEARING, /* the note: it was refused */
	GMAIL_PROBING,
	GMAIL_ENDING /* `carried` is called in the loop's next turn */
};

struct carrier {
	const struct carrier_setup *setup;
	enum gmail_state state;
	struct parcel *parcel; /* NULL: it is a probe */
	struct gmail_link *link;
	struct gmail_labels *labels;
	struct gmail_look look;
	struct gmail_body body;
	struct gmail_header header;
	bool is_unread;
	uint64_t given; /* octets of the body */
	bool is_noted;  /* by this attempt */
	struct event ending;
	struct carried_result result;
	char text[GMAIL_ANSWER_TEXT], place[GMAIL_PLACE];
};

static const struct config_target *
gmail_target(const struct carrier *gmail)
{
	return gmail->setup->target;
}

/* ---- the end ---- */

static void
gmail_carried(struct carrier *gmail)
{
	struct parcel *parcel = gmail->parcel;

	gmail->state = GMAIL_IDLE;
	gmail->parcel = NULL;
	gmail_header_clear(&gmail->header);
	if (parcel != NULL)
		parcel_stop(parcel);
	/* It may end the carrier, or bring the next one. */
	gmail->setup->carried(parcel, &gmail->result, gmail->setup->arg);
}

static void
gmail_ended(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	gmail_carried(arg);
}

static void
gmail_result(struct carrier *gmail, enum carried outcome, const char *text)
{
	snprintf(gmail->text, sizeof(gmail->text), "%s", text);
	gmail->result = (struct carried_result){ .outcome = outcome,
		.answer = gmail->text };
}

/* Maybe from inside of carry(). */
static void
gmail_end(struct carrier *gmail, enum carried outcome, const char *text)
{
	gmail->state = GMAIL_ENDING;
	gmail_result(gmail, outcome, text);
	event_active(&gmail->ending, EV_TIMEOUT, 1);
}

static void
gmail_cleared(bool is_durable, void *arg)
{
	struct carrier *gmail = arg;

	/* If it is not, the message is looked for in vain. */
	(void)is_durable;
	gmail->state = GMAIL_ENDING;
	event_active(&gmail->ending, EV_TIMEOUT, 1);
}

/*
 * Not delivered.  What Gmail has refused for certain needs not be looked for
 * next time.
 */
static void
gmail_fail(struct carrier *gmail, const struct gmail_reply *reply)
{
	bool may_be_there =
	    gmail->state == GMAIL_IMPORTING && reply->may_be_done;

	gmail_result(gmail, reply->outcome, reply->text);
	gmail->result.may_be_there = may_be_there;
	gmail->result.retry_after_ms = reply->retry_after_ms;
	if (!gmail->is_noted || may_be_there ||
	    reply->outcome == CARRIED_REFUSED) {
		gmail_carried(gmail);
		return;
	}
	gmail->state = GMAIL_CLEARING;
	parcel_note(gmail->parcel, "", gmail_cleared, gmail);
}

static void
gmail_found(struct carrier *gmail, const char *id, const char *text)
{
	gmail_result(gmail, CARRIED_DELIVERED, text);
	gmail_path_place(id, gmail->place);
	gmail->result.place = gmail->place;
	gmail_carried(gmail);
}

/* ---- importing ---- */

static void
gmail_import(struct carrier *gmail)
{
	char path[GMAIL_PATH];

	gmail->state = GMAIL_IMPORTING;
	gmail->given = 0;
	gmail->is_unread = false;
	gmail_path_import(gmail_target(gmail), path);
	FAILPOINT("gmail: importing");
	gmail_link_post(gmail->link, path, gmail->body.type,
	    strlen(gmail->body.front) + gmail->parcel->octets +
		strlen(gmail->body.back));
}

static void
gmail_give(struct carrier *gmail, const void *octets, size_t length)
{
	gmail->given += length;
	gmail_link_write(gmail->link, octets, length);
}

static void
gmail_piece(enum parcel_read read, const unsigned char *octets, size_t length,
    void *arg)
{
	struct carrier *gmail = arg;

	if (read == PARCEL_PIECE) {
		gmail_give(gmail, octets, length);
		FAILPOINT("gmail: piece written");
		return;
	}
	gmail->is_unread = true;
	gmail_link_abort(gmail->link);
}

static void
gmail_more(void *arg)
{
	struct carrier *gmail = arg;
	const struct gmail_body *body = &gmail->body;
	size_t front = strlen(body->front);

	if (gmail->given == 0)
		gmail_give(gmail, body->front, front);
	else if (gmail->given >= front + gmail->parcel->octets)
		gmail_give(gmail, body->back, strlen(body->back));
	else
		parcel_next(gmail->parcel, gmail_piece, gmail);
}

static void
gmail_rewind(void *arg)
{
	struct carrier *gmail = arg;

	parcel_rewind(gmail->parcel);
	gmail->given = 0;
}

static bool
gmail_is_spam(const json_t *json)
{
	const json_t *ids = json_object_get(json, "labelIds");
	const char *id;

	for (size_t i = 0; i < json_array_size(ids); i++) {
		id = json_string_value(json_array_get(ids, i));
		if (id != NULL && strcmp(id, "SPAM") == 0)
			return true;
	}
	return false;
}

/* What has no id was not imported, as far as anybody can tell. */
static void
gmail_take_id(struct carrier *gmail, const struct gmail_reply *reply)
{
	const char *id = gmail_answer_text(reply->json, "id");
	struct gmail_reply nameless = *reply;

	if (id[0] != '\0') {
		gmail_found(gmail, id,
		    gmail_is_spam(reply->json) ? "Gmail has filed it as spam"
					       : reply->text);
		return;
	}
	nameless.outcome = CARRIED_LATER;
	nameless.may_be_done = true;
	nameless.text = "Gmail does not tell the message's id; it is looked "
			"for before it goes again";
	gmail_fail(gmail, &nameless);
}

static void
gmail_imported(struct carrier *gmail, const struct gmail_reply *reply)
{
	static const char no_label[] = "Invalid label";
	const char *message;

	FAILPOINT("gmail: answered");
	if (reply->outcome == CARRIED_DELIVERED) {
		gmail_take_id(gmail, reply);
		return;
	}
	if (gmail->is_unread && reply->status == 0) {
		gmail_result(
		    gmail, CARRIED_UNREAD, "the message cannot be read");
		gmail_carried(gmail);
		return;
	}
	message =
	    gmail_answer_text(json_object_get(reply->json, "error"), "message");
	if (strncasecmp(message, no_label, strlen(no_label)) == 0) {
		struct gmail_reply deleted = *reply;

		/* It is looked up anew. */
		gmail_labels_forget(gmail->labels);
		deleted.outcome = CARRIED_LATER;
		gmail_fail(gmail, &deleted);
		return;
	}
	gmail_fail(gmail, reply);
}

/* ---- what comes before ---- */

static void
gmail_noted(bool is_durable, void *arg)
{
	struct carrier *gmail = arg;

	if (!is_durable) {
		gmail_end(gmail, CARRIED_UNREAD,
		    "the store cannot note that it is being delivered");
		return;
	}
	gmail->is_noted = true;
	FAILPOINT("gmail: noted");
	gmail_import(gmail);
}

static void
gmail_note(struct carrier *gmail)
{
	const struct config_target *target = gmail_target(gmail);
	const char *label = NULL;
	char line[GMAIL_LOOK_LINE], note[64];

	if (gmail->parcel->folder[0] != '\0')
		label = gmail_labels_find(gmail->labels, gmail->parcel->folder);
	gmail_look_line(
	    gmail->parcel, gmail->header.octets, gmail->header.length, line);
	if (!gmail_body_make(&gmail->body, label, target->archive, line)) {
		gmail_end(gmail, CARRIED_DOWN, "out of memory");
		return;
	}
	gmail->state = GMAIL_NOTING;
	snprintf(
	    note, sizeof(note), GMAIL_NOTE "%" PRId64, evpop_clock_unix_ms());
	parcel_note(gmail->parcel, note, gmail_noted, gmail);
}

/* How long it may still be under way; 0: it is not. */
static int64_t
gmail_unsure_ms(const struct carrier *gmail)
{
	const char *note = gmail->parcel->note;
	int64_t age_ms;

	if (strncmp(note, GMAIL_NOTE, strlen(GMAIL_NOTE)) != 0)
		return 0;
	age_ms = evpop_clock_unix_ms() -
		 strtoll(note + strlen(GMAIL_NOTE), NULL, 10);
	return age_ms >= 0 && age_ms < GMAIL_UNSURE_MS
		   ? GMAIL_UNSURE_MS - age_ms
		   : 0;
}

static void
gmail_missed(struct carrier *gmail)
{
	int64_t wait_ms = gmail_unsure_ms(gmail);

	if (wait_ms == 0) {
		gmail_note(gmail);
		return;
	}
	gmail_result(gmail, CARRIED_LATER,
	    "it may just have been imported; Gmail is asked again before it "
	    "goes once more");
	gmail->result.may_be_there = true;
	gmail->result.retry_after_ms = wait_ms;
	gmail_carried(gmail);
}

static void
gmail_looked(struct carrier *gmail, const struct gmail_reply *reply)
{
	switch (gmail_look_reply(&gmail->look, gmail->link, gmail_target(gmail),
	    gmail->parcel, reply)) {
	case GMAIL_LOOK_GOES_ON:
		break;
	case GMAIL_LOOK_FOUND:
		gmail_found(gmail, gmail->look.ids[gmail->look.at],
		    "an earlier attempt has imported it");
		break;
	case GMAIL_LOOK_MISSED:
		gmail_missed(gmail);
		break;
	case GMAIL_LOOK_FAILED:
		/* What is wrong with a question is not so with a message. */
		if (reply->outcome == CARRIED_REFUSED) {
			struct gmail_reply refused = *reply;

			refused.outcome = CARRIED_LATER;
			gmail_fail(gmail, &refused);
		} else
			gmail_fail(gmail, reply);
		break;
	}
}

/* Its header is there. */
static void
gmail_look(struct carrier *gmail)
{
	parcel_rewind(gmail->parcel);
	if (!gmail->parcel->may_be_there && gmail->parcel->note[0] == '\0') {
		gmail_note(gmail);
		return;
	}
	gmail->state = GMAIL_LOOKING;
	gmail_look_begin(&gmail->look, gmail->link, gmail_target(gmail),
	    gmail->parcel, gmail->header.octets, gmail->header.length);
}

static void
gmail_read(enum gmail_header_end end, void *arg)
{
	struct carrier *gmail = arg;

	switch (end) {
	case GMAIL_HEADER_READ:
		gmail_look(gmail);
		break;
	case GMAIL_HEADER_UNREAD:
		gmail_end(gmail, CARRIED_UNREAD, "the message cannot be read");
		break;
	case GMAIL_HEADER_NO_MEMORY:
		gmail_end(gmail, CARRIED_DOWN, "out of memory");
		break;
	}
}

static void
gmail_start(struct carrier *gmail)
{
	gmail->state = GMAIL_READING;
	gmail_header_read(&gmail->header, gmail->parcel, gmail_read, gmail);
}

static void
gmail_labelled(struct carrier *gmail, const struct gmail_reply *reply)
{
	struct gmail_reply failed = *reply;

	switch (gmail_labels_reply(
	    gmail->labels, gmail->link, gmail_target(gmail), reply)) {
	case GMAIL_LABEL_GOES_ON:
		break;
	case GMAIL_LABEL_KNOWN:
		FAILPOINT("gmail: labelled");
		gmail_start(gmail);
		break;
	case GMAIL_LABEL_FAILED:
		/* A name that Gmail does not take is no fault of a message. */
		if (failed.outcome == CARRIED_REFUSED)
			failed.outcome = CARRIED_WRONG;
		if (failed.outcome == CARRIED_DELIVERED) {
			failed.outcome = CARRIED_DOWN;
			failed.text = "Gmail does not tell the label's id";
		}
		gmail_fail(gmail, &failed);
		break;
	}
}

/* ---- a look at the target ---- */

static void
gmail_probed(struct carrier *gmail, const struct gmail_reply *reply)
{
	const char *address = gmail_answer_text(reply->json, "emailAddress");
	char text[GMAIL_ANSWER_TEXT];

	if (reply->outcome != CARRIED_DELIVERED) {
		gmail_fail(gmail, reply);
		return;
	}
	snprintf(text, sizeof(text), "logged in to the mailbox of %.200s",
	    address[0] != '\0' ? address : "the token");
	(void)evpop_text_printable(
	    gmail->text, sizeof(gmail->text), text, strlen(text));
	(void)evpop_text_printable(
	    gmail->place, sizeof(gmail->place), address, strlen(address));
	gmail->result = (struct carried_result){ .answer = gmail->text,
		.place = gmail->place };
	gmail_carried(gmail);
}

static void
gmail_done(const struct gmail_reply *reply, void *arg)
{
	struct carrier *gmail = arg;

	switch (gmail->state) {
	case GMAIL_LABELLING:
		gmail_labelled(gmail, reply);
		break;
	case GMAIL_LOOKING:
		gmail_looked(gmail, reply);
		break;
	case GMAIL_IMPORTING:
		gmail_imported(gmail, reply);
		break;
	case GMAIL_PROBING:
		gmail_probed(gmail, reply);
		break;
	case GMAIL_IDLE:
	case GMAIL_READING:
	case GMAIL_NOTING:
	case GMAIL_CLEARING:
	case GMAIL_ENDING:
		break;
	}
}

/* ---- a carrier ---- */

static void
gmail_carry(struct carrier *gmail, struct parcel *parcel)
{
	gmail->parcel = parcel;
	gmail->is_noted = false;
	if (parcel->folder[0] == '\0' ||
	    gmail_labels_find(gmail->labels, parcel->folder) != NULL) {
		gmail_start(gmail);
		return;
	}
	gmail->state = GMAIL_LABELLING;
	gmail_labels_ask(
	    gmail->labels, gmail->link, gmail_target(gmail), parcel->folder);
}

static void
gmail_probe(struct carrier *gmail)
{
	char path[GMAIL_PATH];

	gmail->is_noted = false;
	gmail->state = GMAIL_PROBING;
	gmail_path_profile(gmail_target(gmail), path);
	gmail_link_get(gmail->link, path);
}

static void
gmail_free(struct carrier *gmail)
{
	if (gmail->parcel != NULL)
		parcel_stop(gmail->parcel);
	(void)event_del(&gmail->ending);
	gmail_link_free(&gmail->link);
	gmail_labels_free(&gmail->labels);
	gmail_header_clear(&gmail->header);
	free(gmail);
}

static struct carrier *
gmail_begin(const struct carrier_setup *setup)
{
	static const struct gmail_link_handler handler = {
		.more = gmail_more, .rewind = gmail_rewind, .done = gmail_done
	};
	struct carrier *gmail = calloc(1, sizeof(*gmail));

	if (gmail == NULL)
		return NULL;
	gmail->setup = setup;
	(void)evtimer_assign(&gmail->ending, setup->base, gmail_ended, gmail);
	gmail->labels = gmail_labels_new();
	if (gmail->labels != NULL)
		gmail->link = gmail_link_new(setup, &handler, gmail);
	if (gmail->link == NULL) {
		gmail_free(gmail);
		return NULL;
	}
	return gmail;
}

const struct carrier_type carrier_gmail = {
	.depth = 1,
	.begin = gmail_begin,
	.carry = gmail_carry,
	.end = gmail_free,
	.probe = gmail_probe,
};
