#include "daemon/store/mail/pairs.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "daemon/store/mail/text.h"

/* ---- characters ---- */

struct range {
	ucs4_t first, last;
};

static bool
pairs_is_in(const struct range *ranges, size_t count, ucs4_t character)
{
	for (size_t i = 0; i < count; i++)
		if (character >= ranges[i].first && character <= ranges[i].last)
			return true;
	return false;
}

/* Points of Hebrew and Arabic, and what is there but not seen. */
static bool
pairs_is_dropped(ucs4_t character)
{
	static const struct range ranges[] = { { 0xad, 0xad }, { 0x34f, 0x34f },
		{ 0x591, 0x5bd }, { 0x5bf, 0x5bf }, { 0x5c1, 0x5c2 },
		{ 0x5c4, 0x5c5 }, { 0x5c7, 0x5c7 }, { 0x610, 0x61a },
		{ 0x640, 0x640 }, { 0x64b, 0x65f }, { 0x670, 0x670 },
		{ 0x6d6, 0x6dc }, { 0x6df, 0x6e4 }, { 0x6e7, 0x6e8 },
		{ 0x6ea, 0x6ed }, { 0x180e, 0x180e }, { 0x200b, 0x200f },
		{ 0x202a, 0x202e }, { 0x2060, 0x2064 }, { 0x2066, 0x2069 },
		{ 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff } };

	return pairs_is_in(
	    ranges, sizeof(ranges) / sizeof(ranges[0]), character);
}

/* The one letter whose capitals are two others. */
static bool
pairs_is_sharp_s(ucs4_t character)
{
	return character == 0xdf || character == 0x1e9e;
}

/* Characters with another form that stands for the same, and what joins one. */
static bool
pairs_has_forms(ucs4_t character)
{
	static const struct range ranges[] = { { 0x300, 0x36f },
		{ 0x1100, 0x11ff }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff },
		{ 0x2000, 0x2fdf }, { 0x3000, 0x3000 }, { 0x3099, 0x309f },
		{ 0x30ff, 0x30ff }, { 0x3131, 0x318e }, { 0x3200, 0x33ff },
		{ 0xa960, 0xa97f }, { 0xd7b0, 0xd7ff }, { 0xf900, 0xfdff },
		{ 0xfe10, 0xfeff }, { 0xff00, 0xffef }, { 0x1d400, 0x1d7ff },
		{ 0x1f100, 0x1f2ff }, { 0x2f800, 0x2fa1f } };

	if (character < 0x300 || (character > 0x36f && character < 0x1100))
		return false;
	return pairs_is_in(
	    ranges, sizeof(ranges) / sizeof(ranges[0]), character);
}

#define SCRIPTS_COUNT 15

/* Scripts that are written without blanks between words. */
struct scripts {
	const uc_script_t *scripts[SCRIPTS_COUNT];
};

static void
pairs_find_scripts(struct scripts *scripts_r)
{
	static const char *const names[SCRIPTS_COUNT] = { "Han", "Hiragana",
		"Katakana", "Hangul", "Thai", "Lao", "Khmer", "Myanmar",
		"Bopomofo", "Yi", "Tai_Le", "New_Tai_Lue", "Tai_Tham",
		"Tai_Viet", "Javanese" };

	for (size_t i = 0; i < SCRIPTS_COUNT; i++)
		scripts_r->scripts[i] = uc_script_byname(names[i]);
}

/* The mark that makes a vowel of Kana long is of no script. */
static bool
pairs_is_paired(const struct scripts *scripts, ucs4_t character)
{
	const uc_script_t *script;

	if (character < 0xe00)
		return false;
	if (character == 0x30fc)
		return true;
	if (!uc_is_general_category_withtable(character,
		UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M | UC_CATEGORY_MASK_N))
		return false;
	script = uc_script(character);
	for (size_t i = 0; script != NULL && i < SCRIPTS_COUNT; i++)
		if (scripts->scripts[i] == script)
			return true;
	return false;
}

/* ---- forms ---- */

/* A run that is not ASCII, with the character before it, in its usual form. */
static void
pairs_add_normal(struct mail_text *to, const char *bytes, size_t length)
{
	size_t filled;
	uint8_t *normal = u8_normalize(
	    UNINORM_NFKC, (const uint8_t *)bytes, length, NULL, &filled);

	if (normal == NULL) {
		mail_text_add(to, bytes, length);
		return;
	}
	mail_text_add(to, (const char *)normal, filled);
	free(normal);
}

/* The run of characters at `at` that are not ASCII; invalid octets end it. */
static size_t
pairs_run(const char *at, const char *end, bool *has_forms_r)
{
	const char *begin = at;

	*has_forms_r = false;
	while (at < end && (unsigned char)*at >= 0x80) {
		ucs4_t character;
		int used = u8_mbtoucr(
		    &character, (const uint8_t *)at, (size_t)(end - at));

		if (used <= 0)
			break;
		*has_forms_r |= pairs_has_forms(character);
		at += used;
	}
	return (size_t)(at - begin);
}

/* Most text is ASCII, and most of the rest in its usual form. */
static void
pairs_normalize(struct mail_text *to, const char *text, size_t length)
{
	const char *end = text + length, *copied = text, *at = text;

	while (at < end) {
		bool has_forms;
		size_t run;

		if ((unsigned char)*at < 0x80) {
			at++;
			continue;
		}
		run = pairs_run(at, end, &has_forms);
		if (run == 0) {
			mail_text_add(to, copied, (size_t)(at - copied));
			mail_text_add(to, " ", 1);
			copied = ++at;
			continue;
		}
		if (has_forms) {
			const char *from = at > copied ? at - 1 : at;

			mail_text_add(to, copied, (size_t)(from - copied));
			pairs_add_normal(to, from, (size_t)(at + run - from));
			copied = at + run;
		}
		at += run;
	}
	mail_text_add(to, copied, (size_t)(end - copied));
}

/* ---- pairs ---- */

struct run {
	char before[6]; /* the character before this one */
	size_t before_length;
	size_t characters; /* so far; 0 outside of a run */
};

/* At its end the last character stands alone: what asks for it must find it. */
static void
pairs_end_run(struct mail_text *to, struct run *run, bool ends_alone)
{
	if (run->characters == 1 || (run->characters > 1 && ends_alone))
		mail_text_add(to, run->before, run->before_length);
	if (run->characters > 0)
		mail_text_add(to, " ", 1);
	run->characters = 0;
}

static void
pairs_add_to_run(
    struct mail_text *to, struct run *run, const char *at, size_t length)
{
	if (run->characters == 0)
		mail_text_add(to, " ", 1);
	else {
		mail_text_add(to, run->before, run->before_length);
		mail_text_add(to, at, length);
		mail_text_add(to, " ", 1);
	}
	memcpy(run->before, at, length);
	run->before_length = length;
	run->characters++;
}

/*
 * Pairs of the runs in a text in its usual form.  In a question the pairs are
 * all that is asked for of a run at its end.  Returns whether that run is one
 * character, which any pair may begin with.
 */
static bool
pairs_add(struct mail_text *to, const char *text, size_t length, bool is_query)
{
	const char *end = text + length, *at = text;
	struct scripts scripts;
	struct run run = { .characters = 0 };
	bool is_one;

	pairs_find_scripts(&scripts);
	while (at < end) {
		ucs4_t character = (unsigned char)*at;
		int used = 1;

		if (character >= 0x80)
			used = u8_mbtoucr(&character, (const uint8_t *)at,
			    (size_t)(end - at));
		if (used <= 0) {
			at++;
			continue;
		}
		if (pairs_is_paired(&scripts, character))
			pairs_add_to_run(to, &run, at, (size_t)used);
		else if (character < 0x80 || !pairs_is_dropped(character)) {
			pairs_end_run(to, &run, true);
			if (pairs_is_sharp_s(character))
				mail_text_add(to, "ss", 2);
			else
				mail_text_add(to, at, (size_t)used);
		}
		at += used;
	}
	is_one = run.characters == 1;
	pairs_end_run(to, &run, !is_query);
	return is_one;
}

static bool
pairs_is_ascii(const char *text)
{
	while (*text != '\0' && (unsigned char)*text < 0x80)
		text++;
	return *text == '\0';
}

/* Room for what grows most: each character of three octets becomes a pair. */
static size_t
pairs_room(size_t length)
{
	return 18 * length + 16;
}

char *
mail_pairs_index(const char *text)
{
	struct mail_text normal, pairs;

	if (pairs_is_ascii(text))
		return strdup(text);
	mail_text_init(&normal, pairs_room(strlen(text)));
	pairs_normalize(&normal, text, strlen(text));
	mail_text_init(&pairs, pairs_room(normal.length));
	pairs.has_failed = normal.has_failed;
	(void)pairs_add(&pairs, normal.bytes, normal.length, false);
	mail_text_free(&normal);
	return mail_text_take(&pairs);
}

/* ---- questions ---- */

/* Quotes within the word are doubled. */
static void
pairs_add_quoted(struct mail_text *to, const char *word, size_t length)
{
	mail_text_add(to, "\"", 1);
	for (size_t i = 0; i < length; i++) {
		if (word[i] == '"')
			mail_text_add(to, "\"", 1);
		mail_text_add(to, word + i, 1);
	}
	mail_text_add(to, "\"", 1);
}

/* Whether the index knows any word of it: the categories of fulltext.c. */
static bool
pairs_has_word(const char *text, size_t length)
{
	const char *end = text + length;

	while (text < end) {
		ucs4_t character;
		int used = u8_mbtoucr(
		    &character, (const uint8_t *)text, (size_t)(end - text));

		if (used > 0 &&
		    uc_is_general_category_withtable(character,
			UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M |
			    UC_CATEGORY_MASK_N | UC_CATEGORY_MASK_Co))
			return true;
		text += used > 0 ? used : 1;
	}
	return false;
}

char *
mail_pairs_phrase(const char *text, size_t length, bool is_beginning)
{
	struct mail_text normal, pairs, quoted;

	/* An empty text has no bytes to point to. */
	if (length == 0)
		return strdup("");
	mail_text_init(&normal, pairs_room(length));
	pairs_normalize(&normal, text, length);
	mail_text_init(&pairs, pairs_room(normal.length));
	pairs.has_failed = normal.has_failed;
	if (!pairs.has_failed)
		is_beginning |=
		    pairs_add(&pairs, normal.bytes, normal.length, true);
	mail_text_free(&normal);
	mail_text_init(&quoted, 2 * pairs.length + 8);
	quoted.has_failed = pairs.has_failed;
	if (pairs.length > 0 && pairs_has_word(pairs.bytes, pairs.length)) {
		pairs_add_quoted(&quoted, pairs.bytes, pairs.length);
		if (is_beginning)
			mail_text_add(&quoted, "*", 1);
	}
	mail_text_free(&pairs);
	return mail_text_take(&quoted);
}
