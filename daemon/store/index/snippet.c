#include "daemon/store/index/snippet.h"

#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

/* Before the first hit. */
#define LEAD 40
/* Places that are looked at, and words of a phrase that are compared. */
#define PLACES_MAX 256
#define PHRASE_MAX 16
/* Of a word, folded. */
#define FOLDED_MAX 64

#define ELLIPSIS "\xe2\x80\xa6"

/* ---- words ---- */

/* A word in a text, and how it is compared. */
struct token {
	size_t at, length;              /* octets */
	unsigned character, characters; /* where it begins, how long it is */
	char folded[FOLDED_MAX];
};

struct reader {
	const char *text, *end, *at;
	unsigned character; /* at `at` */
};

static int
reader_peek(const struct reader *reader, ucs4_t *character_r)
{
	int used;

	if (reader->at == reader->end)
		return 0;
	used = u8_mbtoucr(character_r, (const uint8_t *)reader->at,
	    (size_t)(reader->end - reader->at));
	if (used > 0)
		return used;
	*character_r = 0xfffd;
	return 1;
}

static bool
token_has(ucs4_t character)
{
	if (character < 0x80)
		return (character >= '0' && character <= '9') ||
		       (character >= 'A' && character <= 'Z') ||
		       (character >= 'a' && character <= 'z');
	return uc_is_general_category_withtable(
	    character, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M |
			   UC_CATEGORY_MASK_N | UC_CATEGORY_MASK_Co);
}

/* Of scripts without blanks between words each character is one. */
static bool
token_is_alone(ucs4_t character)
{
	return (character >= 0xe00 && character < 0x10a0) ||
	       (character >= 0x1780 && character < 0x1800) ||
	       (character >= 0x2e80 && character < 0xa4d0) ||
	       (character >= 0xac00 && character < 0xd7b0) ||
	       (character >= 0xff66 && character < 0xffa0) ||
	       (character >= 0x20000 && character < 0x40000);
}

/* Without case and without marks; cut where it is long. */
static void
token_fold(struct token *token, const char *text)
{
	const uint8_t *bytes = (const uint8_t *)text + token->at;
	size_t length = 0, filled = 0, i = 0;
	uint8_t *folded = u8_casefold(
	    bytes, token->length, NULL, UNINORM_NFKD, NULL, &length);

	while (folded != NULL && i < length) {
		ucs4_t character;
		int used = u8_mbtoucr(&character, folded + i, length - i);

		if (used <= 0 || filled + (size_t)used >= FOLDED_MAX)
			break;
		if (!uc_is_general_category_withtable(
			character, UC_CATEGORY_MASK_Mn)) {
			memcpy(
			    token->folded + filled, folded + i, (size_t)used);
			filled += (size_t)used;
		}
		i += (size_t)used;
	}
	token->folded[filled] = '\0';
	free(folded);
}

static bool
token_fold_ascii(struct token *token, const char *text)
{
	if (token->length >= FOLDED_MAX)
		return false;
	for (size_t i = 0; i < token->length; i++) {
		char c = text[token->at + i];

		if ((unsigned char)c >= 0x80)
			return false;
		token->folded[i] =
		    c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	token->folded[token->length] = '\0';
	return true;
}

static bool
reader_next(struct reader *reader, struct token *token_r)
{
	ucs4_t character;
	int used;

	while ((used = reader_peek(reader, &character)) > 0 &&
	       !token_has(character)) {
		reader->at += used;
		reader->character++;
	}
	if (used == 0)
		return false;
	token_r->at = (size_t)(reader->at - reader->text);
	token_r->character = reader->character;
	do {
		bool is_alone = token_is_alone(character);

		reader->at += used;
		reader->character++;
		if (is_alone)
			break;
		used = reader_peek(reader, &character);
	} while (
	    used > 0 && token_has(character) && !token_is_alone(character));
	token_r->length = (size_t)(reader->at - reader->text) - token_r->at;
	token_r->characters = reader->character - token_r->character;
	if (!token_fold_ascii(token_r, reader->text))
		token_fold(token_r, reader->text);
	return true;
}

static struct reader
reader_of(const char *text)
{
	return (struct reader){
		.text = text, .at = text, .end = text + strlen(text)
	};
}

/* ---- what is looked for ---- */

struct phrase {
	struct token tokens[PHRASE_MAX];
	size_t count;
	bool is_beginning;
};

struct phrases {
	struct phrase items[QUERY_LEAVES_MAX];
	size_t count;
};

static void
phrases_add(struct phrases *to, const struct query_node *node)
{
	struct phrase *phrase = &to->items[to->count];
	struct reader reader = reader_of(node->typed);

	phrase->count = 0;
	phrase->is_beginning = node->is_beginning;
	while (phrase->count < PHRASE_MAX &&
	       reader_next(&reader, &phrase->tokens[phrase->count]))
		phrase->count++;
	to->count += phrase->count > 0;
}

/* Words that must not be there are nowhere to be shown. */
static void
phrases_collect(struct phrases *to, const struct query_node *node)
{
	if (node->kind == QUERY_WORDS && to->count < QUERY_LEAVES_MAX &&
	    (node->columns == NULL || strcmp(node->columns, "body") == 0))
		phrases_add(to, node);
	if (node->kind == QUERY_NOT)
		return;
	for (node = node->first; node != NULL; node = node->next)
		phrases_collect(to, node);
}

/* ---- where it is ---- */

struct place {
	unsigned start, length;
	size_t phrase;
};

struct places {
	struct place items[PLACES_MAX];
	size_t count;
};

static bool
phrase_fits(const struct phrase *phrase, size_t index, const char *folded)
{
	const char *wanted = phrase->tokens[index].folded;

	if (phrase->is_beginning && index == phrase->count - 1)
		return strncmp(folded, wanted, strlen(wanted)) == 0;
	return strcmp(folded, wanted) == 0;
}

/* The words from this one on, as far as the phrase goes. */
static void
places_look(struct places *to, const struct phrases *phrases, size_t which,
    const struct token *first, struct reader reader)
{
	const struct phrase *phrase = &phrases->items[which];
	struct token last = *first;

	for (size_t i = 0; i < phrase->count; i++) {
		if (i > 0 && !reader_next(&reader, &last))
			return;
		if (!phrase_fits(phrase, i, last.folded))
			return;
	}
	to->items[to->count++] = (struct place){ .start = first->character,
		.length = last.character + last.characters - first->character,
		.phrase = which };
}

static void
places_find(
    struct places *places_r, const char *text, const struct phrases *phrases)
{
	struct reader reader = reader_of(text);
	struct token token;

	places_r->count = 0;
	while (reader_next(&reader, &token))
		for (size_t i = 0; i < phrases->count; i++) {
			if (places_r->count == PLACES_MAX)
				return;
			places_look(places_r, phrases, i, &token, reader);
		}
}

/* Where the most phrases are near each other; the first of such. */
static unsigned
places_best(const struct places *places)
{
	unsigned best = 0;
	size_t most = 0;

	for (size_t i = 0; i < places->count; i++) {
		uint64_t seen = 0;
		size_t count = 0;

		for (size_t j = i;
		     j < places->count &&
		     places->items[j].start <
			 places->items[i].start + SNIPPET_CHARACTERS - LEAD;
		     j++) {
			uint64_t bit = UINT64_C(1) << places->items[j].phrase;

			count += (seen & bit) == 0;
			seen |= bit;
		}
		if (count > most) {
			most = count;
			best = places->items[i].start;
		}
	}
	return best;
}

/* ---- the piece ---- */

struct piece {
	const char *at;
	size_t length;
	unsigned first, last; /* characters; behind the last */
	bool begins_late, ends_early;
};

/* Octets that so many characters take, as far as there are any. */
static size_t
piece_skip(const char *text, unsigned characters, unsigned *skipped_r)
{
	size_t at = 0;

	*skipped_r = 0;
	while (text[at] != '\0' && *skipped_r < characters) {
		at++;
		while (((unsigned char)text[at] & 0xc0) == 0x80)
			at++;
		(*skipped_r)++;
	}
	return at;
}

/* From a blank near the beginning to one near the end, where there are any. */
static struct piece
piece_cut(const char *text, unsigned from)
{
	struct piece piece = { .at = text };
	unsigned lead = from > LEAD ? from - LEAD : 0, count;
	const char *blank;

	piece.at += piece_skip(text, lead, &piece.first);
	blank = lead > 0 ? strchr(piece.at, ' ') : NULL;
	if (blank != NULL && blank - piece.at < LEAD / 2) {
		for (; piece.at <= blank; piece.at++)
			piece.first +=
			    ((unsigned char)*piece.at & 0xc0) != 0x80;
	}
	piece.begins_late = piece.at > text;
	piece.length = piece_skip(piece.at, SNIPPET_CHARACTERS, &count);
	piece.last = piece.first + count;
	piece.ends_early = piece.at[piece.length] != '\0';
	for (size_t i = piece.length; piece.ends_early && i > piece.length - 20;
	     i--)
		if (piece.at[i] == ' ') {
			for (; piece.length > i; piece.length--)
				piece.last -=
				    ((unsigned char)piece.at[piece.length - 1] &
					0xc0) != 0x80;
			break;
		}
	return piece;
}

static const char *
piece_text(const struct piece *piece, struct evpop_arena *arena)
{
	size_t length = piece->length + 2 * strlen(ELLIPSIS);
	char *text = evpop_arena_take(arena, length + 1);

	if (text == NULL)
		return NULL;
	if (piece->begins_late)
		strcpy(text, ELLIPSIS);
	strncat(text, piece->at, piece->length);
	if (piece->ends_early)
		strcat(text, ELLIPSIS);
	return text;
}

static void
snippet_add_hit(
    struct snippet *snippet, const struct piece *piece, struct place place)
{
	const struct snippet_hit *before =
	    snippet->count > 0 ? &snippet->hits[snippet->count - 1] : NULL;
	unsigned start;

	if (place.start < piece->first ||
	    place.start + place.length > piece->last ||
	    snippet->count == SNIPPET_HITS_MAX)
		return;
	start = place.start - piece->first + piece->begins_late;
	if (before != NULL && start < before->start + before->length)
		return;
	snippet->hits[snippet->count].start = start;
	snippet->hits[snippet->count].length = place.length;
	snippet->count++;
}

bool
snippet_make(struct snippet *snippet_r, struct evpop_arena *arena,
    const char *text, const struct query_node *node)
{
	struct phrases *phrases = calloc(1, sizeof(*phrases));
	struct places *places = calloc(1, sizeof(*places));
	struct piece piece;

	memset(snippet_r, 0, sizeof(*snippet_r));
	if (phrases != NULL && places != NULL) {
		phrases_collect(phrases, node);
		places_find(places, text, phrases);
		piece = piece_cut(text, places_best(places));
		for (size_t i = 0; i < places->count; i++)
			snippet_add_hit(snippet_r, &piece, places->items[i]);
		snippet_r->text = piece_text(&piece, arena);
	}
	free(phrases);
	free(places);
	return snippet_r->text != NULL;
}
