#include "daemon/store/mail/markup.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* The names of all elements that are nested are shorter. */
#define NAME_MAX_LENGTH 16
/* An image with more attributes is none that a person has written. */
#define IMAGE_MAX ((size_t)2048)

struct tag {
	char name[NAME_MAX_LENGTH + 1]; /* in lower case, cut */
	size_t name_length;
	size_t length; /* with its brackets */
	bool is_end;
};

/* What is read at `at`, and written at `filled`, which is never beyond. */
struct reduction {
	char *page;
	size_t at, length, filled;
	char open[MAIL_MARKUP_DEPTH][NAME_MAX_LENGTH + 1];
	size_t depth;
};

/* ---- elements ---- */

static bool
markup_is_one_of(const char *const *names, const char *name)
{
	for (; *names != NULL; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

/* These need no end, or have none, and do not nest by themselves. */
static bool
markup_is_unclosed(const char *name)
{
	static const char *const names[] = { "area", "base", "br", "col",
		"colgroup", "dd", "dt", "embed", "hr", "img", "input", "li",
		"link", "meta", "option", "p", "param", "source", "tbody", "td",
		"tfoot", "th", "thead", "tr", "wbr", NULL };

	return markup_is_one_of(names, name);
}

static bool
markup_is_unseen(const char *name)
{
	static const char *const names[] = { "script", "style", NULL };

	return markup_is_one_of(names, name);
}

/* Where the innermost of that name stands; the depth where there is none. */
static size_t
markup_find_open(const struct reduction *reduction, const char *name)
{
	for (size_t i = reduction->depth; i-- > 0;)
		if (strcmp(reduction->open[i], name) == 0)
			return i;
	return reduction->depth;
}

/*
 * Whether the tag may stay.  One that ends beside the order only takes its own
 * beginning away: the parser opens the others again.
 */
static bool
markup_follow(struct reduction *reduction, const struct tag *tag)
{
	size_t place;

	if (markup_is_unclosed(tag->name))
		return true;
	if (!tag->is_end) {
		if (reduction->depth == MAIL_MARKUP_DEPTH)
			return false;
		strcpy(reduction->open[reduction->depth++], tag->name);
		return true;
	}
	place = markup_find_open(reduction, tag->name);
	if (place == reduction->depth)
		return false;
	reduction->depth--;
	memmove(reduction->open[place], reduction->open[place + 1],
	    (reduction->depth - place) * sizeof(reduction->open[0]));
	return true;
}

/* ---- tags ---- */

static bool
markup_is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
markup_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

/* Behind the attributes: quotes hold brackets, where a value begins so. */
static const char *
markup_find_close(const char *at, const char *end)
{
	while (at < end && *at != '>') {
		const char *quote;

		if (*at++ != '=')
			continue;
		while (at < end && markup_is_blank(*at))
			at++;
		if (at == end || (*at != '"' && *at != '\''))
			continue;
		quote = memchr(at + 1, *at, (size_t)(end - at - 1));
		at = quote == NULL ? end : quote + 1;
	}
	return at < end ? at + 1 : end;
}

static bool
markup_read_tag(const struct reduction *reduction, struct tag *tag_r)
{
	const char *begin = reduction->page + reduction->at;
	const char *end = reduction->page + reduction->length;
	const char *at = begin + 1;

	tag_r->is_end = at < end && *at == '/';
	at += tag_r->is_end;
	if (at == end || !markup_is_letter(*at))
		return false;
	tag_r->name_length = 0;
	for (; at < end && !markup_is_blank(*at) && *at != '/' && *at != '>';
	     at++) {
		char c = *at;

		if (tag_r->name_length == NAME_MAX_LENGTH)
			continue;
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		tag_r->name[tag_r->name_length++] = c;
	}
	tag_r->name[tag_r->name_length] = '\0';
	tag_r->length = (size_t)(markup_find_close(at, end) - begin);
	return true;
}

static void
markup_write(struct reduction *reduction, const char *bytes, size_t length)
{
	memmove(reduction->page + reduction->filled, bytes, length);
	reduction->filled += length;
}

static void
markup_write_tag(struct reduction *reduction, const struct tag *tag)
{
	const char *begin = reduction->page + reduction->at;

	if (strcmp(tag->name, "img") == 0 && tag->length <= IMAGE_MAX) {
		markup_write(reduction, begin, tag->length);
		return;
	}
	markup_write(reduction, tag->is_end ? "</" : "<", tag->is_end ? 2 : 1);
	markup_write(reduction, tag->name, tag->name_length);
	markup_write(reduction, ">", 1);
}

/* Up to and with these words, or all that is left. */
static void
markup_skip_to(struct reduction *reduction, const char *words)
{
	const char *end = reduction->page + reduction->length;
	const char *at = reduction->page + reduction->at;
	size_t length = strlen(words);

	while ((at = memchr(at, *words, (size_t)(end - at))) != NULL) {
		if ((size_t)(end - at) >= length &&
		    strncasecmp(at, words, length) == 0) {
			reduction->at = (size_t)(at - reduction->page) + length;
			return;
		}
		at++;
	}
	reduction->at = reduction->length;
}

/* What cannot be seen is a blank: it may stand between two words. */
static void
markup_skip_unseen(struct reduction *reduction, const struct tag *tag)
{
	reduction->at += tag->length;
	markup_skip_to(reduction,
	    strcmp(tag->name, "style") == 0 ? "</style" : "</script");
	markup_skip_to(reduction, ">");
	markup_write(reduction, " ", 1);
}

static void
markup_take_tag(struct reduction *reduction, const struct tag *tag)
{
	if (!tag->is_end && markup_is_unseen(tag->name)) {
		markup_skip_unseen(reduction, tag);
		return;
	}
	if (reduction->at + tag->length == reduction->length &&
	    reduction->page[reduction->length - 1] != '>') {
		/* It never ends. */
		reduction->at = reduction->length;
		return;
	}
	if (markup_follow(reduction, tag))
		markup_write_tag(reduction, tag);
	reduction->at += tag->length;
}

static void
markup_take(struct reduction *reduction)
{
	const char *at = reduction->page + reduction->at;
	size_t left = reduction->length - reduction->at;
	struct tag tag;

	if (left >= 4 && memcmp(at, "<!--", 4) == 0)
		markup_skip_to(reduction, "-->");
	else if (markup_read_tag(reduction, &tag))
		markup_take_tag(reduction, &tag);
	else {
		markup_write(reduction, at, 1);
		reduction->at++;
	}
}

size_t
mail_markup_reduce(char *page, size_t length)
{
	struct reduction reduction = { .page = page, .length = length };

	while (reduction.at < length) {
		const char *at = page + reduction.at;
		const char *open = memchr(at, '<', length - reduction.at);
		size_t before =
		    open == NULL ? length - reduction.at : (size_t)(open - at);

		markup_write(&reduction, at, before);
		reduction.at += before;
		if (open != NULL)
			markup_take(&reduction);
	}
	return reduction.filled;
}
