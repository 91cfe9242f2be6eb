#include "daemon/store/sql/functions.h"

#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "daemon/store/sql/sqlite.h"

/* ---- of two texts ---- */

typedef bool (*text_function)(const char *, const char *);

static void
function_call(sqlite3_context *context, int count, sqlite3_value **values)
{
	text_function *function = sqlite3_user_data(context);
	const char *one = (const char *)sqlite3_value_text(values[0]);
	const char *other = (const char *)sqlite3_value_text(values[1]);

	(void)count;
	sqlite3_result_int(
	    context, one != NULL && other != NULL && (*function)(one, other));
}

enum store_status
sqlite_define(struct sql_db *db, const char *name, text_function function)
{
	/* A pointer to a function is none to an object. */
	text_function *kept = malloc(sizeof(*kept));

	if (kept == NULL)
		return STORE_MEMORY;
	*kept = function;
	return sqlite3_create_function_v2(sqlite_handle(db), name, 2,
		   SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, kept,
		   function_call, NULL, NULL, free) == SQLITE_OK
		   ? STORE_OK
		   : STORE_MEMORY;
}

/* ---- how well a row fits ---- */

/* As FTS5 has them (Robertson and Sparck Jones). */
#define K1 1.2
#define B  0.75

/* What a word is worth that most rows have. */
#define IDF_LEAST 1e-6

/*
 * So many rows with a word are counted; of what is more frequent, it is
 * reckoned from how far into the table they reach.
 */
#define COUNTED_MAX 10000

/* Fractions of a score that count. */
#define PRECISION 1e9

struct question {
	double average; /* words of a row */
	int phrases;
	double idf[]; /* of each phrase, and room to count it */
};

struct counting {
	sqlite3_int64 count, last;
};

static int
score_count(const Fts5ExtensionApi *api, Fts5Context *rows, void *arg)
{
	struct counting *counting = arg;

	counting->last = api->xRowid(rows);
	return ++counting->count < COUNTED_MAX ? SQLITE_OK : SQLITE_DONE;
}

static double
score_idf(sqlite3_int64 total, const struct counting *counting)
{
	double having = (double)counting->count, idf;

	if (counting->count >= COUNTED_MAX && counting->last < total)
		having *= (double)total / (double)counting->last;
	idf = log(((double)total - having + 0.5) / (having + 0.5));
	return idf > IDF_LEAST ? idf : IDF_LEAST;
}

/* What is the same for all rows of a question; freed with it. */
static int
score_begin(const Fts5ExtensionApi *api, Fts5Context *rows,
    struct question **question_r)
{
	int phrases = api->xPhraseCount(rows);
	struct question *question = calloc(1,
	    sizeof(*question) + 2 * (size_t)phrases * sizeof(question->idf[0]));
	sqlite3_int64 total = 0, words = 0;
	int code;

	if (question == NULL)
		return SQLITE_NOMEM;
	question->phrases = phrases;
	code = api->xRowCount(rows, &total);
	if (code == SQLITE_OK)
		code = api->xColumnTotalSize(rows, -1, &words);
	question->average =
	    total > 0 && words > 0 ? (double)words / (double)total : 1.0;
	for (int i = 0; code == SQLITE_OK && i < phrases; i++) {
		struct counting counting = { 0, 0 };

		code = api->xQueryPhrase(rows, i, &counting, score_count);
		question->idf[i] = score_idf(total, &counting);
	}
	if (code == SQLITE_OK) {
		*question_r = question;
		return api->xSetAuxdata(rows, question, free);
	}
	free(question);
	return code;
}

/* How often each phrase is in the row, by the weights of the columns. */
static int
score_weigh(const Fts5ExtensionApi *api, Fts5Context *rows,
    struct question *question, int weights, sqlite3_value **weight)
{
	double *found = question->idf + question->phrases;
	int count, phrase, column, offset;
	int code = api->xInstCount(rows, &count);

	for (int i = 0; i < question->phrases; i++)
		found[i] = 0;
	for (int i = 0; code == SQLITE_OK && i < count; i++) {
		code = api->xInst(rows, i, &phrase, &column, &offset);
		if (code == SQLITE_OK)
			found[phrase] +=
			    column < weights
				? sqlite3_value_double(weight[column])
				: 1.0;
	}
	return code;
}

static void
score_row(const Fts5ExtensionApi *api, Fts5Context *rows,
    sqlite3_context *context, int weights, sqlite3_value **weight)
{
	struct question *question = api->xGetAuxdata(rows, 0);
	int code = SQLITE_OK, words = 0;
	double score = 0;

	if (question == NULL)
		code = score_begin(api, rows, &question);
	if (code == SQLITE_OK)
		code = api->xColumnSize(rows, -1, &words);
	if (code == SQLITE_OK)
		code = score_weigh(api, rows, question, weights, weight);
	if (code != SQLITE_OK) {
		sqlite3_result_error_code(context, code);
		return;
	}
	for (int i = 0; i < question->phrases; i++) {
		double found = question->idf[question->phrases + i];

		score +=
		    question->idf[i] * found * (K1 + 1) /
		    (found +
			K1 * (1 - B + B * (double)words / question->average));
	}
	sqlite3_result_int64(context, (sqlite3_int64)(score * PRECISION));
}

static fts5_api *
score_find_api(sqlite3 *handle)
{
	sqlite3_stmt *statement = NULL;
	fts5_api *api = NULL;

	if (sqlite3_prepare_v2(
		handle, "SELECT fts5(?1)", -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_bind_pointer(
		statement, 1, (void *)&api, "fts5_api_ptr", NULL) == SQLITE_OK)
		(void)sqlite3_step(statement);
	sqlite3_finalize(statement);
	return api;
}

enum store_status
sqlite_define_score(struct sql_db *db)
{
	fts5_api *api = score_find_api(sqlite_handle(db));

	if (api == NULL)
		return sql_fail(db, STORE_IO, "SQLite has no full-text index");
	return api->xCreateFunction(api, "score", NULL, score_row, NULL) ==
		       SQLITE_OK
		   ? STORE_OK
		   : STORE_MEMORY;
}
