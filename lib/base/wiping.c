#include "lib/base/wiping.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void
evpop_wiping_free(void *bytes)
{
	if (bytes != NULL)
		explicit_bzero(bytes, malloc_usable_size(bytes));
	free(bytes);
}

void *
evpop_wiping_realloc(void *bytes, size_t size)
{
	size_t held = bytes != NULL ? malloc_usable_size(bytes) : 0;
	void *grown;

	if (size == 0) {
		evpop_wiping_free(bytes);
		return NULL;
	}
	grown = malloc(size);
	if (grown == NULL)
		return NULL;
	if (bytes != NULL)
		memcpy(grown, bytes, held < size ? held : size);
	evpop_wiping_free(bytes);
	return grown;
}
