/*
 * Bodies that are sealed on their way into the file, and the rows that say how.
 * For the writer's thread.
 */
#ifndef STORE_SEALED_H
#define STORE_SEALED_H

#include "daemon/secret/sealing.h"
#include "daemon/store/chunk.h"
#include "daemon/store/scan.h"

/* Of a connection: it seals all bodies that come by it. */
struct store_sealer;

/* NULL without memory, or where the key is none. */
struct store_sealer *store_sealer_new(
    const unsigned char to[SEALING_PUBLIC_SIZE])
    __attribute__((warn_unused_result));
/* Wipes; NULL is allowed. */
void store_sealer_free(struct store_sealer *);
/* For whom it seals. */
const unsigned char *store_sealer_recipient(const struct store_sealer *);

/* Of a body that is being sealed. */
struct store_seal;

/* NULL without memory. */
struct store_seal *store_seal_new(struct sql_db *, int64_t number)
    __attribute__((warn_unused_result));
/* Wipes, frees, sets the pointer to NULL. */
void store_seal_free(struct store_seal **);

/*
 * Its next piece: packed where that saves enough, then sealed.  It is longer
 * than the plain one by STORE_SEALED_EXTRA at most, and borrowed until the
 * connection seals the next.
 */
#define STORE_SEALED_EXTRA 17
struct store_sealed_piece {
	enum store_chunk_encoding encoding;
	const unsigned char *bytes;
	size_t length;
};
void store_seal_piece(struct sql_db *, struct store_seal *, const void *bytes,
    size_t length, bool is_last, struct store_sealed_piece *piece_r);

/* Seal the only piece of a body, and put it into the file. */
enum store_status store_seal_insert_only(struct sql_db *, struct store_seal *,
    const void *bytes, size_t length) __attribute__((warn_unused_result));

/*
 * The end of a body whose pieces are all in the file: an empty one, since the
 * last says that it is the last.  It may be put there again.
 */
enum store_status store_seal_insert_end(struct sql_db *, struct store_seal *,
    uint32_t sequence, uint64_t begins) __attribute__((warn_unused_result));

/* What the envelope says besides what the scan has found. */
struct store_sealed_facts {
	struct sealing_binding binding;
	const unsigned char *unique_id; /* NULL: it has none */
	size_t unique_id_length;
};

/* The row of a message. */
enum store_status store_sealed_insert(struct sql_db *,
    const struct store_seal *, const struct store_sealed_facts *,
    const struct store_scan_result *) __attribute__((warn_unused_result));

/* The row of what is in quarantine; its transcript may be NULL. */
enum store_status store_sealed_insert_quarantine(struct sql_db *,
    const struct store_seal *, const struct store_sealed_facts *,
    uint64_t octets, const char *transcript)
    __attribute__((warn_unused_result));

#endif
