/*
 * Keys in their files: written and read again, alone and under a passphrase,
 * and what is no key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/secret/key.h"
#include "daemon/secret/sealing.h"
#include "daemon/secret/secret.h"

struct fixture {
	char folder[64], path[80];
};

static int
set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	assert_true(secret_init());
	strcpy(fixture->folder, "/tmp/evpop-key-XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	(void)snprintf(
	    fixture->path, sizeof(fixture->path), "%s/key", fixture->folder);
	*state = fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	(void)unlink(fixture->path);
	assert_int_equal(rmdir(fixture->folder), 0);
	free(fixture);
	return 0;
}

static void
write_text(const struct fixture *fixture, const char *text)
{
	FILE *file = fopen(fixture->path, "w");

	assert_non_null(file);
	assert_int_equal(chmod(fixture->path, 0600), 0);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void
read_text(const struct fixture *fixture, char *text, size_t size)
{
	FILE *file = fopen(fixture->path, "r");
	size_t length;

	assert_non_null(file);
	length = fread(text, 1, size - 1, file);
	text[length] = '\0';
	assert_int_equal(fclose(file), 0);
}

static void
assert_same_key(const struct secret_key *one, const struct secret_key *other)
{
	unsigned char a[SECRET_KEY_SIZE], b[SECRET_KEY_SIZE];

	for (enum secret_key_use use = SECRET_KEY_PASSWORDS;
	     use <= SECRET_KEY_MAIL; use++) {
		secret_key_derive(one, use, a);
		secret_key_derive(other, use, b);
		assert_memory_equal(a, b, sizeof(a));
	}
}

static void
test_is_read_as_written(void **state)
{
	const struct fixture *fixture = *state;
	struct secret_key *key = secret_key_generate(), *again;
	char error[SECRET_KEY_ERROR], text[1024];
	struct stat status;
	bool needs = true;

	assert_non_null(key);
	assert_true(
	    secret_key_write(key, fixture->path, NULL, error, sizeof(error)));
	assert_int_equal(stat(fixture->path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	again =
	    secret_key_read(fixture->path, NULL, &needs, error, sizeof(error));
	assert_non_null(again);
	assert_false(needs);
	assert_same_key(key, again);
	secret_key_free(&again);

	/* Never over another one. */
	read_text(fixture, text, sizeof(text));
	assert_false(
	    secret_key_write(key, fixture->path, NULL, error, sizeof(error)));
	assert_non_null(strstr(error, fixture->path));
	assert_non_null(strstr(error, "never written over"));
	read_text(fixture, error, sizeof(error));
	assert_string_equal(error, text);
	secret_key_free(&key);
	assert_null(key);
	secret_key_free(&key);
}

/* A disk that is full, or the like. */
static void
test_leaves_nothing_half_written(void **state)
{
	const struct fixture *fixture = *state;
	struct secret_key *key = secret_key_generate();
	char error[SECRET_KEY_ERROR];
	struct rlimit before, small;
	bool is_written;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = (struct rlimit){ 20, before.rlim_max };
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	is_written =
	    secret_key_write(key, fixture->path, NULL, error, sizeof(error));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_false(is_written);
	assert_non_null(strstr(error, "cannot write: File too large"));
	assert_int_not_equal(access(fixture->path, F_OK), 0);
	assert_true(
	    secret_key_write(key, fixture->path, NULL, error, sizeof(error)));
	secret_key_free(&key);
}

static void
test_opens_by_its_passphrase_alone(void **state)
{
	const struct fixture *fixture = *state;
	struct secret *right = secret_new("correct horse", 13);
	struct secret *wrong = secret_new("correct horsf", 13);
	struct secret_key *key = secret_key_generate(), *again;
	char error[SECRET_KEY_ERROR], text[1024], *digit;
	bool needs = true;

	assert_true(
	    secret_key_write(key, fixture->path, right, error, sizeof(error)));
	assert_null(
	    secret_key_read(fixture->path, NULL, &needs, error, sizeof(error)));
	assert_true(needs);
	assert_non_null(strstr(error, "passphrase"));
	assert_null(secret_key_read(
	    fixture->path, wrong, &needs, error, sizeof(error)));
	assert_false(needs);
	assert_non_null(strstr(error, "passphrase is wrong"));
	again =
	    secret_key_read(fixture->path, right, &needs, error, sizeof(error));
	assert_non_null(again);
	assert_false(needs);
	assert_same_key(key, again);
	secret_key_free(&again);

	/* One bit of it. */
	read_text(fixture, text, sizeof(text));
	digit = text + strlen(text) - 10;
	*digit = *digit == 'A' ? 'B' : 'A';
	write_text(fixture, text);
	assert_null(secret_key_read(
	    fixture->path, right, &needs, error, sizeof(error)));
	assert_non_null(strstr(error, "damaged"));
	secret_key_free(&key);
	secret_free(&right);
	secret_free(&wrong);
}

/* A key, its derived ones and its public half, as they must stay for ever. */
#define KEY_OF_0_TO_31 \
	"evpop-secret-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
/* Under the passphrase "pass", with the least of passes and memory. */
#define SAME_UNDER_PASS                                                    \
	"evpop-secret-argon2id-1:1:8:"                                     \
	"BwcHBwcHBwcHBwcHBwcHBwkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCZvCfXdmuihd" \
	"4qa1tGHVPIyrIP5sFOz4LmF4YYnVTkO6NLnYYcOzAhyCoQeeWfG-hQ\n"
#define PUBLIC_HALF "evpop-public-1:cjiVHDey5Z-9ozwLdXRVaBJburvQiIz1c6Z2pCyNFnw"

static void
test_stays_as_it_is(void **state)
{
	static const char *const derived[] = {
		"37cd469480c81d9593fa290b1954db435453174052bfe65467118d63fc2629"
		"b"
		"1",
		"5ace2e8d2ec7e50fa1ba14cf296540b5c27fa80a498b7fe0c930b9c9abccce"
		"9"
		"c",
		"38344f87e33f0e18b4ace6be55e01c1731266f57824bb348d9f27e6dd86e0d"
		"5"
		"0",
	};
	const struct fixture *fixture = *state;
	char error[SECRET_KEY_ERROR], hex[2 * SECRET_KEY_SIZE + 1];
	unsigned char octets[SECRET_KEY_SIZE], secret[SECRET_KEY_SIZE],
	    public[SECRET_KEY_SIZE], id[SECRET_KEY_ID_SIZE];
	struct secret *pass = secret_new("pass", 4);
	struct secret_key *key, *same;
	char text[SECRET_PUBLIC_TEXT];

	write_text(fixture, "\n# a comment\r\n" KEY_OF_0_TO_31 "\r\n\n");
	key = secret_key_read(fixture->path, NULL, NULL, error, sizeof(error));
	assert_non_null(key);
	for (enum secret_key_use use = SECRET_KEY_PASSWORDS;
	     use <= SECRET_KEY_MAIL; use++) {
		secret_key_derive(key, use, octets);
		(void)sodium_bin2hex(hex, sizeof(hex), octets, sizeof(octets));
		assert_string_equal(hex, derived[use - 1]);
	}
	secret_key_public(key, public);
	secret_public_text(public, text);
	assert_string_equal(text, PUBLIC_HALF);
	secret_key_pair(key, octets, secret);
	assert_memory_equal(octets, public, sizeof(public));
	assert_int_equal(crypto_scalarmult_base(octets, secret), 0);
	assert_memory_equal(octets, public, sizeof(public));

	/* Sealed mail names its key by the same octets. */
	secret_key_id(key, id);
	assert_int_equal(crypto_generichash(octets, sizeof(octets), public,
			     sizeof(public), NULL, 0),
	    0);
	assert_memory_equal(octets, id, sizeof(id));
	sealing_recipient_of(public, octets);
	assert_memory_equal(octets, id, sizeof(id));

	write_text(fixture, SAME_UNDER_PASS);
	same = secret_key_read(fixture->path, pass, NULL, error, sizeof(error));
	assert_non_null(same);
	assert_same_key(key, same);
	secret_key_free(&same);
	secret_key_free(&key);
	secret_free(&pass);
}

static void
test_takes_nothing_else_for_a_key(void **state)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{ "", "evpopctl key generate" },
		{ "# only a comment\n", "evpopctl key generate" },
		{ "password\n", "evpopctl key generate" },
		{ KEY_OF_0_TO_31 "A\n", "evpopctl key generate" },
		{ KEY_OF_0_TO_31 "=\n", "evpopctl key generate" },
		{ KEY_OF_0_TO_31 " \n", "evpopctl key generate" },
		/* The last character has bits that are none of the key's. */
		{ "evpop-secret-1:"
		  "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9\n",
		    "evpopctl key generate" },
		{ "evpop-secret-1:\n", "evpopctl key generate" },
		{ "evpop-secret-2:"
		  "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n",
		    "evpopctl key generate" },
		{ KEY_OF_0_TO_31 "\n" KEY_OF_0_TO_31 "\n", "more than one" },
		{ PUBLIC_HALF "\n", "public half" },
		{ "evpop-secret-argon2id-1:3:262144:\n",
		    "evpopctl key generate" },
		{ "evpop-secret-argon2id-1:0:8:AAAA\n",
		    "evpopctl key generate" },
		{ "evpop-secret-argon2id-1:3:99999999999999999999:AAAA\n",
		    "evpopctl key generate" },
		{ "evpop-secret-argon2id-1:-3:8:AAAA\n",
		    "evpopctl key generate" },
	};
	const struct fixture *fixture = *state;
	struct secret *pass = secret_new("pass", 4);
	char error[SECRET_KEY_ERROR];
	bool needs;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_text(fixture, cases[i].text);
		needs = true;
		assert_null(secret_key_read(
		    fixture->path, pass, &needs, error, sizeof(error)));
		assert_false(needs);
		assert_ptr_equal(strstr(error, fixture->path), error);
		if (strstr(error, cases[i].reason) == NULL)
			fail_msg("%s: %s", cases[i].text, error);
	}
	secret_free(&pass);
}

static void
test_refuses_a_file_that_is_open_to_others(void **state)
{
	const struct fixture *fixture = *state;
	char error[SECRET_KEY_ERROR];
	bool needs = true;

	write_text(fixture, KEY_OF_0_TO_31 "\n");
	assert_int_equal(chmod(fixture->path, 0640), 0);
	assert_null(
	    secret_key_read(fixture->path, NULL, &needs, error, sizeof(error)));
	assert_false(needs);
	assert_non_null(strstr(error, "open to other users"));
	assert_int_equal(unlink(fixture->path), 0);
	assert_null(
	    secret_key_read(fixture->path, NULL, &needs, error, sizeof(error)));
	assert_non_null(strstr(error, "cannot open"));
}

static void
test_reads_a_credential(void **state)
{
	const struct fixture *fixture = *state;
	char error[SECRET_KEY_ERROR];
	struct secret_key *key;

	assert_int_equal(
	    setenv("CREDENTIALS_DIRECTORY", fixture->folder, 1), 0);
	write_text(fixture, KEY_OF_0_TO_31 "\n");
	assert_int_equal(chmod(fixture->path, 0440), 0);
	key = secret_key_read_credential("key", error, sizeof(error));
	assert_non_null(key);
	secret_key_free(&key);
	assert_int_equal(chmod(fixture->path, 0600), 0);
	write_text(fixture, SAME_UNDER_PASS);
	assert_null(secret_key_read_credential("key", error, sizeof(error)));
	assert_non_null(strstr(error, "credential key: "));
	assert_non_null(strstr(error, "under a passphrase"));
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

static void
test_takes_a_public_half_back(void **state)
{
	static const char *const wrong[] = { "",
		"evpop-public-1:", "evpop-public-1", PUBLIC_HALF "A",
		PUBLIC_HALF " ", PUBLIC_HALF "=", " " PUBLIC_HALF,
		KEY_OF_0_TO_31,
		/* libsodium takes the character for another one. */
		"evpop-public-1:cjiVHDey\xcdZ-9ozwLdXRVaBJburvQiIz1c6Z2pCyNFn"
		"w" };
	unsigned char octets[SECRET_KEY_SIZE];
	char text[SECRET_PUBLIC_TEXT];

	(void)state;
	assert_true(secret_public_parse(PUBLIC_HALF, octets));
	secret_public_text(octets, text);
	assert_string_equal(text, PUBLIC_HALF);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(secret_public_parse(wrong[i], octets));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_is_read_as_written, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_leaves_nothing_half_written, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_opens_by_its_passphrase_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_stays_as_it_is, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_takes_nothing_else_for_a_key, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_refuses_a_file_that_is_open_to_others, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    test_reads_a_credential, set_up, tear_down),
		cmocka_unit_test(test_takes_a_public_half_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
