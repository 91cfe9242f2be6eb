/*
 * The best of the newest: to score all messages with a frequent word would take
 * longer than anybody waits, so the newest of them are scored, up to a number
 * that the answer names.
 */
#ifndef STORE_RANKED_H
#define STORE_RANKED_H

#include "daemon/store/db.h"

/* How many are scored; fewer of what is looked for in many parts. */
#define RANKED_AMONG      2000
#define RANKED_AMONG_MANY 500
#define RANKED_MANY_PARTS 32

/*
 * The column of a SELECT behind the id: a score, the larger the better.  What
 * stands in a subject tells more than a word of the text.  ?10 is match.joined.
 */
#define RANKED_SCORE "score(fulltext, ?10, 5, 2, 1, 8, 4, 1, 0)"

struct ranked {
	struct ranked_one {
		int64_t id, score;
	} items[RANKED_AMONG];
	size_t count;
	bool is_all; /* none was left out */
};

/*
 * Take so many rows (id, score) at most, newest first, and order them: the best
 * first.
 */
void ranked_take(struct ranked *ranked_r, struct sql_statement *, size_t among);

#endif
