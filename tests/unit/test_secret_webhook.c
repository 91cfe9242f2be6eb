#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/secret/webhook.h"

static struct webhook_key *
key_of(const char *text, const char **why)
{
	struct secret *secret = secret_new(text, strlen(text));
	struct webhook_key *key;

	assert_non_null(secret);
	key = webhook_key_new(secret, why);
	secret_free(&secret);
	return key;
}

/* The example that the specification's libraries test themselves with. */
static void
the_published_example_is_signed(void **state)
{
	static const char body[] = "{\"test\": 2432232314}";
	static const char *const secrets[] = {
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	};
	char signature[WEBHOOK_SIGNATURE];
	const char *why;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		struct webhook_key *key = key_of(secrets[i], &why);
		struct webhook *webhook;

		assert_non_null(key);
		webhook = webhook_begin(
		    key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330);
		assert_non_null(webhook);
		for (j = 0; j < strlen(body); j++)
			webhook_add(webhook, body + j, 1);
		webhook_finish(webhook, signature);
		assert_string_equal(signature,
		    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
		webhook_free(&webhook);
		assert_null(webhook);
		webhook_key_free(&key);
		assert_null(key);
	}
}

static void
other_secrets_are_none(void **state)
{
	static const char *const secrets[] = { "", "whsec_", "password",
		"whsec_correct horse battery staple, long enough to be one",
		"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", /* 23 octets and a half */
		/* 23, and 65 octets. */
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAA=" };
	const char *why = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		assert_null(key_of(secrets[i], &why));
		assert_non_null(strstr(why, "base64"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_example_is_signed),
		cmocka_unit_test(other_secrets_are_none),
	};

	return secret_init() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
