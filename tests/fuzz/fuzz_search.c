/*
 * What people type to search: it becomes a tree or a problem, and whatever the
 * tree says, the index understands it.  Two lines: the question; a text in
 * which a piece is looked for.
 */
#include <assert.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/store/index/beginning.h"
#include "daemon/store/index/match.h"
#include "daemon/store/index/snippet.h"
#include "daemon/store/mail/text.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/showable.h"
#include "tests/fuzz/target.h"

#define NOW_MS INT64_C(1700000000123)

static const char schema[] =
    "CREATE TABLE account(id INTEGER PRIMARY KEY, name TEXT);"
    "INSERT INTO account VALUES(1, 'home');"
    "CREATE TABLE message(id INTEGER PRIMARY KEY, octets INTEGER,"
    " stored_ms INTEGER, header_id TEXT);"
    "INSERT INTO message VALUES(1, 100, 1000, '<a@x>');"
    "CREATE TABLE linked(node INTEGER, other INTEGER);"
    "CREATE VIRTUAL TABLE fulltext USING fts5(sender, recipients, copies,"
    " subject, files, body, marks, content='', prefix=3,"
    " tokenize=\"unicode61 remove_diacritics 2"
    " categories 'L* N* M* Co'\");"
    "INSERT INTO fulltext(rowid, sender, subject, body, marks)"
    " VALUES(1, 'anna', 'invoice', 'words of it', '" STORE_MARK_ANY "')";

/* A file, since a store's connection is to one; it is gone at once. */
static struct sql_db *
open_index(void)
{
	char path[] = "/tmp/evpop-fuzz-XXXXXX";
	struct sql_db *db;
	sqlite3 *handle;
	int fd = mkstemp(path);

	assert(fd != -1);
	close(fd);
	assert(sqlite3_open(path, &handle) == SQLITE_OK);
	assert(sqlite3_exec(handle, schema, NULL, NULL, NULL) == SQLITE_OK);
	assert(sqlite3_close(handle) == SQLITE_OK);
	assert(sql_open(&db, path, SQL_READ) == STORE_OK);
	assert(sql_exec(db, "SELECT count(*) FROM fulltext") == STORE_OK);
	assert(store_beginning_register(db) == STORE_OK);
	unlink(path);
	return db;
}

static bool
read_time(const char *text, int64_t now_ms, int64_t *time_ms_r)
{
	*time_ms_r = now_ms - (int64_t)strlen(text);
	return text[0] != 'x';
}

static void
check_problem(const char *text, const struct store_query_problem *problem)
{
	assert(problem->position > 0 && problem->position <= strlen(text) + 1);
	assert(problem->message[0] != '\0');
	assert(memchr(problem->message, '\0', sizeof(problem->message)));
	assert(memchr(problem->hint, '\0', sizeof(problem->hint)));
}

static size_t
count_leaves(const struct query_node *node, unsigned depth)
{
	size_t count = 0;

	assert(depth <= QUERY_DEPTH_MAX + 3 * QUERY_LEAVES_MAX);
	if (node->first == NULL) {
		assert(node->kind != QUERY_AND && node->kind != QUERY_OR &&
		       node->kind != QUERY_NOT);
		return 1;
	}
	for (node = node->first; node != NULL; node = node->next)
		count += count_leaves(node, depth + 1);
	return count;
}

static void
check_search(struct evpop_arena *arena, const struct query_node *node)
{
	static struct sql_db *db;
	struct sql_statement use;
	struct mail_text sql;
	struct match match;
	char *text;

	if (db == NULL)
		db = open_index();
	assert(match_compose(&match, db, arena, node, "home") == STORE_OK);
	mail_text_init(&sql, 1024 * 1024);
	mail_text_add_string(&sql,
	    match.words != NULL
		? "SELECT fulltext.rowid FROM fulltext JOIN message"
		  " ON message.id = fulltext.rowid WHERE fulltext MATCH ?1"
		: "SELECT id FROM message WHERE ?1 IS NULL");
	mail_text_add_string(&sql, match.conditions);
	text = mail_text_take(&sql);
	assert(text != NULL);
	sql_prepare_once(&use, db, text);
	sql_bind_text(&use, 1, match.words);
	match_bind(&match, &use);
	while (sql_step(&use))
		assert(sql_column_int(&use, 0) == 1);
	assert(sql_end(&use) == STORE_OK);
	free(text);
}

static void
check_snippet(struct evpop_arena *arena, const struct query_node *node,
    struct fuzz_input rest)
{
	char *text = mail_text_clean(
	    (const char *)rest.at, rest.left, 3 * rest.left + 1, NULL);
	struct snippet snippet;
	unsigned end = 0;

	assert(text != NULL);
	assert(snippet_make(&snippet, arena, text, node));
	assert(fuzz_is_showable(snippet.text, strlen(snippet.text)));
	for (size_t i = 0; i < snippet.count; i++) {
		assert(snippet.hits[i].length > 0);
		assert(snippet.hits[i].start >= end);
		end = snippet.hits[i].start + snippet.hits[i].length;
	}
	assert(end <= strlen(snippet.text));
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	struct fuzz_input line = fuzz_up_to(&input, '\n');
	char *text = fuzz_string(line.at, line.left);
	struct evpop_arena arena = { .blocks = NULL };
	struct store_query_problem problem;
	struct query_node *node;

	/* As the API has it: what is not UTF-8 never comes here. */
	if (fuzz_is_utf8(text, strlen(text))) {
		node = query_parse(&arena, text, read_time, NOW_MS, &problem);
		if (node == NULL)
			check_problem(text, &problem);
		else {
			assert(count_leaves(node, 0) <= QUERY_LEAVES_MAX);
			check_search(&arena, node);
			check_snippet(&arena, node, input);
		}
	}
	evpop_arena_free(&arena);
	free(text);
	return 0;
}
