#include "tests/bench/allocations.h"

#include <stddef.h>

/* The allocator itself, by the names that glibc keeps for those in front. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);

/* Programs that measure have one thread. */
static uint64_t calls;

uint64_t
allocations_so_far(void)
{
	return calls;
}

void *
malloc(size_t size)
{
	calls++;
	return __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	calls++;
	return __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
	calls++;
	return __libc_realloc(old, size);
}
