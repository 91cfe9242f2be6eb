/* Nothing secret stays in memory after an exchange is freed. */
#include <sys/mman.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/auth/keys.h"
#include "tests/unit/memory_search.h"
#include "tests/unit/test_auth_player.h"

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
	if (strlen(response) >= NEEDLE_LEAST)
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
	static struct needle needle, name;
	const struct evpop_exchange_target target = { .host = "h",
		.port = 995 };
	char *secret = make_secret(evpop_mechanism_name(mechanism), length);
	char *user = make_secret("user", 80);
	const struct evpop_credentials credentials = {
		.user = user, .password = secret, .token = secret
	};
	struct evpop_exchange *exchange;
	struct evpop_result result;
	const char *response;
	bool final = false;

	hide(&needle, secret, strlen(secret));
	hide(&name, user, strlen(user));
	response_count = 0;
	exchange =
	    evpop_exchange_new(mechanism, &credentials, &target, &result);
	assert_non_null(exchange);
	drop_secret(secret);
	drop_secret(user);
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
	assert_int_equal(count_everywhere(&name), 0);
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
		/* Guard pages at its ends, too. */
		assert_int_equal(mprotect(memory, size, PROT_READ), 0);
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
