/*
 * The tree that a question is.  Pure: text in, a tree or a problem out.
 */
#ifndef STORE_INDEX_QUERY_H
#define STORE_INDEX_QUERY_H

#include "daemon/store/query.h"
#include "lib/base/arena.h"

enum query_kind {
	QUERY_AND = 0,
	QUERY_OR,
	QUERY_NOT,
	QUERY_WORDS,
	QUERY_ATTACHMENT,
	QUERY_ACCOUNT,
	QUERY_ID,
	QUERY_SINCE,
	QUERY_BEFORE,
	QUERY_LARGER,
	QUERY_SMALLER
};

struct query_node {
	enum query_kind kind;
	/* Of AND, OR (two or more) and NOT (one). */
	struct query_node *first;
	struct query_node *next; /* beside it */
	/* Of words: where to look, as FTS5 writes it; NULL: everywhere. */
	const char *columns;
	/* A phrase of FTS5; an account's name; a Message-ID. */
	const char *text;
	/* Of words: as it was typed, and whether it is only a beginning. */
	const char *typed;
	bool is_beginning;
	int64_t value; /* milliseconds of Unix time, or octets */
};

/* What one question may have: each is a walk through the index. */
#define QUERY_LEAVES_MAX 32
#define QUERY_DEPTH_MAX  8

/*
 * NULL, with the problem set, where it is not understood; the problem has no
 * message where there was no memory.  All of it is in the arena.
 */
struct query_node *query_parse(struct evpop_arena *, const char *text,
    store_query_time, int64_t now_ms, struct store_query_problem *problem_r)
    __attribute__((warn_unused_result));

#endif
