#include "daemon/store/mail/html.h"

#include "daemon/store/mail/page.h"

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
html_separate(void *to, const GumboNode *node)
{
	if (node->type == GUMBO_NODE_ELEMENT &&
	    !html_is_inline(node->v.element.tag))
		mail_text_add(to, " ", 1);
}

static void
html_begin(void *to, const GumboNode *node)
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

void
mail_html_add(
    struct mail_text *to, const char *page, size_t length, size_t *left)
{
	static const struct mail_page_reader reader = {
		.links = MAIL_PAGE_NO_LINKS,
		.begin = html_begin,
		.end = html_separate,
	};

	mail_page_read(to, page, length, left, &reader, to);
}
