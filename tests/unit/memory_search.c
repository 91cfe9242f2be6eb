#include "tests/unit/memory_search.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/auth/derivation.h"

#define MASK 0x5a
/* malloc() keeps its own in the first octets of what is freed. */
#define CLOBBERED ((size_t)16)
/* Less than this may come about by chance. */
#define NEEDLE_LENGTH (NEEDLE_LEAST - CLOBBERED)
/* The shadow of a sanitizer is larger, and holds no octets of ours. */
#define MAPPING_MAX ((size_t)16 << 20)

void
hide(struct needle *needle, const void *bytes, size_t length)
{
	const unsigned char *from = bytes;
	size_t i;

	assert_true(length <= SECRET_MAX && length >= NEEDLE_LEAST);
	for (i = 0; i < length; i++)
		needle->masked[i] = (unsigned char)(from[i] ^ MASK);
	needle->length = length;
}

/* Reads what a sanitizer has poisoned, on purpose. */
__attribute__((no_sanitize("address", "undefined"))) size_t
count(const unsigned char *memory, size_t length, const struct needle *needle)
{
	const unsigned char *masked = needle->masked + CLOBBERED;
	size_t i, j, found = 0;

	if (length < NEEDLE_LENGTH)
		return 0;
	for (i = 0; i <= length - NEEDLE_LENGTH; i++) {
		for (j = 0; j < NEEDLE_LENGTH; j++)
			if ((memory[i + j] ^ MASK) != masked[j])
				break;
		if (j == NEEDLE_LENGTH)
			found++;
	}
	return found;
}

/* "start-end rw.. ... [name]" of /proc/self/maps; not the stack. */
static bool
parse_mapping(const char *line, uintptr_t *start, size_t *length)
{
	char *end;
	uintptr_t stop;

	*start = (uintptr_t)strtoull(line, &end, 16);
	if (*end != '-')
		return false;
	stop = (uintptr_t)strtoull(end + 1, &end, 16);
	*length = stop - *start;
	return strncmp(end, " rw", 3) == 0 && *length <= MAPPING_MAX &&
	       strstr(end, "[stack]") == NULL && strstr(end, "[v") == NULL;
}

size_t
count_everywhere(const struct needle *needle)
{
	static char maps[1 << 20];
	size_t used = 0, length, found = 0;
	uintptr_t start;
	char *line, *next;
	ssize_t n;
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	while ((n = read(fd, maps + used, sizeof maps - 1 - used)) > 0)
		used += (size_t)n;
	assert_true(n == 0);
	close(fd);
	maps[used] = '\0';
	for (line = maps; *line != '\0'; line = next) {
		next = strchr(line, '\n');
		assert_non_null(next);
		*next++ = '\0';
		if (parse_mapping(line, &start, &length))
			found +=
			    count((const unsigned char *)start, length, needle);
	}
	return found;
}

/* A text that no literal holds, and none of the other tests' secrets. */
char *
make_secret(const char *name, size_t length)
{
	char *secret = malloc(SECRET_MAX / 2);
	uint32_t random = 1;
	size_t i;

	assert_non_null(secret);
	for (; *name != '\0'; name++)
		random = random * 31 + (unsigned char)*name;
	for (i = 0; i < length; i++) {
		random = random * 1664525 + 1013904223;
		secret[i] = (char)('a' + (random >> 16) % 26);
	}
	secret[length] = '\0';
	return secret;
}

void
drop_secret(char *secret)
{
	explicit_bzero(secret, SECRET_MAX / 2);
	free(secret);
}

/* A key is too short for hide(), which passes over what malloc() clobbers. */
void
hide_key(struct needle *needle, const void *key)
{
	unsigned char bytes[CLOBBERED + NEEDLE_LENGTH] = { 0 };

	memcpy(bytes + CLOBBERED,
	    (const unsigned char *)key + EVPOP_KEY_MAX - NEEDLE_LENGTH,
	    NEEDLE_LENGTH);
	hide(needle, bytes, sizeof bytes);
	explicit_bzero(bytes, sizeof bytes);
}
