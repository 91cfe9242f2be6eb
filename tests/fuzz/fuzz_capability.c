/* The lines of a CAPA response, each ended by LF. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/listing.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/showable.h"
#include "tests/fuzz/target.h"

static bool
is_mechanism_octet(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_';
}

/* Words of upper case, one space between; each is found, none other is. */
static void
check_sasl(const struct evpop_capabilities *capabilities)
{
	const char *at = capabilities->sasl;
	char word[sizeof(capabilities->sasl)];
	size_t length, i;

	assert(memchr(at, '\0', sizeof(capabilities->sasl)) != NULL);
	assert(!evpop_capabilities_sasl(capabilities, ""));
	while (*at != '\0') {
		length = strcspn(at, " ");
		assert(length > 0);
		for (i = 0; i < length; i++)
			assert(is_mechanism_octet(at[i]));
		memcpy(word, at, length);
		word[length] = '\0';
		assert(evpop_capabilities_sasl(capabilities, word));
		word[length] = '!';
		word[length + 1 < sizeof(word) ? length + 1 : length] = '\0';
		assert(!evpop_capabilities_sasl(capabilities, word));
		at += length;
		if (*at == ' ')
			assert(*++at != '\0');
	}
}

static void
check(const struct evpop_capabilities *capabilities)
{
	const char *words = capabilities->implementation;
	const char *end =
	    memchr(words, '\0', sizeof(capabilities->implementation));

	assert(end != NULL && fuzz_is_showable(words, (size_t)(end - words)));
	check_sasl(capabilities);
	if (!capabilities->expire)
		assert(!capabilities->expire_never &&
		       capabilities->expire_days == 0);
	if (capabilities->expire_never)
		assert(capabilities->expire_days == 0);
	assert(capabilities->login_delay || capabilities->login_delay_s == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size }, line;
	struct evpop_capabilities capabilities;
	unsigned char *copy;

	memset(&capabilities, 0, sizeof(capabilities));
	while (input.left > 0) {
		line = fuzz_up_to(&input, '\n');
		copy = fuzz_copy(line.at, line.left);
		evpop_capability_line(&capabilities, copy, line.left);
		free(copy);
		check(&capabilities);
	}
	return 0;
}
