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

/* Gets the tree, which is gone when it returns. */
typedef void (*mail_page_walk)(void *arg, const GumboNode *root);

/*
 * Read a page that is UTF-8.  *left is how much markup may be read, and becomes
 * what is left for the next page; is_cut of the text is set where not all is.
 */
void mail_page_read(struct mail_text *, const char *page, size_t length,
    size_t *left, enum mail_page_links, mail_page_walk, void *arg);

/* Whether nobody sees what is in such an element. */
bool mail_page_is_unseen(GumboTag);

#endif
