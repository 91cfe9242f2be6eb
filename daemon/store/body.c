#include "daemon/store/body.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/notify/notify.h"
#include "daemon/store/chunk.h"
#include "daemon/store/commit.h"
#include "daemon/store/identity.h"
#include "daemon/store/import.h"
#include "daemon/store/private.h"

/* Most messages are a few KiB: begin with that and double. */
#define FIRST_ROOM ((size_t)2 * 1024)
/* As much memory is allocated in advance on the word of LIST. */
#define HINT_MAX STORE_PIECE_MIN

struct store_bodies {
	int64_t next_number;
	LIST_HEAD(, store_body) under_way;
	size_t count;

	/* Memory of bodies, counted until the writer is done with it. */
	size_t limit;
	size_t held;           /* in all buffers of bodies */
	size_t held_max;       /* the most that was ever held */
	size_t waiting;        /* of it, handed to the writer */
	bool is_paused;        /* somebody was told to pause */
	struct notify *notify; /* is told of a drain; NULL: nobody */

	uint64_t messages, octets; /* that are new, since the open */
};

static size_t
smaller(size_t one, size_t other)
{
	return one < other ? one : other;
}

static size_t
larger(size_t one, size_t other)
{
	return one > other ? one : other;
}

static size_t
piece_memory(const struct store_piece *piece)
{
	return sizeof(*piece) + piece->room + STORE_SEALED_EXTRA;
}

static struct store_bodies *
body_others(const struct store_body *body)
{
	return store_get_bodies(body->store);
}

/* ---- all bodies, and their memory ---- */

struct store_bodies *
store_bodies_new(size_t limit, struct notify *notify)
{
	struct store_bodies *bodies = calloc(1, sizeof(*bodies));

	if (bodies == NULL)
		return NULL;
	LIST_INIT(&bodies->under_way);
	bodies->limit = limit;
	bodies->notify = notify;
	return bodies;
}

void
store_bodies_free(struct store_bodies *bodies)
{
	free(bodies);
}

void
store_bodies_begin(struct store_bodies *bodies, int64_t number)
{
	bodies->next_number = number;
}

void
store_bodies_abort(struct store_bodies *bodies)
{
	while (!LIST_EMPTY(&bodies->under_way))
		store_body_abort(LIST_FIRST(&bodies->under_way));
	bodies->notify = NULL;
}

void
store_bodies_stats(const struct store_bodies *bodies, struct store_stats *stats)
{
	stats->messages = bodies->messages;
	stats->body_octets = bodies->octets;
	stats->queued_octets = bodies->held;
	stats->queued_octets_max = bodies->held_max;
}

static void
bodies_hold(struct store_bodies *bodies, size_t octets)
{
	bodies->held += octets;
	if (bodies->held > bodies->held_max)
		bodies->held_max = bodies->held;
}

static void
bodies_release(struct store_bodies *bodies, size_t octets)
{
	assert(bodies->held >= octets);
	bodies->held -= octets;
}

/*
 * Below half is soon enough to keep the writer busy.  With nothing left at the
 * writer, what is held sits in buffers that may never grow: nobody may wait
 * for those.
 */
void
store_bodies_check(struct store_bodies *bodies)
{
	if (!bodies->is_paused ||
	    (bodies->held > bodies->limit / 2 && bodies->waiting > 0))
		return;
	bodies->is_paused = false;
	notify_publish(bodies->notify,
	    &(struct notify_event){ .kind = NOTIFY_STORE_DRAINED });
}

/* How large a piece may grow so that all bodies together stay within bounds. */
static size_t
piece_target(const struct store_bodies *bodies)
{
	size_t share = bodies->limit / (2 * bodies->count);

	return larger(STORE_PIECE_MIN, smaller(STORE_PIECE_MAX, share));
}

/* ---- operations ---- */

static void
piece_answer(struct store *store, struct store_op *op, enum store_status status)
{
	struct store_bodies *bodies = store_get_bodies(store);
	size_t octets = store_op_octets(op);

	(void)status;
	bodies_release(bodies, octets);
	assert(bodies->waiting >= octets);
	bodies->waiting -= octets;
}

static void
body_answer(struct store *store, struct store_op *op, enum store_status status)
{
	struct store_body *body = (struct store_body *)op;
	struct store_bodies *bodies = store_get_bodies(store);

	piece_answer(store, op, status);
	if (status == STORE_OK && body->taken == STORE_TAKEN_NEW) {
		bodies->messages++;
		bodies->octets += body->octets;
	}
	body->done(status, status == STORE_OK ? body->message_id : 0,
	    body->taken, body->arg);
}

static void
body_clear(struct store_op *op)
{
	struct store_body *body = (struct store_body *)op;

	store_scan_free(body->scan);
	store_seal_free(&body->seal);
	store_identity_release(body->meta.identity);
	free(body->piece);
}

static const struct store_op_type piece_type = {
	.write = store_piece_write,
	.undone = store_piece_undone,
	.answer = piece_answer,
};

static const struct store_op_type commit_type = {
	.write = store_commit_write,
	.undone = store_commit_undone,
	.written = store_commit_written,
	.answer = body_answer,
	.clear = body_clear,
};

static const struct store_op_type abandon_type = {
	.write = store_abandon_write,
	.answer = piece_answer,
	.clear = body_clear,
};

/* ---- the handle ---- */

struct store_body *
store_body_new(struct store *store, const struct store_body_meta *meta)
{
	struct store_bodies *bodies = store_get_bodies(store);
	struct store_body *body;
	size_t length = meta->unique_id != NULL ? meta->unique_id_length : 0;

	body = calloc(1, sizeof(*body) + length + 1);
	if (body == NULL)
		return NULL;
	body->store = store;
	body->meta = *meta;
	body->meta.unique_id_length = length;
	store_identity_hold(meta->identity);
	if (meta->unique_id != NULL) {
		memcpy(body->unique_id, meta->unique_id, length);
		body->meta.unique_id = body->unique_id;
	}
	body->number = bodies->next_number++;
	LIST_INSERT_HEAD(&bodies->under_way, body, link);
	bodies->count++;
	return body;
}

static void
body_unlink(struct store_body *body)
{
	LIST_REMOVE(body, link);
	body_others(body)->count--;
}

/* The operation holds the memory of a piece, if there is one. */
static void
body_queue(struct store_body *body, struct store_op *op,
    const struct store_piece *piece)
{
	size_t octets = piece != NULL ? piece_memory(piece) : 0;

	store_op_hold(op, octets);
	body_others(body)->waiting += octets;
}

static void
body_drop_piece(struct store_body *body)
{
	if (body->piece == NULL)
		return;
	bodies_release(body_others(body), piece_memory(body->piece));
	free(body->piece);
	body->piece = NULL;
}

static void
body_submit_piece(struct store_body *body)
{
	struct store_piece *piece = body->piece;

	if (piece == NULL || piece->length == 0)
		return;
	body->piece = NULL;
	store_op_init(&piece->op, &piece_type);
	piece->body = body;
	piece->sequence = body->sequence++;
	piece->begins = body->submitted;
	body->submitted += piece->length;
	body_queue(body, &piece->op, piece);
	store_submit(body->store, &piece->op);
}

/* Make room for more; false without memory. */
static bool
body_grow_piece(struct store_body *body, size_t target, size_t wanted)
{
	struct store_piece *piece = body->piece;
	size_t length = piece == NULL ? 0 : piece->length;
	size_t had = piece == NULL ? 0 : piece_memory(piece);
	size_t room = piece == NULL ? FIRST_ROOM : piece->room * 2;

	if (piece == NULL && body->sequence == 0)
		room = larger(
		    room, smaller(HINT_MAX, (size_t)body->meta.octets_hint));
	if (piece == NULL && body->sequence > 0)
		room = STORE_PIECE_MIN;
	room = smaller(target, larger(room, length + wanted));
	piece = realloc(piece, sizeof(*piece) + room + STORE_SEALED_EXTRA);
	if (piece == NULL)
		return false;
	if (body->piece == NULL)
		memset(piece, 0, sizeof(*piece));
	piece->room = room;
	body->piece = piece;
	bodies_hold(body_others(body), piece_memory(piece) - had);
	return true;
}

static enum store_status
body_fill(struct store_body *body, const unsigned char *bytes, size_t length)
{
	size_t target = piece_target(body_others(body));

	while (length > 0) {
		struct store_piece *piece = body->piece;
		size_t taken;

		if (piece != NULL && piece->length >= target) {
			body_submit_piece(body);
			continue;
		}
		if (body->sequence >> STORE_CHUNK_SEQUENCE_BITS != 0)
			return STORE_FULL;
		if (piece == NULL || piece->length == piece->room) {
			if (!body_grow_piece(
				body, target, smaller(length, target)))
				return STORE_MEMORY;
			piece = body->piece;
		}
		taken = smaller(length, piece->room - piece->length);
		taken = smaller(taken, target - piece->length);
		memcpy(piece->bytes + piece->length, bytes, taken);
		piece->length += taken;
		bytes += taken;
		length -= taken;
	}
	return STORE_OK;
}

/*
 * At the limit everything goes to the writer, also what other bodies have
 * gathered: what waits there goes away by itself, and a buffer does not.
 */
static void
bodies_submit_all(struct store_bodies *bodies)
{
	struct store_body *body;

	LIST_FOREACH(body, &bodies->under_way, link)
		body_submit_piece(body);
}

enum store_flow
store_body_append(
    struct store_body *body, const unsigned char *bytes, size_t length)
{
	struct store_bodies *bodies = body_others(body);

	if (body->broken != STORE_OK)
		return STORE_FLOW_CONTINUE;
	body->appended += length;
	body->broken = body_fill(body, bytes, length);
	if (body->broken != STORE_OK)
		body_drop_piece(body);
	if (bodies->held < bodies->limit)
		return STORE_FLOW_CONTINUE;
	bodies_submit_all(bodies);
	if (bodies->waiting == 0)
		return STORE_FLOW_CONTINUE;
	bodies->is_paused = true;
	return STORE_FLOW_PAUSE;
}

void
store_body_hand_over(struct store_body *body, struct store_op *op)
{
	body_unlink(body);
	body_queue(body, op, body->piece);
}

void
store_body_free(struct store_body *body, struct store_op *op)
{
	piece_answer(body->store, op, STORE_OK);
	body_clear(&body->last);
	free(body);
}

static void
body_submit_last(struct store_body *body, const struct store_op_type *type)
{
	store_body_hand_over(body, &body->last);
	store_op_init(&body->last, type);
	store_submit(body->store, &body->last);
}

void
store_body_commit(struct store_body *body, store_message_cb done, void *arg)
{
	body->done = done;
	body->arg = arg;
	body_submit_last(body, &commit_type);
}

void
store_body_import(struct store_body *body, store_message_cb done, void *arg)
{
	body->is_import = true;
	store_body_commit(body, done, arg);
}

void
store_body_abort(struct store_body *body)
{
	body_drop_piece(body);
	if (body->sequence == 0) {
		body_unlink(body);
		body_clear(&body->last);
		free(body);
		return;
	}
	body_submit_last(body, &abandon_type);
}
