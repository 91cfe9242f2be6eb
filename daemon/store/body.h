/*
 * A body on its way: the loop fills pieces and hands them to the writer, who
 * puts them into the file as they come and makes the message at the end.
 */
#ifndef STORE_BODY_H
#define STORE_BODY_H

#include "daemon/store/op.h"
#include "daemon/store/scan.h"

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
	enum store_status broken;  /* why it cannot be whole; the loop's */
	store_message_cb done;
	void *arg;

	/* The writer's. */
	struct store_scan *scan;
	enum store_status failed;
	bool noted; /* in `unfinished` */
	int64_t message_id;
	enum store_taken taken;
	uint64_t octets; /* of it */

	unsigned char unique_id[];
};

extern const struct store_op_type store_piece_type;
extern const struct store_op_type store_commit_type;
extern const struct store_op_type store_abandon_type;

/* The writer's part of them, in commit.c. */
enum store_status store_write_piece(struct store_writer *, struct store_op *);
enum store_status store_write_commit(struct store_writer *, struct store_op *);
enum store_status store_write_abandon(struct store_writer *, struct store_op *);
void store_undone_piece(struct store_writer *, struct store_op *);
void store_undone_commit(struct store_writer *, struct store_op *);

#endif
