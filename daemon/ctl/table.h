/*
 * A table for people: columns as wide as what is in them, fewer and cut where
 * the terminal is too narrow.
 */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include "daemon/ctl/print.h"

struct table;

/* The fields must live as long as the table.  NULL without memory. */
struct table *table_new(const struct print_field *, size_t count)
    __attribute__((warn_unused_result));
void table_free(struct table **);

void table_add(struct table *, const struct ctl *, const json_t *row);

/*
 * Print the rows and forget them.  Columns never get narrower and headings
 * come once, so that pages of one list line up.  `width` 0: as wide as it
 * gets.  False if a cell had found no memory.
 */
bool table_print(struct table *, FILE *, size_t width, bool colour)
    __attribute__((warn_unused_result));

#endif
