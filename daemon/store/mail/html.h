/*
 * The words of HTML: what a reader of the page sees, as text.
 */
#ifndef STORE_MAIL_HTML_H
#define STORE_MAIL_HTML_H

#include <stddef.h>

#include "daemon/store/mail/text.h"

/*
 * How much of a message's pages is read, without attributes; newsletters have
 * some 30 KiB.
 */
#define MAIL_HTML_MAX ((size_t)256 * 1024)

/*
 * Add the text of a page that is UTF-8.  A word that only inline markup divides
 * stays whole.  Work and memory are bounded, also for a page made to be costly:
 * then only its beginning is read, and is_cut is set.  *left is how much may be
 * read, and becomes what is left for the next page.
 */
void mail_html_add(
    struct mail_text *, const char *page, size_t length, size_t *left);

#endif
