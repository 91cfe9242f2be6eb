#include "daemon/store/index/sieve.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/chunk.h"
#include "daemon/store/db.h"
#include "daemon/store/digest.h"
#include "daemon/store/index/fulltext.h"
#include "daemon/store/index/match.h"
#include "daemon/store/index/prepared.h"
#include "daemon/store/index/ranked.h"
#include "daemon/store/index/snippets.h"
#include "daemon/store/mail/text.h"
#include "daemon/store/sql/functions.h"
#include "daemon/store/sql/schema.h"

_Static_assert(STORE_SIEVE_LOOK == MAIL_WORDS_LOOK, "as the index looks");

_Static_assert(STORE_SIEVE_RANKED == RANKED_AMONG, "as the store ranks");

/* Of the one message under way. */
#define BODY ((int64_t)1)

#define PATH ":memory:"

/* Conditions are at most as long as a question makes them. */
#define SQL_MAX ((size_t)64 * 1024)

struct store_sieve {
	struct sql_db *db;
	enum store_sieve_keeps keeps;
	int64_t last_id;          /* of the message under way */
	struct evpop_arena arena; /* of the question */
	struct evpop_arena now;   /* of the last message */
	const struct query_node *query;
	struct match match;
	char *sql; /* asks whether the message is found */
	struct store_snippet snippet;
};

/* ---- the question ---- */

static enum store_status
sieve_add_account(struct store_sieve *sieve, const char *name)
{
	static const char sql[] =
	    "INSERT INTO account(name) VALUES(?1) ON CONFLICT DO NOTHING";
	struct sql_statement use;

	sql_prepare(&use, sieve->db, sql);
	sql_bind_text(&use, 1, name);
	return sql_run(&use);
}

/* Those that the question names have numbers before it is composed. */
static enum store_status
sieve_add_accounts(struct store_sieve *sieve, const struct query_node *node)
{
	enum store_status status = STORE_OK;

	if (node->kind == QUERY_ACCOUNT)
		return sieve_add_account(sieve, node->text);
	for (node = node->first; status == STORE_OK && node != NULL;
	     node = node->next)
		status = sieve_add_accounts(sieve, node);
	return status;
}

static char *
sieve_compose(const struct match *match)
{
	struct mail_text sql;

	mail_text_init(&sql, SQL_MAX);
	mail_text_add_string(&sql, match->words != NULL
				       ? "SELECT 1 FROM fulltext"
					 " JOIN message ON message.id ="
					 " fulltext.rowid"
					 " WHERE fulltext MATCH ?1"
					 " AND fulltext.rowid = ?2"
				       : "SELECT 1 FROM message"
					 " WHERE message.id = ?2");
	mail_text_add_string(&sql, match->conditions);
	return mail_text_take(&sql);
}

static enum store_status
sieve_begin(struct store_sieve *sieve, const char *query, store_query_time time,
    int64_t now_ms)
{
	struct store_query_problem problem;
	enum store_status status;

	sieve->query =
	    query_parse(&sieve->arena, query, time, now_ms, &problem);
	if (sieve->query == NULL)
		return STORE_MEMORY;
	status = sieve_add_accounts(sieve, sieve->query);
	if (status == STORE_OK)
		status = match_compose(&sieve->match, sieve->db, &sieve->arena,
		    sieve->query, NULL);
	if (status == STORE_OK)
		sieve->sql = sieve_compose(&sieve->match);
	return status == STORE_OK && sieve->sql == NULL ? STORE_MEMORY : status;
}

/* All of it stays in one transaction, which never ends. */
static enum store_status
sieve_open(struct store_sieve *sieve)
{
	struct store_error error;
	enum store_status status = store_db_open(&sieve->db, PATH, SQL_WRITE);

	if (status == STORE_OK)
		status = store_schema_open(sieve->db, PATH, &error);
	if (status == STORE_OK)
		status = sql_exec(sieve->db, store_fulltext_restart_sql);
	if (status == STORE_OK)
		status = sqlite_define_score(sieve->db);
	return status == STORE_OK ? sql_begin(sieve->db, SQL_WRITE) : status;
}

struct store_sieve *
store_sieve_new(const char *query, store_query_time time, int64_t now_ms,
    enum store_sieve_keeps keeps)
{
	struct store_sieve *sieve = calloc(1, sizeof(*sieve));

	if (sieve == NULL)
		return NULL;
	sieve->keeps = keeps;
	if (sieve_open(sieve) == STORE_OK &&
	    sieve_begin(sieve, query, time, now_ms) == STORE_OK)
		return sieve;
	store_sieve_free(sieve);
	return NULL;
}

void
store_sieve_free(struct store_sieve *sieve)
{
	if (sieve == NULL)
		return;
	store_db_close(sieve->db);
	evpop_arena_free(&sieve->arena);
	evpop_arena_free(&sieve->now);
	free(sieve->sql);
	free(sieve);
}

/* ---- what the row tells ---- */

static bool
sieve_node_may_find(
    const struct query_node *node, const struct store_message_row *row)
{
	switch (node->kind) {
	case QUERY_ACCOUNT:
		return strcmp(node->text, row->account) == 0;
	case QUERY_ATTACHMENT:
		return row->attachments > 0;
	case QUERY_SINCE:
		return row->stored_ms >= node->value;
	case QUERY_BEFORE:
		return row->stored_ms < node->value;
	case QUERY_LARGER:
		return (int64_t)row->octets > node->value;
	case QUERY_SMALLER:
		return (int64_t)row->octets < node->value;
	default:
		return true;
	}
}

bool
store_sieve_may_find(
    const struct store_sieve *sieve, const struct store_message_row *row)
{
	const struct query_node *node = sieve->query;

	if (node->kind != QUERY_AND)
		return sieve_node_may_find(node, row);
	for (node = node->first; node != NULL; node = node->next)
		if (!sieve_node_may_find(node, row))
			return false;
	return true;
}

/* ---- a message ---- */

static enum store_status
sieve_add_row(struct store_sieve *sieve, const struct store_message_row *row)
{
	static const char sql[] =
	    "INSERT INTO message(id, account, body, octets, digest, stored_ms,"
	    " sender, recipients, cc, subject, header_id, attachments)"
	    " VALUES(?1, (SELECT id FROM account WHERE name = ?2), ?3, ?4, ?5,"
	    " ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
	static const unsigned char digest[STORE_DIGEST_SIZE];
	struct sql_statement use;

	sql_prepare(&use, sieve->db, sql);
	sql_bind_int(&use, 1, row->id);
	sql_bind_text(&use, 2, row->account);
	sql_bind_int(&use, 3, BODY);
	sql_bind_int(&use, 4, (int64_t)row->octets);
	sql_bind_blob(&use, 5, digest, sizeof(digest));
	sql_bind_int(&use, 6, row->stored_ms);
	sql_bind_text(&use, 7, row->sender);
	sql_bind_text(&use, 8, row->recipients);
	sql_bind_text(&use, 9, row->cc);
	sql_bind_text(&use, 10, row->subject);
	sql_bind_text(&use, 11, row->message_header_id);
	sql_bind_int(&use, 12, row->attachments);
	return sql_run(&use);
}

static enum store_status
sieve_add(struct store_sieve *sieve, const struct store_message_row *row,
    const char *bytes, size_t length)
{
	struct store_prepared *prepared = NULL;
	enum store_status status = sieve_add_account(sieve, row->account);

	if (status == STORE_OK)
		status = sieve_add_row(sieve, row);
	if (status == STORE_OK && length > 0)
		status =
		    store_chunk_insert(sieve->db, BODY, 0, 0, bytes, length);
	if (status == STORE_OK)
		status = store_prepared_read(
		    sieve->db, STORE_PREPARED_OF_INDEX, row->id - 1, &prepared);
	if (status == STORE_OK && prepared != NULL)
		status = store_fulltext_put(sieve->db, prepared);
	store_prepared_free(prepared);
	return status;
}

static enum store_status
sieve_ask(struct store_sieve *sieve, bool *found_r)
{
	struct sql_statement use;

	sql_prepare(&use, sieve->db, sieve->sql);
	if (sieve->match.words != NULL)
		sql_bind_text(&use, 1, sieve->match.words);
	sql_bind_int(&use, 2, sieve->last_id);
	match_bind(&sieve->match, &use);
	return sql_run_found(&use, found_r);
}

/* Its words stay where it is to be ranked, its bytes never do. */
static enum store_status
sieve_forget(struct store_sieve *sieve)
{
	static const char *const statements[] = {
		"DELETE FROM chunk",
		"DELETE FROM piece_offset",
		"DELETE FROM message",
		"DELETE FROM linked",
		"INSERT INTO fulltext(fulltext) VALUES('delete-all')",
	};
	size_t count = sieve->keeps == STORE_SIEVE_KEEPS
			   ? 2
			   : sizeof(statements) / sizeof(statements[0]);
	enum store_status status = STORE_OK;
	struct sql_statement use;

	for (size_t i = 0; status == STORE_OK && i < count; i++) {
		sql_prepare(&use, sieve->db, statements[i]);
		status = sql_run(&use);
	}
	return status;
}

enum store_status
store_sieve_find(struct store_sieve *sieve, const struct store_message_row *row,
    const char *bytes, size_t length, bool *found_r)
{
	enum store_status status, forgotten;

	assert(length <= STORE_SIEVE_LOOK);
	*found_r = false;
	if (row->stored_ms < sieve->match.since_ms ||
	    row->stored_ms >= sieve->match.before_ms)
		return STORE_OK;
	sieve->last_id = row->id;
	status = sieve_add(sieve, row, bytes, length);
	if (status == STORE_OK)
		status = sieve_ask(sieve, found_r);
	forgotten = sieve_forget(sieve);
	return status != STORE_OK ? status : forgotten;
}

/* As the store ranks: what has no words, the newest first. */
static enum store_status
sieve_take_ranked(struct store_sieve *sieve, struct ranked *ranked_r)
{
	struct sql_statement use;
	struct mail_text sql;
	enum store_status status;
	char *text;

	mail_text_init(&sql, SQL_MAX);
	mail_text_add_string(&sql,
	    "SELECT fulltext.rowid, " RANKED_SCORE " FROM fulltext"
	    " JOIN message ON message.id = fulltext.rowid"
	    " WHERE fulltext MATCH ?1");
	mail_text_add_string(&sql, sieve->match.conditions);
	mail_text_add_string(&sql, " ORDER BY fulltext.rowid DESC");
	text = mail_text_take(&sql);
	if (text == NULL)
		return STORE_MEMORY;
	sql_prepare_once(&use, sieve->db, text);
	sql_bind_text(&use, 1,
	    sieve->match.words != NULL ? sieve->match.words : MATCH_ANY);
	if (sieve->match.joined != NULL)
		sql_bind_text(&use, 10, sieve->match.joined);
	match_bind(&sieve->match, &use);
	ranked_take(ranked_r, &use, RANKED_AMONG);
	status = sql_end(&use);
	free(text);
	return status;
}

enum store_status
store_sieve_rank(struct store_sieve *sieve, void (*take)(void *arg, int64_t id),
    void *arg, bool *is_all_r)
{
	struct ranked *ranked = malloc(sizeof(*ranked));
	enum store_status status;

	if (ranked == NULL)
		return STORE_MEMORY;
	status = sieve_take_ranked(sieve, ranked);
	for (size_t i = 0; status == STORE_OK && i < ranked->count; i++)
		take(arg, ranked->items[i].id);
	*is_all_r = ranked->is_all;
	free(ranked);
	return status;
}

const struct store_snippet *
store_sieve_snippet(struct store_sieve *sieve, const char *bytes, size_t length)
{
	evpop_arena_free(&sieve->now);
	return store_snippets_make(
		   &sieve->snippet, &sieve->now, bytes, length, sieve->query)
		   ? &sieve->snippet
		   : NULL;
}
