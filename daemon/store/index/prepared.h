/*
 * A message's words, ready to be put into the full-text index.
 */
#ifndef STORE_PREPARED_H
#define STORE_PREPARED_H

#include "daemon/store/db.h"
#include "daemon/store/mail/words.h"

struct store_prepared {
	struct store_prepared *next; /* whoever holds it */
	int64_t above;               /* it is the first one above this id */
	int64_t id, account;
	size_t octets; /* of memory, about */
	struct mail_words words;
};

/* The id of the last message that is in the index; 0: none is. */
enum store_status store_prepared_last(struct store_db *, int64_t *id_r)
    __attribute__((warn_unused_result));

/*
 * Read the first message above an id, by any connection; NULL where there is
 * none.
 */
enum store_status store_prepared_read(struct store_db *, int64_t above,
    struct store_prepared **prepared_r) __attribute__((warn_unused_result));
void store_prepared_free(struct store_prepared *);

#endif
