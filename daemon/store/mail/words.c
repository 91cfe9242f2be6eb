#include "daemon/store/mail/words.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/mail/envelope.h"
#include "daemon/store/mail/html.h"
#include "daemon/store/mail/kinds.h"
#include "daemon/store/mail/pairs.h"
#include "daemon/store/mail/parts.h"

/* The most that one message may put into the index, by kind. */
#define TEXT_MAX    ((size_t)256 * 1024)
#define NAMES_MAX   ((size_t)256 * 1024)
#define SUBJECT_MAX ((size_t)16 * 1024)
/* Of one part before it is converted: markup is longer than its text. */
#define PART_MAX ((size_t)512 * 1024)

struct collection {
	struct mail_names names;
	struct mail_text text, files;
	size_t markup_left; /* that may still be read */
	/* The part under way. */
	struct mail_text part;
	enum mail_text_kind kind;
	bool has_charset, has_hint;
	char charset[MAIL_CHARSET_SIZE];
	char hint[MAIL_CHARSET_SIZE]; /* what the first part is in */
};

static const char *
collection_hint(const struct collection *to)
{
	return to->has_hint ? to->hint : NULL;
}

static void
collection_add_text(struct collection *to, const char *text, size_t length)
{
	switch (to->kind) {
	case MAIL_TEXT_HTML:
		mail_html_add(&to->text, text, length, &to->markup_left);
		break;
	case MAIL_TEXT_ENRICHED:
		mail_kinds_add_enriched(&to->text, text, length);
		break;
	case MAIL_TEXT_FOLDED:
		mail_kinds_add_folded(&to->text, text, length);
		break;
	case MAIL_TEXT_PLAIN:
		mail_text_add(&to->text, text, length);
		break;
	}
	mail_text_add(&to->text, "\n", 1);
}

/* ---- what the parts tell ---- */

static void
take_attached(void *arg, const char *name, size_t length)
{
	struct collection *to = arg;

	if (length == 0)
		return;
	mail_charset_add(&to->files, NULL, collection_hint(to), name, length);
	mail_text_add(&to->files, "\n", 1);
}

static bool
take_text_begins(void *arg, enum mail_text_kind kind, const char *charset)
{
	struct collection *to = arg;

	mail_text_clear(&to->part);
	to->kind = kind;
	to->has_charset = charset != NULL;
	if (charset == NULL)
		return true;
	strcpy(to->charset, charset);
	if (!to->has_hint)
		strcpy(to->hint, charset);
	to->has_hint = true;
	return true;
}

static void
take_text(void *arg, const char *bytes, size_t length)
{
	struct collection *to = arg;

	mail_text_add(&to->part, bytes, length);
}

static void
take_text_ends(void *arg)
{
	struct collection *to = arg;
	struct mail_text decoded;

	if (to->part.length == 0 || to->text.length == to->text.max)
		return;
	to->text.is_cut |= to->part.is_cut;
	mail_text_init(&decoded, 2 * PART_MAX);
	mail_charset_add(&decoded, to->has_charset ? to->charset : NULL,
	    collection_hint(to), to->part.bytes, to->part.length);
	to->text.is_cut |= decoded.is_cut;
	to->text.has_failed |= decoded.has_failed || to->part.has_failed;
	if (decoded.length > 0)
		collection_add_text(to, decoded.bytes, decoded.length);
	mail_text_free(&decoded);
}

static void
names_init(struct mail_names *names)
{
	mail_text_init(&names->senders, NAMES_MAX);
	mail_text_init(&names->recipients, NAMES_MAX);
	mail_text_init(&names->copies, NAMES_MAX);
	mail_text_init(&names->subject, SUBJECT_MAX);
	mail_text_init(&names->others, NAMES_MAX);
}

static void
names_free(struct mail_names *names)
{
	mail_text_free(&names->senders);
	mail_text_free(&names->recipients);
	mail_text_free(&names->copies);
	mail_text_free(&names->subject);
	mail_text_free(&names->others);
}

/* Another text goes with this one. */
static void
collection_join(struct mail_text *to, const struct mail_text *text)
{
	mail_text_add_text(to, text);
	mail_text_add(to, "\n", 1);
}

static void
take_enclosed(void *arg, const char *header, size_t length)
{
	struct collection *to = arg;
	struct mail_names names;

	names_init(&names);
	mail_names_add(&names, header, length, collection_hint(to));
	collection_join(&to->text, &names.subject);
	collection_join(&to->text, &names.senders);
	collection_join(&to->text, &names.recipients);
	collection_join(&to->text, &names.copies);
	collection_join(&to->text, &names.others);
	names_free(&names);
}

static const struct mail_parts_sink sink = {
	.attached = take_attached,
	.text_begins = take_text_begins,
	.text = take_text,
	.text_ends = take_text_ends,
	.enclosed = take_enclosed,
};

/* ---- all of it ---- */

/* The parts first: they may be what names the charset of the header. */
static bool
words_collect(struct collection *to, const char *message, size_t length)
{
	size_t body, header = mail_header_split(message, length, &body);
	struct mail_parts *parts = mail_parts_new(&sink, to, message, header);
	bool done;

	if (parts == NULL)
		return false;
	mail_parts_feed(parts, message + body, length - body);
	done = mail_parts_finish(parts);
	to->text.is_cut |= mail_parts_is_cut(parts);
	mail_parts_free(parts);
	mail_names_add(&to->names, message, header, collection_hint(to));
	return done;
}

static char *
words_finish(const struct mail_text *text, size_t max, bool *is_cut)
{
	char *clean = mail_text_finish(text, max, is_cut), *pairs;

	if (clean == NULL)
		return NULL;
	pairs = mail_pairs_index(clean);
	free(clean);
	return pairs;
}

static void
collection_init(struct collection *to)
{
	memset(to, 0, sizeof(*to));
	to->markup_left = MAIL_HTML_MAX;
	names_init(&to->names);
	mail_text_init(&to->text, TEXT_MAX);
	mail_text_init(&to->files, NAMES_MAX);
	mail_text_init(&to->part, PART_MAX);
}

static void
collection_free(struct collection *to)
{
	names_free(&to->names);
	mail_text_free(&to->text);
	mail_text_free(&to->files);
	mail_text_free(&to->part);
}

bool
mail_words_read(const char *message, size_t length, struct mail_words *words_r)
{
	struct collection to;
	struct mail_names *names = &to.names;
	const struct {
		const struct mail_text *from;
		size_t max;
		char **to;
	} columns[] = {
		{ &names->senders, NAMES_MAX, &words_r->senders },
		{ &names->recipients, NAMES_MAX, &words_r->recipients },
		{ &names->copies, NAMES_MAX, &words_r->copies },
		{ &names->subject, SUBJECT_MAX, &words_r->subject },
		{ &to.text, TEXT_MAX, &words_r->text },
		{ &to.files, NAMES_MAX, &words_r->files },
	};
	bool done;

	memset(words_r, 0, sizeof(*words_r));
	collection_init(&to);
	done = words_collect(&to, message, length);
	collection_join(&to.text, &names->others);
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		*columns[i].to = words_finish(
		    columns[i].from, columns[i].max, &words_r->is_cut);
		done = done && *columns[i].to != NULL;
	}
	collection_free(&to);
	return done;
}

char *
mail_words_read_text(const char *message, size_t length, size_t max)
{
	struct collection to;
	char *text = NULL;

	collection_init(&to);
	if (words_collect(&to, message, length))
		text = mail_text_finish(&to.text, max, NULL);
	collection_free(&to);
	return text;
}

void
mail_words_free(struct mail_words *words)
{
	free(words->senders);
	free(words->recipients);
	free(words->copies);
	free(words->subject);
	free(words->text);
	free(words->files);
	memset(words, 0, sizeof(*words));
}

void
mail_words_take(struct mail_words *words_r, char *const texts[MAIL_WORDS_TEXTS],
    bool is_cut)
{
	*words_r = (struct mail_words){ texts[0], texts[1], texts[2], texts[3],
		texts[4], texts[5], is_cut };
}

bool
mail_words_take_none(struct mail_words *words_r)
{
	char *texts[MAIL_WORDS_TEXTS];
	bool done = true;

	for (size_t i = 0; i < MAIL_WORDS_TEXTS; i++) {
		texts[i] = strdup("");
		done = done && texts[i] != NULL;
	}
	mail_words_take(words_r, texts, true);
	return done;
}
