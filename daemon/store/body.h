/*
 * A body on its way: the loop fills pieces and hands them to the writer, who
 * puts them into the file as they come and makes the message at the end.
 */
#ifndef STORE_BODY_H
#define STORE_BODY_H

#include "daemon/store/op.h"
#include "daemon/store/scan.h"
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
	size_t length, room;
	unsigned char bytes[];
};

struct store_body {
	struct store_op last; /* how it ends: commit or abandon */
	struct store *store;
	struct store_body *next, **link; /* among those under way; the loop's */
	struct store_body_meta meta;
	int64_t number;
	struct store_piece *piece; /* being filled; then the last */
	uint32_t sequence;         /* of the next piece; the loop's */
	uint64_t appended;         /* octets; the loop's */
	enum store_status broken;  /* why it cannot be whole; the loop's */
	store_message_cb done;
	void *arg;

	/* The writer's. */
	struct store_scan *scan;
	enum store_status failed;
	bool noted;                         /* in `unfinished` */
	struct store_unique unique;         /* id NULL: none */
	char body_id[STORE_UNIQUE_BODY_ID]; /* where it has no other */
	bool is_counted;                    /* by its identity */
	unsigned char counted[STORE_DIGEST_SIZE];
	int64_t message_id;
	enum store_taken taken;
	uint64_t octets; /* of a new message */

	unsigned char unique_id[];
};

extern const struct store_op_type store_piece_type;
extern const struct store_op_type store_commit_type;
extern const struct store_op_type store_abandon_type;

/*
 * Make a body a part of another operation, which then holds its memory too;
 * and the end of that.
 */
void store_body_hand_over(struct store_body *, struct store_op *);
void store_body_free(struct store *, struct store_body *, struct store_op *);

/* The writer's part of them, in commit.c.  It is the message, or op fails. */
enum store_status store_body_accept(
    struct store_writer *, struct store_body *, struct store_op *);
enum store_status store_write_piece(struct store_writer *, struct store_op *);
enum store_status store_write_commit(struct store_writer *, struct store_op *);
enum store_status store_write_abandon(struct store_writer *, struct store_op *);
/* At its end: once failed, a body stays so, and it says why. */
bool store_body_is_failed(struct store_writer *, struct store_body *);
/* Put what is left of a body into the file, which then owns it all. */
enum store_status store_body_insert_last(struct store_writer *,
    struct store_body *) __attribute__((warn_unused_result));
/* Remove what is in the file of it, later. */
void store_body_drop(struct store_writer *, const struct store_body *);
void store_undone_piece(struct store_writer *, struct store_op *);
void store_undone_commit(struct store_writer *, struct store_op *);

#endif
