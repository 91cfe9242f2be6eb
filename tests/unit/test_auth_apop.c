/* APOP: which greetings have a timestamp, and the digest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "lib/auth/exchange.h"

#define HOST50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.a"

static const struct {
	const char *greeting;
	const char *stamp; /* NULL: there is none */
} cases[] = {
	{ "+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>",
	    "<1896.697170952@dbc.mtview.ca.us>" },
	{ "+OK <20.5F3.host$x+y/z=@example.org> ready",
	    "<20.5F3.host$x+y/z=@example.org>" },
	{ "+OK <1@h><2@h>", "<1@h>" },
	{ "+OK <bad> <2@h>", "<2@h>" },
	{ "+OK <unclosed <2@h>", "<2@h>" },
	{ "+OK <<2@h>>", "<2@h>" },
	{ "+OK a<b<c@d>", "<c@d>" },
	{ "+OK <1@[192.0.2.1]>", "<1@[192.0.2.1]>" },
	{ "+OK <1@[IPv6:2001:db8::1]>", "<1@[IPv6:2001:db8::1]>" },
	{ "+OK <1@local_host>", "<1@local_host>" },
	{ "+OK <.1..2.@h>", "<.1..2.@h>" },
	{ "", NULL },
	{ "+OK", NULL },
	{ "+OK <", NULL },
	{ "+OK >", NULL },
	{ "+OK <>", NULL },
	{ "+OK <@>", NULL },
	{ "+OK <1@>", NULL },
	{ "+OK <@h>", NULL },
	{ "+OK <1@h", NULL },
	{ "+OK 1@h>", NULL },
	{ "+OK <1.h>", NULL },
	{ "+OK <mail.example.org>", NULL },
	{ "+OK <http://www.example.org/>", NULL },
	{ "+OK <http://user@www.example.org/>", NULL },
	{ "+OK <mailto:postmaster@example.org>", NULL },
	{ "+OK <1@h@h>", NULL },
	{ "+OK <1@@h>", NULL },
	{ "+OK <1 2@h>", NULL },
	{ "+OK <1@h h>", NULL },
	{ "+OK <1@ h>", NULL },
	{ "+OK < 1@h>", NULL },
	{ "+OK <1@h >", NULL },
	{ "+OK <1\t@h>", NULL },
	{ "+OK <1@h\x01>", NULL },
	{ "+OK <1\x7f@h>", NULL },
	{ "+OK <\xc3\xa9@h>", NULL },
	{ "+OK <1@h\x80\xff>", NULL },
	{ "+OK <\"1\"@h>", NULL },
	{ "+OK <1\\@h>", NULL },
	{ "+OK <(1)@h>", NULL },
	{ "+OK <1,2@h>", NULL },
	{ "+OK <1@[192.0.2.1>", NULL },
	{ "+OK <1@[192.0.2.1]x>", NULL },
	{ "+OK <1@[a[b]>", NULL },
	{ "+OK <1@[a@b]>", NULL },
	{ "+OK <1@[a b]>", NULL },
	{ "+OK <1@x[192.0.2.1]>", NULL },
	{ "+OK <1@" HOST50 HOST50 HOST50 HOST50 HOST50 "a>",
	    "<1@" HOST50 HOST50 HOST50 HOST50 HOST50 "a>" },
	{ "+OK <1@" HOST50 HOST50 HOST50 HOST50 HOST50 "aa>", NULL },
};

static void
expect_stamp(const char *greeting, size_t length, const char *stamp)
{
	const char *found = NULL;
	size_t found_length = 0;
	bool any;

	any = evpop_apop_timestamp(greeting, length, &found, &found_length);
	if (any != (stamp != NULL))
		fail_msg("'%.60s': %s", greeting, any ? "found" : "not found");
	if (stamp == NULL)
		return;
	assert_true(
	    found >= greeting && found + found_length <= greeting + length);
	assert_int_equal(found_length, strlen(stamp));
	assert_memory_equal(found, stamp, found_length);
}

static void
only_a_msg_id_is_a_timestamp(void **state)
{
	char *copy;
	size_t i, length;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		/* Exactly as long as it is, for a sanitizer to watch. */
		length = strlen(cases[i].greeting);
		copy = malloc(length + 1);
		assert_non_null(copy);
		memcpy(copy + 1, cases[i].greeting, length);
		expect_stamp(copy + 1, length, cases[i].stamp);
		free(copy);
	}
}

static void
a_nul_is_no_part_of_one(void **state)
{
	static const char greeting[] = "+OK <1\0@h> <2@\0h> <3@h>";

	(void)state;
	expect_stamp(greeting, sizeof greeting - 1, "<3@h>");
	expect_stamp(greeting, sizeof greeting - 2, NULL);
}

/* All that looks for something in the greeting goes through these. */
static uint64_t octets_searched;

void *__real_memchr(const void *bytes, int c, size_t length);
void *__wrap_memchr(const void *bytes, int c, size_t length);
char *__real_strchr(const char *text, int c);
char *__wrap_strchr(const char *text, int c);

void *
__wrap_memchr(const void *bytes, int c, size_t length)
{
	const char *found = __real_memchr(bytes, c, length);

	octets_searched +=
	    found == NULL ? length : (size_t)(found - (const char *)bytes) + 1;
	return (void *)(uintptr_t)found;
}

/* Whether an octet is one of a few. */
char *
__wrap_strchr(const char *text, int c)
{
	octets_searched++;
	return __real_strchr(text, c);
}

static uint64_t
octets_searched_for(const char *repeated, size_t length, bool valid)
{
	const size_t step = strlen(repeated);
	char *greeting = malloc(length + sizeof "<1@h>");
	size_t used;

	assert_non_null(greeting);
	for (used = 0; used + step <= length; used += step)
		memcpy(greeting + used, repeated, step);
	if (valid) {
		memcpy(greeting + used, "<1@h>", 5);
		used += 5;
	}
	octets_searched = 0;
	expect_stamp(greeting, used, valid ? "<1@h>" : NULL);
	free(greeting);
	return octets_searched;
}

/* Each octet is looked at a few times, however many came before it. */
#define LINEAR_OCTETS 4000000
#define LINEAR_FACTOR 4

static void
a_greeting_takes_linear_work(void **state)
{
	static const char *const repeated[] = { "<", "<a", "<a@", "<a@b",
		"<a@[", "<a@[]", "a" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof repeated / sizeof repeated[0]; i++) {
		assert_in_range(
		    octets_searched_for(repeated[i], LINEAR_OCTETS, false), 1,
		    LINEAR_FACTOR * LINEAR_OCTETS);
		assert_in_range(
		    octets_searched_for(repeated[i], LINEAR_OCTETS, true), 1,
		    LINEAR_FACTOR * LINEAR_OCTETS);
	}
}

static void
the_digest_is_that_of_the_rfc(void **state)
{
	static const char stamp[] = "<1896.697170952@dbc.mtview.ca.us>";
	char digest[EVPOP_APOP_DIGEST_SIZE];

	(void)state;
	assert_true(
	    evpop_apop_digest(stamp, sizeof stamp - 1, "tanstaaf", digest));
	assert_string_equal(digest, "c4c9334bac560ecc979e58001b3e22fb");
	/* Without stamp and password: MD5 of nothing (RFC 1321). */
	assert_true(evpop_apop_digest("", 0, "", digest));
	assert_string_equal(digest, "d41d8cd98f00b204e9800998ecf8427e");
	assert_true(evpop_apop_digest("message ", 8, "digest", digest));
	assert_string_equal(digest, "f96b697d7cb7938d525a2f31aaf161d0");
}

static void
without_md5_there_is_none(void **state)
{
	const struct evpop_credentials credentials = { .user = "u",
		.password = "p" };
	const struct evpop_exchange_target target = { .host = "h" };
	struct evpop_result result = { .error = EVPOP_ERROR_NONE };
	char digest[EVPOP_APOP_DIGEST_SIZE] = "unchanged";

	(void)state;
	assert_int_equal(EVP_set_default_properties(NULL, "fips=yes"), 1);
	assert_false(evpop_apop_digest("<1@h>", 5, "p", digest));
	assert_string_equal(digest, "");
	assert_int_equal(ERR_peek_error(), 0);
	assert_null(evpop_exchange_new(
	    EVPOP_MECHANISM_CRAM_MD5, &credentials, &target, &result));
	assert_int_equal(result.error, EVPOP_ERROR_USAGE);
	assert_non_null(strstr(result.text, "MD5"));
	assert_int_equal(ERR_peek_error(), 0);
	assert_int_equal(EVP_set_default_properties(NULL, ""), 1);
	assert_true(evpop_apop_digest("<1@h>", 5, "p", digest));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_msg_id_is_a_timestamp),
		cmocka_unit_test(a_nul_is_no_part_of_one),
		cmocka_unit_test(a_greeting_takes_linear_work),
		cmocka_unit_test(the_digest_is_that_of_the_rfc),
		cmocka_unit_test(without_md5_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
