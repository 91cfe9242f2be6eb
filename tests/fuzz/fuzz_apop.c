/* A greeting searched for the timestamp of APOP. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/auth/exchange.h"
#include "tests/fuzz/target.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *greeting = (const char *)data, *stamp;
	char digest[EVPOP_APOP_DIGEST_SIZE];
	size_t length, i, ats = 0;

	if (size == 0 || !evpop_apop_timestamp(greeting, size, &stamp, &length))
		return 0;
	assert(stamp >= greeting && length >= 5);
	assert((size_t)(stamp - greeting) <= size - length);
	assert(stamp[0] == '<' && stamp[length - 1] == '>');
	for (i = 1; i < length - 1; i++) {
		assert(stamp[i] >= '!' && stamp[i] <= '~');
		assert(stamp[i] != '<' && stamp[i] != '>');
		ats += stamp[i] == '@';
	}
	assert(ats == 1);
	assert(evpop_apop_digest(stamp, length, "password", digest));
	assert(strlen(digest) == EVPOP_APOP_DIGEST_SIZE - 1);
	return 0;
}
