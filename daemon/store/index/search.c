#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/index/by_sender.h"
#include "daemon/store/index/fold.h"
#include "daemon/store/index/fulltext.h"
#include "daemon/store/index/index.h"
#include "daemon/store/mail/pairs.h"
#include "daemon/store/message.h"
#include "daemon/store/private.h"
#include "daemon/store/sql/sqlite.h"
#include "daemon/store/writer.h"

struct search_op {
	struct store_op op;
	struct store_message_filter filter; /* its strings are our copies */
	const char *account, *folded_from, *words;
	unsigned limit;
	store_messages_cb done;
	void *arg;
	struct store_message_row *rows;
	size_t count;
	bool has_account_words; /* not so in the index of an earlier version */
	int64_t least_id;       /* none that is asked for is below */
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

	if (op == NULL)
		return;
	store_submit(store, op);
}

/* ---- the query ---- */

/*
 * The index that a search walks.  Newest first is the order of ids; walking
 * them is best unless few messages can match, and those are found by words or
 * by when they were stored.
 */
#define SOURCE_WORDS                                          \
	" FROM fulltext CROSS JOIN message"                   \
	" ON message.id = fulltext.rowid"                     \
	" JOIN account ON account.id = message.account"       \
	" WHERE fulltext.rowid < ?2 AND fulltext.rowid >= ?8" \
	" AND fulltext MATCH "

static const char *
search_source(const struct search_op *search)
{
	if (search->words != NULL && search->account != NULL &&
	    search->has_account_words)
		return SOURCE_WORDS
		    "('account : \"' || " STORE_FULLTEXT_ACCOUNT_WORD
		    "(SELECT id FROM account WHERE name = ?3)"
		    " || '\" AND (' || ?1 || ')')";
	if (search->words != NULL)
		return SOURCE_WORDS "?1";
	if (search->filter.has_since && search->account == NULL)
		return " FROM message INDEXED BY message_stored"
		       " JOIN account ON account.id = message.account"
		       " WHERE ?1 IS NULL AND message.id < ?2";
	return " FROM message JOIN account ON account.id = message.account"
	       " WHERE ?1 IS NULL AND message.id < ?2";
}

#define SQL_SIZE 1024

static void
search_compose(const struct search_op *search, char sql_r[SQL_SIZE])
{
	const struct store_message_filter *filter = &search->filter;
	int length = snprintf(sql_r, SQL_SIZE,
	    "SELECT " STORE_MESSAGE_COLUMNS
	    "%s%s%s%s%s ORDER BY %s DESC LIMIT ?7",
	    search_source(search),
	    search->account != NULL
		? " AND message.account ="
		  " (SELECT id FROM account WHERE name = ?3)"
		: "",
	    search->folded_from != NULL ? " AND fold_has(message.sender, ?4)"
					: "",
	    filter->has_since ? " AND message.stored_ms >= ?5" : "",
	    filter->has_before ? " AND message.stored_ms < ?6" : "",
	    search->words != NULL ? "fulltext.rowid" : "message.id");

	(void)length;
}

static void
search_bind(const struct search_op *search, struct sql_statement *use)
{
	const struct store_message_filter *filter = &search->filter;

	sql_bind_text(use, 1, search->words);
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
	sql_bind_int(use, 7, (int64_t)search->limit + 1);
	if (search->words != NULL)
		sql_bind_int(use, 8, search->least_id);
}

/*
 * The least id of the messages since then, where they are few enough to look
 * at: older messages with a frequent word are passed over by it.  Where they
 * are many, a frequent word is soon found among them.
 */
#define SINCE_FEW "50000"

static enum store_status
search_find_least_id(struct sql_db *db, struct search_op *search)
{
	static const char sql[] =
	    "SELECT count(*) <= " SINCE_FEW ", min(id) FROM"
	    " (SELECT id FROM message INDEXED BY message_stored"
	    "  WHERE stored_ms >= ?1 LIMIT " SINCE_FEW " + 1)";
	struct sql_statement use;

	search->least_id = INT64_MIN;
	if (!search->filter.has_since)
		return STORE_OK;
	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, search->filter.since_ms);
	if (sql_step(&use) && sql_column_int(&use, 0) != 0)
		search->least_id = sql_column_is_null(&use, 1)
				       ? INT64_MAX
				       : sql_column_int(&use, 1);
	return sql_end(&use);
}

/* Facts that a search for words needs first. */
static enum store_status
search_prepare_words(struct sql_db *db, struct search_op *search)
{
	enum store_status status = search_find_least_id(db, search);

	if (status == STORE_OK && search->account != NULL)
		status = store_index_is_current(db, &search->has_account_words);
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
	enum store_status status;
	char sql[SQL_SIZE];
	struct sql_statement use;

	if (search->words != NULL) {
		status = search_prepare_words(db, search);
		if (status != STORE_OK)
			return status;
	}
	search_compose(search, sql);
	sql_prepare_once(&use, db, sql);
	search_bind(search, &use);
	return search_take_rows(search, &use);
}

/* ---- by sender ---- */

/*
 * If words are asked for as well, each message by the sender is searched for
 * them.  Above this number the other way round is faster.
 */
#define LOOKED_FOR_WORDS ((size_t)512)

/* One that has just gone, or has not the words, is left out. */
static enum store_status
search_take_by_id(struct sql_db *db, struct search_op *search, int64_t id)
{
	static const char any[] =
	    "SELECT " STORE_MESSAGE_COLUMNS " FROM message JOIN account"
	    " ON account.id = message.account WHERE message.id = ?1";
	static const char with_words[] =
	    "SELECT " STORE_MESSAGE_COLUMNS " FROM message JOIN account"
	    " ON account.id = message.account WHERE message.id = ?1"
	    " AND EXISTS(SELECT 1 FROM fulltext"
	    " WHERE fulltext MATCH ?2 AND fulltext.rowid = ?1)";
	struct sql_statement use;

	sql_prepare(&use, db, search->words != NULL ? with_words : any);
	sql_bind_int(&use, 1, id);
	if (search->words != NULL)
		sql_bind_text(&use, 2, search->words);
	return search_take_rows(search, &use);
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

	*is_enough_r = search->words == NULL || count < most;
	if (!*is_enough_r)
		return status;
	for (size_t i = 0;
	     status == STORE_OK && i < count && search->count <= search->limit;
	     i++)
		status = search_take_by_id(db, search, ids[i]);
	return status;
}

static enum store_status
search_by_sender(struct sql_db *db, struct search_op *search)
{
	size_t most =
	    search->words != NULL ? LOOKED_FOR_WORDS : search->limit + 1;
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

/* ---- the operation ---- */

static enum store_status
search_read(struct sql_db *db, struct store_op *op)
{
	struct search_op *search = (struct search_op *)op;

	/* Words there were, but nothing that could be looked up. */
	if (search->words != NULL && search->words[0] == '\0')
		return STORE_OK;
	return search->folded_from != NULL ? search_by_sender(db, search)
					   : search_by_query(db, search);
}

static void
search_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	struct search_op *search = (struct search_op *)op;
	bool more = search->count > search->limit;

	if (search->index_damaged)
		doubt_tell_writer(store);
	if (status == STORE_OK)
		search->done(STORE_OK, search->rows,
		    more ? search->limit : search->count, more, search->arg);
	else
		search->done(status, NULL, 0, false, search->arg);
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
	search->filter.account = NULL;
	search->filter.from = NULL;
	search->filter.query = NULL;
	search->account = store_op_text(&search->op, filter->account);
	if (filter->from != NULL)
		search->folded_from =
		    search_own(search, store_fold(filter->from));
	if (filter->query != NULL)
		search->words =
		    search_own(search, mail_pairs_query(filter->query));
}

void
store_messages(struct store *store, const struct store_message_filter *filter,
    store_messages_cb done, void *arg)
{
	struct search_op *search =
	    store_op_new(search_is_list(filter) ? &list_type : &search_type,
		sizeof(*search));

	if (search == NULL) {
		done(STORE_MEMORY, NULL, 0, false, arg);
		return;
	}
	search_copy_filter(search, filter);
	search->limit = store_page_limit(filter->limit);
	search->done = done;
	search->arg = arg;
	store_ask(store, &search->op, arg);
}
