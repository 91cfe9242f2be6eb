/*
 * Nothing secret stays in memory after an exchange is freed: all of the
 * process's writable memory is searched, freed parts too.  What is searched
 * for is kept masked, so that it is not found in the test itself.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/auth/keys.h"
#include "tests/unit/test_auth_player.h"

#define MASK       0x5a
#define SECRET_MAX 1024
/* malloc() keeps its own in the first octets of what is freed. */
#define CLOBBERED 16
/* Less than this may come about by chance. */
#define NEEDLE_LENGTH 20
/* The shadow of a sanitizer is larger, and holds no octets of ours. */
#define MAPPING_MAX ((size_t)16 << 20)

struct needle {
	unsigned char masked[SECRET_MAX];
	size_t length;
};

static void
hide(struct needle *needle, const void *bytes, size_t length)
{
	const unsigned char *from = bytes;
	size_t i;

	assert_true(
	    length <= SECRET_MAX && length >= CLOBBERED + NEEDLE_LENGTH);
	for (i = 0; i < length; i++)
		needle->masked[i] = (unsigned char)(from[i] ^ MASK);
	needle->length = length;
}

/* Reads what a sanitizer has poisoned, on purpose. */
__attribute__((no_sanitize("address", "undefined"))) static size_t
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

static size_t
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
static char *
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

static void
drop_secret(char *secret)
{
	explicit_bzero(secret, SECRET_MAX / 2);
	free(secret);
}

static void
the_search_finds(void **state)
{
	static struct needle needle;
	char *secret = make_secret("search", 80);

	(void)state;
	hide(&needle, secret, strlen(secret));
	assert_int_equal(count_everywhere(&needle), 1);
	free(secret);
	assert_int_equal(count_everywhere(&needle), 1);
}

/* The responses hold the secret in another form; search for them too. */
static struct needle responses[3];
static size_t response_count;

static void
note_response(const char *response)
{
	if (strlen(response) >= CLOBBERED + NEEDLE_LENGTH)
		hide(&responses[response_count++], response, strlen(response));
}

static void
expect_wiped(const char *what, const struct needle *needle)
{
	size_t i;

	if (count_everywhere(needle) > 0)
		fail_msg("%s: the secret stays", what);
	for (i = 0; i < response_count; i++)
		if (count_everywhere(&responses[i]) > 0)
			fail_msg("%s: response %zu stays", what, i);
}

static void
nothing_stays_of(enum evpop_mechanism mechanism, size_t length, bool whole)
{
	static const unsigned char challenge[] = "PDFAaD4=";
	static struct needle needle;
	const struct evpop_exchange_target target = { .host = "h",
		.port = 995 };
	char *secret = make_secret(evpop_mechanism_name(mechanism), length);
	const struct evpop_credentials credentials = {
		.user = "u", .password = secret, .token = secret
	};
	struct evpop_exchange *exchange;
	struct evpop_result result;
	const char *response;
	bool final = false;

	hide(&needle, secret, strlen(secret));
	response_count = 0;
	exchange =
	    evpop_exchange_new(mechanism, &credentials, &target, &result);
	assert_non_null(exchange);
	drop_secret(secret);
	/* The token is in the response, and needed no more. */
	if (mechanism == EVPOP_MECHANISM_XOAUTH2 ||
	    mechanism == EVPOP_MECHANISM_OAUTHBEARER)
		assert_int_equal(count_everywhere(&needle), 0);
	response = evpop_exchange_initial(exchange, &final);
	if (response != NULL)
		note_response(response);
	while (whole && response_count < 3 && !final)
		note_response(evpop_exchange_step(
		    exchange, challenge, sizeof challenge - 1, &final));
	/* After the last response it need not be kept. */
	if (final)
		assert_int_equal(count_everywhere(&needle), 0);
	evpop_exchange_free(exchange);
	expect_wiped(evpop_mechanism_name(mechanism), &needle);
}

static void
nothing_stays(void **state)
{
	static const enum evpop_mechanism mechanisms[] = {
		EVPOP_MECHANISM_PLAIN, EVPOP_MECHANISM_LOGIN,
		EVPOP_MECHANISM_CRAM_MD5, EVPOP_MECHANISM_XOAUTH2,
		EVPOP_MECHANISM_OAUTHBEARER, EVPOP_MECHANISM_SCRAM_SHA_1,
		EVPOP_MECHANISM_SCRAM_SHA_256
	};
	/* Of the second length, a response moves after it was put there. */
	static const size_t lengths[] = { 80, 235 };
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof mechanisms / sizeof mechanisms[0]; i++)
		for (j = 0; j < sizeof lengths / sizeof lengths[0]; j++) {
			nothing_stays_of(mechanisms[i], lengths[j], false);
			nothing_stays_of(mechanisms[i], lengths[j], true);
		}
}

/* A key is too short for hide(), which passes over what malloc() clobbers. */
static void
hide_key(struct needle *needle, const void *key)
{
	unsigned char bytes[CLOBBERED + NEEDLE_LENGTH] = { 0 };

	memcpy(bytes + CLOBBERED,
	    (const unsigned char *)key + EVPOP_KEY_MAX - NEEDLE_LENGTH,
	    NEEDLE_LENGTH);
	hide(needle, bytes, sizeof bytes);
	explicit_bzero(bytes, sizeof bytes);
}

/* The salted password is as good as the password to that server. */
static void
no_salted_password_stays(void **state)
{
	static struct needle needle, salted;
	const struct evpop_exchange_target target = { .host = "h" };
	unsigned char key[EVPOP_KEY_MAX];
	char *secret = make_secret("salted", 80), *first, text[256];
	const struct evpop_credentials credentials = { .user = "u",
		.password = secret };
	struct evpop_exchange *exchange;
	struct evpop_result result;
	bool final;

	(void)state;
	hide(&needle, secret, strlen(secret));
	derive_key(&(struct evpop_derivation){ .password = secret,
		       .salt = (const unsigned char *)"AAA",
		       .salt_length = 3,
		       .iterations = 7,
		       .key_size = sizeof key },
	    key);
	hide_key(&salted, key);
	explicit_bzero(key, sizeof key);
	exchange = evpop_exchange_new(
	    EVPOP_MECHANISM_SCRAM_SHA_256, &credentials, &target, &result);
	assert_non_null(exchange);
	drop_secret(secret);
	first = decoded(evpop_exchange_initial(exchange, &final));
	snprintf(text, sizeof text, "%sx,s=QUFB,i=7", strstr(first, "r="));
	free(first);
	/* Neither is needed once the proof is made. */
	assert_string_not_equal(step_plain(exchange, text, &final), "*");
	assert_int_equal(count_everywhere(&salted), 0);
	assert_int_equal(count_everywhere(&needle), 0);
	evpop_exchange_free(exchange);
	assert_int_equal(count_everywhere(&salted), 0);
}

/* What is wiped is what munmap() is given, or what another key replaces. */
static const struct needle *unmapped_needle;
static size_t unmapped_found, unmapped_size;

int __real_munmap(void *, size_t);
int __wrap_munmap(void *, size_t);

int
__wrap_munmap(void *memory, size_t size)
{
	if (unmapped_needle != NULL) {
		unmapped_found += count(memory, size, unmapped_needle);
		unmapped_size += size;
	}
	return __real_munmap(memory, size);
}

static void
keys_are_wiped(void **state)
{
	static struct needle first, second;
	char *key = make_secret("key", EVPOP_KEY_MAX);
	unsigned char digest[EVPOP_SHA256_SIZE] = "first";
	struct evpop_keys *keys = evpop_keys_new(1);

	(void)state;
	assert_non_null(keys);
	hide_key(&first, key);
	evpop_keys_put(keys, digest, (unsigned char *)key, EVPOP_KEY_MAX);
	drop_secret(key);
	assert_int_equal(count_everywhere(&first), 1);
	key = make_secret("another key", EVPOP_KEY_MAX);
	hide_key(&second, key);
	memcpy(digest, "other", 5);
	evpop_keys_put(keys, digest, (unsigned char *)key, EVPOP_KEY_MAX);
	drop_secret(key);
	assert_int_equal(count_everywhere(&first), 0);
	assert_int_equal(count_everywhere(&second), 1);
	unmapped_needle = &second;
	evpop_keys_free(keys);
	unmapped_needle = NULL;
	assert_true(unmapped_size > 0);
	assert_int_equal(unmapped_found, 0);
	assert_int_equal(count_everywhere(&second), 0);
}

/* The password and its key, whether the derivation ends or is given up. */
static void
no_derivation_stays(void **state)
{
	static struct needle password, key;
	unsigned char derived[EVPOP_KEY_MAX];
	const unsigned char *given;
	struct evpop_pbkdf2 *pbkdf2;
	struct evpop_derivation derivation = { .salt =
						   (const unsigned char *)"s",
		.salt_length = 1,
		.iterations = 9,
		.key_size = EVPOP_SHA256_SIZE };
	char *secret;
	unsigned int run;

	(void)state;
	for (run = 0; run <= 9; run += 9) {
		secret = make_secret("derived", 60);
		hide(&password, secret, strlen(secret));
		derivation.password = secret;
		derive_key(&derivation, derived);
		pbkdf2 = evpop_pbkdf2_new(&derivation);
		assert_non_null(pbkdf2);
		hide_key(&key, derived);
		explicit_bzero(derived, sizeof derived);
		drop_secret(secret);
		/* Not even while it runs; the key is there to be taken. */
		assert_int_equal(count_everywhere(&password), 0);
		assert_true(evpop_pbkdf2_run(pbkdf2, run, &given));
		assert_int_equal(given != NULL, run == 9);
		assert_int_equal(count_everywhere(&key) > 0, run == 9);
		evpop_pbkdf2_free(pbkdf2);
		assert_int_equal(count_everywhere(&password), 0);
		assert_int_equal(count_everywhere(&key), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_stays),
		cmocka_unit_test(no_salted_password_stays),
		cmocka_unit_test(keys_are_wiped),
		cmocka_unit_test(no_derivation_stays),
		cmocka_unit_test(the_search_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
