#include "tests/unit/failing_alloc.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void *__real_reallocarray(void *, size_t, size_t);
char *__real_strdup(const char *);
char *__real_strndup(const char *, size_t);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);
void *__wrap_reallocarray(void *, size_t, size_t);
char *__wrap_strdup(const char *);
char *__wrap_strndup(const char *, size_t);
/* Weak: not all that is linked with this has the library in it. */
void *__real_evpop_guarded_alloc(size_t) __attribute__((weak));
char *__real_evpop_guarded_copy(const void *, size_t) __attribute__((weak));
void *__wrap_evpop_guarded_alloc(size_t);
char *__wrap_evpop_guarded_copy(const void *, size_t);

/*
 * The wrappers have no argument to carry this.  Of a thread, so that a server
 * on another one is neither counted nor failed.
 */
static _Thread_local struct {
	bool counting;
	size_t count;   /* of allocations, while counting */
	size_t failing; /* the one to fail, from 1 */
} allocations;

void
failing_alloc_arm(size_t failing)
{
	allocations.count = 0;
	allocations.failing = failing;
	allocations.counting = true;
}

void
failing_alloc_pause(void)
{
	allocations.counting = false;
}

void
failing_alloc_resume(void)
{
	allocations.counting = true;
}

size_t
failing_alloc_disarm(void)
{
	allocations.counting = false;
	return allocations.count;
}

static bool
fails(void)
{
	return allocations.counting &&
	       ++allocations.count == allocations.failing;
}

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *memory, size_t size)
{
	return fails() ? NULL : __real_realloc(memory, size);
}

void *
__wrap_reallocarray(void *memory, size_t count, size_t size)
{
	return fails() ? NULL : __real_reallocarray(memory, count, size);
}

char *
__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

char *
__wrap_strndup(const char *text, size_t length)
{
	return fails() ? NULL : __real_strndup(text, length);
}

/* Pages are made when they are wanted: what that takes does not count. */
void *
__wrap_evpop_guarded_alloc(size_t size)
{
	const bool counting = allocations.counting;
	void *memory;

	if (fails())
		return NULL;
	allocations.counting = false;
	memory = __real_evpop_guarded_alloc(size);
	allocations.counting = counting;
	return memory;
}

char *
__wrap_evpop_guarded_copy(const void *bytes, size_t length)
{
	const bool counting = allocations.counting;
	char *copy;

	if (fails())
		return NULL;
	allocations.counting = false;
	copy = __real_evpop_guarded_copy(bytes, length);
	allocations.counting = counting;
	return copy;
}
