#include "daemon/store/mail/html.h"

#include <gumbo.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/mail/markup.h"

/*
 * What the parser may allocate for one page.  Markup that is nested wrongly
 * can make it repeat elements without end.
 */
#define MEMORY_MAX ((size_t)16 * 1024 * 1024)
#define BLOCK_SIZE ((size_t)256 * 1024)

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
html_allocate(void *arg, size_t size)
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
html_deallocate(void *arg, void *taken)
{
	(void)arg;
	(void)taken;
}

static void
html_free_all(struct memory *memory)
{
	while (memory->blocks != NULL) {
		struct block *next = memory->blocks->next;

		free(memory->blocks);
		memory->blocks = next;
	}
	memory->total = 0;
}

/* ---- text ---- */

static bool
html_is_unseen(GumboTag tag)
{
	return tag == GUMBO_TAG_SCRIPT || tag == GUMBO_TAG_STYLE ||
	       tag == GUMBO_TAG_TEMPLATE;
}

/* Elements within a line, and those nobody knows; any other divides words. */
static bool
html_is_inline(GumboTag tag)
{
	static const GumboTag tags[] = { GUMBO_TAG_A, GUMBO_TAG_ABBR,
		GUMBO_TAG_ACRONYM, GUMBO_TAG_B, GUMBO_TAG_BDI, GUMBO_TAG_BDO,
		GUMBO_TAG_BIG, GUMBO_TAG_CITE, GUMBO_TAG_CODE, GUMBO_TAG_DEL,
		GUMBO_TAG_DFN, GUMBO_TAG_EM, GUMBO_TAG_FONT, GUMBO_TAG_I,
		GUMBO_TAG_INS, GUMBO_TAG_KBD, GUMBO_TAG_MARK, GUMBO_TAG_NOBR,
		GUMBO_TAG_Q, GUMBO_TAG_RUBY, GUMBO_TAG_S, GUMBO_TAG_SAMP,
		GUMBO_TAG_SMALL, GUMBO_TAG_SPAN, GUMBO_TAG_STRIKE,
		GUMBO_TAG_STRONG, GUMBO_TAG_SUB, GUMBO_TAG_SUP, GUMBO_TAG_TIME,
		GUMBO_TAG_TT, GUMBO_TAG_U, GUMBO_TAG_VAR, GUMBO_TAG_WBR,
		GUMBO_TAG_UNKNOWN };

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (tags[i] == tag)
			return true;
	return false;
}

static void
html_separate(struct mail_text *to, const GumboNode *node)
{
	if (node->type == GUMBO_NODE_ELEMENT &&
	    !html_is_inline(node->v.element.tag))
		mail_text_add(to, " ", 1);
}

static void
html_begin(struct mail_text *to, const GumboNode *node)
{
	const GumboAttribute *alternative;

	if (node->type == GUMBO_NODE_TEXT ||
	    node->type == GUMBO_NODE_WHITESPACE ||
	    node->type == GUMBO_NODE_CDATA) {
		mail_text_add_string(to, node->v.text.text);
		return;
	}
	html_separate(to, node);
	if (node->type != GUMBO_NODE_ELEMENT ||
	    node->v.element.tag != GUMBO_TAG_IMG)
		return;
	alternative = gumbo_get_attribute(&node->v.element.attributes, "alt");
	if (alternative != NULL)
		mail_text_add_string(to, alternative->value);
}

static const GumboNode *
html_child(const GumboNode *node, size_t index)
{
	const GumboVector *children;

	if (node->type != GUMBO_NODE_ELEMENT ||
	    html_is_unseen(node->v.element.tag))
		return NULL;
	children = &node->v.element.children;
	return index < children->length ? children->data[index] : NULL;
}

/* Without recursion: the way back is in the tree. */
static void
html_walk(struct mail_text *to, const GumboNode *root)
{
	const GumboNode *node = root;

	html_begin(to, node);
	while (!to->is_cut && !to->has_failed) {
		const GumboNode *next = html_child(node, 0);

		while (next == NULL) {
			html_separate(to, node);
			if (node == root)
				return;
			next = html_child(
			    node->parent, node->index_within_parent + 1);
			if (next == NULL)
				node = node->parent;
		}
		node = next;
		html_begin(to, node);
	}
}

/* Returns false where it takes more memory than there is. */
static bool
html_parse(struct mail_text *to, const char *page, size_t length,
    struct memory *memory)
{
	GumboOptions options = kGumboDefaultOptions;
	GumboOutput *output;

	options.allocator = html_allocate;
	options.deallocator = html_deallocate;
	options.userdata = memory;
	options.max_errors = 0;
	if (setjmp(memory->exhausted) != 0)
		return false;
	output = gumbo_parse_with_options(&options, page, length);
	html_walk(to, output->root);
	return true;
}

void
mail_html_add(
    struct mail_text *to, const char *page, size_t length, size_t *left)
{
	struct memory memory = { .blocks = NULL };
	char *copy;

	copy = malloc(length + 1);
	if (copy == NULL) {
		to->has_failed = true;
		return;
	}
	memcpy(copy, page, length);
	length = mail_markup_reduce(copy, length);
	if (length > *left) {
		length = *left;
		to->is_cut = true;
	}
	*left -= length;
	while (!html_parse(to, copy, length, &memory)) {
		html_free_all(&memory);
		to->is_cut = true;
		length /= 4;
	}
	html_free_all(&memory);
	free(copy);
}
