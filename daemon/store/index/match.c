#include "daemon/store/index/match.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/index/beginning.h"
#include "daemon/store/index/conversation.h"
#include "daemon/store/index/marks.h"
#include "daemon/store/mail/text.h"

/* Larger than any question that query_parse() takes can become. */
#define TEXT_MAX ((size_t)1024 * 1024)

struct composer {
	struct match *match;
	struct sql_db *db;
	struct evpop_arena *arena;
	enum store_status status; /* the first failure */
	/* Of what must be so at once. */
	struct mail_text words, excluded, conditions;
	size_t words_count, excluded_count;
	struct store_beginnings beginnings;
};

/* The text as the match keeps it. */
static const char *
composer_keep(struct composer *composer, struct mail_text *text)
{
	const char *kept = NULL;
	bool is_full = mail_text_is_full(text);
	char *taken = mail_text_take(text);

	if (!is_full && taken != NULL)
		kept = evpop_arena_copy(composer->arena, taken, strlen(taken));
	free(taken);
	if (kept == NULL)
		composer->status = STORE_MEMORY;
	return kept;
}

/* ---- what the index knows ---- */

/* Whether the index alone can tell. */
static bool
composer_is_indexed(const struct query_node *node)
{
	switch (node->kind) {
	case QUERY_WORDS:
	case QUERY_ATTACHMENT:
	case QUERY_ACCOUNT:
		return true;
	case QUERY_AND:
	case QUERY_OR:
	case QUERY_NOT:
		for (node = node->first; node != NULL; node = node->next)
			if (!composer_is_indexed(node))
				return false;
		return true;
	default:
		return false;
	}
}

static void
composer_add_mark(struct mail_text *to, const char *mark)
{
	mail_text_add_string(to, "marks : \"");
	mail_text_add_string(to, mark);
	mail_text_add_string(to, "\"");
}

/* An account that is not there has a number that no message has. */
static int64_t
composer_account_id(struct composer *composer, const char *name)
{
	static const char sql[] = "SELECT id FROM account WHERE name = ?1";
	struct sql_statement use;
	enum store_status status;
	int64_t id = 0;

	sql_prepare(&use, composer->db, sql);
	sql_bind_text(&use, 1, name);
	status = sql_run_integer(&use, &id);
	if (id == 0)
		composer->match->no_account = name;
	if (composer->status == STORE_OK)
		composer->status = status;
	return id;
}

static void
composer_add_account(
    struct composer *composer, struct mail_text *to, const char *name)
{
	char mark[40];

	snprintf(mark, sizeof(mark), STORE_MARK_ACCOUNT "%" PRId64,
	    composer_account_id(composer, name));
	composer_add_mark(to, mark);
}

/* The classes of sizes from one to another. */
static void
composer_add_classes(struct mail_text *to, unsigned first, unsigned last)
{
	char mark[24];

	mail_text_add_string(to, "(");
	for (unsigned class = first; class <= last; class ++) {
		snprintf(mark, sizeof(mark), STORE_MARK_SIZE "%u", class);
		if (class > first)
			mail_text_add_string(to, " OR ");
		composer_add_mark(to, mark);
	}
	mail_text_add_string(to, ")");
}

static void composer_add_words(
    struct composer *, struct mail_text *, const struct query_node *);

/*
 * FTS5 has no NOT without something on its left: of all that must be there, or
 * of any message.
 */
static void
composer_add_all(struct composer *composer, struct mail_text *to,
    const struct query_node *first)
{
	size_t negatives = 0, positives = 0;

	for (const struct query_node *node = first; node != NULL;
	     node = node->next)
		negatives += node->kind == QUERY_NOT;
	for (size_t i = 0; i < negatives; i++)
		mail_text_add_string(to, "(");
	mail_text_add_string(to, "(");
	for (const struct query_node *node = first; node != NULL;
	     node = node->next) {
		if (node->kind == QUERY_NOT)
			continue;
		if (positives++ > 0)
			mail_text_add_string(to, " AND ");
		composer_add_words(composer, to, node);
	}
	if (positives == 0)
		composer_add_mark(to, STORE_MARK_ANY);
	mail_text_add_string(to, ")");
	for (const struct query_node *node = first; node != NULL;
	     node = node->next) {
		if (node->kind != QUERY_NOT)
			continue;
		mail_text_add_string(to, " NOT ");
		composer_add_words(composer, to, node->first);
		mail_text_add_string(to, ")");
	}
}

static void
composer_add_any(struct composer *composer, struct mail_text *to,
    const struct query_node *first)
{
	mail_text_add_string(to, "(");
	for (const struct query_node *node = first; node != NULL;
	     node = node->next) {
		if (node != first)
			mail_text_add_string(to, " OR ");
		composer_add_words(composer, to, node);
	}
	mail_text_add_string(to, ")");
}

static void
composer_add_phrase(struct composer *composer, struct mail_text *to,
    const struct query_node *node)
{
	if (node->columns != NULL) {
		mail_text_add_string(to, "{");
		mail_text_add_string(to, node->columns);
		mail_text_add_string(to, "} : ");
	}
	store_beginnings_add(
	    &composer->beginnings, composer->db, to, node->text);
}

static void
composer_add_words(struct composer *composer, struct mail_text *to,
    const struct query_node *node)
{
	/* Without what stands beside it. */
	const struct query_node alone = { .kind = QUERY_NOT,
		.first = node->first };

	switch (node->kind) {
	case QUERY_AND:
		composer_add_all(composer, to, node->first);
		break;
	case QUERY_OR:
		composer_add_any(composer, to, node->first);
		break;
	case QUERY_NOT:
		composer_add_all(composer, to, &alone);
		break;
	case QUERY_ATTACHMENT:
		composer_add_mark(to, STORE_MARK_ATTACHMENT);
		break;
	case QUERY_ACCOUNT:
		composer_add_account(composer, to, node->text);
		break;
	default:
		composer_add_phrase(composer, to, node);
		break;
	}
}

/* ---- what rows know ---- */

/* The number of the parameter that a text becomes. */
static size_t
composer_bind(struct composer *composer, const char *text)
{
	struct match *match = composer->match;

	if (text == NULL)
		composer->status = STORE_MEMORY;
	match->texts[match->text_count] = text;
	return MATCH_FIRST_PARAMETER + match->text_count++;
}

static void composer_add_condition(
    struct composer *, struct mail_text *, const struct query_node *);

static void
composer_add_list(struct composer *composer, struct mail_text *to,
    const struct query_node *first, const char *between)
{
	for (const struct query_node *node = first; node != NULL;
	     node = node->next) {
		if (node != first)
			mail_text_add_string(to, between);
		composer_add_condition(composer, to, node);
	}
}

/* The ids that headers name are known by number; the row has the text. */
static void
composer_add_id(struct composer *composer, struct mail_text *to, const char *id)
{
	char sql[256];
	size_t parameter = composer_bind(composer, id);

	snprintf(sql, sizeof(sql),
	    "message.id IN (SELECT other FROM linked WHERE node = %" PRId64
	    ") AND trim(message.header_id, '<> ') = ?%zu",
	    store_conversation_node(id, strlen(id)), parameter);
	mail_text_add_string(to, sql);
}

static void
composer_add_number(
    struct mail_text *to, const char *column_and_sign, int64_t value)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "%s %" PRId64, column_and_sign, value);
	mail_text_add_string(to, sql);
}

/* What the index alone can tell, where it does not stand alone. */
static void
composer_add_indexed(struct composer *composer, struct mail_text *to,
    const struct query_node *node)
{
	struct mail_text words;
	char sql[96];

	mail_text_init(&words, TEXT_MAX);
	composer_add_words(composer, &words, node);
	snprintf(sql, sizeof(sql),
	    "message.id IN (SELECT rowid FROM fulltext"
	    " WHERE fulltext MATCH ?%zu)",
	    composer_bind(composer, composer_keep(composer, &words)));
	mail_text_add_string(to, sql);
}

static void
composer_add_condition(struct composer *composer, struct mail_text *to,
    const struct query_node *node)
{
	mail_text_add_string(to, "(");
	switch (node->kind) {
	case QUERY_SINCE:
		composer_add_number(to, "message.stored_ms >=", node->value);
		break;
	case QUERY_BEFORE:
		composer_add_number(to, "message.stored_ms <", node->value);
		break;
	case QUERY_LARGER:
		composer_add_number(to, "message.octets >", node->value);
		break;
	case QUERY_SMALLER:
		composer_add_number(to, "message.octets <", node->value);
		break;
	case QUERY_ID:
		composer_add_id(composer, to, node->text);
		break;
	case QUERY_AND:
		composer_add_list(composer, to, node->first, " AND ");
		break;
	case QUERY_OR:
		composer_add_list(composer, to, node->first, " OR ");
		break;
	case QUERY_NOT:
		mail_text_add_string(to, "NOT ");
		composer_add_condition(composer, to, node->first);
		break;
	default:
		composer_add_indexed(composer, to, node);
		break;
	}
	mail_text_add_string(to, ")");
}

/* ---- what must be so at once ---- */

static void
composer_require_words(struct composer *composer, const struct query_node *node)
{
	if (node->kind == QUERY_NOT) {
		composer->excluded_count++;
		mail_text_add_string(&composer->excluded, " NOT ");
		composer_add_words(composer, &composer->excluded, node->first);
		mail_text_add_string(&composer->excluded, ")");
		return;
	}
	if (composer->words_count++ > 0)
		mail_text_add_string(&composer->words, " AND ");
	composer_add_words(composer, &composer->words, node);
}

/* The index knows about how large a message is, which spares most rows. */
static void
composer_require_size(struct composer *composer, const struct query_node *node)
{
	unsigned class = store_marks_class(node->value);
	bool is_larger = node->kind == QUERY_LARGER;

	if (composer->words_count++ > 0)
		mail_text_add_string(&composer->words, " AND ");
	composer_add_classes(&composer->words, is_larger ? class : 0,
	    is_larger ? STORE_MARKS_CLASSES - 1 : class);
}

static void
composer_require_condition(
    struct composer *composer, const struct query_node *node)
{
	mail_text_add_string(&composer->conditions, " AND ");
	composer_add_condition(composer, &composer->conditions, node);
}

static void
composer_require(struct composer *composer, const struct query_node *node)
{
	struct match *match = composer->match;

	if (composer_is_indexed(node)) {
		composer_require_words(composer, node);
		return;
	}
	switch (node->kind) {
	case QUERY_SINCE:
		if (node->value > match->since_ms)
			match->since_ms = node->value;
		break;
	case QUERY_BEFORE:
		if (node->value < match->before_ms)
			match->before_ms = node->value;
		break;
	case QUERY_LARGER:
	case QUERY_SMALLER:
		composer_require_size(composer, node);
		composer_require_condition(composer, node);
		break;
	default:
		composer_require_condition(composer, node);
		break;
	}
}

/*
 * Phrases stand in quotation marks; the parts of a beginning count as the one
 * word that was asked for.  A mark within a phrase is doubled: it ends one that
 * begins again at once.
 */
static const char *
composer_find_joined(struct composer *composer, const char *words)
{
	static const char joint[] = BEGINNING_JOINT "\"";
	struct mail_text joined;
	const char *open = words, *close, *behind = NULL;

	mail_text_init(&joined, strlen(words));
	while ((open = strchr(open, '"')) != NULL &&
	       (close = strchr(open + 1, '"')) != NULL) {
		bool is_part = false;

		if (behind != NULL)
			is_part = strncmp(behind + (*behind == '*'), joint,
				      sizeof(joint) - 1) == 0;
		if (behind == NULL || behind != open)
			mail_text_add_string(&joined, is_part ? "=" : "+");
		behind = open = close + 1;
	}
	return composer_keep(composer, &joined);
}

/* The whole for MATCH, from what must be there and what must not. */
static void
composer_finish_words(struct composer *composer)
{
	struct mail_text whole;

	if (composer->words_count == 0 && composer->excluded_count == 0)
		return;
	mail_text_init(&whole, 2 * TEXT_MAX);
	for (size_t i = 0; i < composer->excluded_count; i++)
		mail_text_add_string(&whole, "(");
	mail_text_add_string(&whole, "(");
	mail_text_add_text(&whole, &composer->words);
	if (composer->words_count == 0)
		mail_text_add_string(&whole, MATCH_ANY);
	mail_text_add_string(&whole, ")");
	mail_text_add_text(&whole, &composer->excluded);
	composer->match->words = composer_keep(composer, &whole);
	if (composer->match->words != NULL)
		composer->match->joined =
		    composer_find_joined(composer, composer->match->words);
}

enum store_status
match_compose(struct match *match_r, struct sql_db *db,
    struct evpop_arena *arena, const struct query_node *node,
    const char *account)
{
	struct composer composer = { .match = match_r,
		.db = db,
		.arena = arena,
		.beginnings = { .parts_left = BEGINNING_PARTS,
		    .places_left = BEGINNING_PLACES } };

	*match_r =
	    (struct match){ .since_ms = INT64_MIN, .before_ms = INT64_MAX };
	mail_text_init(&composer.words, TEXT_MAX);
	mail_text_init(&composer.excluded, TEXT_MAX);
	mail_text_init(&composer.conditions, TEXT_MAX);
	if (node->kind == QUERY_AND) {
		const struct query_node *each;

		for (each = node->first; each != NULL; each = each->next)
			composer_require(&composer, each);
	} else
		composer_require(&composer, node);
	if (account != NULL &&
	    composer.words_count + composer.excluded_count > 0)
		composer_require_words(
		    &composer, &(struct query_node){
				   .kind = QUERY_ACCOUNT, .text = account });
	composer_finish_words(&composer);
	match_r->conditions = composer_keep(&composer, &composer.conditions);
	match_r->is_cut = composer.beginnings.is_cut;
	match_r->parts = BEGINNING_PARTS - composer.beginnings.parts_left;
	mail_text_free(&composer.words);
	mail_text_free(&composer.excluded);
	return composer.status;
}

void
match_bind(const struct match *match, struct sql_statement *use)
{
	for (size_t i = 0; i < match->text_count; i++)
		sql_bind_text(
		    use, MATCH_FIRST_PARAMETER + (int)i, match->texts[i]);
}
