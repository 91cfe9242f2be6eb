#include "daemon/store/mail/view.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/store/mail/page.h"
#include "lib/base/text.h"

/* Lists and quotations within each other that are shown. */
#define LISTS_MAX  8
#define QUOTES_MAX 8
/* Addresses below the text; newsletters have some dozens. */
#define LINKS_MAX 500

/* U+200C and U+200D in UTF-8. */
#define JOINER_LENGTH 3

struct list {
	bool is_ordered;
	unsigned next;
};

struct view {
	struct mail_text *to;
	size_t begin;      /* in `to`, of this page */
	unsigned gap;      /* line ends to write before what comes: 2 at most */
	bool has_space;    /* a blank, likewise */
	bool is_cell;      /* two blanks, likewise: another cell of a row */
	bool is_line_open; /* something stands in the line */
	bool needs_mark;   /* of the list's item */

	unsigned preformatted, quotes, depth;
	unsigned last_quotes; /* of the last line */
	struct list lists[LISTS_MAX];
	const char *joiner; /* that comes before the next letter; or NULL */
	size_t link_begin;  /* in `to`, of a link's text */
	const char *links[LINKS_MAX];
	unsigned link_count;
};

/* ---- what is written ---- */

static void
view_want(struct view *view, unsigned line_ends)
{
	if (mail_text_length(view->to) > view->begin && view->gap < line_ends)
		view->gap = line_ends;
	view->has_space = view->is_cell = false;
}

static void
view_write_quotes(struct view *view, unsigned quotes)
{
	for (unsigned i = 0; i < quotes && i < QUOTES_MAX; i++)
		mail_text_add(view->to, ">", 1);
}

/* End the last line, if there is one, and what is between it and the next. */
static void
view_write_gap(struct view *view)
{
	unsigned between =
	    view->quotes < view->last_quotes ? view->quotes : view->last_quotes;

	if (mail_text_length(view->to) == view->begin)
		return;
	mail_text_add(view->to, "\n", 1);
	if (view->gap < 2)
		return;
	view_write_quotes(view, between);
	mail_text_add(view->to, "\n", 1);
}

/* The innermost; those beyond the bound are one. */
static struct list *
view_list(struct view *view)
{
	return &view->lists[view->depth < LISTS_MAX ? view->depth - 1
						    : LISTS_MAX - 1];
}

static void
view_write_indent(struct view *view)
{
	const struct list *list = view_list(view);
	unsigned depth = view->depth < LISTS_MAX ? view->depth : LISTS_MAX;
	char mark[16];
	unsigned blanks;

	if (!view->needs_mark) {
		blanks = 2 * depth + list->is_ordered;
		for (unsigned i = 0; i < blanks; i++)
			mail_text_add(view->to, " ", 1);
		return;
	}
	for (unsigned i = 1; i < depth; i++)
		mail_text_add(view->to, "  ", 2);
	if (list->is_ordered)
		snprintf(mark, sizeof(mark), "%u. ", list->next);
	else
		snprintf(mark, sizeof(mark), "* ");
	mail_text_add_string(view->to, mark);
	view->needs_mark = false;
}

/* Something is about to be written. */
static void
view_open(struct view *view)
{
	bool is_blank_kept = view->is_line_open && view->gap == 0;

	if (is_blank_kept && (view->is_cell || view->has_space)) {
		mail_text_add_string(view->to, view->is_cell ? "  " : " ");
	} else if (!is_blank_kept) {
		view_write_gap(view);
		view->last_quotes = view->quotes;
		view_write_quotes(view, view->quotes);
		if (view->quotes > 0)
			mail_text_add(view->to, " ", 1);
		if (view->depth > 0)
			view_write_indent(view);
	}
	view->gap = 0;
	view->has_space = view->is_cell = false;
	view->is_line_open = true;
}

enum blank {
	BLANK_NONE = 0,
	BLANK_SPACE,
	BLANK_NOTHING, /* draws nothing; layouts are filled with them */
	BLANK_JOINER   /* some languages need it between letters */
};

static enum blank
view_blank(uint32_t character)
{
	if (character == ' ' || (character >= '\t' && character <= '\r') ||
	    character == 0xa0 || (character >= 0x2000 && character <= 0x200a))
		return BLANK_SPACE;
	if (character == 0x200c || character == 0x200d)
		return BLANK_JOINER;
	if (character == 0xad || character == 0x34f || character == 0x200b ||
	    character == 0xfeff)
		return BLANK_NOTHING;
	return BLANK_NONE;
}

static void
view_write_character(
    struct view *view, const char *bytes, size_t length, enum blank blank)
{
	bool is_at_begin =
	    !view->is_line_open || view->gap > 0 || view->has_space;

	if (blank == BLANK_JOINER) {
		/* One that joins nothing is another filler. */
		view->joiner = is_at_begin ? NULL : bytes;
		return;
	}
	if (blank == BLANK_SPACE) {
		view->has_space = true;
		view->joiner = NULL;
	}
	if (blank != BLANK_NONE)
		return;
	if (is_at_begin || view->is_cell)
		view_open(view);
	if (view->joiner != NULL)
		mail_text_add(view->to, view->joiner, JOINER_LENGTH);
	view->joiner = NULL;
	mail_text_add(view->to, bytes, length);
}

static void
view_write(struct view *view, const char *text)
{
	size_t length = strlen(text);

	while (length > 0 && !mail_text_is_full(view->to)) {
		uint32_t character;
		size_t used = evpop_text_decode(text, length, &character);

		if (used == 0)
			used = 1, character = (unsigned char)*text;
		if (view->preformatted > 0 && *text == '\n') {
			view->gap = mail_text_length(view->to) == view->begin
					? 0
				    : view->gap < 2 ? view->gap + 1
						    : 2;
		} else if (view->preformatted > 0 && *text == ' ') {
			if (view->gap > 0 || !view->is_line_open)
				view_open(view);
			mail_text_add(view->to, " ", 1);
		} else
			view_write_character(
			    view, text, used, view_blank(character));
		text += used;
		length -= used;
	}
}

/* ---- links ---- */

static bool
view_is_address(const char *address)
{
	static const char *const begins[] = { "http://", "https://",
		"mailto:", "ftp://", "tel:", "sms:", "xmpp:", "geo:" };

	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
		if (strncasecmp(address, begins[i], strlen(begins[i])) == 0)
			return true;
	return false;
}

/* Whether the text says the address already. */
static bool
view_is_said(const struct view *view, const char *address)
{
	const char *text = mail_text_at(view->to, view->link_begin);
	size_t length = mail_text_length(view->to) - view->link_begin;
	const char *colon = strchr(address, ':');
	const char *rest =
	    strncmp(colon, "://", 3) == 0 ? colon + 3 : colon + 1;
	size_t wanted = strlen(rest);

	while (length > 0 && *text == ' ') {
		text++;
		length--;
	}
	if (wanted > 0 && rest[wanted - 1] == '/')
		wanted--;
	if (length > 0 && text[length - 1] == '/')
		length--;
	return length >= wanted &&
	       memcmp(text + length - wanted, rest, wanted) == 0;
}

static unsigned
view_link_number(struct view *view, const char *address)
{
	for (unsigned i = 0; i < view->link_count; i++)
		if (strcmp(view->links[i], address) == 0)
			return i + 1;
	if (view->link_count == LINKS_MAX)
		return 0;
	view->links[view->link_count++] = address;
	return view->link_count;
}

static void
view_end_link(struct view *view, const GumboNode *node)
{
	const GumboAttribute *address =
	    gumbo_get_attribute(&node->v.element.attributes, "href");
	char mark[16];
	unsigned number;

	if (address == NULL || !view_is_address(address->value) ||
	    mail_text_length(view->to) <= view->link_begin ||
	    view_is_said(view, address->value))
		return;
	number = view_link_number(view, address->value);
	if (number == 0)
		return;
	snprintf(mark, sizeof(mark), " [%u]", number);
	mail_text_add_string(view->to, mark);
}

static void
view_write_links(void *arg)
{
	struct view *view = arg;
	char mark[16];

	view->quotes = view->depth = 0;
	for (unsigned i = 0; i < view->link_count; i++) {
		view_want(view, i == 0 ? 2 : 1);
		view_open(view);
		snprintf(mark, sizeof(mark), "[%u] ", i + 1);
		mail_text_add_string(view->to, mark);
		mail_text_add_string(view->to, view->links[i]);
	}
}

/* ---- elements ---- */

/* The line ends around an element; 0: it stands within a line. */
static unsigned
view_line_ends(GumboTag tag)
{
	static const GumboTag paragraphs[] = { GUMBO_TAG_P, GUMBO_TAG_H1,
		GUMBO_TAG_H2, GUMBO_TAG_H3, GUMBO_TAG_H4, GUMBO_TAG_H5,
		GUMBO_TAG_H6, GUMBO_TAG_BLOCKQUOTE, GUMBO_TAG_PRE,
		GUMBO_TAG_DL };
	static const GumboTag lines[] = { GUMBO_TAG_DIV, GUMBO_TAG_LI,
		GUMBO_TAG_TR, GUMBO_TAG_TABLE, GUMBO_TAG_UL, GUMBO_TAG_OL,
		GUMBO_TAG_SECTION, GUMBO_TAG_ARTICLE, GUMBO_TAG_HEADER,
		GUMBO_TAG_FOOTER, GUMBO_TAG_ADDRESS, GUMBO_TAG_DT, GUMBO_TAG_DD,
		GUMBO_TAG_FIGURE, GUMBO_TAG_FIGCAPTION, GUMBO_TAG_FORM,
		GUMBO_TAG_FIELDSET, GUMBO_TAG_CENTER, GUMBO_TAG_CAPTION,
		GUMBO_TAG_MAIN, GUMBO_TAG_NAV, GUMBO_TAG_HR };

	for (size_t i = 0; i < sizeof(paragraphs) / sizeof(paragraphs[0]); i++)
		if (paragraphs[i] == tag)
			return 2;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (lines[i] == tag)
			return 1;
	return 0;
}

static void
view_begin_list(struct view *view, GumboTag tag)
{
	view_want(view, view->depth == 0 ? 2 : 1);
	view->depth++;
	*view_list(view) = (struct list){ .is_ordered = tag == GUMBO_TAG_OL };
}

static void
view_begin_item(struct view *view)
{
	if (view->depth == 0)
		return;
	view_list(view)->next++;
	view->needs_mark = true;
}

static void
view_write_image(struct view *view, const GumboNode *node)
{
	const GumboAttribute *alternative =
	    gumbo_get_attribute(&node->v.element.attributes, "alt");

	if (alternative == NULL ||
	    alternative->value[strspn(alternative->value, " \t\r\n")] == '\0')
		return;
	view_write(view, "[");
	view_write(view, alternative->value);
	view->has_space = false;
	view_write(view, "]");
}

static void
view_begin_element(struct view *view, const GumboNode *node)
{
	GumboTag tag = node->v.element.tag;
	unsigned line_ends = view_line_ends(tag);

	if (line_ends > 0)
		view_want(view, line_ends);
	if (tag == GUMBO_TAG_BR) {
		if (mail_text_length(view->to) > view->begin && view->gap < 2)
			view->gap++;
	} else if (tag == GUMBO_TAG_HR) {
		view_write(view, "----");
	} else if (tag == GUMBO_TAG_TD || tag == GUMBO_TAG_TH) {
		view->is_cell = view->is_line_open && view->gap == 0;
	} else if (tag == GUMBO_TAG_UL || tag == GUMBO_TAG_OL) {
		view_begin_list(view, tag);
	} else if (tag == GUMBO_TAG_LI) {
		view_begin_item(view);
	} else if (tag == GUMBO_TAG_BLOCKQUOTE) {
		view->quotes++;
	} else if (tag == GUMBO_TAG_PRE) {
		view->preformatted++;
	} else if (tag == GUMBO_TAG_IMG) {
		view_write_image(view, node);
	} else if (tag == GUMBO_TAG_A)
		view->link_begin = mail_text_length(view->to);
}

static void
view_end_element(void *arg, const GumboNode *node)
{
	struct view *view = arg;
	GumboTag tag = node->v.element.tag;
	unsigned line_ends = view_line_ends(tag);

	if (tag == GUMBO_TAG_BLOCKQUOTE) {
		view->quotes--;
	} else if (tag == GUMBO_TAG_PRE) {
		view->preformatted--;
	} else if (tag == GUMBO_TAG_LI) {
		view->needs_mark = false;
	} else if ((tag == GUMBO_TAG_UL || tag == GUMBO_TAG_OL) &&
		   view->depth > 0) {
		line_ends = view->depth == 1 ? 2 : 1;
		view->depth--;
	} else if (tag == GUMBO_TAG_A)
		view_end_link(view, node);
	if (line_ends > 0)
		view_want(view, line_ends);
}

static void
view_begin_node(void *arg, const GumboNode *node)
{
	struct view *view = arg;

	if (node->type == GUMBO_NODE_ELEMENT)
		view_begin_element(view, node);
	else if (node->type == GUMBO_NODE_TEXT ||
		 node->type == GUMBO_NODE_WHITESPACE ||
		 node->type == GUMBO_NODE_CDATA)
		view_write(view, node->v.text.text);
}

void
mail_view_add(
    struct mail_text *to, const char *page, size_t length, size_t *left)
{
	static const struct mail_page_reader reader = {
		.links = MAIL_PAGE_LINKS,
		.skips_head = true,
		.begin = view_begin_node,
		.end = view_end_element,
		.finish = view_write_links,
	};
	struct view *view = calloc(1, sizeof(*view));

	if (view == NULL) {
		mail_text_fail(to, true);
		return;
	}
	view->to = to;
	view->begin = to->length;
	mail_page_read(to, page, length, left, &reader, view);
	free(view);
}
