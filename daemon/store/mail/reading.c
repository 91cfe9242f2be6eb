#include "daemon/store/mail/reading.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/mail/boundary.h"
#include "daemon/store/mail/charset.h"
#include "daemon/store/mail/encoded.h"
#include "daemon/store/mail/flowed.h"
#include "daemon/store/mail/header.h"
#include "daemon/store/mail/kinds.h"
#include "daemon/store/mail/view.h"
#include "daemon/store/mail/whole.h"

/* Of one part before it is converted. */
#define PART_MAX ((size_t)1024 * 1024)
/* Of what stands where a multipart has no parts. */
#define STRAY_MAX ((size_t)256 * 1024)
#define CUT       "[The text goes on; it is too long to be shown whole.]\n"

/* How well a text serves a reader, where there are several of the same. */
enum worth {
	WORTH_NOTHING = 0,
	WORTH_DATA, /* a calendar */
	WORTH_MARKUP,
	WORTH_PLAIN
};

/* A multipart/alternative under way. */
struct alternative {
	unsigned depth;
	/* In the text: the best child so far, and the one under way. */
	size_t best_begin, begin;
	enum worth best, worth;
};

struct reading_part {
	enum mail_text_kind kind;
	enum mail_flow flow;
	bool has_charset;
	char charset[MAIL_CHARSET_SIZE];
	struct mail_text bytes;
};

struct mail_reading {
	struct mail_whole *whole;
	struct mail_text text;
	size_t markup_left;
	struct alternative open[MAIL_BOUNDARY_DEPTH + 1];
	size_t depth;
	unsigned count;     /* of all parts, multiparts too */
	bool is_below_name; /* of the file whose text comes next */
	struct reading_part part;
	struct mail_text stray;
	char hint[MAIL_CHARSET_SIZE]; /* of the first text; "": none */
};

static const char *
reading_hint(const struct mail_reading *reading)
{
	return reading->hint[0] != '\0' ? reading->hint : NULL;
}

/* ---- alternatives ---- */

/* The child under way has ended: keep it, or what was there before. */
static void
alternative_end_child(struct mail_reading *reading)
{
	struct alternative *open = &reading->open[reading->depth - 1];

	if (open->worth > open->best) {
		mail_text_remove(&reading->text, open->best_begin, open->begin);
		/* It was separated from what has gone. */
		if (open->best_begin == 0 && open->best != WORTH_NOTHING)
			mail_text_remove(&reading->text, 0, 1);
		open->best = open->worth;
	} else
		mail_text_shorten(&reading->text, open->begin);
	open->begin = reading->text.length;
	open->worth = WORTH_NOTHING;
}

/* A part of such a depth begins: end what it is not in. */
static void
alternative_follow(struct mail_reading *reading, unsigned depth)
{
	while (reading->depth > 0) {
		struct alternative *open = &reading->open[reading->depth - 1];
		enum worth best;

		if (open->depth < depth && open->depth + 1 != depth)
			return;
		alternative_end_child(reading);
		if (open->depth < depth)
			return;
		best = open->best;
		reading->depth--;
		if (reading->depth > 0 && open[-1].worth < best)
			open[-1].worth = best;
	}
}

static void
alternative_begin(struct mail_reading *reading, unsigned depth)
{
	if (reading->depth > MAIL_BOUNDARY_DEPTH)
		return;
	reading->open[reading->depth++] = (struct alternative){
		.depth = depth,
		.best_begin = reading->text.length,
		.begin = reading->text.length,
	};
}

/* Whether something better was there already. */
static bool
alternative_is_settled(const struct mail_reading *reading)
{
	for (size_t i = 0; i < reading->depth; i++)
		if (reading->open[i].best == WORTH_PLAIN)
			return true;
	return false;
}

/* ---- what the parts tell ---- */

/* An empty line between this and what was before. */
static void
reading_separate(struct mail_reading *reading)
{
	if (reading->text.length > 0 && !reading->is_below_name)
		mail_text_add(&reading->text, "\n", 1);
	reading->is_below_name = false;
}

static void
reading_heading(struct mail_reading *reading, const char *name,
    const struct mail_text *value)
{
	char *clean = mail_text_finish(value, 1024, NULL);

	if (clean == NULL) {
		mail_text_fail(&reading->text, true);
		return;
	}
	if (clean[0] != '\0') {
		mail_text_add_string(&reading->text, name);
		mail_text_add_string(&reading->text, clean);
		mail_text_add(&reading->text, "\n", 1);
	}
	free(clean);
}

static void
reading_heading_field(struct mail_reading *reading, const char *name,
    const char *header, size_t length, enum mail_encoded_in in)
{
	struct mail_header_field field;
	struct mail_text value;

	if (!mail_header_first(header, length, name, &field))
		return;
	mail_text_init(&value, 4096);
	mail_text_add_string(&value, name);
	mail_text_add(&value, ": ", 2);
	mail_encoded_add(
	    &value, in, reading_hint(reading), field.value, field.value_length);
	reading_heading(reading, "", &value);
	mail_text_free(&value);
}

static void
reading_enclosed(void *arg, const char *header, size_t length)
{
	struct mail_reading *reading = arg;
	size_t before = reading->text.length;

	if (alternative_is_settled(reading))
		return;
	reading_separate(reading);
	mail_text_add_string(
	    &reading->text, "---------- Enclosed message ----------\n");
	reading_heading_field(
	    reading, "From", header, length, MAIL_ENCODED_ADDRESSES);
	reading_heading_field(
	    reading, "To", header, length, MAIL_ENCODED_ADDRESSES);
	reading_heading_field(
	    reading, "Cc", header, length, MAIL_ENCODED_ADDRESSES);
	reading_heading_field(
	    reading, "Date", header, length, MAIL_ENCODED_TEXT);
	reading_heading_field(
	    reading, "Subject", header, length, MAIL_ENCODED_TEXT);
	if (reading->depth > 0 && reading->text.length > before)
		reading->open[reading->depth - 1].worth = WORTH_PLAIN;
}

static void
reading_begin_part(struct mail_reading *reading, const struct mail_part *part,
    const char *header, size_t length)
{
	mail_text_clear(&reading->part.bytes);
	reading->part.kind = part->kind;
	reading->part.flow = mail_part_flow(header, length);
	reading->part.has_charset = part->has_charset;
	if (!part->has_charset)
		return;
	strcpy(reading->part.charset, part->charset);
	if (reading->hint[0] == '\0')
		strcpy(reading->hint, part->charset);
}

static unsigned
reading_begins(void *arg, const struct mail_part *part, unsigned depth,
    const char *header, size_t length)
{
	struct mail_reading *reading = arg;
	char type[MAIL_TYPE_SIZE];

	reading->count++;
	alternative_follow(reading, depth);
	if (part->form == MAIL_PART_MULTIPART) {
		mail_part_type(part, header, length, type);
		if (strcmp(type, "multipart/alternative") == 0)
			alternative_begin(reading, depth);
		return 0;
	}
	if (part->form != MAIL_PART_TEXT || alternative_is_settled(reading) ||
	    mail_part_disposition(header, length) ==
		MAIL_DISPOSITION_ATTACHMENT ||
	    mail_text_is_full(&reading->text))
		return 0;
	reading_begin_part(reading, part, header, length);
	if (part->file_name.length > 0) {
		reading_separate(reading);
		mail_text_add(&reading->text, "[", 1);
		reading_heading(reading, "", &part->file_name);
		mail_text_shorten(&reading->text, reading->text.length - 1);
		mail_text_add(&reading->text, "]\n", 2);
		reading->is_below_name = true;
	}
	return 1;
}

static void
reading_content(void *arg, unsigned number, const char *bytes, size_t length)
{
	struct mail_reading *reading = arg;

	(void)number;
	mail_text_add(&reading->part.bytes, bytes, length);
}

/* In UTF-8 by now. */
static enum worth
reading_convert(struct mail_reading *reading, const char *text, size_t length,
    struct mail_text *lines)
{
	switch (reading->part.kind) {
	case MAIL_TEXT_HTML:
		mail_view_add(lines, text, length, &reading->markup_left);
		return WORTH_MARKUP;
	case MAIL_TEXT_ENRICHED:
		mail_kinds_add_enriched(lines, text, length);
		return WORTH_MARKUP;
	case MAIL_TEXT_FOLDED:
		mail_kinds_add_folded(lines, text, length);
		return WORTH_DATA;
	case MAIL_TEXT_PLAIN:
		break;
	}
	if (reading->part.flow != MAIL_FLOW_FIXED)
		mail_flowed_add(lines, text, length, reading->part.flow);
	else
		mail_text_add(lines, text, length);
	return WORTH_PLAIN;
}

/* Add what is fit to show; returns what it is worth. */
static enum worth
reading_add(struct mail_reading *reading, const struct mail_text *bytes)
{
	struct mail_text decoded, lines;
	size_t before = reading->text.length, begin;
	enum worth worth = WORTH_NOTHING;

	mail_text_init(&decoded, 3 * PART_MAX);
	mail_text_init(&lines, 3 * PART_MAX);
	if (bytes->length > 0)
		mail_charset_add(&decoded,
		    reading->part.has_charset ? reading->part.charset : NULL,
		    reading_hint(reading), bytes->bytes, bytes->length);
	if (decoded.length > 0)
		worth = reading_convert(
		    reading, decoded.bytes, decoded.length, &lines);
	reading_separate(reading);
	begin = reading->text.length;
	if (lines.length > 0)
		mail_text_add_lines(&reading->text, lines.bytes, lines.length);
	mail_text_fail(&reading->text, decoded.has_failed || lines.has_failed);
	if (reading->text.length == begin) {
		mail_text_shorten(&reading->text, before);
		worth = WORTH_NOTHING;
	} else {
		mail_text_add(&reading->text, "\n", 1);
		if (bytes->is_cut || decoded.is_cut || lines.is_cut)
			mail_text_add_string(&reading->text, CUT);
	}
	mail_text_free(&decoded);
	mail_text_free(&lines);
	return worth;
}

static void
reading_ends(void *arg, unsigned number)
{
	struct mail_reading *reading = arg;
	enum worth worth = reading_add(reading, &reading->part.bytes);

	(void)number;
	if (reading->depth > 0 &&
	    reading->open[reading->depth - 1].worth < worth)
		reading->open[reading->depth - 1].worth = worth;
}

/* What stands where parts should be is the text, if there is no part. */
static void
reading_skipped(void *arg, const char *bytes, size_t length)
{
	struct mail_reading *reading = arg;

	if (reading->count == 1)
		mail_text_add(&reading->stray, bytes, length);
}

static const struct mail_parts_sink sink = {
	.enclosed = reading_enclosed,
	.begins = reading_begins,
	.content = reading_content,
	.ends = reading_ends,
	.skipped = reading_skipped,
};

/* ---- all of it ---- */

struct mail_reading *
mail_reading_new(void)
{
	struct mail_reading *reading = calloc(1, sizeof(*reading));

	if (reading == NULL)
		return NULL;
	mail_text_init(&reading->text, MAIL_READING_MAX);
	mail_text_init(&reading->part.bytes, PART_MAX);
	mail_text_init(&reading->stray, STRAY_MAX);
	reading->markup_left = MAIL_VIEW_MAX;
	reading->whole = mail_whole_new(&sink, NULL, reading);
	if (reading->whole != NULL)
		return reading;
	free(reading);
	return NULL;
}

void
mail_reading_free(struct mail_reading *reading)
{
	if (reading == NULL)
		return;
	mail_whole_free(reading->whole);
	mail_text_free(&reading->text);
	mail_text_free(&reading->part.bytes);
	mail_text_free(&reading->stray);
	free(reading);
}

static bool
reading_has_failed(const struct mail_reading *reading)
{
	return reading->text.has_failed || reading->part.bytes.has_failed ||
	       reading->stray.has_failed;
}

bool
mail_reading_feed(
    struct mail_reading *reading, const char *bytes, size_t length)
{
	return mail_whole_feed(reading->whole, bytes, length) &&
	       !reading_has_failed(reading);
}

bool
mail_reading_finish(struct mail_reading *reading)
{
	if (!mail_whole_finish(reading->whole))
		return false;
	alternative_follow(reading, 0);
	if (reading->count == 1 && reading->stray.length > 0) {
		reading->part.kind = MAIL_TEXT_PLAIN;
		reading->part.flow = MAIL_FLOW_FIXED;
		reading->part.has_charset = false;
		(void)reading_add(reading, &reading->stray);
	}
	if (reading->text.is_cut) {
		mail_text_shorten(
		    &reading->text, MAIL_READING_MAX - sizeof(CUT) - 1);
		mail_text_add_string(&reading->text, "\n" CUT);
	}
	return !reading_has_failed(reading);
}

const struct mail_text *
mail_reading_text(const struct mail_reading *reading)
{
	return &reading->text;
}
