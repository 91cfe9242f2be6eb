/*
 * Bytes of a server made fit to show.
 *
 *     SIZE BYTES
 */
#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <evpop/error.h>

#include "tests/fuzz/input.h"
#include "tests/fuzz/showable.h"
#include "tests/fuzz/target.h"

/* Print into a block of exactly this size; for free(). */
static char *
print(const void *bytes, size_t length, size_t size, size_t *printed_r)
{
	char *text = malloc(size > 0 ? size : 1);

	assert(text != NULL);
	*printed_r = evpop_printable(text, size, bytes, length);
	if (size == 0) {
		assert(*printed_r == 0);
		text[0] = '\0';
		return text;
	}
	assert(*printed_r < size && text[*printed_r] == '\0');
	assert(strlen(text) == *printed_r);
	assert(fuzz_is_showable(text, *printed_r));
	return text;
}

static bool
is_plain(const unsigned char *bytes, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if (bytes[i] < 0x20 || bytes[i] > 0x7e)
			return false;
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	size_t room = fuzz_octet(&input), short_length, length, again_length;
	char *cut = print(input.at, input.left, room, &short_length);
	char *whole = print(input.at, input.left, input.left + 1, &length);
	char *again = print(whole, length, length + 1, &again_length);

	/* A smaller room cuts and changes nothing before the cut. */
	assert(short_length <= length);
	assert(memcmp(cut, whole, short_length) == 0);
	if (room > length)
		assert(short_length == length);
	/* Less than one character is missing where something is. */
	else if (room > 0)
		assert(room - 1 - short_length < 4);
	/* What is fit to show stays as it is. */
	assert(again_length == length && strcmp(again, whole) == 0);
	if (is_plain(input.at, input.left))
		assert(length == input.left &&
		       memcmp(whole, input.at, length) == 0);
	free(cut);
	free(whole);
	free(again);
	return 0;
}
