/*
 * A table for people: columns as wide as what is in them, cut to the terminal
 * where there is one.
 */
#ifndef CTL_PRINT_H
#define CTL_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct table;

enum table_align {
	TABLE_LEFT = 0,
	TABLE_RIGHT
};
struct table_column {
	const char *title;
	enum table_align align;
	bool flexible; /* may be cut where the terminal is too narrow */
};

enum table_colour {
	TABLE_PLAIN = 0,
	TABLE_GOOD,
	TABLE_WARNING,
	TABLE_BAD,
	TABLE_COLOUR_COUNT
};

/* The columns must live as long as the table.  NULL without memory. */
struct table *table_new(const struct table_column *, size_t count)
    __attribute__((warn_unused_result));
void table_free(struct table **);

/* The next cell, row by row; cleaned and copied.  NULL and "" are "-". */
void table_cell(struct table *, const char *text);
void table_cell_coloured(struct table *, const char *text, enum table_colour);
void table_cell_count(struct table *, uint64_t count);

/*
 * Print the rows and forget them; columns never get narrower, so that pages of
 * one list line up.  Titles come once.  `width` 0: as wide as it gets.  False
 * if a cell had found no memory.
 */
bool table_print(struct table *, FILE *, size_t width, bool colour)
    __attribute__((warn_unused_result));

#endif
