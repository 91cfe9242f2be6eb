#include "daemon/store/sql/functions.h"

#include <limits.h>
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- FTS5 ---- */

static fts5_api *
fts5_find_api(sqlite3 *handle)
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

/* Of words that count as one: the others have as many as those before them. */
#define COUNTED_IN_ALL 20000

/* Fractions of a score that count. */
#define PRECISION 1e9

struct asked {
	int first;    /* of those that count as the same word */
	double idf;   /* of the first: of all of them */
	double found; /* of the first: in the row */
};

struct question {
	double average; /* words of a row */
	int count;
	struct asked phrases[];
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

/* How many rows have the phrase. */
static double
score_having(sqlite3_int64 total, const struct counting *counting)
{
	double having = (double)counting->count;

	if (counting->count >= COUNTED_MAX && counting->last < total)
		having *= (double)total / (double)counting->last;
	return having;
}

static double
score_idf(sqlite3_int64 total, double having)
{
	double rows = (double)total, idf;

	if (having > rows)
		having = rows;
	idf = log((rows - having + 0.5) / (having + 0.5));
	return idf > IDF_LEAST ? idf : IDF_LEAST;
}

/* How many phrases count as the word of the first. */
static int
score_joined(const struct question *question, int first)
{
	int count = 0;

	while (first + count < question->count &&
	       question->phrases[first + count].first == first)
		count++;
	return count;
}

/* Count the rows of a phrase and of those that are joined to it. */
static int
score_count_word(const Fts5ExtensionApi *api, Fts5Context *rows,
    sqlite3_int64 total, struct question *question, int first)
{
	int joined = score_joined(question, first), done = 0;
	double having = 0;
	sqlite3_int64 counted = 0;
	int code = SQLITE_OK;

	/* What most rows have is worth no less with the others. */
	while (code == SQLITE_OK && done < joined && counted < COUNTED_IN_ALL &&
	       having <= (double)total / 2) {
		struct counting counting = { 0, 0 };

		code = api->xQueryPhrase(
		    rows, first + done++, &counting, score_count);
		having += score_having(total, &counting);
		counted += counting.count;
	}
	having = having * joined / done;
	question->phrases[first].idf = score_idf(total, having);
	return code;
}

static void
score_join(struct question *question, const char *joined)
{
	for (int i = 0; i < question->count; i++) {
		bool is_same = i > 0 && *joined == '=';

		question->phrases[i].first =
		    is_same ? question->phrases[i - 1].first : i;
		joined += *joined != '\0';
	}
}

/* What is the same for all rows of a question; freed with it. */
static int
score_begin(const Fts5ExtensionApi *api, Fts5Context *rows, const char *joined,
    struct question **question_r)
{
	int count = api->xPhraseCount(rows);
	struct question *question = calloc(1,
	    sizeof(*question) + (size_t)count * sizeof(question->phrases[0]));
	sqlite3_int64 total = 0, words = 0;
	int code;

	if (question == NULL)
		return SQLITE_NOMEM;
	question->count = count;
	score_join(question, joined);
	code = api->xRowCount(rows, &total);
	if (code == SQLITE_OK)
		code = api->xColumnTotalSize(rows, -1, &words);
	question->average =
	    total > 0 && words > 0 ? (double)words / (double)total : 1.0;
	for (int i = 0; code == SQLITE_OK && i < count; i++)
		if (question->phrases[i].first == i)
			code = score_count_word(api, rows, total, question, i);
	if (code == SQLITE_OK) {
		*question_r = question;
		return api->xSetAuxdata(rows, question, free);
	}
	free(question);
	return code;
}

/* How often each word is in the row, by the weights of the columns. */
static int
score_weigh(const Fts5ExtensionApi *api, Fts5Context *rows,
    struct question *question, int weights, sqlite3_value **weight)
{
	struct asked *phrases = question->phrases;
	int count, phrase, column, offset;
	int code = api->xInstCount(rows, &count);

	for (int i = 0; i < question->count; i++)
		phrases[i].found = 0;
	for (int i = 0; code == SQLITE_OK && i < count; i++) {
		code = api->xInst(rows, i, &phrase, &column, &offset);
		if (code == SQLITE_OK)
			phrases[phrases[phrase].first].found +=
			    column < weights
				? sqlite3_value_double(weight[column])
				: 1.0;
	}
	return code;
}

static double
score_of(const struct question *question, int words)
{
	double score = 0;

	for (int i = 0; i < question->count; i++) {
		double found = question->phrases[i].found;

		score +=
		    question->phrases[i].idf * found * (K1 + 1) /
		    (found +
			K1 * (1 - B + B * (double)words / question->average));
	}
	return score;
}

static void
score_row(const Fts5ExtensionApi *api, Fts5Context *rows,
    sqlite3_context *context, int count, sqlite3_value **values)
{
	struct question *question = api->xGetAuxdata(rows, 0);
	const char *joined =
	    count > 0 ? (const char *)sqlite3_value_text(values[0]) : NULL;
	int code = SQLITE_OK, words = 0;

	if (question == NULL)
		code = score_begin(
		    api, rows, joined != NULL ? joined : "", &question);
	if (code == SQLITE_OK)
		code = api->xColumnSize(rows, -1, &words);
	if (code == SQLITE_OK)
		code = score_weigh(api, rows, question, count - 1, values + 1);
	if (code != SQLITE_OK) {
		sqlite3_result_error_code(context, code);
		return;
	}
	sqlite3_result_int64(
	    context, (sqlite3_int64)(score_of(question, words) * PRECISION));
}

enum store_status
sqlite_define_score(struct sql_db *db)
{
	fts5_api *api = fts5_find_api(sqlite_handle(db));

	if (api == NULL)
		return sql_fail(db, STORE_IO, "SQLite has no full-text index");
	return api->xCreateFunction(api, "score", NULL, score_row, NULL) ==
		       SQLITE_OK
		   ? STORE_OK
		   : STORE_MEMORY;
}

/* ---- words ---- */

static int
word_take(
    void *arg, int flags, const char *text, int length, int begin, int end)
{
	struct sqlite_word *word = arg;

	(void)flags;
	(void)end;
	word->text[0] = '\0';
	word->begin = (size_t)begin;
	if ((size_t)length >= sizeof(word->text))
		return SQLITE_OK;
	memcpy(word->text, text, (size_t)length);
	word->text[length] = '\0';
	return SQLITE_OK;
}

bool
sqlite_last_word(struct sql_db *db, const char *const options[],
    const char *text, size_t length, struct sqlite_word *word_r)
{
	fts5_api *api = fts5_find_api(sqlite_handle(db));
	Fts5Tokenizer *tokenizer = NULL;
	fts5_tokenizer type;
	void *data;
	int count = 0;

	*word_r = (struct sqlite_word){ .begin = 0 };
	while (options[count] != NULL)
		count++;
	if (api == NULL || length > INT_MAX ||
	    api->xFindTokenizer(api, "unicode61", &data, &type) != SQLITE_OK ||
	    type.xCreate(data, (const char **)options, count, &tokenizer) !=
		SQLITE_OK)
		return false;
	if (type.xTokenize(tokenizer, word_r, FTS5_TOKENIZE_QUERY, text,
		(int)length, word_take) != SQLITE_OK)
		word_r->text[0] = '\0';
	type.xDelete(tokenizer);
	return word_r->text[0] != '\0';
}
