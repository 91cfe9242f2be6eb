/*
 * How a question is put to the store: what the full-text index answers, and
 * conditions on rows for the rest.
 */
#ifndef STORE_MATCH_H
#define STORE_MATCH_H

#include "daemon/store/db.h"
#include "daemon/store/index/marks.h"
#include "daemon/store/index/query.h"

/* Texts that conditions name; bound from this parameter on. */
#define MATCH_FIRST_PARAMETER 11
#define MATCH_TEXTS_MAX       QUERY_LEAVES_MAX

/* Any message that the index knows. */
#define MATCH_ANY "marks : \"" STORE_MARK_ANY "\""

struct match {
	const char *words;      /* for MATCH; NULL: any message */
	const char *joined;     /* its phrases, for score() */
	const char *conditions; /* of SQL, each behind " AND "; or "" */
	const char *texts[MATCH_TEXTS_MAX];
	size_t text_count;
	const char *no_account; /* one that is not in the store; or NULL */
	size_t parts;           /* that beginnings became */
	bool is_cut; /* beginnings have more words than are looked for */
	/* Bounds that each message must keep. */
	int64_t since_ms, before_ms;
};

/*
 * Compose it, with memory of the arena.  Where words are looked for, the
 * account (NULL: any) is one of them.
 */
enum store_status match_compose(struct match *match_r, struct sql_db *,
    struct evpop_arena *, const struct query_node *, const char *account)
    __attribute__((warn_unused_result));

void match_bind(const struct match *, struct sql_statement *);

#endif
