#include "lib/base/array.h"

#include <stdlib.h>

#define ARRAY_FIRST 16

void *
evpop_array_grow(void *items, size_t count, size_t *room, size_t size)
{
	size_t larger = *room + *room / 2 + ARRAY_FIRST;

	if (count < *room)
		return items;
	items = reallocarray(items, larger, size);
	if (items != NULL)
		*room = larger;
	return items;
}
