#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/url.h"

static void
what_is_not_plain_is_quoted(void **state)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789-._~";

	(void)state;
	for (int octet = 0; octet < 256; octet++) {
		const char c = (char)octet;
		char quoted[4] = "", wanted[4];

		if (memchr(plain, c, sizeof(plain) - 1) != NULL)
			snprintf(wanted, sizeof(wanted), "%c", c);
		else
			snprintf(wanted, sizeof(wanted), "%%%02X", octet);
		assert_int_equal(evpop_url_is_plain(c), wanted[1] == '\0');
		assert_int_equal(evpop_url_quote(c, quoted), strlen(wanted));
		assert_string_equal(quoted, wanted);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_plain_is_quoted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
