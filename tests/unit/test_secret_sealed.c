/*
 * Passwords that are sealed: opened again by the same key, for the same
 * account, and by nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/secret/key.h"
#include "daemon/secret/line.h"
#include "daemon/secret/sealed.h"
#include "daemon/secret/secret.h"

#define MARK "evpop-password-1:"
/* "hunter2" for anna, by the key of the octets 0 to 31. */
#define VECTOR                                                              \
	MARK "kce4FkUrapcfAmONkFCY-L5qmemijjEvzMTwhT1v_ydcyQXPSJoWg7yOq53-" \
	     "Nu2X7FZEWn1f2o0Cb68phh3pVysLsHZufp2TbERqV8aiPGu5VNJO3vpbb1ha" \
	     "8oEAsfHIGtZUQVUMeS-uI2FThhuCNw"

static const struct secret_bearer anna = { .name = "anna", .id = NULL };

static int
set_up(void **state)
{
	assert_true(secret_init());
	*state = secret_key_generate();
	assert_non_null(*state);
	return 0;
}

static int
tear_down(void **state)
{
	struct secret_key *key = *state;

	secret_key_free(&key);
	return 0;
}

static char *
seal(const struct secret_key *key, const char *text, const char *account)
{
	struct secret *password = secret_new(text, strlen(text));
	char *sealed = secret_seal(key, password, account);

	assert_non_null(sealed);
	secret_free(&password);
	return sealed;
}

static void
assert_opens(const struct secret_key *key, const char *sealed,
    const struct secret_bearer *bearer, const char *text)
{
	char error[SECRET_ERROR_SIZE] = "";
	struct secret *password =
	    secret_unseal(key, sealed, bearer, error, sizeof(error));

	assert_string_equal(error, "");
	assert_non_null(password);
	assert_string_equal(secret_text(password), text);
	assert_int_equal(secret_length(password), strlen(text));
	secret_free(&password);
}

static void
assert_refused(const struct secret_key *key, const char *sealed,
    const struct secret_bearer *bearer, const char *words)
{
	char error[SECRET_ERROR_SIZE] = "";

	assert_null(secret_unseal(key, sealed, bearer, error, sizeof(error)));
	if (strncmp(error, "password_sealed", 15) != 0 ||
	    strstr(error, words) == NULL)
		fail_msg("%s: \"%s\", not \"%s\"", sealed, error, words);
}

static void
test_opens_by_its_key(void **state)
{
	/* The last of them fills the padding exactly. */
	static const char *const passwords[] = { "x", " p;#\"w ",
		"123456789012345678901234567890123456789012345678901234567890"
		"12",
		"123456789012345678901234567890123456789012345678901234567890"
		"123" };
	struct secret_key *other = secret_key_generate();
	char *sealed, *again;

	for (size_t i = 0; i < sizeof(passwords) / sizeof(passwords[0]); i++) {
		sealed = seal(*state, passwords[i], NULL);
		again = seal(*state, passwords[i], NULL);
		assert_string_not_equal(sealed, again);
		assert_opens(*state, sealed, &anna, passwords[i]);
		assert_refused(other, sealed, &anna, "is sealed with the key");
		assert_refused(NULL, sealed, &anna, "needs the daemon's key");
		free(sealed);
		free(again);
	}
	secret_key_free(&other);
}

static void
test_opens_in_its_account(void **state)
{
	const struct secret_bearer renamed = { .name = "berta", .id = "anna" };
	const struct secret_bearer others[] = { { .name = "ann" },
		{ .name = "anna2" }, { .name = "bert", .id = "anna2" },
		{ .name = "Anna" }, { .name = "anna", .is_target = true } };
	char *sealed = seal(*state, "pw", "anna"), longest[256];

	assert_opens(*state, sealed, &anna, "pw");
	assert_opens(*state, sealed, &renamed, "pw");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_refused(*state, sealed, &others[i],
		    "bound to the account \"anna\"");
	free(sealed);

	memset(longest, 'n', sizeof(longest));
	longest[255] = '\0';
	sealed = seal(*state, "pw", longest);
	assert_opens(
	    *state, sealed, &(struct secret_bearer){ .name = longest }, "pw");
	free(sealed);
}

static void
test_opens_in_its_target(void **state)
{
	const struct secret_bearer target = { .name = "anna",
		.is_target = true };
	const struct secret_bearer other = { .name = "ann", .is_target = true };
	char *sealed = seal(*state, "pw", SECRET_BOUND_TARGET "anna");

	assert_opens(*state, sealed, &target, "pw");
	assert_refused(*state, sealed, &other,
	    "bound to the target \"anna\", and this is the target \"ann\"; "
	    "seal the password for it: evpopctl seal --target ann");
	assert_refused(*state, sealed, &anna,
	    "bound to the target \"anna\", and this is the account \"anna\"; "
	    "seal the password for it: evpopctl seal --account anna");
	free(sealed);
}

static void
test_seals_nothing_that_is_too_long(void **state)
{
	char *long_text = calloc(1, SECRET_INPUT_MAX + 2), name[257];
	struct secret *password;

	assert_non_null(long_text);
	memset(long_text, 'x', SECRET_INPUT_MAX + 1);
	password = secret_new(long_text, SECRET_INPUT_MAX + 1);
	assert_null(secret_seal(*state, password, NULL));
	secret_free(&password);
	password = secret_new(long_text, SECRET_INPUT_MAX);
	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	assert_null(secret_seal(*state, password, name));
	free(long_text);
	long_text = secret_seal(*state, password, NULL);
	assert_opens(*state, long_text, &anna, secret_text(password));
	free(long_text);
	secret_free(&password);
}

/* Each digit of it, and each length. */
static void
test_opens_whole_and_unchanged(void **state)
{
	char *sealed = seal(*state, "pw", "anna");
	const size_t length = strlen(sealed);
	char was;

	for (size_t i = strlen(MARK); i < length; i++) {
		was = sealed[i];
		sealed[i] = was == 'A' ? 'g' : 'A';
		assert_refused(*state, sealed, &anna, "evpopctl seal");
		sealed[i] = was;
	}
	for (size_t i = length; i-- > 0;) {
		sealed[i] = '\0';
		assert_refused(*state, sealed, &anna, "evpopctl seal");
	}
	free(sealed);
}

static void
test_is_as_it_was(void **state)
{
	static const char key_text[] =
	    "evpop-secret-1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n";
	char path[] = "/tmp/evpop-sealed-XXXXXX", error[SECRET_KEY_ERROR];
	struct secret_key *key;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(
	    write(fd, key_text, strlen(key_text)), (ssize_t)strlen(key_text));
	assert_int_equal(close(fd), 0);
	key = secret_key_read(path, NULL, NULL, error, sizeof(error));
	assert_int_equal(unlink(path), 0);
	assert_non_null(key);
	assert_opens(key, VECTOR, &anna, "hunter2");
	assert_refused(key, VECTOR, &(struct secret_bearer){ .name = "bert" },
	    "bound to the account \"anna\"");
	secret_key_free(&key);
}

static void
take(struct secret *secret, const char *error, void *arg)
{
	assert_non_null(secret);
	assert_null(error);
	assert_string_equal(secret_text(secret), "pw");
	secret_free(&secret);
	*(bool *)arg = true;
}

/* The key may be gone by the time it is told. */
static void
test_is_fetched(void **state)
{
	struct secret_key *key = secret_key_generate();
	char *sealed = seal(key, "pw", "anna");
	const struct secret_source source = { .kind = SECRET_SEALED,
		.value = sealed,
		.key = key,
		.bearer = anna };
	struct event_base *base = event_base_new();
	bool is_told = false;

	(void)state;
	assert_non_null(base);
	assert_non_null(secret_fetch(base, &source, 5000, take, &is_told));
	assert_false(is_told);
	secret_key_free(&key);
	free(sealed);
	assert_true(event_base_dispatch(base) >= 0);
	assert_true(is_told);
	event_base_free(base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opens_by_its_key),
		cmocka_unit_test(test_opens_in_its_account),
		cmocka_unit_test(test_opens_in_its_target),
		cmocka_unit_test(test_seals_nothing_that_is_too_long),
		cmocka_unit_test(test_opens_whole_and_unchanged),
		cmocka_unit_test(test_is_as_it_was),
		cmocka_unit_test(test_is_fetched),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
