/*
 * Which row of the store is whose: the configured accounts on one side, the
 * rows on the other.  An account is found by its id, a row without an id goes
 * by its name, and where that leaves two to choose from, whose maildrop it is
 * decides.
 */
#ifndef STORE_ROSTER_H
#define STORE_ROSTER_H

#include "daemon/store/store.h"

struct store_roster_row {
	int64_t id;
	const char *name;
	const char *stable_id;        /* NULL: it goes by its name */
	const char *host, *user;      /* NULL: not known */
	bool is_empty;                /* no poll of it went well or left mail */
	bool is_taken;                /* some account has it */
	int64_t paused_ms;            /* 0: it is not paused */
	const char *paused_by;        /* NULL: not known */
	struct store_refusal refusal; /* with at_ms 0: there was none */
};

struct store_roster {
	const struct store_configured *accounts;
	struct store_roster_row *rows;
	size_t account_count, row_count;
	/*
	 * For each account, its row.  NULL: it has none, and is one that was
	 * never polled.
	 */
	struct store_roster_row **owned;
	/* In the order of names and of ids, and of maildrops once needed. */
	const struct store_configured **by_name;
	struct store_roster_row **rows_by_name, **rows_by_id;
	struct store_roster_row **rows_by_maildrop;
};

/*
 * Both arrays stay the caller's, as long as the roster; names, and ids where
 * there are any, are each there once.  False without memory.
 */
bool store_roster_match(struct store_roster *roster_r,
    const struct store_configured *, size_t account_count,
    struct store_roster_row *, size_t row_count)
    __attribute__((warn_unused_result));

/*
 * For an account without a row, or with one that is empty: one that nobody has,
 * of the same maildrop, and that it therefore may be.  NULL: there is none.
 */
const struct store_roster_row *store_roster_twin(
    const struct store_roster *, const struct store_configured *);

/* The row that has the account's name and is nobody's; NULL: there is none. */
const struct store_roster_row *store_roster_replaced(
    const struct store_roster *, const struct store_configured *);

void store_roster_free(struct store_roster *);

#endif
