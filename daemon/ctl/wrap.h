/*
 * Lines of text broken between words, for a terminal.
 */
#ifndef CTL_WRAP_H
#define CTL_WRAP_H

#include <stddef.h>
#include <stdio.h>

/*
 * Print a line, which is clean, in as many as it takes.  Each begins as the
 * first does: with its quotation marks, and blanks below its indentation and
 * mark of a list.  A word that is longer stays whole, so that an address can
 * be copied; a width of 0 is unlimited.
 */
void wrap_print(FILE *, const char *line, size_t length, size_t width);

/*
 * The same for text behind `taken` columns of the line; those that follow are
 * indented by so many.
 */
void wrap_print_behind(
    FILE *, const char *text, size_t taken, size_t indent, size_t width);

#endif
