/*
 * Data that belongs to a connection of the store: the time of its transaction,
 * the codec of pieces, and with what digests are keyed and bodies sealed.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include "daemon/store/sql/engine.h"

struct store_codec;

/* As sql_open(): to be closed also where it fails; its words tell why. */
enum store_status store_db_open(struct sql_db **db_r, const char *path,
    enum sql_access) __attribute__((warn_unused_result));
void store_db_close(struct sql_db *);

struct store_codec *store_db_codec(struct sql_db *);

/*
 * With what digests are keyed, and bodies are sealed; NULL: with nothing.  Both
 * must outlive the connection.
 */
struct store_digest_key;
struct store_sealer;
const struct store_digest_key *store_db_digest_key(struct sql_db *);
void store_db_set_digest_key(struct sql_db *, const struct store_digest_key *);
struct store_sealer *store_db_sealer(struct sql_db *);
void store_db_set_sealer(struct sql_db *, struct store_sealer *);

/* The Unix time by which a transaction dates. */
int64_t store_db_now_ms(struct sql_db *);
void store_db_set_now_ms(struct sql_db *, int64_t);

#endif
