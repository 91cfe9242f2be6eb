/* The reader of the format: line by line, and the first fault ends it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/dialog/dialog.h"

/* Where the reader is. */
struct reader {
	struct dialog_file *file;
	struct dialog_error *error;
	struct dialog *dialog; /* the last one, or NULL before the first */
	const char *rest;      /* of the line, behind its keyword */
	size_t rest_length;
	unsigned line;
	size_t octets; /* said so far in this file */
	bool lf_only;  /* lines of the server */
	size_t any;    /* the index of the open set, and how many groups */
	size_t groups; /* it has so far */
	bool inside_any;
};

static bool wrong(struct reader *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool
wrong(struct reader *reader, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(reader->error->text, sizeof reader->error->text, format, ap);
	va_end(ap);
	reader->error->line = reader->line;
	return false;
}

static bool
is(const char *word, size_t length, const char *name)
{
	return strlen(name) == length && memcmp(name, word, length) == 0;
}

/* An array with room for one more, zeroed. */
static void *
grow(void *array, size_t count, size_t size)
{
	char *grown = array;

	/* By doubling at each power of two. */
	if ((count & (count - 1)) == 0) {
		grown = reallocarray(array, count == 0 ? 1 : count * 2, size);
		if (grown == NULL)
			abort();
	}
	memset(grown + count * size, 0, size);
	return grown;
}

#define APPEND(array, count) \
	((array) = grow((array), (count), sizeof *(array)), &(array)[(count)++])

static char *
copy_text(const char *text, size_t length)
{
	char *copy = strndup(text, length);

	if (copy == NULL)
		abort();
	return copy;
}

/* ---- lines of the exchange ---- */

static struct dialog_item *
new_item(struct reader *reader, enum dialog_item_type type)
{
	struct dialog_item *item =
	    APPEND(reader->dialog->items, reader->dialog->item_count);

	item->type = type;
	item->line = reader->line;
	return item;
}

static struct dialog_item *
last_item(struct reader *reader)
{
	struct dialog *dialog = reader->dialog;

	return dialog->item_count == 0 ? NULL
				       : &dialog->items[dialog->item_count - 1];
}

static bool
unescape(struct reader *reader, struct octets *octets, unsigned long counter)
{
	const char *why =
	    octets_unescape(octets, reader->rest, reader->rest_length, counter);

	return why == NULL || wrong(reader, "%s", why);
}

/* "S: ", "S~ " and "S*9: " or "S*9~ ": `how` is what follows the S. */
static bool
take_say(struct reader *reader, const char *how, size_t how_length)
{
	struct dialog_item *item;
	unsigned long repeats = 1, i;
	size_t before;
	bool line_end;

	if (how_length == 0 ||
	    (how[how_length - 1] != ':' && how[how_length - 1] != '~'))
		return wrong(reader, "S: or S~ is expected");
	line_end = how[--how_length] == ':';
	if (how_length > 0) {
		if (how[0] != '*' || how_length < 2 || how_length > 8)
			return wrong(reader, "S*NUMBER: is expected");
		repeats = 0;
		for (i = 1; i < how_length; i++) {
			if (how[i] < '0' || how[i] > '9')
				return wrong(reader, "S*NUMBER: is expected");
			repeats = repeats * 10 + (unsigned long)(how[i] - '0');
		}
	}
	/* What is said without a pause between is said at once. */
	item = last_item(reader);
	if (item == NULL || item->type != DIALOG_SAY)
		item = new_item(reader, DIALOG_SAY);
	before = item->octets.length;
	for (i = 1; i <= repeats; i++) {
		if (!unescape(reader, &item->octets, i))
			return false;
		if (line_end)
			octets_add_text(
			    &item->octets, reader->lf_only ? "\n" : "\r\n");
		if (reader->octets + item->octets.length - before >
		    DIALOG_OCTETS_MAX)
			return wrong(reader, "the server says too much");
	}
	reader->octets += item->octets.length - before;
	return true;
}

/* "C: ", "C~ " (it begins so), "C?: " (may be absent), "C+: " (together). */
static bool
take_hear(struct reader *reader, const char *how, size_t how_length)
{
	struct dialog_item *item;
	bool optional = how_length == 2 && how[0] == '?';
	bool together = how_length == 2 && how[0] == '+';

	if (how_length == 0 || (how_length > 1 && !optional && !together) ||
	    (how[how_length - 1] != ':' && how[how_length - 1] != '~'))
		return wrong(reader, "C: or C~, C?: or C+: is expected");
	if (reader->inside_any) {
		if (optional || together)
			return wrong(reader, "in a set lines are plain");
		if (++reader->groups > DIALOG_GROUPS)
			return wrong(reader, "more than %d groups in a set",
			    DIALOG_GROUPS);
	}
	item = last_item(reader);
	if (together && (item == NULL || item->type != DIALOG_HEAR))
		return wrong(reader, "C+: follows a line of the client");
	item = new_item(reader, DIALOG_HEAR);
	item->optional = optional;
	item->together = together;
	item->prefix = how[how_length - 1] == '~';
	return unescape(reader, &item->octets, 0);
}

static bool
take_sleep(struct reader *reader)
{
	struct dialog_item *item;
	size_t i, digits = 0;
	unsigned ms = 0;

	for (i = 0; i < reader->rest_length && reader->rest[i] >= '0' &&
		    reader->rest[i] <= '9' && digits < 5;
	     i++, digits++)
		ms = ms * 10 + (unsigned)(reader->rest[i] - '0');
	if (digits == 0 || reader->rest_length - i != 2 ||
	    memcmp(reader->rest + i, "ms", 2) != 0)
		return wrong(reader, "a time such as 50ms is expected");
	item = new_item(reader, DIALOG_SLEEP);
	item->number = ms;
	return true;
}

static bool
take_eol(struct reader *reader)
{
	if (reader->rest_length == 2 && memcmp(reader->rest, "lf", 2) == 0)
		reader->lf_only = true;
	else if (reader->rest_length == 4 &&
		 memcmp(reader->rest, "crlf", 4) == 0)
		reader->lf_only = false;
	else
		return wrong(reader, "lf or crlf is expected");
	return true;
}

static bool
open_any(struct reader *reader)
{
	if (reader->inside_any)
		return wrong(reader, "a set inside of a set");
	if (reader->rest_length != 1 || reader->rest[0] != '{')
		return wrong(reader, "any { is expected");
	reader->any = reader->dialog->item_count;
	reader->groups = 0;
	reader->inside_any = true;
	new_item(reader, DIALOG_ANY);
	return true;
}

static bool
close_any(struct reader *reader)
{
	struct dialog *dialog = reader->dialog;

	if (!reader->inside_any)
		return wrong(reader, "} without any {");
	if (dialog->items[dialog->item_count - 1].type == DIALOG_ANY)
		return wrong(reader, "a set of nothing");
	if (dialog->items[reader->any + 1].type != DIALOG_HEAR)
		return wrong(reader, "a set begins with a line of the client");
	dialog->items[reader->any].number = dialog->item_count;
	reader->inside_any = false;
	new_item(reader, DIALOG_ANY_END);
	return true;
}

/* ---- what stands for many lines ---- */

/* A log-in that tells nothing new, which most dialogs begin with. */
static const char *const opening[] = { "S+OK ready", "CCAPA",
	"S-ERR what is that?", "CUSER anna", "S+OK", "CPASS secret", "S+OK in",
	NULL };
static const char *const closing[] = { "CQUIT", "S+OK bye", NULL };

static bool
take_macro(struct reader *reader, const char *const *lines)
{
	bool well = true;

	if (reader->rest_length > 0)
		return wrong(reader, "nothing may follow");
	for (; well && *lines != NULL; lines++) {
		reader->rest = *lines + 1;
		reader->rest_length = strlen(reader->rest);
		well = **lines == 'S' ? take_say(reader, ":", 1)
				      : take_hear(reader, ":", 1);
	}
	return well;
}

/* ---- lines about the dialog ---- */

static bool
finish(struct reader *reader)
{
	struct dialog *dialog = reader->dialog;

	if (dialog == NULL)
		return true;
	if (reader->inside_any)
		return wrong(reader, "any { without }");
	if (dialog->shows == NULL)
		return wrong(
		    reader, "%s does not say what it shows", dialog->name);
	if (dialog->step_count == 0)
		return wrong(reader, "%s does nothing", dialog->name);
	return true;
}

static bool
begin_dialog(struct reader *reader)
{
	size_t i;

	if (!finish(reader))
		return false;
	if (reader->rest_length == 0 ||
	    memchr(reader->rest, ' ', reader->rest_length) != NULL)
		return wrong(reader, "a name of one word is expected");
	for (i = 0; i < reader->file->count; i++)
		if (strlen(reader->file->dialogs[i].name) ==
			reader->rest_length &&
		    memcmp(reader->file->dialogs[i].name, reader->rest,
			reader->rest_length) == 0)
			return wrong(reader, "a second dialog of this name");
	reader->dialog = APPEND(reader->file->dialogs, reader->file->count);
	reader->dialog->name = copy_text(reader->rest, reader->rest_length);
	reader->dialog->line = reader->line;
	reader->lf_only = false;
	return true;
}

static bool
take_shows(struct reader *reader)
{
	if (reader->dialog->shows != NULL)
		return wrong(reader, "it shows two things");
	if (reader->rest_length == 0)
		return wrong(reader, "a sentence is expected");
	reader->dialog->shows = copy_text(reader->rest, reader->rest_length);
	return true;
}

/* The next word of the rest of the line; false at its end. */
static bool
next_word(struct reader *reader, const char **word, size_t *length)
{
	const char *end;

	while (reader->rest_length > 0 && *reader->rest == ' ') {
		reader->rest++;
		reader->rest_length--;
	}
	if (reader->rest_length == 0)
		return false;
	*word = reader->rest;
	end = memchr(reader->rest, ' ', reader->rest_length);
	*length =
	    end == NULL ? reader->rest_length : (size_t)(end - reader->rest);
	reader->rest += *length;
	reader->rest_length -= *length;
	return true;
}

static bool
take_settings(struct reader *reader)
{
	const char *word, *why;
	size_t length;

	while (next_word(reader, &word, &length)) {
		why = settings_take(&reader->dialog->settings, word, length);
		if (why != NULL)
			return wrong(reader, "%.*s: %s",
			    length < 60 ? (int)length : 60, word, why);
	}
	return true;
}

/* "=7" or "=7,20" behind a verb. */
static bool
take_numbers(const char *text, size_t length, struct dialog_step *step)
{
	unsigned *number = &step->number;
	size_t i, digits = 0;

	for (i = 0; i < length; i++) {
		if (text[i] == ',' && number == &step->number && digits > 0) {
			number = &step->lines;
			digits = 0;
			continue;
		}
		if (text[i] < '0' || text[i] > '9' || ++digits > 9)
			return false;
		*number = *number * 10 + (unsigned)(text[i] - '0');
	}
	return digits > 0;
}

static bool
take_step(struct reader *reader, const char *word, size_t length)
{
	const char *equals = memchr(word, '=', length);
	size_t verb_length = equals == NULL ? length : (size_t)(equals - word);
	struct dialog_step step = { .verb = 0 };

	for (; step.verb < DIALOG_VERB_COUNT; step.verb++)
		if (is(word, verb_length, dialog_verb_name(step.verb)))
			break;
	if (step.verb == DIALOG_VERB_COUNT)
		return wrong(reader, "unknown: %.*s",
		    length < 60 ? (int)length : 60, word);
	if (equals != NULL &&
	    !take_numbers(equals + 1, length - verb_length - 1, &step))
		return wrong(reader, "NUMBER or NUMBER,NUMBER is expected");
	if (step.number == 0 &&
	    (step.verb == DIALOG_RETR || step.verb == DIALOG_TOP ||
		step.verb == DIALOG_DELE))
		return wrong(reader, "the number of a message is expected");
	*APPEND(reader->dialog->steps, reader->dialog->step_count) = step;
	return true;
}

static bool
take_steps(struct reader *reader)
{
	const char *word;
	size_t length;

	while (next_word(reader, &word, &length))
		if (!take_step(reader, word, length))
			return false;
	return true;
}

static bool
take_known(struct reader *reader)
{
	static const char *const states[] = { "stored", "delete", "seen",
		"deleted", "gone", "waiting" };
	struct dialog_known *known;
	const char *word;
	size_t length, i;

	if (!next_word(reader, &word, &length) || reader->rest_length < 2)
		return wrong(reader, "a state and an id are expected");
	for (i = 0; i < sizeof states / sizeof states[0]; i++)
		if (is(word, length, states[i]))
			break;
	if (i == sizeof states / sizeof states[0])
		return wrong(reader, "no state: %.*s",
		    length < 60 ? (int)length : 60, word);
	known = APPEND(reader->dialog->known, reader->dialog->known_count);
	known->state = copy_text(word, length);
	reader->rest++;
	reader->rest_length--;
	return unescape(reader, &known->id, 0);
}

/* "as 120" or "as 120 HEADER" behind "known": what is known of it. */
static bool
take_as(struct reader *reader)
{
	struct dialog *dialog = reader->dialog;
	struct dialog_step size = { .number = 0 };
	struct dialog_known *known;
	const char *word;
	size_t length;

	if (dialog->known_count == 0 ||
	    dialog->known[dialog->known_count - 1].octets != 0)
		return wrong(reader, "it follows what is known");
	if (!next_word(reader, &word, &length) ||
	    memchr(word, ',', length) != NULL ||
	    !take_numbers(word, length, &size) || size.number == 0)
		return wrong(reader, "octets are expected");
	known = &dialog->known[dialog->known_count - 1];
	known->octets = size.number;
	known->has_header = reader->rest_length > 0;
	reader->rest += known->has_header;
	reader->rest_length -= known->has_header;
	return unescape(reader, &known->header, 0);
}

static bool
take_line_text(struct reader *reader, char ***lines, size_t *count)
{
	if (reader->rest_length == 0)
		return wrong(reader, "a text is expected");
	*APPEND(*lines, *count) = copy_text(reader->rest, reader->rest_length);
	return true;
}

static bool
take_never(struct reader *reader, struct octets **octets, size_t *count)
{
	if (reader->rest_length == 0)
		return wrong(reader, "a text is expected");
	return unescape(reader, APPEND(*octets, *count), 0);
}

/* ---- the file ---- */

/* A keyword that stands alone and makes an item. */
static bool
take_lone_item(
    struct reader *reader, const char *word, size_t length, bool *taken)
{
	static const struct {
		const char *name;
		enum dialog_item_type type;
	} lone[] = {
		{ "eof", DIALOG_EOF },
		{ "rst", DIALOG_RST },
		{ "tls", DIALOG_TLS },
		{ "next", DIALOG_NEXT },
		{ "ignore", DIALOG_IGNORE },
	};
	size_t i;

	*taken = false;
	for (i = 0; i < sizeof lone / sizeof lone[0]; i++) {
		if (!is(word, length, lone[i].name))
			continue;
		*taken = true;
		if (reader->rest_length > 0)
			return wrong(reader, "nothing may follow");
		new_item(reader, lone[i].type);
	}
	return true;
}

static bool
take_keyword(struct reader *reader, const char *word, size_t length)
{
	static const struct {
		const char *name;
		bool (*take)(struct reader *);
	} plain[] = { { "shows", take_shows }, { "set", take_settings },
		{ "do", take_steps }, { "known", take_known },
		{ "as", take_as }, { "sleep", take_sleep }, { "eol", take_eol },
		{ "any", open_any }, { "}", close_any } };
	struct dialog *dialog = reader->dialog;
	bool taken;
	size_t i;

	if (is(word, length, "dialog"))
		return begin_dialog(reader);
	if (dialog == NULL)
		return wrong(reader, "dialog NAME is expected");
	for (i = 0; i < sizeof plain / sizeof plain[0]; i++)
		if (is(word, length, plain[i].name))
			return plain[i].take(reader);
	if (is(word, length, "="))
		return take_line_text(
		    reader, &dialog->outcomes, &dialog->outcome_count);
	if (is(word, length, "traced"))
		return take_line_text(
		    reader, &dialog->traced, &dialog->traced_count);
	if (is(word, length, "never"))
		return take_never(reader, &dialog->never, &dialog->never_count);
	if (is(word, length, "never-clear"))
		return take_never(
		    reader, &dialog->never_clear, &dialog->never_clear_count);
	if (is(word, length, "opening"))
		return take_macro(reader, opening);
	if (is(word, length, "closing"))
		return take_macro(reader, closing);
	if (!take_lone_item(reader, word, length, &taken))
		return false;
	return taken || wrong(reader, "unknown keyword: %.*s",
			    length < 60 ? (int)length : 60, word);
}

static bool
take_line(struct reader *reader, const char *line, size_t length)
{
	const char *end;
	size_t word_length;

	if (length == 0 || line[0] == '#')
		return true;
	end = memchr(line, ' ', length);
	word_length = end == NULL ? length : (size_t)(end - line);
	if (word_length == 0)
		return wrong(
		    reader, "a keyword stands at the line's beginning");
	reader->rest = end == NULL ? line + length : end + 1;
	reader->rest_length = end == NULL ? 0 : length - word_length - 1;
	if (line[0] != 'S' && line[0] != 'C')
		return take_keyword(reader, line, word_length);
	if (reader->dialog == NULL)
		return wrong(reader, "dialog NAME is expected");
	return line[0] == 'S' ? take_say(reader, line + 1, word_length - 1)
			      : take_hear(reader, line + 1, word_length - 1);
}

struct dialog_file *
dialog_parse(const char *text, size_t length, struct dialog_error *error)
{
	struct reader reader = { .error = error };
	const char *at = text, *end;
	size_t left = length, line_length;
	bool well = true;

	memset(error, 0, sizeof *error);
	reader.file = calloc(1, sizeof *reader.file);
	if (reader.file == NULL)
		abort();
	while (well && left > 0) {
		reader.line++;
		end = memchr(at, '\n', left);
		line_length = end == NULL ? left : (size_t)(end - at);
		if (memchr(at, '\0', line_length) != NULL)
			well = wrong(&reader, "a NUL");
		else
			well = take_line(&reader, at, line_length);
		at += line_length + (end != NULL);
		left -= line_length + (end != NULL);
	}
	well = well && finish(&reader);
	if (well && reader.file->count == 0)
		well = wrong(&reader, "no dialog");
	if (well)
		return reader.file;
	dialog_file_free(reader.file);
	return NULL;
}
