#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "daemon/http/network.h"

static bool
is_public(const char *text)
{
	struct network_address address;

	assert_true(network_address_read(text, &address));
	return network_is_public(&address);
}

static void
what_is_not_of_the_internet_is_told(void **state)
{
	static const char *const inside[] = { "0.0.0.0", "10.1.2.3",
		"100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.255",
		"169.254.169.254", "172.16.0.1", "172.31.255.255",
		"192.0.0.170", "192.168.0.1", "198.18.0.1", "198.19.255.255",
		"224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1",
		"::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
		"64:ff9b::10.0.0.1", "64:ff9b:1::1", "2002:7f00:1::1",
		"2002:c0a8:101::", "100::1", "fc00::1", "fdff::1", "fe80::1",
		"fec0::1", "ff02::1" };
	static const char *const outside[] = { "1.1.1.1", "9.255.255.255",
		"11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
		"128.0.0.1", "172.15.255.255", "172.32.0.0", "192.0.1.0",
		"192.167.255.255", "198.17.255.255", "223.255.255.255",
		"::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::1",
		"2001:db8::1", "2a00:1450:4001::1", "fbff::1" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
		if (is_public(inside[i]))
			fail_msg("%s is taken for a public one", inside[i]);
	for (i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		if (!is_public(outside[i]))
			fail_msg("%s is not taken for public", outside[i]);
}

static void
networks_are_compared(void **state)
{
	static const struct {
		const char *one, *other;
		bool is_same;
	} cases[] = {
		{ "192.0.2.1", "192.0.2.254", true },
		{ "192.0.2.1", "192.0.3.1", false },
		{ "192.0.2.1", "::ffff:192.0.2.9", true },
		{ "192.0.2.1", "::c000:201", false },
		{ "2001:db8::1", "2001:db8:ffff::1", true },
		{ "2001:db8::1", "2001:db9::1", false },
		{ "2001:db8::1", "192.0.2.1", false },
	};
	struct network_address one, other;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(network_address_read(cases[i].one, &one));
		assert_true(network_address_read(cases[i].other, &other));
		assert_int_equal(
		    network_is_same(&one, &other), cases[i].is_same);
	}
}

static void
what_is_no_address_is_none(void **state)
{
	static const char *const none[] = { "", "localhost", "1.2.3",
		"1.2.3.4.5", "0x7f000001", "2130706433", "[::1]", "::1%eth0",
		"1.2.3.4 " };
	struct network_address address;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(network_address_read(none[i], &address));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_of_the_internet_is_told),
		cmocka_unit_test(networks_are_compared),
		cmocka_unit_test(what_is_no_address_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
