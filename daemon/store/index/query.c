#include "daemon/store/index/query.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/index/query_field.h"
#include "daemon/store/mail/pairs.h"

struct parser {
	const char *text, *at;
	struct evpop_arena *arena;
	store_query_time time;
	int64_t now_ms;
	struct store_query_problem *problem;
	size_t leaves;
	unsigned depth;
};

/* ---- problems ---- */

static size_t
parser_position(const struct parser *parser, const char *at)
{
	size_t position = 1;

	for (const char *text = parser->text; text < at; text++)
		position += ((unsigned char)*text & 0xc0) != 0x80;
	return position;
}

/* Always NULL.  The first problem stays. */
static struct query_node *parser_fail(
    struct parser *, const char *at, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static struct query_node *
parser_fail(struct parser *parser, const char *at, const char *hint,
    const char *format, ...)
{
	struct store_query_problem *problem = parser->problem;
	va_list arguments;
	int length;

	if (problem->position != 0)
		return NULL;
	problem->position = parser_position(parser, at);
	va_start(arguments, format);
	length = vsnprintf(
	    problem->message, sizeof(problem->message), format, arguments);
	va_end(arguments);
	if (length >= 0 && (size_t)length < sizeof(problem->message))
		snprintf(problem->message + length,
		    sizeof(problem->message) - (size_t)length,
		    " (character %zu)", problem->position);
	snprintf(problem->hint, sizeof(problem->hint), "%s", hint);
	return NULL;
}

/* How much of a word a message shows; whole characters. */
#define SHOWN_MAX 60
static int
parser_shown(const char *text, size_t length)
{
	if (length > SHOWN_MAX) {
		length = SHOWN_MAX;
		while (
		    length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
			length--;
	}
	return (int)length;
}

/* ---- characters ---- */

#define IDEOGRAPHIC_SPACE "\xe3\x80\x80"

/* How long the blank here is; 0: there is none. */
static size_t
parser_blank(const char *at)
{
	if (*at != '\0' && strchr(" \t\r\n", *at) != NULL)
		return 1;
	return strncmp(at, IDEOGRAPHIC_SPACE, 3) == 0 ? 3 : 0;
}

static void
parser_skip_blanks(struct parser *parser)
{
	size_t length;

	while ((length = parser_blank(parser->at)) > 0)
		parser->at += length;
}

static bool
parser_ends_word(const struct parser *parser, const char *at)
{
	return *at == '\0' || parser_blank(at) > 0 ||
	       (*at == ')' && parser->depth > 0);
}

/* Words in capitals join others; in quotation marks they are words. */
static bool
parser_is_at(const struct parser *parser, const char *keyword)
{
	size_t length = strlen(keyword);

	return strncmp(parser->at, keyword, length) == 0 &&
	       (parser_ends_word(parser, parser->at + length) ||
		   parser->at[length] == '(');
}

/* A word ends at a blank, or where it closes a group that is open. */
static size_t
parser_word_length(const struct parser *parser)
{
	const char *at = parser->at;
	unsigned open = 0;

	for (; *at != '\0' && parser_blank(at) == 0; at++) {
		if (*at == '(')
			open++;
		if (*at == ')' && open == 0 && parser->depth > 0)
			break;
		if (*at == ')' && open > 0)
			open--;
	}
	return (size_t)(at - parser->at);
}

/* ---- leaves ---- */

static struct query_node *
parser_node(struct parser *parser, enum query_kind kind)
{
	struct query_node *node =
	    evpop_arena_take(parser->arena, sizeof(*node));

	if (node != NULL)
		node->kind = kind;
	return node;
}

/* What stands behind a field, or by itself. */
struct typed {
	const char *at, *text;
	size_t length;
	bool is_quoted, is_beginning;
};

static bool
parser_take_quoted(struct parser *parser, struct typed *typed_r)
{
	const char *close = strchr(parser->at + 1, '"');

	if (close == NULL) {
		(void)parser_fail(parser, parser->at,
		    "it takes another one behind the phrase",
		    "this quotation mark is not closed");
		return false;
	}
	typed_r->is_quoted = true;
	typed_r->text = parser->at + 1;
	typed_r->length = (size_t)(close - typed_r->text);
	parser->at = close + 1;
	if (*parser->at == '*' && parser_ends_word(parser, parser->at + 1)) {
		typed_r->is_beginning = true;
		parser->at++;
	}
	return true;
}

static bool
parser_take_typed(struct parser *parser, struct typed *typed_r)
{
	*typed_r = (struct typed){ .at = parser->at, .text = parser->at };
	if (*parser->at == '"')
		return parser_take_quoted(parser, typed_r);
	typed_r->length = parser_word_length(parser);
	parser->at += typed_r->length;
	return true;
}

static struct query_node *
parser_no_words(struct parser *parser, const struct typed *typed)
{
	return parser_fail(parser, typed->at,
	    typed->is_quoted
		? "leave it out, or write a word"
		: "leave it out, or put it into quotation marks with its "
		  "neighbours: \"this & that\"",
	    "\"%.*s\" has no letter or digit to search for",
	    parser_shown(typed->text, typed->length), typed->text);
}

/* A star at the end of a bare word asks for its beginning. */
static bool
parser_take_star(struct parser *parser, struct typed *typed)
{
	const char *star;

	if (typed->is_quoted)
		return true;
	star = memchr(typed->text, '*', typed->length);
	if (star == NULL)
		return true;
	if (star != typed->text + typed->length - 1 || star == typed->text) {
		(void)parser_fail(parser, typed->at,
		    "\"invoi*\" finds invoice and invoicing",
		    "the star in \"%.*s\" is not at the end of a word",
		    parser_shown(typed->text, typed->length), typed->text);
		return false;
	}
	typed->is_beginning = true;
	typed->length--;
	return true;
}

static struct query_node *
parser_words(
    struct parser *parser, const struct query_field *field, struct typed *typed)
{
	struct query_node *node;
	char *phrase;

	if (!parser_take_star(parser, typed))
		return NULL;
	phrase =
	    mail_pairs_phrase(typed->text, typed->length, typed->is_beginning);
	if (phrase == NULL)
		return NULL;
	if (phrase[0] == '\0') {
		free(phrase);
		return parser_no_words(parser, typed);
	}
	node = parser_node(parser, QUERY_WORDS);
	if (node != NULL) {
		node->columns = field != NULL ? field->columns : NULL;
		node->is_beginning = typed->is_beginning;
		node->text =
		    evpop_arena_copy(parser->arena, phrase, strlen(phrase));
		node->typed =
		    evpop_arena_copy(parser->arena, typed->text, typed->length);
		if (node->text == NULL || node->typed == NULL)
			node = NULL;
	}
	free(phrase);
	return node;
}

/* In brackets or without. */
static void
parser_strip_brackets(struct typed *typed)
{
	if (typed->length > 2 && typed->text[0] == '<' &&
	    typed->text[typed->length - 1] == '>') {
		typed->text++;
		typed->length -= 2;
	}
}

static struct query_node *
parser_value(
    struct parser *parser, const struct query_field *field, struct typed *typed)
{
	struct query_node *node = parser_node(parser, field->kind);
	char hint[160];

	if (field->kind == QUERY_ID)
		parser_strip_brackets(typed);
	if (node != NULL)
		node->text =
		    evpop_arena_copy(parser->arena, typed->text, typed->length);
	if (node == NULL || node->text == NULL)
		return NULL;
	if (query_field_read(
		field, node->text, parser->time, parser->now_ms, &node->value))
		return node;
	snprintf(hint, sizeof(hint), "expected %s", field->expects);
	return parser_fail(parser, typed->at, hint,
	    "\"%.*s\" cannot stand behind \"%s:\"",
	    parser_shown(typed->text, typed->length), typed->text, field->name);
}

static struct query_node *
parser_fail_many(struct parser *parser, const char *at)
{
	return parser_fail(
	    parser, at, "", "a search has at most %d words", QUERY_LEAVES_MAX);
}

static struct query_node *
parser_leaf(struct parser *parser, const struct query_field *field)
{
	const char *begin = parser->at;
	struct typed typed;

	if (++parser->leaves > QUERY_LEAVES_MAX)
		return parser_fail_many(parser, begin);
	if (!parser_take_typed(parser, &typed))
		return NULL;
	if (field == NULL || field->kind == QUERY_WORDS)
		return parser_words(parser, field, &typed);
	return parser_value(parser, field, &typed);
}

/* ---- fields ---- */

static void
parser_fail_field(struct parser *parser, size_t length)
{
	const char *at = parser->at;
	const char *meant = query_field_meant(at, length);
	char hint[160];

	if (meant != NULL)
		snprintf(hint, sizeof(hint),
		    "did you mean \"%s:\"?  A colon that is text goes into "
		    "quotation marks",
		    meant);
	else
		snprintf(hint, sizeof(hint),
		    "a colon that is text goes into quotation marks, as in "
		    "\"Re: invoice\"");
	(void)parser_fail(parser, at, hint, "there is no field \"%.*s:\"",
	    parser_shown(at, length), at);
}

/* Whether a field stands here, which is passed; false also after a problem. */
static bool
parser_take_field(struct parser *parser, const struct query_field **field_r)
{
	size_t length = query_field_length(parser->at);
	char hint[160];

	if (length == 0)
		return false;
	*field_r = query_field_find(parser->at, length);
	if (*field_r == NULL) {
		parser_fail_field(parser, length);
		return false;
	}
	if (parser_ends_word(parser, parser->at + length + 1)) {
		snprintf(hint, sizeof(hint), "expected %s, without a blank",
		    (*field_r)->expects);
		(void)parser_fail(parser, parser->at, hint,
		    "nothing stands behind \"%s:\"", (*field_r)->name);
		return false;
	}
	parser->at += length + 1;
	return true;
}

/* ---- groups ---- */

static struct query_node *parser_any(
    struct parser *, const struct query_field *);

static struct query_node *
parser_group(struct parser *parser, const struct query_field *field)
{
	const char *open = parser->at++;
	struct query_node *node;

	if (++parser->depth > QUERY_DEPTH_MAX)
		return parser_fail(parser, open, "",
		    "groups are at most %d deep", QUERY_DEPTH_MAX);
	parser_skip_blanks(parser);
	if (*parser->at == ')')
		return parser_fail(parser, open, "", "this group has no words");
	node = parser_any(parser, field);
	parser->depth--;
	if (node == NULL)
		return NULL;
	if (*parser->at != ')')
		return parser_fail(parser, open,
		    "a parenthesis that is text goes into quotation marks",
		    "this parenthesis is not closed");
	parser->at++;
	return node;
}

static struct query_node *
parser_not(struct parser *parser, struct query_node *inner)
{
	struct query_node *node = NULL;

	if (inner != NULL)
		node = parser_node(parser, QUERY_NOT);
	if (node != NULL)
		node->first = inner;
	return node;
}

static struct query_node *parser_one(
    struct parser *, const struct query_field *);

static struct query_node *
parser_negated(
    struct parser *parser, const struct query_field *field, size_t length)
{
	const char *at = parser->at;
	struct query_node *node;

	/* Not deeper than there may be words. */
	if (++parser->leaves > QUERY_LEAVES_MAX)
		return parser_fail_many(parser, at);
	parser->at += length;
	parser_skip_blanks(parser);
	if (*parser->at == '\0' || *parser->at == ')')
		return parser_fail(parser, at, "",
		    "nothing stands behind \"%.*s\"", (int)length, at);
	node = parser_one(parser, field);
	return parser_not(parser, node);
}

static struct query_node *
parser_one(struct parser *parser, const struct query_field *field)
{
	const char *at = parser->at;

	if (*at == '-' && !parser_ends_word(parser, at + 1)) {
		/* A run of them is punctuation. */
		if (at[1] == '-')
			return parser_leaf(parser, field);
		return parser_negated(parser, field, 1);
	}
	if (parser_is_at(parser, "NOT"))
		return parser_negated(parser, field, 3);
	if (*at == '(')
		return parser_group(parser, field);
	if (field == NULL && parser_take_field(parser, &field)) {
		if (*parser->at == '(' && field->kind == QUERY_WORDS)
			return parser_group(parser, field);
		return parser_leaf(parser, field);
	}
	if (parser->problem->position != 0)
		return NULL;
	return parser_leaf(parser, field);
}

/* A list of nodes; a list of one is that one. */
struct joined {
	struct query_node *first, **end;
	size_t count;
};

static void
joined_add(struct joined *joined, struct query_node *node)
{
	if (joined->count++ == 0)
		joined->end = &joined->first;
	*joined->end = node;
	joined->end = &node->next;
}

static struct query_node *
parser_join(
    struct parser *parser, enum query_kind kind, const struct joined *joined)
{
	struct query_node *node;

	if (joined->count == 1)
		return joined->first;
	node = parser_node(parser, kind);
	if (node != NULL)
		node->first = joined->first;
	return node;
}

static bool
parser_is_at_end(const struct parser *parser)
{
	return *parser->at == '\0' || (*parser->at == ')' && parser->depth > 0);
}

static struct query_node *
parser_fail_joint(struct parser *parser, const char *at, const char *word)
{
	return parser_fail(parser, at,
	    "in quotation marks it is a word as others are",
	    "\"%s\" needs words on both sides", word);
}

/*
 * Marks by themselves separate words, as they do within one; those that ask
 * for something may be meant so, and are not passed.
 */
static bool
parser_skip_mark(struct parser *parser)
{
	size_t length = parser_word_length(parser);
	char *phrase;
	bool is_mark;

	if (length == 0 || strcspn(parser->at, "-*\":()") < length)
		return false;
	phrase = mail_pairs_phrase(parser->at, length, false);
	is_mark = phrase != NULL && phrase[0] == '\0';
	free(phrase);
	if (is_mark)
		parser->at += length;
	return is_mark;
}

/* Words side by side, or with AND between them: all of them. */
static struct query_node *
parser_all(struct parser *parser, const struct query_field *field)
{
	struct joined joined = { NULL, NULL, 0 };
	const char *joint = NULL;

	parser_skip_blanks(parser);
	while (!parser_is_at_end(parser) && !parser_is_at(parser, "OR")) {
		struct query_node *node;

		if (parser_is_at(parser, "AND")) {
			if (joined.count == 0 || joint != NULL)
				return parser_fail_joint(
				    parser, parser->at, "AND");
			joint = parser->at;
			parser->at += 3;
			parser_skip_blanks(parser);
			continue;
		}
		if (!parser_skip_mark(parser)) {
			node = parser_one(parser, field);
			if (node == NULL)
				return NULL;
			joined_add(&joined, node);
			joint = NULL;
		}
		parser_skip_blanks(parser);
	}
	if (joint != NULL)
		return parser_fail_joint(parser, joint, "AND");
	if (joined.count == 0)
		return parser_is_at(parser, "OR")
			   ? parser_fail_joint(parser, parser->at, "OR")
			   : parser_fail(parser, parser->at, "",
				 "there is no word to search for");
	return parser_join(parser, QUERY_AND, &joined);
}

static struct query_node *
parser_any(struct parser *parser, const struct query_field *field)
{
	struct joined joined = { NULL, NULL, 0 };

	for (;;) {
		struct query_node *node = parser_all(parser, field);
		const char *joint = parser->at;

		if (node == NULL)
			return NULL;
		joined_add(&joined, node);
		if (!parser_is_at(parser, "OR"))
			return parser_join(parser, QUERY_OR, &joined);
		parser->at += 2;
		parser_skip_blanks(parser);
		if (parser_is_at_end(parser) || parser_is_at(parser, "OR"))
			return parser_fail_joint(parser, joint, "OR");
	}
}

struct query_node *
query_parse(struct evpop_arena *arena, const char *text, store_query_time time,
    int64_t now_ms, struct store_query_problem *problem_r)
{
	struct parser parser = { .text = text,
		.at = text,
		.arena = arena,
		.time = time,
		.now_ms = now_ms,
		.problem = problem_r };

	memset(problem_r, 0, sizeof(*problem_r));
	return parser_any(&parser, NULL);
}

bool
store_query_check(const char *text, store_query_time time, int64_t now_ms,
    struct store_query_problem *problem_r)
{
	struct evpop_arena arena = { .blocks = NULL };
	bool is_good =
	    query_parse(&arena, text, time, now_ms, problem_r) != NULL;

	evpop_arena_free(&arena);
	return is_good;
}
