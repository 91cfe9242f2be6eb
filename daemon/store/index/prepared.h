/*
 * A message as the full-text index takes it: its row and body read from the
 * file, its words by the process that reads mail.
 */
#ifndef STORE_PREPARED_H
#define STORE_PREPARED_H

#include "daemon/store/db.h"
#include "daemon/store/index/conversation.h"
#include "daemon/store/index/marks.h"
#include "daemon/store/mail/words.h"

/* Which messages are read: those to be indexed, or those that were deleted. */
enum store_prepared_of {
	STORE_PREPARED_OF_INDEX = 0,
	STORE_PREPARED_OF_REMOVAL
};

/* Its words, ready to be put into the index. */
struct store_prepared {
	struct store_prepared *next; /* whoever holds it */
	int64_t above;               /* it is the first one above this id */
	int64_t id;
	size_t octets;  /* of memory, about */
	bool is_sealed; /* nobody here knows its words */
	struct mail_words words;
	struct store_marks marks;
	struct store_conversation_names names;
};

/* The id of the last message that is in the index; 0: none is. */
enum store_status store_prepared_last(struct sql_db *, int64_t *id_r)
    __attribute__((warn_unused_result));

/*
 * Read the first message above an id, by any connection; NULL where there is
 * none.
 */
enum store_status store_prepared_read(struct sql_db *, enum store_prepared_of,
    int64_t above, struct store_prepared **prepared_r)
    __attribute__((warn_unused_result));
/*
 * Read the first ones above it, of one moment, each behind the other; some few,
 * or less where they are large.  One that cannot be read is an error only where
 * it is the first.
 */
enum store_status store_prepared_read_some(struct sql_db *,
    enum store_prepared_of, int64_t above, struct store_prepared **first_r)
    __attribute__((warn_unused_result));
int64_t store_prepared_id(const struct store_prepared *);
/* That one, and all behind it. */
void store_prepared_free(struct store_prepared *);

/* Those that wait, in their order; zeros are none. */
struct store_prepared_list {
	struct store_prepared *head, *last;
	size_t octets;
};

/* Put these behind it; returns the id of the last one. */
int64_t store_prepared_list_append(
    struct store_prepared_list *, struct store_prepared *first);
/* The caller's then; NULL where the first is not that behind this id. */
struct store_prepared *store_prepared_list_take(
    struct store_prepared_list *, int64_t above);
void store_prepared_list_drop(struct store_prepared_list *);

/*
 * The first bytes of a body, at most so many; without the pieces that are
 * damaged.  The caller's, for free(), in any case; NULL where there is none.
 * STORE_SEALED where it is sealed.
 */
enum store_status store_prepared_read_body(struct sql_db *, int64_t body,
    size_t most, char **bytes_r, size_t *length_r)
    __attribute__((warn_unused_result));

#endif
