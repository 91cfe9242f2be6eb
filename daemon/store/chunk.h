/*
 * Rows of the table `chunk`: a body's pieces, plain or packed.  Only what is
 * in the file is packed; digests, sizes and readers know the plain bytes.
 */
#ifndef STORE_CHUNK_H
#define STORE_CHUNK_H

#include "daemon/store/db.h"

/* The values of the column `encoding`. */
enum store_chunk_encoding {
	STORE_CHUNK_PLAIN = 0,
	STORE_CHUNK_ZSTD,       /* a frame */
	STORE_CHUNK_SEALED,     /* plain below the seal (secret/sealing.h) */
	STORE_CHUNK_SEALED_ZSTD /* a frame below it */
};

/* Piece `sequence` of body `number`; a body is one range of these. */
#define STORE_CHUNK_SEQUENCE_BITS 20
static inline int64_t
store_chunk_id(int64_t number, uint32_t sequence)
{
	return (int64_t)((uint64_t)number << STORE_CHUNK_SEQUENCE_BITS) |
	       sequence;
}

/*
 * The piece begins behind so many octets of its body.  The connection's codec
 * packs the bytes where that saves enough.
 */
enum store_status store_chunk_insert(struct sql_db *, int64_t number,
    uint32_t sequence, uint64_t begins, const void *bytes, size_t length)
    __attribute__((warn_unused_result));

/* The same of bytes that are encoded already. */
enum store_status store_chunk_insert_as(struct sql_db *, int64_t number,
    uint32_t sequence, uint64_t begins, enum store_chunk_encoding,
    const void *bytes, size_t length) __attribute__((warn_unused_result));

/* Write as much as a large piece has, and remove it: whether that goes well. */
enum store_status store_chunk_try(struct sql_db *)
    __attribute__((warn_unused_result));

/*
 * Remove at most so many pieces of a body, the first ones; *gone_r says that
 * none is left.
 */
enum store_status store_chunk_remove(struct sql_db *, int64_t number,
    uint32_t most, bool *gone_r) __attribute__((warn_unused_result));

/*
 * Note that a body has pieces that belong to nothing, or may come to nothing:
 * the next start removes them.  And that this is over.
 */
enum store_status store_chunk_note_unfinished(struct sql_db *, int64_t number)
    __attribute__((warn_unused_result));
enum store_status store_chunk_note_finished(struct sql_db *, int64_t number)
    __attribute__((warn_unused_result));

/* The columns that store_chunk_take() reads. */
#define STORE_CHUNK_COLUMNS "chunk.encoding, chunk.data"

/*
 * The bytes of a piece, whose two columns begin at `column`; borrowed until
 * the next step of the statement and the next piece.  NULL where there is no
 * row (of a join).  STORE_DAMAGED where they cannot be unpacked: the
 * connection's words say why.  STORE_SEALED where nobody here can read them.
 */
enum store_status store_chunk_take(struct sql_db *, struct sql_statement *,
    int column, const void **bytes_r, size_t *length_r)
    __attribute__((warn_unused_result));

/* The same without unpacking anything, sealed ones too. */
enum store_status store_chunk_take_as_is(struct sql_statement *, int column,
    int64_t *encoding_r, const void **bytes_r, size_t *length_r)
    __attribute__((warn_unused_result));

/* All of a body, in order: a row is the id and the columns above. */
void store_chunk_use_all(
    struct sql_statement *, struct sql_db *, int64_t number);
/* The same from a piece on. */
void store_chunk_use_from(
    struct sql_statement *, struct sql_db *, int64_t number, uint32_t sequence);

#endif
