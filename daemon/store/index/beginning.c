#include "daemon/store/index/beginning.h"

#include <string.h>

#include "daemon/store/index/fulltext.h"
#include "daemon/store/sql/functions.h"

/* Letters of the beginnings that the index has. */
#define INDEXED_LETTERS 3

/* A word is told apart from others by these; longer ones are mostly noise. */
#define LETTERS_MAX 40

/*
 * What one beginning becomes at most: to find a word and to look it up takes
 * some 40 us, a beginning that the index has takes less.
 */
#define BEGINNINGS_MAX 256
#define WORDS_MAX      128

/* Each of many beginnings in a question gets so many. */
#define PARTS_LEAST 8

/* The words before the last one are repeated in each part. */
#define HEAD_MAX 256

enum store_status
store_beginning_register(struct sql_db *db)
{
	static const char sql[] =
	    "PRAGMA query_only = OFF;"
	    "CREATE VIRTUAL TABLE temp.word"
	    " USING fts5vocab('main', 'fulltext', 'instance');"
	    "PRAGMA query_only = ON";

	return sql_exec(db, sql);
}

/* ---- letters ---- */

/* The octets of so many letters; all where there are fewer. */
static size_t
letters_length(const char *text, size_t letters)
{
	size_t length = 0;

	while (text[length] != '\0') {
		if (((unsigned char)text[length] & 0xc0) != 0x80 &&
		    letters-- == 0)
			break;
		length++;
	}
	return length;
}

static size_t
letters_count(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

/* ---- the words of the index ---- */

struct expansion {
	struct sql_db *db;
	struct mail_text parts; /* joined by OR */
	size_t count;
	const char *head; /* the words before */
	size_t head_length;
	struct sqlite_word word;  /* what others begin with */
	char at[SQLITE_WORD_MAX]; /* the next of them is not before this */
	struct store_beginnings *all;
};

/*
 * Whether there is another; its beginning, of so many letters, is `at` then, or
 * all of it, where it has fewer.
 */
static bool
expansion_next(struct expansion *expansion, size_t letters, bool *is_whole_r)
{
	static const char sql[] =
	    "SELECT term FROM temp.word WHERE term >= ?1 LIMIT 1";
	char found[SQLITE_WORD_MAX] = "";
	struct sql_statement use;
	const char *term;
	bool begins_so;

	sql_prepare(&use, expansion->db, sql);
	sql_bind_text(&use, 1, expansion->at);
	if (sql_step(&use) && (term = sql_column_text(&use, 0)) != NULL) {
		size_t length = letters_length(term, letters);

		*is_whole_r = letters_count(term) < letters;
		if (length < sizeof(found))
			memcpy(found, term, length);
	}
	/* A damaged index is found by the search that follows. */
	begins_so =
	    sql_end(&use) == STORE_OK && strncmp(found, expansion->word.text,
					     strlen(expansion->word.text)) == 0;
	memcpy(expansion->at, found, sizeof(found));
	return begins_so;
}

/* The least text behind the word, or behind all that begin with `at`. */
static void
expansion_pass(struct expansion *expansion, bool is_whole)
{
	size_t length = strlen(expansion->at);

	if (!is_whole)
		expansion->at[length - 1]++;
	else if (length + 1 < sizeof(expansion->at))
		memcpy(expansion->at + length, "\x01", 2);
}

static void
expansion_add(struct expansion *expansion, bool is_whole)
{
	if (expansion->count++ > 0)
		mail_text_add_string(&expansion->parts, BEGINNING_JOINT);
	mail_text_add_string(&expansion->parts, "\"");
	mail_text_add(
	    &expansion->parts, expansion->head, expansion->head_length);
	mail_text_add_string(&expansion->parts, expansion->at);
	mail_text_add_string(&expansion->parts, is_whole ? "\"" : "\"*");
}

static void
expansion_begin_again(struct expansion *expansion)
{
	mail_text_clear(&expansion->parts);
	expansion->count = 0;
	memcpy(
	    expansion->at, expansion->word.text, sizeof(expansion->word.text));
}

/* Take all words, longer ones by so many letters; false: they are too many. */
static bool
expansion_take(struct expansion *expansion, size_t letters, size_t most)
{
	bool is_whole = false;

	expansion_begin_again(expansion);
	while (expansion_next(expansion, letters, &is_whole)) {
		if (expansion->count == most)
			return false;
		expansion_add(expansion, is_whole);
		expansion_pass(expansion, is_whole);
	}
	return expansion->count > 0;
}

/* ---- where words are too many ---- */

/* Whether few places have what begins with `at`; those are counted. */
static bool
expansion_is_rare(struct expansion *expansion)
{
	static const char sql[] =
	    "SELECT count(*) FROM (SELECT 1 FROM temp.word"
	    " WHERE term >= ?1 AND term < ?2 LIMIT ?3)";
	char end[SQLITE_WORD_MAX];
	size_t length = strlen(expansion->at), places;
	struct sql_statement use;

	memcpy(end, expansion->at, sizeof(end));
	end[length - 1]++;
	places = expansion->all->places_left + 1;
	sql_prepare(&use, expansion->db, sql);
	sql_bind_text(&use, 1, expansion->at);
	sql_bind_text(&use, 2, end);
	sql_bind_int(&use, 3, (int64_t)places);
	if (sql_step(&use))
		places = (size_t)sql_column_int(&use, 0);
	if (sql_end(&use) != STORE_OK || places > expansion->all->places_left)
		return false;
	expansion->all->places_left -= places;
	return true;
}

/* Whether `at` is a word itself. */
static bool
expansion_is_word(struct expansion *expansion)
{
	static const char sql[] =
	    "SELECT 1 FROM temp.word WHERE term = ?1 LIMIT 1";
	struct sql_statement use;
	bool is_word;

	sql_prepare(&use, expansion->db, sql);
	sql_bind_text(&use, 1, expansion->at);
	return sql_run_found(&use, &is_word) == STORE_OK && is_word;
}

/*
 * Words as they are, and beginnings of so many letters where few places have
 * them.  What is left out is said to be.
 */
static void
expansion_take_rare(struct expansion *expansion, size_t letters, size_t most)
{
	bool is_whole = false;

	expansion_begin_again(expansion);
	while (expansion_next(expansion, letters, &is_whole)) {
		if (expansion->count == most) {
			expansion->all->is_cut = true;
			break;
		}
		if (is_whole || expansion_is_rare(expansion))
			expansion_add(expansion, is_whole);
		else {
			if (expansion_is_word(expansion))
				expansion_add(expansion, true);
			expansion->all->is_cut = true;
		}
		expansion_pass(expansion, is_whole);
	}
}

/*
 * Short words are the frequent ones: look for as many letters as leaves few
 * beginnings, so that those are words themselves.
 */
static size_t
expansion_letters(struct expansion *expansion, size_t letters, size_t most)
{
	size_t longer = letters;

	while (
	    longer - letters < 3 && expansion_take(expansion, longer + 1, most))
		longer++;
	return longer;
}

/* Whether it became something else than it was. */
static bool
expansion_find(struct expansion *expansion, size_t most)
{
	size_t letters = letters_count(expansion->word.text);

	if (letters == INDEXED_LETTERS)
		return false;
	if (letters < INDEXED_LETTERS) {
		if (!expansion_take(expansion, INDEXED_LETTERS, most) &&
		    expansion->count > 0)
			expansion->all->is_cut = true;
		return expansion->count > 0;
	}
	if (most > WORDS_MAX)
		most = WORDS_MAX;
	if (expansion_take(expansion, LETTERS_MAX, most))
		return true;
	if (expansion->count == 0)
		return false;
	expansion_take_rare(
	    expansion, expansion_letters(expansion, letters, most), most);
	return expansion->count > 0;
}

/* ---- the phrase ---- */

/* A phrase stands in quotation marks; a beginning has a star behind them. */
static bool
expansion_begin(struct expansion *expansion, const char *phrase)
{
	static const char *const options[] = { "remove_diacritics", "2",
		"categories", FULLTEXT_CATEGORIES, NULL };
	size_t length = strlen(phrase);

	if (length < 3 || phrase[length - 1] != '*')
		return false;
	expansion->head = phrase + 1;
	if (!sqlite_last_word(expansion->db, options, expansion->head,
		length - 3, &expansion->word))
		return false;
	expansion->head_length = expansion->word.begin;
	return expansion->head_length <= HEAD_MAX;
}

static size_t
expansion_most(const struct store_beginnings *all)
{
	if (all->parts_left > BEGINNINGS_MAX)
		return BEGINNINGS_MAX;
	return all->parts_left > PARTS_LEAST ? all->parts_left : PARTS_LEAST;
}

static void
expansion_pay(const struct expansion *expansion)
{
	struct store_beginnings *all = expansion->all;

	all->parts_left -= expansion->count < all->parts_left ? expansion->count
							      : all->parts_left;
}

void
store_beginnings_add(struct store_beginnings *all, struct sql_db *db,
    struct mail_text *to, const char *phrase)
{
	struct expansion expansion = { .db = db, .all = all };

	mail_text_init(&expansion.parts,
	    BEGINNINGS_MAX *
		(HEAD_MAX + SQLITE_WORD_MAX + sizeof("\"\"*" BEGINNING_JOINT)));
	if (expansion_begin(&expansion, phrase) &&
	    expansion_find(&expansion, expansion_most(all))) {
		expansion_pay(&expansion);
		mail_text_add_string(to, "(");
		mail_text_add_text(to, &expansion.parts);
		mail_text_add_string(to, ")");
	} else
		mail_text_add_string(to, phrase);
	mail_text_free(&expansion.parts);
}
