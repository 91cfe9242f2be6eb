#include "daemon/store/mail/page.h"

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * The most that the parser may allocate for one page.  Wrongly nested markup
 * can make it repeat elements without end.
 */
#define MEMORY_MAX ((size_t)16 * 1024 * 1024)
#define BLOCK_SIZE ((size_t)256 * 1024)

/*
 * Elements within each other that are left; what opens another one beyond is
 * dropped, as is an end without a beginning.
 */
#define OPEN_MAX 64
/* The names of all elements that are nested are shorter. */
#define NAME_MAX_LENGTH 16
/*
 * An image with more attributes is none that a person has written; an address
 * that is longer is of no use to one.
 */
#define ATTRIBUTES_MAX ((size_t)2048)

/*
 * ---- markup ----
 *
 * It is reduced to what tells words apart, so that the parser has bounded work
 * with it: it looks through all open elements for a tag, and through all
 * attributes of a tag for another one.  Attributes go, but for those of images,
 * which may have a text; so do comments, scripts and styles, and tags that are
 * nested too deep.  Those of links stay where they are wanted.
 */

struct tag {
	char name[NAME_MAX_LENGTH + 1]; /* in lower case, cut */
	size_t name_length;
	size_t length; /* with its brackets */
	bool is_end;
};

/* Reads at `at`, and writes at `filled`, which is never beyond. */
struct reduction {
	char *page;
	size_t at, length, filled;
	enum mail_page_links links;
	char open[OPEN_MAX][NAME_MAX_LENGTH + 1];
	size_t depth;
};

static bool
page_is_one_of(const char *const *names, const char *name)
{
	for (; *names != NULL; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

/* These need no end, or have none, and do not nest by themselves. */
static bool
page_is_unclosed(const char *name)
{
	static const char *const names[] = { "area", "base", "br", "col",
		"colgroup", "dd", "dt", "embed", "hr", "img", "input", "li",
		"link", "meta", "option", "p", "param", "source", "tbody", "td",
		"tfoot", "th", "thead", "tr", "wbr", NULL };

	return page_is_one_of(names, name);
}

static bool
page_is_unseen(const char *name)
{
	static const char *const names[] = { "script", "style", NULL };

	return page_is_one_of(names, name);
}

/*
 * The place of the innermost element of that name; the depth where there is
 * none.
 */
static size_t
page_find_open(const struct reduction *reduction, const char *name)
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
page_follow(struct reduction *reduction, const struct tag *tag)
{
	size_t place;

	if (page_is_unclosed(tag->name))
		return true;
	if (!tag->is_end) {
		if (reduction->depth == OPEN_MAX)
			return false;
		strcpy(reduction->open[reduction->depth++], tag->name);
		return true;
	}
	place = page_find_open(reduction, tag->name);
	if (place == reduction->depth)
		return false;
	reduction->depth--;
	memmove(reduction->open[place], reduction->open[place + 1],
	    (reduction->depth - place) * sizeof(reduction->open[0]));
	return true;
}

static bool
page_is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
page_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

/* The end of the attributes: a quoted value may hold brackets. */
static const char *
page_find_close(const char *at, const char *end)
{
	while (at < end && *at != '>') {
		const char *quote;

		if (*at++ != '=')
			continue;
		while (at < end && page_is_blank(*at))
			at++;
		if (at == end || (*at != '"' && *at != '\''))
			continue;
		quote = memchr(at + 1, *at, (size_t)(end - at - 1));
		at = quote == NULL ? end : quote + 1;
	}
	return at < end ? at + 1 : end;
}

static bool
page_read_tag(const struct reduction *reduction, struct tag *tag_r)
{
	const char *begin = reduction->page + reduction->at;
	const char *end = reduction->page + reduction->length;
	const char *at = begin + 1;

	tag_r->is_end = at < end && *at == '/';
	at += tag_r->is_end;
	if (at == end || !page_is_letter(*at))
		return false;
	tag_r->name_length = 0;
	for (; at < end && !page_is_blank(*at) && *at != '/' && *at != '>';
	     at++) {
		char c = *at;

		if (tag_r->name_length == NAME_MAX_LENGTH)
			continue;
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		tag_r->name[tag_r->name_length++] = c;
	}
	tag_r->name[tag_r->name_length] = '\0';
	tag_r->length = (size_t)(page_find_close(at, end) - begin);
	return true;
}

static void
page_write(struct reduction *reduction, const char *bytes, size_t length)
{
	memmove(reduction->page + reduction->filled, bytes, length);
	reduction->filled += length;
}

static bool
page_keeps_attributes(const struct reduction *reduction, const struct tag *tag)
{
	return tag->length <= ATTRIBUTES_MAX &&
	       (strcmp(tag->name, "img") == 0 ||
		   (reduction->links == MAIL_PAGE_LINKS &&
		       strcmp(tag->name, "a") == 0));
}

static void
page_write_tag(struct reduction *reduction, const struct tag *tag)
{
	const char *begin = reduction->page + reduction->at;

	if (page_keeps_attributes(reduction, tag)) {
		page_write(reduction, begin, tag->length);
		return;
	}
	page_write(reduction, tag->is_end ? "</" : "<", tag->is_end ? 2 : 1);
	page_write(reduction, tag->name, tag->name_length);
	page_write(reduction, ">", 1);
}

/* Up to and with these words, or all that is left. */
static void
page_skip_to(struct reduction *reduction, const char *words)
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

/* Unseen text becomes a blank: it may stand between two words. */
static void
page_skip_unseen(struct reduction *reduction, const struct tag *tag)
{
	reduction->at += tag->length;
	page_skip_to(reduction,
	    strcmp(tag->name, "style") == 0 ? "</style" : "</script");
	page_skip_to(reduction, ">");
	page_write(reduction, " ", 1);
}

static void
page_take_tag(struct reduction *reduction, const struct tag *tag)
{
	if (!tag->is_end && page_is_unseen(tag->name)) {
		page_skip_unseen(reduction, tag);
		return;
	}
	if (reduction->at + tag->length == reduction->length &&
	    reduction->page[reduction->length - 1] != '>') {
		/* It never ends. */
		reduction->at = reduction->length;
		return;
	}
	if (page_follow(reduction, tag))
		page_write_tag(reduction, tag);
	reduction->at += tag->length;
}

static void
page_take(struct reduction *reduction)
{
	const char *at = reduction->page + reduction->at;
	size_t left = reduction->length - reduction->at;
	struct tag tag;

	if (left >= 4 && memcmp(at, "<!--", 4) == 0)
		page_skip_to(reduction, "-->");
	else if (page_read_tag(reduction, &tag))
		page_take_tag(reduction, &tag);
	else {
		page_write(reduction, at, 1);
		reduction->at++;
	}
}

/* In place; returns the new length, which is never more. */
static size_t
page_reduce(char *page, size_t length, enum mail_page_links links)
{
	struct reduction reduction = {
		.page = page, .length = length, .links = links
	};

	while (reduction.at < length) {
		const char *at = page + reduction.at;
		const char *open = memchr(at, '<', length - reduction.at);
		size_t before =
		    open == NULL ? length - reduction.at : (size_t)(open - at);

		page_write(&reduction, at, before);
		reduction.at += before;
		if (open != NULL)
			page_take(&reduction);
	}
	return reduction.filled;
}

/* ---- memory ---- */

struct block {
	struct block *next;
	size_t used, size;
	max_align_t bytes[];
};

/* All of a page is freed at once, without a walk through its tree. */
struct memory {
	struct block *blocks;
	size_t total;
	jmp_buf exhausted;
};

static void *
page_allocate(void *arg, size_t size)
{
	struct memory *memory = arg;
	struct block *block = memory->blocks;
	void *taken;

	size = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
	if (block == NULL || block->size - block->used < size) {
		size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;

		block = memory->total + room > MEMORY_MAX
			    ? NULL
			    : malloc(sizeof(*block) + room);
		if (block == NULL)
			longjmp(memory->exhausted, 1);
		memory->total += room;
		block->next = memory->blocks;
		block->used = 0;
		block->size = room;
		memory->blocks = block;
	}
	taken = (char *)block->bytes + block->used;
	block->used += size;
	return taken;
}

static void
page_deallocate(void *arg, void *taken)
{
	(void)arg;
	(void)taken;
}

static void
page_free_all(struct memory *memory)
{
	while (memory->blocks != NULL) {
		struct block *next = memory->blocks->next;

		free(memory->blocks);
		memory->blocks = next;
	}
	memory->total = 0;
}

/* ---- reading ---- */

static bool
page_is_seen(const struct mail_page_reader *reader, GumboTag tag)
{
	return tag != GUMBO_TAG_SCRIPT && tag != GUMBO_TAG_STYLE &&
	       tag != GUMBO_TAG_TEMPLATE &&
	       (tag != GUMBO_TAG_HEAD || !reader->skips_head);
}

static const GumboNode *
page_child(
    const struct mail_page_reader *reader, const GumboNode *node, size_t index)
{
	const GumboVector *children = &node->v.element.children;

	if (node->type != GUMBO_NODE_ELEMENT ||
	    !page_is_seen(reader, node->v.element.tag))
		return NULL;
	return index < children->length ? children->data[index] : NULL;
}

/* Without recursion: the way back is in the tree. */
static void
page_walk(const struct mail_text *to, const GumboNode *root,
    const struct mail_page_reader *reader, void *arg)
{
	const GumboNode *node = root;

	reader->begin(arg, node);
	while (!mail_text_is_full(to)) {
		const GumboNode *next = page_child(reader, node, 0);

		while (next == NULL) {
			if (node->type == GUMBO_NODE_ELEMENT)
				reader->end(arg, node);
			if (node == root) {
				if (reader->finish != NULL)
					reader->finish(arg);
				return;
			}
			next = page_child(reader, node->parent,
			    node->index_within_parent + 1);
			if (next == NULL)
				node = node->parent;
		}
		node = next;
		reader->begin(arg, node);
	}
}

/* NULL where it takes more memory than there is. */
static const GumboNode *
page_parse(const char *page, size_t length, struct memory *memory)
{
	GumboOptions options = kGumboDefaultOptions;

	options.allocator = page_allocate;
	options.deallocator = page_deallocate;
	options.userdata = memory;
	options.max_errors = 0;
	if (setjmp(memory->exhausted) != 0)
		return NULL;
	return gumbo_parse_with_options(&options, page, length)->root;
}

void
mail_page_read(struct mail_text *to, const char *page, size_t length,
    size_t *left, const struct mail_page_reader *reader, void *arg)
{
	struct memory memory = { .blocks = NULL };
	const GumboNode *root;
	char *copy;

	copy = malloc(length + 1);
	if (copy == NULL) {
		mail_text_fail(to, true);
		return;
	}
	memcpy(copy, page, length);
	length = page_reduce(copy, length, reader->links);
	if (length > *left) {
		length = *left;
		mail_text_cut(to);
	}
	*left -= length;
	while ((root = page_parse(copy, length, &memory)) == NULL) {
		page_free_all(&memory);
		mail_text_cut(to);
		length /= 4;
	}
	page_walk(to, root, reader, arg);
	page_free_all(&memory);
	free(copy);
}
