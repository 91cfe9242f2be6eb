/*
 * The words of HTML, for the full-text index: tags, comments, scripts and
 * styles are dropped, the common entities decoded.
 */
#ifndef STORE_HTML_H
#define STORE_HTML_H

#include <stddef.h>

/* In place; returns the new length, which is never more. */
size_t store_html_strip(char *text, size_t length);

#endif
