/* Octets to hexadecimal and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/hex.h"

static void
octets_are_written(void **state)
{
	char text[9] = "????????";

	(void)state;
	evpop_hex_encode("", 0, text);
	assert_string_equal(text, "");
	evpop_hex_encode("\x00\x0f\xf0\xff", 4, text);
	assert_string_equal(text, "000ff0ff");
}

static void
each_octet_is_read_as_it_was_written(void **state)
{
	unsigned char octet;
	char text[3];
	int i;

	(void)state;
	for (i = 0; i < 256; i++) {
		octet = (unsigned char)i;
		evpop_hex_encode(&octet, 1, text);
		assert_int_equal(
		    evpop_hex_value(text[0]) << 4 | evpop_hex_value(text[1]),
		    i);
	}
}

static void
digits_are_those_of_either_case(void **state)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	int i;

	(void)state;
	for (i = -128; i < 128; i++)
		assert_int_equal(evpop_hex_value((char)i) != -1,
		    i != 0 && strchr(digits, i) != NULL);
	assert_int_equal(evpop_hex_value('A'), 10);
	assert_int_equal(evpop_hex_value('F'), 15);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(octets_are_written),
		cmocka_unit_test(each_octet_is_read_as_it_was_written),
		cmocka_unit_test(digits_are_those_of_either_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
