/* Host names beyond ASCII. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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
		assert_non_null(strstr(result.text, " is no host name: "));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
