/*
 * A table for people: columns are as wide as their cells, and are left out or
 * cut if the terminal is too narrow.
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
 * Print the rows and forget them.  Columns never get narrower and headings come
 * once, so that pages of one list line up.  A `width` of 0 is unlimited.  False
 * if there was no memory for a cell.
 */
bool table_print(struct table *, FILE *, size_t width, bool colour)
    __attribute__((warn_unused_result));

#endif
