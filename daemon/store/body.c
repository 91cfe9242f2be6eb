#include "daemon/store/body.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/identity.h"
#include "daemon/store/private.h"
#include "daemon/store/schema.h"

/* Most messages are a few KiB: begin with that and double. */
#define FIRST_ROOM ((size_t)2 * 1024)
/* The server's word for the size is worth so much memory in advance. */
#define HINT_MAX STORE_PIECE_MIN

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
memory_of(const struct store_piece *piece)
{
	return sizeof(*piece) + piece->room;
}

/* ---- flow ---- */

static void
hold(struct store *store, size_t octets)
{
	store->flow.held += octets;
	if (store->flow.held > store->flow.held_max)
		store->flow.held_max = store->flow.held;
}

static void
release(struct store *store, size_t octets)
{
	assert(store->flow.held >= octets);
	store->flow.held -= octets;
}

/*
 * Below half is soon enough to keep the writer busy.  With nothing left at the
 * writer, what is held sits in buffers that may never grow: nobody may wait
 * for those.
 */
void
store_flow_check(struct store *store)
{
	struct store_flow_account *flow = &store->flow;

	if (!flow->paused ||
	    (flow->held > flow->limit / 2 && flow->waiting > 0))
		return;
	flow->paused = false;
	if (store->drained != NULL && !store->closing)
		store->drained(store, store->drained_arg);
}

/* How large a piece may grow, so that all bodies together stay in bounds. */
static size_t
piece_target(const struct store *store)
{
	size_t share = store->flow.limit / (2 * store->body_count);

	return larger(STORE_PIECE_MIN, smaller(STORE_PIECE_MAX, share));
}

/* ---- operations ---- */

static void
answer_piece(struct store *store, struct store_op *op)
{
	release(store, op->octets);
	assert(store->flow.waiting >= op->octets);
	store->flow.waiting -= op->octets;
}

static void
answer_commit(struct store *store, struct store_op *op)
{
	struct store_body *body = (struct store_body *)op;

	answer_piece(store, op);
	if (op->status == STORE_OK && body->taken == STORE_TAKEN_NEW) {
		store->stats.messages++;
		store->stats.body_octets += body->octets;
	}
	body->done(op->status, op->status == STORE_OK ? body->message_id : 0,
	    body->taken, body->arg);
}

static void
free_piece(struct store_op *op)
{
	free(op);
}

static void
free_body(struct store_op *op)
{
	struct store_body *body = (struct store_body *)op;

	store_scan_free(body->scan);
	store_identity_release(body->meta.identity);
	free(body->piece);
	free(body);
}

const struct store_op_type store_piece_type = {
	.kind = STORE_OP_PIECE,
	.write = store_write_piece,
	.undone = store_undone_piece,
	.answer = answer_piece,
	.free = free_piece,
};

const struct store_op_type store_commit_type = {
	.kind = STORE_OP_COMMIT,
	.write = store_write_commit,
	.undone = store_undone_commit,
	.answer = answer_commit,
	.free = free_body,
};

const struct store_op_type store_abandon_type = {
	.kind = STORE_OP_ABANDON,
	.write = store_write_abandon,
	.answer = answer_piece,
	.free = free_body,
};

/* ---- the handle ---- */

struct store_body *
store_body_new(struct store *store, const struct store_body_meta *meta)
{
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
	body->number = store->next_body++;
	body->next = store->bodies;
	body->link = &store->bodies;
	if (body->next != NULL)
		body->next->link = &body->next;
	store->bodies = body;
	store->body_count++;
	return body;
}

static void
unlink_body(struct store_body *body)
{
	*body->link = body->next;
	if (body->next != NULL)
		body->next->link = body->link;
	body->store->body_count--;
}

static void
drop_piece(struct store_body *body)
{
	if (body->piece == NULL)
		return;
	release(body->store, memory_of(body->piece));
	free(body->piece);
	body->piece = NULL;
}

static void
submit_piece(struct store_body *body)
{
	struct store_piece *piece = body->piece;

	if (piece == NULL || piece->length == 0)
		return;
	body->piece = NULL;
	piece->op.type = &store_piece_type;
	piece->op.octets = memory_of(piece);
	piece->body = body;
	piece->sequence = body->sequence++;
	body->store->flow.waiting += piece->op.octets;
	store_op_submit(body->store, &piece->op);
}

/* Make room for more; false without memory. */
static bool
grow_piece(struct store_body *body, size_t target, size_t wanted)
{
	struct store_piece *piece = body->piece;
	size_t length = piece == NULL ? 0 : piece->length;
	size_t had = piece == NULL ? 0 : memory_of(piece);
	size_t room = piece == NULL ? FIRST_ROOM : piece->room * 2;

	if (piece == NULL && body->sequence == 0)
		room = larger(
		    room, smaller(HINT_MAX, (size_t)body->meta.octets_hint));
	if (piece == NULL && body->sequence > 0)
		room = STORE_PIECE_MIN;
	room = smaller(target, larger(room, length + wanted));
	piece = realloc(piece, sizeof(*piece) + room);
	if (piece == NULL)
		return false;
	if (body->piece == NULL) {
		memset(piece, 0, sizeof(*piece));
		piece->length = 0;
	}
	piece->room = room;
	body->piece = piece;
	hold(body->store, memory_of(piece) - had);
	return true;
}

static enum store_status
fill(struct store_body *body, const unsigned char *bytes, size_t length)
{
	size_t target = piece_target(body->store);

	while (length > 0) {
		struct store_piece *piece = body->piece;
		size_t taken;

		if (piece != NULL && piece->length >= target) {
			submit_piece(body);
			continue;
		}
		if (body->sequence >> STORE_CHUNK_SEQUENCE_BITS != 0)
			return STORE_FULL;
		if (piece == NULL || piece->length == piece->room) {
			if (!grow_piece(body, target, smaller(length, target)))
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
submit_all(struct store *store)
{
	for (struct store_body *body = store->bodies; body != NULL;
	     body = body->next)
		submit_piece(body);
}

enum store_flow
store_body_append(
    struct store_body *body, const unsigned char *bytes, size_t length)
{
	struct store *store = body->store;

	if (body->broken != STORE_OK)
		return STORE_FLOW_CONTINUE;
	body->appended += length;
	body->broken = fill(body, bytes, length);
	if (body->broken != STORE_OK)
		drop_piece(body);
	if (store->flow.held < store->flow.limit)
		return STORE_FLOW_CONTINUE;
	submit_all(store);
	if (store->flow.waiting == 0)
		return STORE_FLOW_CONTINUE;
	store->flow.paused = true;
	return STORE_FLOW_PAUSE;
}

void
store_body_hand_over(struct store_body *body, struct store_op *op)
{
	unlink_body(body);
	op->octets = body->piece != NULL ? memory_of(body->piece) : 0;
	body->store->flow.waiting += op->octets;
}

void
store_body_free(
    struct store *store, struct store_body *body, struct store_op *op)
{
	answer_piece(store, op);
	free_body(&body->last);
}

static void
submit_last(struct store_body *body, const struct store_op_type *type)
{
	store_body_hand_over(body, &body->last);
	body->last.type = type;
	store_op_submit(body->store, &body->last);
}

void
store_body_commit(struct store_body *body, store_message_cb done, void *arg)
{
	body->done = done;
	body->arg = arg;
	submit_last(body, &store_commit_type);
}

void
store_body_abort(struct store_body *body)
{
	drop_piece(body);
	if (body->sequence == 0) {
		unlink_body(body);
		free_body(&body->last);
		return;
	}
	submit_last(body, &store_abandon_type);
}
