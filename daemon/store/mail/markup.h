/*
 * Markup reduced to what tells words apart, so that a parser of HTML has
 * bounded work with it: most parsers look through all open elements for a tag,
 * and through all attributes of a tag for another one.
 */
#ifndef STORE_MAIL_MARKUP_H
#define STORE_MAIL_MARKUP_H

#include <stddef.h>

/*
 * Elements within each other that are left; what opens another one beyond is
 * dropped, as is an end without a beginning.
 */
#define MAIL_MARKUP_DEPTH 64

/*
 * Drop attributes, but for those of images, which may have a text; comments,
 * scripts and styles; and tags as above.  In place; returns the new length,
 * which is never more.
 */
size_t mail_markup_reduce(char *page, size_t length);

#endif
