#include "daemon/store/index/ranked.h"

#include <stdlib.h>

/* Of two that are as good, the newer one. */
static int
ranked_compare(const void *one, const void *other)
{
	const struct ranked_one *a = one, *b = other;

	if (a->score != b->score)
		return a->score > b->score ? -1 : 1;
	return a->id > b->id ? -1 : a->id < b->id;
}

void
ranked_take(struct ranked *ranked_r, struct sql_statement *rows, size_t among)
{
	ranked_r->count = 0;
	ranked_r->is_all = true;
	while (sql_step(rows)) {
		if (ranked_r->count == among) {
			ranked_r->is_all = false;
			break;
		}
		ranked_r->items[ranked_r->count].id = sql_column_int(rows, 0);
		ranked_r->items[ranked_r->count].score =
		    sql_column_int(rows, 1);
		ranked_r->count++;
	}
	qsort(ranked_r->items, ranked_r->count, sizeof(ranked_r->items[0]),
	    ranked_compare);
}
