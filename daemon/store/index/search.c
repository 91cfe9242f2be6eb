#include <stdlib.h>

#include "daemon/store/index/bounds.h"
#include "daemon/store/index/by_sender.h"
#include "daemon/store/index/fold.h"
#include "daemon/store/index/fulltext.h"
#include "daemon/store/index/index.h"
#include "daemon/store/index/match.h"
#include "daemon/store/index/ranked.h"
#include "daemon/store/index/snippets.h"
#include "daemon/store/mail/text.h"
#include "daemon/store/message.h"
#include "daemon/store/private.h"
#include "daemon/store/sql/sqlite.h"
#include "daemon/store/writer.h"

struct search_op {
	struct store_op op;
	struct store_message_filter filter; /* its strings are our copies */
	const char *account, *folded_from;
	const struct query_node *query; /* or NULL */
	unsigned limit;
	store_search_cb found;
	void *arg;
	struct store_message_row *rows;
	size_t count;
	struct store_search_page page;
	struct match match;
	int64_t least_id, most_id; /* that are asked for */
	bool index_damaged;
};

/* ---- an index that is damaged ---- */

static enum store_status
doubt_write(struct store_writer *writer, struct store_op *op)
{
	(void)op;
	store_index_doubt(store_writer_index(writer));
	return STORE_OK;
}

static void
doubt_answer(struct store *store, struct store_op *op, enum store_status status)
{
	(void)store;
	(void)op;
	(void)status;
}

static const struct store_op_type doubt_type = {
	.write = doubt_write,
	.answer = doubt_answer,
};

/* Without memory another search will find the same. */
static void
doubt_tell_writer(struct store *store)
{
	struct store_op *op = store_op_new(&doubt_type, sizeof(*op));

	if (op != NULL)
		store_submit(store, op);
}

/* ---- the query ---- */

/*
 * The index that a search walks.  Newest first is the order of ids; walking
 * them is best unless few messages can match, and those are found by words or
 * by when they were stored.
 */
#define SOURCE_WORDS                                           \
	" FROM fulltext CROSS JOIN message"                    \
	" ON message.id = fulltext.rowid"                      \
	" JOIN account ON account.id = message.account"        \
	" WHERE fulltext.rowid <= ?9 AND fulltext.rowid >= ?8" \
	" AND fulltext MATCH ?1"
/* Nothing about the row is asked for. */
#define SOURCE_WORDS_ALONE                                     \
	" FROM fulltext"                                       \
	" WHERE fulltext.rowid <= ?9 AND fulltext.rowid >= ?8" \
	" AND fulltext MATCH ?1"

static const char *
search_source(const struct search_op *search)
{
	if (search->match.words != NULL)
		return SOURCE_WORDS;
	if (search->filter.has_since && search->account == NULL)
		return " FROM message INDEXED BY message_stored"
		       " JOIN account ON account.id = message.account"
		       " WHERE message.id < ?2";
	return " FROM message JOIN account ON account.id = message.account"
	       " WHERE message.id < ?2";
}

static void
search_add_conditions(const struct search_op *search, struct mail_text *sql)
{
	const struct store_message_filter *filter = &search->filter;

	if (search->account != NULL)
		mail_text_add_string(sql,
		    " AND message.account ="
		    " (SELECT id FROM account WHERE name = ?3)");
	if (search->folded_from != NULL)
		mail_text_add_string(sql, " AND fold_has(message.sender, ?4)");
	if (filter->has_since)
		mail_text_add_string(sql, " AND message.stored_ms >= ?5");
	if (filter->has_before)
		mail_text_add_string(sql, " AND message.stored_ms < ?6");
	mail_text_add_string(sql, search->match.conditions);
}

/* Conditions are at most as long as a question makes them. */
#define SQL_MAX ((size_t)64 * 1024)

static char *
search_compose(const struct search_op *search)
{
	struct mail_text sql;

	mail_text_init(&sql, SQL_MAX);
	mail_text_add_string(&sql, "SELECT " STORE_MESSAGE_COLUMNS);
	mail_text_add_string(&sql, search_source(search));
	search_add_conditions(search, &sql);
	mail_text_add_string(
	    &sql, search->match.words != NULL
		      ? " ORDER BY fulltext.rowid DESC LIMIT ?7"
		      : " ORDER BY message.id DESC LIMIT ?7");
	return mail_text_take(&sql);
}

/* The account is a word of its messages. */
static bool
search_asks_rows(const struct search_op *search)
{
	return search->folded_from != NULL || search->filter.has_since ||
	       search->filter.has_before || search->match.conditions[0] != '\0';
}

static char *
search_compose_ranked(const struct search_op *search)
{
	struct mail_text sql;

	mail_text_init(&sql, SQL_MAX);
	mail_text_add_string(&sql, "SELECT fulltext.rowid, " RANKED_SCORE);
	if (search_asks_rows(search)) {
		mail_text_add_string(&sql, SOURCE_WORDS);
		search_add_conditions(search, &sql);
	} else
		mail_text_add_string(&sql, SOURCE_WORDS_ALONE);
	mail_text_add_string(&sql, " ORDER BY fulltext.rowid DESC LIMIT ?7");
	return mail_text_take(&sql);
}

static void
search_bind(
    const struct search_op *search, struct sql_statement *use, int64_t limit)
{
	const struct store_message_filter *filter = &search->filter;

	if (search->match.words != NULL) {
		sql_bind_text(use, 1, search->match.words);
		sql_bind_int(use, 8, search->least_id);
		/* FTS5 stops at one bound only: the other would be a filter. */
		sql_bind_int(use, 9,
		    filter->below_id > 0 && filter->below_id <= search->most_id
			? filter->below_id - 1
			: search->most_id);
	}
	sql_bind_int(
	    use, 2, filter->below_id > 0 ? filter->below_id : INT64_MAX);
	if (search->account != NULL)
		sql_bind_text(use, 3, search->account);
	if (search->folded_from != NULL)
		sql_bind_text(use, 4, search->folded_from);
	if (filter->has_since)
		sql_bind_int(use, 5, filter->since_ms);
	if (filter->has_before)
		sql_bind_int(use, 6, filter->before_ms);
	sql_bind_int(use, 7, limit);
	if (search->filter.order == STORE_ORDER_RANKED &&
	    search->match.joined != NULL)
		sql_bind_text(use, 10, search->match.joined);
	match_bind(&search->match, use);
}

/* Whether the index has all messages; it may be one of an earlier version. */
static enum store_status
search_look_at_index(
    struct sql_db *db, struct search_op *search, bool *is_current_r)
{
	static const char sql[] =
	    "SELECT coalesce((SELECT max(id) FROM message), 0) <="
	    " coalesce((SELECT value FROM meta WHERE key = 'indexed'), 0)";
	struct sql_statement use;
	enum store_status status = store_index_is_current(db, is_current_r);

	if (status != STORE_OK || !*is_current_r)
		return status;
	sql_prepare(&use, db, sql);
	if (sql_step(&use))
		search->page.is_complete = sql_column_int(&use, 0) != 0;
	return sql_end(&use);
}

/* Times within the question bound it as those beside it do. */
static void
search_take_times(struct search_op *search)
{
	struct store_message_filter *filter = &search->filter;
	const struct match *match = &search->match;

	if (match->since_ms != INT64_MIN &&
	    (!filter->has_since || filter->since_ms < match->since_ms)) {
		filter->has_since = true;
		filter->since_ms = match->since_ms;
	}
	if (match->before_ms != INT64_MAX &&
	    (!filter->has_before || filter->before_ms > match->before_ms)) {
		filter->has_before = true;
		filter->before_ms = match->before_ms;
	}
}

/* Facts that a search needs first; *is_over_r: nothing can be found. */
static enum store_status
search_prepare(struct sql_db *db, struct search_op *search, bool *is_over_r)
{
	enum store_status status;
	bool is_current = true;

	*is_over_r = false;
	search->match.conditions = "";
	search->page.is_complete = true;
	if (search->query == NULL)
		return STORE_OK;
	status = match_compose(&search->match, db, store_op_arena(&search->op),
	    search->query, search->account);
	search_take_times(search);
	/* What has no words is ranked as any message is: the newest first. */
	if (search->match.words == NULL &&
	    search->filter.order == STORE_ORDER_RANKED)
		search->match.words = MATCH_ANY;
	if (status != STORE_OK || search->match.words == NULL)
		return status;
	search->page.is_complete = false;
	search->least_id = INT64_MIN;
	search->most_id = INT64_MAX;
	status = search_look_at_index(db, search, &is_current);
	*is_over_r = !is_current;
	if (status == STORE_OK && search->filter.has_since)
		status = bounds_least_id(
		    db, search->filter.since_ms, &search->least_id);
	if (status == STORE_OK && search->filter.has_before)
		status = bounds_most_id(
		    db, search->filter.before_ms, &search->most_id);
	if (status == STORE_OK)
		status = bounds_narrow(
		    db, search->account, &search->least_id, &search->most_id);
	return status;
}

static void
search_take(struct search_op *search, struct sql_statement *from)
{
	search->rows = store_op_grow(
	    &search->op, search->rows, search->count, sizeof(*search->rows));
	if (search->rows != NULL)
		store_message_take(
		    &search->op, from, &search->rows[search->count++]);
}

static enum store_status
search_take_rows(struct search_op *search, struct sql_statement *rows)
{
	enum store_status status;

	while (search->op.status == STORE_OK && sql_step(rows))
		search_take(search, rows);
	if (sqlite_index_is_damaged(rows))
		search->index_damaged = true;
	status = sql_end(rows);
	return status != STORE_OK ? status : search->op.status;
}

static enum store_status
search_by_query(struct sql_db *db, struct search_op *search)
{
	struct sql_statement use;
	enum store_status status;
	char *sql = search_compose(search);

	if (sql == NULL)
		return STORE_MEMORY;
	sql_prepare_once(&use, db, sql);
	search_bind(search, &use, (int64_t)search->limit + 1);
	status = search_take_rows(search, &use);
	free(sql);
	return status;
}

/* ---- by sender ---- */

/*
 * If words are asked for as well, each message by the sender is searched for
 * them.  Above this number the other way round is faster.
 */
#define LOOKED_FOR_WORDS ((size_t)512)

#define ROW_OF_ID                                                    \
	"SELECT " STORE_MESSAGE_COLUMNS " FROM message JOIN account" \
	" ON account.id = message.account WHERE message.id = ?1"

/* One that has just gone is left out. */
static enum store_status
search_take_by_id(struct sql_db *db, struct search_op *search, int64_t id)
{
	struct sql_statement use;

	sql_prepare(&use, db, ROW_OF_ID);
	sql_bind_int(&use, 1, id);
	return search_take_rows(search, &use);
}

/* So is one that is not what else was asked for. */
static enum store_status
search_take_if_found(struct sql_db *db, struct search_op *search, int64_t id)
{
	static const char with_words[] =
	    ROW_OF_ID " AND EXISTS(SELECT 1 FROM fulltext"
		      " WHERE fulltext MATCH ?2 AND fulltext.rowid = ?1)";
	struct sql_statement use;
	struct mail_text sql;
	enum store_status status;
	char *text;

	mail_text_init(&sql, SQL_MAX);
	mail_text_add_string(
	    &sql, search->match.words != NULL ? with_words : ROW_OF_ID);
	mail_text_add_string(&sql, search->match.conditions);
	text = mail_text_take(&sql);
	if (text == NULL)
		return STORE_MEMORY;
	sql_prepare_once(&use, db, text);
	sql_bind_int(&use, 1, id);
	if (search->match.words != NULL)
		sql_bind_text(&use, 2, search->match.words);
	match_bind(&search->match, &use);
	status = search_take_rows(search, &use);
	free(text);
	return status;
}

/* *is_enough_r: no other message can be found. */
static enum store_status
search_take_by_sender(struct sql_db *db, struct search_op *search, int64_t *ids,
    size_t most, bool *is_enough_r)
{
	const struct store_message_filter *filter = &search->filter;
	const struct store_by_sender wanted = { .part = search->folded_from,
		.account = search->account,
		.since_ms = filter->has_since ? filter->since_ms : INT64_MIN,
		.before_ms = filter->has_before ? filter->before_ms : INT64_MAX,
		.below_id = filter->below_id > 0 ? filter->below_id : INT64_MAX,
		.most = most };
	size_t count = 0;
	enum store_status status =
	    store_by_sender(db, &wanted, ids, &count, &search->index_damaged);

	*is_enough_r = search->query == NULL || count < most;
	if (!*is_enough_r)
		return status;
	for (size_t i = 0;
	     status == STORE_OK && i < count && search->count <= search->limit;
	     i++)
		status = search->query != NULL
			     ? search_take_if_found(db, search, ids[i])
			     : search_take_by_id(db, search, ids[i]);
	return status;
}

static enum store_status
search_by_sender(struct sql_db *db, struct search_op *search)
{
	size_t most =
	    search->query != NULL ? LOOKED_FOR_WORDS : search->limit + 1;
	int64_t *ids = calloc(most, sizeof(*ids));
	enum store_status status;
	bool is_enough;

	if (ids == NULL)
		return STORE_MEMORY;
	status = search_take_by_sender(db, search, ids, most, &is_enough);
	free(ids);
	if (status == STORE_OK && !is_enough)
		status = search_by_query(db, search);
	return status;
}

/* ---- ranked ---- */

static enum store_status
search_rank(
    struct sql_db *db, struct search_op *search, struct ranked *ranked_r)
{
	size_t among = search->match.parts > RANKED_MANY_PARTS
			   ? RANKED_AMONG_MANY
			   : RANKED_AMONG;
	struct sql_statement use;
	enum store_status status;
	char *sql = search_compose_ranked(search);

	if (sql == NULL)
		return STORE_MEMORY;
	sql_prepare_once(&use, db, sql);
	search_bind(search, &use, (int64_t)among + 1);
	ranked_take(ranked_r, &use, among);
	if (sqlite_index_is_damaged(&use))
		search->index_damaged = true;
	status = sql_end(&use);
	free(sql);
	return status;
}

static enum store_status
search_take_ranked(
    struct sql_db *db, struct search_op *search, const struct ranked *ranked)
{
	enum store_status status = STORE_OK;

	search->page.ranked_among = (unsigned)ranked->count;
	search->page.is_ranked_all = ranked->is_all;
	for (size_t i = 0; i < ranked->count; i++)
		if (ranked->items[i].id > search->page.top_id)
			search->page.top_id = ranked->items[i].id;
	for (size_t i = search->filter.skip;
	     status == STORE_OK && i < ranked->count &&
	     search->count <= search->limit;
	     i++)
		status = search_take_by_id(db, search, ranked->items[i].id);
	return status;
}

static enum store_status
search_ranked(struct sql_db *db, struct search_op *search)
{
	struct ranked *ranked = malloc(sizeof(*ranked));
	enum store_status status;

	if (ranked == NULL)
		return STORE_MEMORY;
	status = search_rank(db, search, ranked);
	if (status == STORE_OK)
		status = search_take_ranked(db, search, ranked);
	free(ranked);
	return status;
}

/* ---- the operation ---- */

static enum store_status
search_find(struct sql_db *db, struct search_op *search)
{
	if (search->filter.order == STORE_ORDER_RANKED && search->query != NULL)
		return search_ranked(db, search);
	return search->folded_from != NULL ? search_by_sender(db, search)
					   : search_by_query(db, search);
}

static enum store_status
search_read(struct sql_db *db, struct store_op *op)
{
	struct search_op *search = (struct search_op *)op;
	bool is_over;
	enum store_status status = search_prepare(db, search, &is_over);

	if (status != STORE_OK || is_over)
		return status;
	status = search_find(db, search);
	search->page.more = search->count > search->limit;
	search->page.count = search->page.more ? search->limit : search->count;
	search->page.rows = search->rows;
	search->page.no_account = search->match.no_account;
	search->page.is_cut = search->match.is_cut;
	if (status == STORE_OK && (search->query || search->folded_from))
		status = store_fulltext_miss(db, &search->page);
	if (status == STORE_OK && search->filter.wants_snippets &&
	    search->query != NULL)
		status = store_snippets_read(db, op, search->query,
		    search->rows, search->page.count, &search->page.snippets);
	return status;
}

static void
search_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	struct search_op *search = (struct search_op *)op;

	if (search->index_damaged)
		doubt_tell_writer(store);
	search->found(
	    status, status == STORE_OK ? &search->page : NULL, search->arg);
}

static const struct store_op_type search_type = {
	.lane = STORE_LANE_SEARCHES,
	.read = search_read,
	.answer = search_answer,
};

/* The newest, of all or of one account: an index has them in this order. */
static const struct store_op_type list_type = {
	.lane = STORE_LANE_QUESTIONS,
	.read = search_read,
	.answer = search_answer,
};

static bool
search_is_list(const struct store_message_filter *filter)
{
	return filter->from == NULL && filter->query == NULL &&
	       !filter->has_since && !filter->has_before;
}

/* A copy of the operation's; NULL where there was no memory for the text. */
static const char *
search_own(struct search_op *search, char *text)
{
	const char *copy = store_op_text(&search->op, text);

	if (text == NULL)
		(void)store_op_fail(&search->op, STORE_MEMORY);
	free(text);
	return copy;
}

static void
search_copy_filter(
    struct search_op *search, const struct store_message_filter *filter)
{
	search->filter = *filter;
	search->filter.account = search->filter.from = NULL;
	search->filter.query = NULL;
	search->account = store_op_text(&search->op, filter->account);
	if (filter->from != NULL)
		search->folded_from =
		    search_own(search, store_fold(filter->from));
}

/* One that cannot be understood finds nothing: who asks has looked before. */
static void
search_read_query(
    struct search_op *search, const struct store_message_filter *filter)
{
	struct store_query_problem problem;

	if (filter->query == NULL)
		return;
	search->query = query_parse(store_op_arena(&search->op), filter->query,
	    filter->query_time, filter->query_now_ms, &problem);
	if (search->query == NULL)
		(void)store_op_fail(&search->op,
		    problem.position == 0 ? STORE_MEMORY : STORE_NOT_FOUND);
}

static struct search_op *
search_new(const struct store_message_filter *filter)
{
	struct search_op *search =
	    store_op_new(search_is_list(filter) ? &list_type : &search_type,
		sizeof(*search));

	if (search == NULL)
		return NULL;
	search_copy_filter(search, filter);
	search_read_query(search, filter);
	search->limit = store_page_limit(filter->limit);
	return search;
}

void
store_search(struct store *store, const struct store_message_filter *filter,
    store_search_cb found, void *arg)
{
	struct search_op *search = search_new(filter);

	if (search == NULL) {
		found(STORE_MEMORY, NULL, arg);
		return;
	}
	search->found = found;
	search->arg = arg;
	store_ask(store, &search->op, arg);
}
