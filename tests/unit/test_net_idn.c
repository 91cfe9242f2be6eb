/* Host names beyond ASCII. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <evpop/client.h>

#include "lib/net/destination.h"

static const struct {
	const char *host, *ascii;
} good[] = {
	/* ASCII is nobody's business here. */
	{ "pop.example.org", "pop.example.org" },
	{ "POP.Example.ORG.", "POP.Example.ORG." },
	{ "_a-.-b..", "_a-.-b.." },
	{ "127.0.0.1", "127.0.0.1" },
	{ "fe80::1%eth0", "fe80::1%eth0" },
	{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
	{ "", "" },
	/* Mapped: case, width, composition, other full stops. */
	{ "b\xc3\xbc"
	  "cher.example",
	    "xn--bcher-kva.example" },
	{ "B\xc3\x9c"
	  "CHER.Example",
	    "xn--bcher-kva.example" },
	{ "bu\xcc\x88"
	  "cher.example",
	    "xn--bcher-kva.example" },
	{ "b\xc3\xbc"
	  "cher\xe3\x80\x82"
	  "example.",
	    "xn--bcher-kva.example." },
	{ "\xef\xbd\x81.example", "a.example" },
	/* IDNA 2008 keeps what IDNA 2003 mapped away. */
	{ "fa\xc3\x9f.de", "xn--fa-hia.de" },
	{ "\xcf\x83\xcf\x82.gr", "xn--3xab.gr" },
	{ "\xe3\x83\x89\xe3\x83\xa1\xe3\x82\xa4\xe3\x83\xb3\xe5\x90\x8d\xe4\xbe"
	  "\x8b.jp",
	    "xn--eckwd4c7cu47r2wf.jp" },
	{ "\xd9\x85\xd8\xab\xd8\xa7\xd9\x84.\xd8\xa5\xd8\xae\xd8\xaa\xd8\xa8"
	  "\xd8\xa7\xd8\xb1",
	    "xn--mgbh0fb.xn--kgbechtv" },
	{ "pop_1.b\xc3\xbc"
	  "cher.example",
	    "pop_1.xn--bcher-kva.example" },
};

#define U63                                                                \
	"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc" \
	"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const char *const bad[] = {
	"\xff.example",
	"b\xc3.example",
	"\xed\xa0\x80.example", /* no UTF-8 */
	"\xe2\x98\x83.example", /* a snowman is no letter */
	"-\xc3\xbc.example",
	"\xc3\xbc-.example",
	"a..\xc3\xbc",
	".\xc3\xbc",
	"\xc3\xbc..",
	"\xc3\xbc\xef\xbc\x8f"
	"a.example", /* a full-width slash */
	"a/b.\xc3\xbc",
	"a b.\xc3\xbc",
	"a@\xc3\xbc.example",
	"\xc3\xbc\r\n.example",
	"\xc3\xbc.a\nb",
	"xn--\xc3\xbc.example",
	"\xd8\xa7"
	"b.example",                    /* both directions in one label */
	"\xc3\xb6\xe2\x80\x8d.example", /* a joiner that joins nothing */
	U63 ".example",
};

static void
test_good(void **state)
{
	struct evpop_result result;
	char *ascii;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!evpop_idn_to_ascii(good[i].host, &ascii, &result))
			fail_msg("%s: %s", good[i].host, result.text);
		assert_string_equal(ascii, good[i].ascii);
		free(ascii);
	}
}

static void
test_bad(void **state)
{
	struct evpop_result result;
	char *ascii;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (evpop_idn_to_ascii(bad[i], &ascii, &result))
			fail_msg("%s became %s", bad[i], ascii);
		assert_null(ascii);
		assert_int_equal(result.error, EVPOP_ERROR_USAGE);
		assert_false(result.retry);
		assert_non_null(strstr(result.text, " is not a host name: "));
	}
}

#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void
test_check(void **state)
{
	static const struct {
		const char *host;
		bool good;
	} rows[] = {
		{ "pop.example.org", true },
		{ "pop.example.org.", true },
		{ "pop_1.example.org", true },
		{ "localhost", true },
		{ "192.0.2.1", true },
		{ "2001:db8::1", true },
		{ "fe80::1%nosuchinterface", true },
		{ "b\xc3\xbc"
		  "cher.example",
		    true },
		{ A63 "." A63 "." A63 "." A63, false },
		{ A63 "." A63 "." A63 ".aaaaaaaaaa"
		      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		    true },
		{ "pop.example.org:995", false },
		{ "[::1]", false },
		{ "a b", false },
		{ "a..b", false },
		{ ".a", false },
		{ "-a", false },
		{ "a/b", false },
		{ "m\xc3\xbcller/example", false },
		{ "\xe2\x98\x83.example", false },
		{ "\xff.example", false },
		{ "", false },
	};
	struct evpop_result result;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (evpop_host_check(rows[i].host, &result) != rows[i].good)
			fail_msg("%s", rows[i].host);
		if (rows[i].good)
			continue;
		assert_int_equal(result.error, EVPOP_ERROR_USAGE);
		assert_non_null(strstr(result.text, "is not a host name"));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(evpop_host_check(bad[i], &result));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
