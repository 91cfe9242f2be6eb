/* Arrays that grow by one item at a time. */
#ifndef EVPOP_BASE_ARRAY_H
#define EVPOP_BASE_ARRAY_H

#include <stddef.h>

/*
 * The array of `count` items of this size, with room for one more; *room is how
 * many items it has room for, and grows by half.  The array may have moved.
 * NULL without memory: then it is as it was.
 */
void *evpop_array_grow(void *items, size_t count, size_t *room, size_t size)
    __attribute__((__warn_unused_result__));

#endif
