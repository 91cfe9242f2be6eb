#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <evpop/client.h>

#include "daemon/config/config.h"

static void
places(void **state)
{
	static const struct {
		const char *host;
		uint16_t port;
		enum evpop_tls tls;
		const char *place;
	} cases[] = {
		{ "pop.example.org", 0, EVPOP_TLS_IMPLICIT, "pop.example.org" },
		{ "pop.example.org", 110, EVPOP_TLS_STLS, "pop.example.org" },
		{ "pop.example.org", 995, EVPOP_TLS_STLS, "pop.example.org" },
		{ "pop.example.org.", 0, EVPOP_TLS_STLS, "pop.example.org" },
		{ "pop.example.org", 1995, EVPOP_TLS_IMPLICIT,
		    "pop.example.org:1995" },
		{ "2001:db8::1", 1995, EVPOP_TLS_IMPLICIT,
		    "[2001:db8::1]:1995" },
		{ "192.0.2.1", 995, EVPOP_TLS_IMPLICIT, "192.0.2.1" },
		{ "2001:db8::1", 995, EVPOP_TLS_IMPLICIT, "2001:db8::1" },
		/* A tunnel may lead anywhere. */
		{ "localhost", 0, EVPOP_TLS_IMPLICIT, "localhost:995" },
		{ "localhost", 0, EVPOP_TLS_STLS, "localhost:110" },
		{ "LocalHost", 1101, EVPOP_TLS_NONE, "LocalHost:1101" },
		{ "127.0.0.1", 1101, EVPOP_TLS_NONE, "127.0.0.1:1101" },
		{ "127.9.9.9", 0, EVPOP_TLS_NONE, "127.9.9.9:110" },
		{ "::1", 1101, EVPOP_TLS_NONE, "[::1]:1101" },
		{ "localhost.example.org", 0, EVPOP_TLS_NONE,
		    "localhost.example.org" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char host[64];
		const struct config_account account = { .host = strcpy(host,
							    cases[i].host),
			.port = cases[i].port,
			.tls = cases[i].tls };
		char *place = config_account_place(&account);

		assert_non_null(place);
		assert_string_equal(place, cases[i].place);
		free(place);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(places) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
