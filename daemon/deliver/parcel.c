#include "daemon/deliver/parcel.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/target.h"
#include "daemon/deliver/packing.h"
#include "lib/base/hex.h"

/* What is kept as text in the outbox. */
#define DIGEST_OCTETS 16

enum parcel_place {
	PARCEL_IN_FRONT = 0,
	PARCEL_IN_BODY,
	PARCEL_AT_END
};

/* An answer of the store that outlives the parcel. */
struct parcel_call {
	struct packed *packed; /* NULL: it has gone */
	parcel_noted_cb noted;
	void *arg;
};

struct packed {
	struct parcel parcel;
	struct store *store;
	struct store_letter *letter; /* NULL: nothing is being read */
	unsigned char *body;         /* the whole, or NULL: by letter */
	size_t body_length;
	char *front; /* lines; or NULL */
	size_t front_length;
	enum parcel_place place;
	enum store_status status;
	struct trace trace;
	/* One of them, while an answer of the letter is awaited. */
	parcel_cb next;
	packing_cb prepared;
	void *arg;
	struct parcel_call *call; /* a note that is being kept */
	char *account, *recipient, *folder, *path, *note;
};

_Static_assert(offsetof(struct packed, parcel) == 0, "it begins with it");

static struct packed *
parcel_packed(struct parcel *parcel)
{
	return (struct packed *)parcel;
}

static const struct packed *
parcel_packed_const(const struct parcel *parcel)
{
	return (const struct packed *)parcel;
}

/* ---- what it says on it ---- */

/* A NULL template is "". */
static char *
parcel_expand(const char *text, const struct store_outbox_due *due, bool path)
{
	const struct config_template_facts facts = {
		.account = due->account,
		.login = due->user,
		.host = due->host,
	};

	return text == NULL ? strdup("")
			    : config_template_expand(text, &facts, path);
}

static bool
parcel_address(struct packed *packed, const struct store_outbox_due *due,
    const struct packing *packing)
{
	const struct config_target *target = packing->target;
	struct parcel *parcel = &packed->parcel;

	packed->account = strdup(due->account);
	packed->note = strdup(due->note);
	packed->recipient =
	    parcel_expand(packing->deliver_to != NULL ? packing->deliver_to
						      : target->deliver_to,
		due, false);
	packed->folder = parcel_expand(
	    target->folder, due, target->type == CONFIG_TARGET_MAILDIR);
	packed->path = parcel_expand(target->path, due, true);
	parcel->account = packed->account;
	parcel->note = packed->note;
	parcel->recipient = packed->recipient;
	parcel->folder = packed->folder;
	parcel->path = packed->path;
	parcel->sender = packed->trace.sender;
	return packed->account != NULL && packed->note != NULL &&
	       packed->recipient != NULL && packed->folder != NULL &&
	       packed->path != NULL;
}

static void
parcel_number(struct parcel *parcel, const struct store_outbox_due *due)
{
	evpop_hex_encode(due->digest, DIGEST_OCTETS, parcel->key);
	(void)snprintf(parcel->key + 2 * DIGEST_OCTETS,
	    sizeof(parcel->key) - 2 * DIGEST_OCTETS, ".%" PRId64,
	    due->message_id);
}

/*
 * By which a message that comes again is recognised.  A Maildir's file has it
 * in its name, JSON among its members.
 */
static bool
parcel_has_line(const struct config_target *target)
{
	return target->type != CONFIG_TARGET_MAILDIR &&
	       (target->type != CONFIG_TARGET_HTTP ||
		   target->body == CONFIG_TARGET_BODY_MESSAGE);
}

struct parcel *
packing_new(const struct store_outbox_due *due, const struct packing *packing)
{
	struct packed *packed = calloc(1, sizeof(*packed));
	struct parcel *parcel = &packed->parcel;
	char line[PARCEL_KEY + 16];
	bool is_made;

	if (packed == NULL)
		return NULL;
	*parcel = (struct parcel){
		.id = due->id,
		.message_id = due->message_id,
		.octets = due->octets,
		.received_ms = due->stored_ms,
		.stored_ms = due->stored_ms,
		.attempts = due->attempts,
		.may_be_there = due->may_be_there,
	};
	packed->store = packing->store;
	parcel_number(parcel, due);
	is_made = parcel_address(packed, due, packing);
	if (is_made && due->body != NULL) {
		packed->body_length = (size_t)due->octets;
		packed->body = malloc(packed->body_length + 1);
		is_made = packed->body != NULL;
		if (is_made)
			memcpy(packed->body, due->body, packed->body_length);
	}
	if (is_made && parcel_has_line(packing->target)) {
		(void)snprintf(
		    line, sizeof(line), "X-Evpop-Id: %s\r\n", parcel->key);
		is_made = packing_add_lines(parcel, line);
	}
	if (!is_made)
		packing_free(&parcel);
	return parcel;
}

bool
packing_add_lines(struct parcel *parcel, const char *lines)
{
	struct packed *packed = parcel_packed(parcel);
	size_t length = strlen(lines);
	char *front = realloc(packed->front, packed->front_length + length + 1);

	assert(packed->place == PARCEL_IN_FRONT && packed->letter == NULL);
	if (front == NULL)
		return false;
	memcpy(front + packed->front_length, lines, length + 1);
	packed->front = front;
	packed->front_length += length;
	parcel->octets += length;
	parcel->front_octets += length;
	return true;
}

/* ---- what is read before it goes ---- */

static void
parcel_read_trace(
    struct packed *packed, const unsigned char *octets, size_t length)
{
	trace_read(octets, length, &packed->trace);
	if (packed->trace.has_date)
		packed->parcel.received_ms = packed->trace.date_ms;
}

/*
 * Of a large message the beginning is read again when it goes: many wait for a
 * server, and each would keep a piece in memory.
 */
static void
parcel_beginning(enum store_status status, const unsigned char *octets,
    size_t length, void *arg)
{
	struct packed *packed = arg;
	packing_cb prepared = packed->prepared;

	packed->prepared = NULL;
	if (status == STORE_OK)
		parcel_read_trace(packed, octets, length);
	store_letter_free(&packed->letter);
	packed->status = status;
	prepared(&packed->parcel, status, packed->arg);
}

void
packing_prepare(struct parcel *parcel, packing_cb cb, void *arg)
{
	struct packed *packed = parcel_packed(parcel);

	if (packed->body != NULL) {
		parcel_read_trace(packed, packed->body, packed->body_length);
		cb(parcel, STORE_OK, arg);
		return;
	}
	packed->letter = store_letter_new(packed->store, parcel->message_id);
	if (packed->letter == NULL) {
		cb(parcel, STORE_MEMORY, arg);
		return;
	}
	packed->prepared = cb;
	packed->arg = arg;
	store_letter_next(packed->letter, parcel_beginning, packed);
}

const struct trace *
packing_trace(const struct parcel *parcel)
{
	return &parcel_packed_const(parcel)->trace;
}

enum store_status
packing_status(const struct parcel *parcel)
{
	return parcel_packed_const(parcel)->status;
}

/* ---- its octets ---- */

static void
parcel_piece(enum store_status status, const unsigned char *octets,
    size_t length, void *arg)
{
	struct packed *packed = arg;
	parcel_cb next = packed->next;

	packed->next = NULL;
	if (status != STORE_OK) {
		packed->status = status;
		next(PARCEL_FAILED, NULL, 0, packed->arg);
	} else if (length == 0) {
		packed->place = PARCEL_AT_END;
		next(PARCEL_END, NULL, 0, packed->arg);
	} else
		next(PARCEL_PIECE, octets, length, packed->arg);
}

static void
parcel_read_on(struct packed *packed, parcel_cb cb, void *arg)
{
	if (packed->letter == NULL)
		packed->letter =
		    store_letter_new(packed->store, packed->parcel.message_id);
	if (packed->letter == NULL) {
		packed->status = STORE_MEMORY;
		cb(PARCEL_FAILED, NULL, 0, arg);
		return;
	}
	packed->next = cb;
	packed->arg = arg;
	store_letter_next(packed->letter, parcel_piece, packed);
}

void
parcel_next(struct parcel *parcel, parcel_cb cb, void *arg)
{
	struct packed *packed = parcel_packed(parcel);

	assert(packed->next == NULL && packed->prepared == NULL);
	if (packed->place == PARCEL_IN_FRONT) {
		packed->place = PARCEL_IN_BODY;
		if (packed->front_length > 0) {
			cb(PARCEL_PIECE, (const unsigned char *)packed->front,
			    packed->front_length, arg);
			return;
		}
	}
	if (packed->place == PARCEL_AT_END)
		cb(PARCEL_END, NULL, 0, arg);
	else if (packed->body == NULL)
		parcel_read_on(packed, cb, arg);
	else {
		packed->place = PARCEL_AT_END;
		if (packed->body_length > 0)
			cb(PARCEL_PIECE, packed->body, packed->body_length,
			    arg);
		else
			cb(PARCEL_END, NULL, 0, arg);
	}
}

void
parcel_stop(struct parcel *parcel)
{
	struct packed *packed = parcel_packed(parcel);

	packed->next = NULL;
	store_letter_free(&packed->letter);
	if (packed->call != NULL)
		packed->call->packed = NULL;
	packed->call = NULL;
}

void
parcel_rewind(struct parcel *parcel)
{
	struct packed *packed = parcel_packed(parcel);

	assert(packed->next == NULL);
	store_letter_free(&packed->letter);
	packed->place = PARCEL_IN_FRONT;
}

/* ---- notes ---- */

static void
parcel_noted(enum store_status status, void *arg)
{
	struct parcel_call *call = arg;

	if (call->packed != NULL) {
		call->packed->call = NULL;
		call->noted(status == STORE_OK, call->arg);
	}
	free(call);
}

void
parcel_note(
    struct parcel *parcel, const char *text, parcel_noted_cb cb, void *arg)
{
	struct packed *packed = parcel_packed(parcel);
	struct parcel_call *call = calloc(1, sizeof(*call));

	assert(packed->call == NULL);
	if (call == NULL) {
		cb(false, arg);
		return;
	}
	*call = (struct parcel_call){ packed, cb, arg };
	packed->call = call;
	store_outbox_note(packed->store, parcel->id, text, parcel_noted, call);
}

void
packing_free(struct parcel **parcel_p)
{
	struct packed *packed;

	if (*parcel_p == NULL)
		return;
	packed = parcel_packed(*parcel_p);
	*parcel_p = NULL;
	packed->prepared = NULL;
	parcel_stop(&packed->parcel);
	free(packed->body);
	free(packed->front);
	free(packed->account);
	free(packed->recipient);
	free(packed->folder);
	free(packed->path);
	free(packed->note);
	free(packed);
}
