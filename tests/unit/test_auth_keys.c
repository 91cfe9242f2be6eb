/* Keys derived from passwords, against RFCs and OpenSSL, and those kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/evp.h>

#include "lib/auth/keys.h"
#include "lib/base/hex.h"
#include "tests/unit/test_auth_player.h"

#define SALT(text) \
	.salt = (const unsigned char *)(text), .salt_length = sizeof(text) - 1

/* ---- the derivation ---- */

struct vector {
	const char *source;
	struct evpop_derivation derivation;
	const char *key;
};

static const struct vector vectors[] = {
	{ "RFC 6070",
	    { .password = "password",
		SALT("salt"),
		.iterations = 1,
		.key_size = EVPOP_SHA1_SIZE },
	    "0c60c80f961f0e71f3a9b524af6012062fe037a6" },
	{ "RFC 6070",
	    { .password = "password",
		SALT("salt"),
		.iterations = 2,
		.key_size = EVPOP_SHA1_SIZE },
	    "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957" },
	{ "RFC 6070",
	    { .password = "password",
		SALT("salt"),
		.iterations = 4096,
		.key_size = EVPOP_SHA1_SIZE },
	    "4b007901b765489abead49d926f721d065a429c1" },
	{ "RFC 7914 section 11",
	    { .password = "passwd",
		SALT("salt"),
		.iterations = 1,
		.key_size = EVPOP_SHA256_SIZE },
	    "55ac046e56e3089fec1691c22544b605"
	    "f94185216dde0465e68b9d57c20dacbc" },
	{ "RFC 7914 section 11",
	    { .password = "Password",
		SALT("NaCl"),
		.iterations = 80000,
		.key_size = EVPOP_SHA256_SIZE },
	    "4ddcd8f60b98be21830cee5ef22701f9"
	    "641a4418d04c0414aeff08876b34ab56" },
	{ "RFC 5802 section 5",
	    { .password = "pencil",
		SALT("\x41\x25\xc2\x47\xe4\x3a\xb1\xe9\x3c\x6d\xff\x76"),
		.iterations = 4096,
		.key_size = EVPOP_SHA1_SIZE },
	    "1d96ee3a529b5a5f9e47c01f229a2cb8a6e15f7d" },
	{ "RFC 7677 section 3",
	    { .password = "pencil",
		SALT("\x5b\x6d\x99\x68\x9d\x12\x35\x8e"
		     "\xec\xa0\x4b\x14\x12\x36\xfa\x81"),
		.iterations = 4096,
		.key_size = EVPOP_SHA256_SIZE },
	    "c4a49510323ab4f952cac1fa99441939"
	    "e78ea74d6be81ddf7096e87513dc615d" },
};

/* In slices of so many iterations. */
static void
derive_in_slices(const struct evpop_derivation *derivation, unsigned int slice,
    unsigned char *key_r)
{
	struct evpop_pbkdf2 *pbkdf2 = evpop_pbkdf2_new(derivation);
	const unsigned char *key = NULL;
	unsigned int slices = 0;

	assert_non_null(pbkdf2);
	while (key == NULL) {
		assert_true(evpop_pbkdf2_run(pbkdf2, slice, &key));
		assert_true(slices++ <= derivation->iterations / slice);
	}
	memcpy(key_r, key, derivation->key_size);
	evpop_pbkdf2_free(pbkdf2);
}

static void
keys_are_those_of_the_standards(void **state)
{
	static const unsigned int slices[] = { 1, 7, 4095, 1000000 };
	unsigned char key[EVPOP_KEY_MAX];
	char hex[2 * EVPOP_KEY_MAX + 1];
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
		for (j = 0; j < sizeof slices / sizeof slices[0]; j++) {
			derive_in_slices(
			    &vectors[i].derivation, slices[j], key);
			evpop_hex_encode(
			    key, vectors[i].derivation.key_size, hex);
			if (strcmp(hex, vectors[i].key) != 0)
				fail_msg("%s: %s", vectors[i].source, hex);
		}
}

/* A password may be shorter or longer than a block, a salt have any length. */
static void
keys_are_those_of_openssl(void **state)
{
	static const size_t sizes[] = { EVPOP_SHA1_SIZE, EVPOP_SHA256_SIZE };
	unsigned char key[EVPOP_KEY_MAX], theirs[EVPOP_KEY_MAX];
	char password[200], salt[200];
	struct evpop_derivation derivation;
	size_t i, length;

	(void)state;
	memset(salt, 's', sizeof salt);
	for (i = 0; i < 2; i++)
		for (length = 1; length < sizeof password; length++) {
			memset(password, 'p', sizeof password);
			password[length] = '\0';
			derivation = (struct evpop_derivation){
				.password = password,
				.salt = (const unsigned char *)salt,
				.salt_length = sizeof salt - length,
				.iterations = 1 + (unsigned int)length % 5,
				.key_size = sizes[i],
			};
			derive_key(&derivation, key);
			assert_int_equal(
			    PKCS5_PBKDF2_HMAC(password, (int)length,
				derivation.salt, (int)derivation.salt_length,
				(int)derivation.iterations,
				i == 0 ? EVP_sha1() : EVP_sha256(),
				(int)sizes[i], theirs),
			    1);
			assert_memory_equal(key, theirs, sizes[i]);
		}
}

/* Each differs from the others in what makes another key, or another user. */
static void
digests_tell_derivations_apart(void **state)
{
	static const struct evpop_derivation derivations[] = {
		{ "u", "p", SALT("salt"), 4096, EVPOP_SHA1_SIZE },
		{ "u", "p", SALT("salt"), 4096, EVPOP_SHA256_SIZE },
		{ "u", "p", SALT("salt"), 4097, EVPOP_SHA256_SIZE },
		{ "u", "p", SALT("salu"), 4096, EVPOP_SHA256_SIZE },
		{ "u", "p", SALT("salt\0"), 4096, EVPOP_SHA256_SIZE },
		{ "u", "q", SALT("salt"), 4096, EVPOP_SHA256_SIZE },
		{ "v", "p", SALT("salt"), 4096, EVPOP_SHA256_SIZE },
		{ "up", "p", SALT("salt"), 4096, EVPOP_SHA256_SIZE },
		{ "u", "ps", SALT("alt"), 4096, EVPOP_SHA256_SIZE },
		{ "", "up", SALT("salt"), 4096, EVPOP_SHA256_SIZE },
	};
	enum {
		COUNT = sizeof derivations / sizeof derivations[0]
	};
	unsigned char digests[COUNT][EVPOP_SHA256_SIZE];
	unsigned char again[EVPOP_SHA256_SIZE];
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT; i++) {
		assert_true(
		    evpop_derivation_digest(&derivations[i], digests[i]));
		assert_true(evpop_derivation_digest(&derivations[i], again));
		assert_memory_equal(digests[i], again, sizeof again);
		for (j = 0; j < i; j++)
			assert_memory_not_equal(
			    digests[i], digests[j], sizeof again);
	}
}

/* ---- those that are kept ---- */

/* All in one bucket, as their first octets do not tell them apart. */
static void
number(unsigned int i, unsigned char digest[EVPOP_SHA256_SIZE])
{
	memset(digest, 0, EVPOP_SHA256_SIZE);
	memcpy(digest + EVPOP_SHA256_SIZE - sizeof i, &i, sizeof i);
}

static void
put(struct evpop_keys *keys, unsigned int i)
{
	unsigned char digest[EVPOP_SHA256_SIZE], key[EVPOP_KEY_MAX];

	number(i, digest);
	memset(key, (int)(i & 0xff), sizeof key);
	evpop_keys_put(keys, digest, key, sizeof key);
}

static bool
has(struct evpop_keys *keys, unsigned int i)
{
	unsigned char digest[EVPOP_SHA256_SIZE], key[EVPOP_KEY_MAX];
	size_t j;

	number(i, digest);
	if (!evpop_keys_find(keys, digest, key, sizeof key))
		return false;
	for (j = 0; j < sizeof key; j++)
		assert_int_equal(key[j], i & 0xff);
	return true;
}

static void
a_key_is_found_by_digest_and_size(void **state)
{
	struct evpop_keys *keys = evpop_keys_new(8);
	unsigned char digest[EVPOP_SHA256_SIZE], key[EVPOP_KEY_MAX] = "k";
	unsigned char found[EVPOP_KEY_MAX];

	(void)state;
	assert_non_null(keys);
	assert_false(has(keys, 1));
	put(keys, 1);
	assert_true(has(keys, 1));
	assert_false(has(keys, 2));
	number(3, digest);
	evpop_keys_put(keys, digest, key, EVPOP_SHA1_SIZE);
	assert_false(evpop_keys_find(keys, digest, found, EVPOP_SHA256_SIZE));
	assert_true(evpop_keys_find(keys, digest, found, EVPOP_SHA1_SIZE));
	assert_memory_equal(found, key, EVPOP_SHA1_SIZE);
	evpop_keys_free(keys);
	evpop_keys_free(NULL);
}

static void
the_least_recently_used_goes(void **state)
{
	struct evpop_keys *keys = evpop_keys_new(3);

	(void)state;
	assert_non_null(keys);
	put(keys, 1);
	put(keys, 2);
	put(keys, 3);
	assert_true(has(keys, 1)); /* 2 is the oldest now */
	put(keys, 4);
	assert_false(has(keys, 2));
	put(keys, 3); /* already there, and used by that */
	put(keys, 5);
	assert_false(has(keys, 1));
	assert_true(has(keys, 3) && has(keys, 4) && has(keys, 5));
	evpop_keys_free(keys);
}

static void
many_keys_are_kept(void **state)
{
	struct evpop_keys *keys = evpop_keys_new(EVPOP_KEYS_MAX);
	unsigned int i;

	(void)state;
	assert_non_null(keys);
	for (i = 0; i < EVPOP_KEYS_MAX + 10; i++)
		put(keys, i);
	for (i = 0; i < EVPOP_KEYS_MAX + 10; i++)
		assert_int_equal(has(keys, i), i >= 10);
	evpop_keys_free(keys);
}

/*
 * Mappings whose "VmFlags:" in /proc/self/smaps have a flag: "dd", which goes
 * into no core dump, "lo", which is not swapped out.
 */
static unsigned int
mappings_with(const char *flag)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	char line[4096];
	unsigned int count = 0;

	assert_non_null(file);
	while (fgets(line, sizeof line, file) != NULL)
		count += strncmp(line, "VmFlags:", 8) == 0 &&
			 strstr(line, flag) != NULL;
	fclose(file);
	return count;
}

/* Octets of mappings that nobody can access. */
static unsigned long long
octets_of_guards(void)
{
	FILE *file = fopen("/proc/self/maps", "re");
	char line[4096];
	unsigned long long begin, end, octets = 0;

	assert_non_null(file);
	while (fgets(line, sizeof line, file) != NULL)
		if (sscanf(line, "%llx-%llx ---p", &begin, &end) == 2 &&
		    strstr(line, " ---p ") != NULL)
			octets += end - begin;
	fclose(file);
	return octets;
}

/* Not where a limit forbids it, nor with a sanitizer, which ignores it. */
static bool
may_lock(void)
{
	const unsigned int locked = mappings_with(" lo");
	void *memory = mmap(NULL, 1, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool may;

	assert_ptr_not_equal(memory, MAP_FAILED);
	may = mlock(memory, 1) == 0 && mappings_with(" lo") > locked;
	munmap(memory, 1);
	return may;
}

static void
their_memory_is_secret(void **state)
{
	const unsigned int undumped = mappings_with(" dd");
	const unsigned int locked = mappings_with(" lo");
	const unsigned long long guards = octets_of_guards();
	struct evpop_keys *keys = evpop_keys_new(EVPOP_KEYS_MAX);

	(void)state;
	assert_non_null(keys);
	/* None is taken before there is a key. */
	assert_int_equal(mappings_with(" dd"), undumped);
	put(keys, 1);
	assert_true(mappings_with(" dd") > undumped);
	assert_true(octets_of_guards() >=
		    guards + 2 * (unsigned long long)sysconf(_SC_PAGESIZE));
	if (may_lock())
		assert_true(mappings_with(" lo") > locked);
	evpop_keys_free(keys);
	assert_int_equal(mappings_with(" dd"), undumped);
}

/* Where nothing may be locked, keys are kept all the same. */
static void
a_limit_on_locking_is_no_failure(void **state)
{
	struct rlimit before, none;
	struct evpop_keys *keys = evpop_keys_new(100);
	unsigned int i;

	(void)state;
	assert_non_null(keys);
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &none), 0);
	for (i = 0; i < 100; i++)
		put(keys, i);
	for (i = 0; i < 100; i++)
		assert_true(has(keys, i));
	evpop_keys_free(keys);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &before), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_those_of_the_standards),
		cmocka_unit_test(keys_are_those_of_openssl),
		cmocka_unit_test(digests_tell_derivations_apart),
		cmocka_unit_test(a_key_is_found_by_digest_and_size),
		cmocka_unit_test(the_least_recently_used_goes),
		cmocka_unit_test(many_keys_are_kept),
		cmocka_unit_test(their_memory_is_secret),
		cmocka_unit_test(a_limit_on_locking_is_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
