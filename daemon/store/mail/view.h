/*
 * A page of HTML as text to read: paragraphs, lists, quotations, and the
 * addresses of links below it.
 */
#ifndef STORE_MAIL_VIEW_H
#define STORE_MAIL_VIEW_H

#include <stddef.h>

#include "daemon/store/mail/text.h"

/* How much of a message's pages is read so; addresses count. */
#define MAIL_VIEW_MAX ((size_t)1024 * 1024)

/*
 * Add the page, which is UTF-8, as lines: a paragraph is one line however long.
 * Bounds and *left are as mail_html_add() has them.
 */
void mail_view_add(
    struct mail_text *, const char *page, size_t length, size_t *left);

#endif
