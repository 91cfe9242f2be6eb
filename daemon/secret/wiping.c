#include "daemon/secret/wiping.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include "lib/base/wiping.h"

static void *
wiping_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return malloc(size);
}

static void
wiping_free(void *bytes, const char *file, int line)
{
	(void)file;
	(void)line;
	evpop_wiping_free(bytes);
}

static void *
wiping_realloc(void *bytes, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return evpop_wiping_realloc(bytes, size);
}

bool
secret_wipe_what_is_freed(void)
{
	return CRYPTO_set_mem_functions(
		   wiping_malloc, wiping_realloc, wiping_free) == 1;
}
