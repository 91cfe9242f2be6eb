/*
 * A page of HTML, parsed with bounded work and memory, also where it is made to
 * be costly: then only its beginning is read.
 */
#ifndef STORE_MAIL_PAGE_H
#define STORE_MAIL_PAGE_H

#include <gumbo.h>
#include <stddef.h>

#include "daemon/store/mail/text.h"

/* Images keep their attributes; nothing else does but, if wanted, links. */
enum mail_page_links {
	MAIL_PAGE_NO_LINKS = 0,
	MAIL_PAGE_LINKS
};

/* Reads the nodes of a page, which are gone behind the call, in their order. */
struct mail_page_reader {
	enum mail_page_links links;
	bool skips_head; /* nobody sees what is in it */
	void (*begin)(void *arg, const GumboNode *);
	void (*end)(void *arg, const GumboNode *element);
	void (*finish)(void *arg); /* that was all; or NULL */
};

/*
 * Read a page that is UTF-8, until the text is full.  *left is how much markup
 * may be read, and becomes what is left for the next page; is_cut of the text
 * is set where not all is.
 */
void mail_page_read(struct mail_text *, const char *page, size_t length,
    size_t *left, const struct mail_page_reader *, void *arg);

#endif
