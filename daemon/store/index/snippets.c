#include "daemon/store/index/snippets.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/index/prepared.h"
#include "daemon/store/index/snippet.h"
#include "daemon/store/mail/apart.h"
#include "daemon/store/mail/words.h"

/*
 * How much of each message is looked at, and of its text: a page must not take
 * as long as reading all of it would.
 */
#define LOOK_MAX ((size_t)64 * 1024)
#define TEXT_MAX ((size_t)32 * 1024)

static enum store_status
snippets_find_body(struct sql_db *db, int64_t id, int64_t *body_r)
{
	static const char sql[] = "SELECT body FROM message WHERE id = ?1";
	struct sql_statement use;

	*body_r = 0;
	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, id);
	return sql_run_integer(&use, body_r);
}

/* NULL where the message has gone. */
static enum store_status
snippets_read_text(struct sql_db *db, int64_t id, char **text_r)
{
	char *bytes = NULL;
	size_t length = 0;
	int64_t body;
	enum store_status status = snippets_find_body(db, id, &body);

	*text_r = NULL;
	if (status != STORE_OK || body == 0)
		return status;
	status = store_prepared_read_body(db, body, LOOK_MAX, &bytes, &length);
	if (status == STORE_OK) {
		switch (mail_apart_text(
		    bytes != NULL ? bytes : "", length, TEXT_MAX, text_r)) {
		case MAIL_APART_DONE:
		case MAIL_APART_DIED:
			break;
		case MAIL_APART_NO_MEMORY:
			status = STORE_MEMORY;
			break;
		}
	}
	free(bytes);
	return status == STORE_SEALED ? STORE_OK : status;
}

static bool
snippets_keep(struct evpop_arena *arena, const struct snippet *snippet,
    struct store_snippet *kept_r)
{
	kept_r->text = snippet->text;
	kept_r->hit_count = snippet->count;
	kept_r->hits = evpop_arena_take(
	    arena, (snippet->count + 1) * sizeof(kept_r->hits[0]));
	if (kept_r->hits == NULL)
		return false;
	for (size_t i = 0; i < snippet->count; i++)
		kept_r->hits[i] = (struct store_span){ snippet->hits[i].start,
			snippet->hits[i].length };
	return true;
}

static enum store_status
snippets_read_one(struct sql_db *db, struct store_op *op,
    const struct query_node *query, int64_t id, struct store_snippet *kept_r)
{
	struct evpop_arena *arena = store_op_arena(op);
	struct snippet snippet;
	char *text;
	enum store_status status = snippets_read_text(db, id, &text);

	if (status != STORE_OK || text == NULL)
		return status;
	if (!snippet_make(&snippet, arena, text, query) ||
	    !snippets_keep(arena, &snippet, kept_r))
		status = STORE_MEMORY;
	free(text);
	return status;
}

bool
store_snippets_make(struct store_snippet *snippet_r, struct evpop_arena *arena,
    const char *bytes, size_t length, const struct query_node *query)
{
	struct snippet snippet;
	char *text;
	bool is_made =
	    mail_apart_text(bytes, length < LOOK_MAX ? length : LOOK_MAX,
		TEXT_MAX, &text) == MAIL_APART_DONE &&
	    snippet_make(&snippet, arena, text, query) &&
	    snippets_keep(arena, &snippet, snippet_r);

	free(text);
	return is_made;
}

enum store_status
store_snippets_read(struct sql_db *db, struct store_op *op,
    const struct query_node *query, const struct store_message_row *rows,
    size_t count, const struct store_snippet **snippets_r)
{
	struct store_snippet *snippets = evpop_arena_take(
	    store_op_arena(op), (count + 1) * sizeof(*snippets));
	enum store_status status = STORE_OK;

	if (snippets == NULL)
		return STORE_MEMORY;
	for (size_t i = 0; status == STORE_OK && i < count; i++) {
		if (store_op_is_over(op))
			return STORE_CLOSED;
		status =
		    snippets_read_one(db, op, query, rows[i].id, &snippets[i]);
	}
	*snippets_r = snippets;
	return status;
}
