/*
 * The writer's part of bodies: pieces go into the file, and the last one makes
 * the message, or shows that it is here already.  Inside a transaction.
 */
#ifndef STORE_COMMIT_H
#define STORE_COMMIT_H

#include "daemon/store/body.h"

/* ---- operations ---- */

enum store_status store_piece_write(struct store_writer *, struct store_op *);
void store_piece_undone(
    struct store_writer *, struct store_op *, enum store_status);
enum store_status store_commit_write(struct store_writer *, struct store_op *);
void store_commit_undone(
    struct store_writer *, struct store_op *, enum store_status);
void store_commit_written(struct store_op *);
enum store_status store_abandon_write(struct store_writer *, struct store_op *);

/* ---- for a body on which a session failed ---- */

/* It is the message as far as it came, or the operation fails. */
enum store_status store_commit_as_is(struct store_writer *, struct store_body *,
    uint64_t listed_octets, struct store_op *)
    __attribute__((warn_unused_result));
/*
 * Keep the body as far as it came, for another owner.  *number_r and *octets_r
 * are 0 where nothing came, or where a part is missing.
 */
enum store_status store_commit_as_far(struct store_writer *,
    struct store_body *, int64_t *number_r, uint64_t *octets_r)
    __attribute__((warn_unused_result));
/* The writer is done with it. */
void store_commit_end(struct store_body *);
/* Remove its pieces from the file, later. */
void store_commit_drop(struct store_writer *, const struct store_body *);

#endif
