/*
 * A body on its way: the loop fills pieces and hands them to the writer, who
 * puts them into the file as they come and makes the message at the end.
 */
#ifndef STORE_BODY_H
#define STORE_BODY_H

#include "daemon/store/chunk.h"
#include "daemon/store/op.h"
#include "daemon/store/scan.h"
#include "daemon/store/sealed.h"
#include "daemon/store/unique.h"

/*
 * A server may send slowly to many: pieces are at most this large, and never
 * cut smaller than the other for want of memory.
 */
#define STORE_PIECE_MAX ((size_t)256 * 1024)
#define STORE_PIECE_MIN ((size_t)16 * 1024)

struct store_piece {
	struct store_op op;
	struct store_body *body;
	uint32_t sequence;
	uint64_t begins; /* behind so many octets of its body */
	bool has_noted;  /* its body as unfinished; the writer's */
	/* Sealed in place, once, though it may be written again. */
	enum store_chunk_encoding encoding;
	size_t length, room;
	unsigned char bytes[];
};

struct store_body {
	struct store_op last; /* how it ends: commit or abandon */
	struct store *store;
	LIST_ENTRY(store_body) link; /* among those under way; the loop's */
	struct store_body_meta meta;
	int64_t number;
	struct store_piece *piece; /* being filled; then the last */
	uint32_t sequence;         /* of the next piece; the loop's */
	uint64_t appended;         /* octets; the loop's */
	uint64_t submitted;        /* of them, in pieces that are whole */
	enum store_status broken;  /* why it cannot be whole; the loop's */
	store_message_cb done;
	void *arg;

	/* The writer's. */
	struct store_scan *scan;
	uint32_t scanned; /* pieces */
	bool is_scanned;  /* to its end */
	struct store_scan_result looks;
	enum store_status failed;
	struct store_seal *seal;              /* NULL: nothing is sealed yet */
	bool is_noted;                        /* in `unfinished` */
	struct store_unique unique;           /* id NULL: none */
	char body_id[STORE_UNIQUE_IMPORT_ID]; /* where it has no other */
	bool is_alone;                        /* no session is looked at */
	bool is_import;                       /* it comes from no server */
	bool is_counted;                      /* by its identity */
	unsigned char counted[STORE_DIGEST_SIZE];
	int64_t message_id;
	enum store_taken taken;
	uint64_t octets; /* of a new message */

	unsigned char unique_id[];
};

/* ---- all of a store; the loop's ---- */

struct store_bodies;

/* Their memory together is bounded by `limit`.  NULL without memory. */
struct store_bodies *store_bodies_new(size_t limit, struct notify *)
    __attribute__((warn_unused_result));
void store_bodies_free(struct store_bodies *);

/* The number of the first one. */
void store_bodies_begin(struct store_bodies *, int64_t number);
/* Drop all bodies under way; the drain callback no longer runs. */
void store_bodies_abort(struct store_bodies *);
/* Publishes NOTIFY_STORE_DRAINED if it is time for it. */
void store_bodies_check(struct store_bodies *);
void store_bodies_stats(const struct store_bodies *, struct store_stats *);

/*
 * Make a body a part of another operation, which then holds its memory too;
 * and the end of that.
 */
void store_body_hand_over(struct store_body *, struct store_op *);
void store_body_free(struct store_body *, struct store_op *);

#endif
