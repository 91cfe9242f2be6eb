/* Which mechanism may be used, by how private the connection is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/net/choice.h"
#include "lib/net/server.h"

#define BIT(name) EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_##name)

/* A password or a token can be read by who listens. */
#define SHOWN \
	(BIT(PLAIN) | BIT(LOGIN) | BIT(USER) | BIT(XOAUTH2) | BIT(OAUTHBEARER))
#define KEPT (BIT(SCRAM_SHA_256) | BIT(SCRAM_SHA_1) | BIT(CRAM_MD5) | BIT(APOP))

/* Those that a channel must be there for. */
#define OVER_TLS \
	(BIT(SCRAM_SHA_256_PLUS) | BIT(SCRAM_SHA_1_PLUS) | BIT(EXTERNAL))

static const unsigned char binding[32];

/* All that is allowed to somebody who names this mechanism alone. */
static unsigned int
allowed(enum evpop_privacy privacy)
{
	static const struct evpop_capabilities capabilities = { .known = true,
		.user = true };
	struct evpop_server *server =
	    evpop_server_new(NULL, "h", 110, EVPOP_TLS_NONE, false);
	struct evpop_offer offer = { .capabilities = &capabilities,
		.timestamp = "<1@h>",
		.target = { .host = "h",
		    .port = 110,
		    .channel = { .tls = privacy == EVPOP_PRIVACY_TLS,
			.exporter = binding,
			.exporter_length = sizeof binding },
		    .client_certificate = true },
		.privacy = privacy,
		.server = server };
	struct evpop_credentials credentials = {
		.user = "u", .password = "p", .token = "t"
	};
	const struct evpop_choice choice = { .credentials = &credentials };
	enum evpop_mechanism mechanism;
	unsigned int i, set = 0;

	assert_non_null(server);
	for (i = 0; i < EVPOP_MECHANISM_COUNT; i++) {
		credentials.mechanisms = EVPOP_MECHANISM_BIT(i);
		if (!evpop_choice_make(&choice, &offer, &mechanism))
			continue;
		assert_int_equal(mechanism, i);
		set |= EVPOP_MECHANISM_BIT(i);
	}
	evpop_server_free(server);
	return set;
}

static void
what_shows_the_password_wants_a_private_line(void **state)
{
	(void)state;
	assert_int_equal(allowed(EVPOP_PRIVACY_TLS), SHOWN | KEPT | OVER_TLS);
	assert_int_equal(allowed(EVPOP_PRIVACY_LOCAL), SHOWN | KEPT);
	assert_int_equal(allowed(EVPOP_PRIVACY_PERMITTED), SHOWN | KEPT);
	assert_int_equal(allowed(EVPOP_PRIVACY_NONE), KEPT);
}

/* By refusing what keeps the password, nobody gets one that shows it. */
static void
nobody_is_talked_down(void **state)
{
	static const enum evpop_privacy clear[] = { EVPOP_PRIVACY_LOCAL,
		EVPOP_PRIVACY_PERMITTED };
	static const struct evpop_capabilities capabilities = { .known = true,
		.user = true,
		.sasl = "SCRAM-SHA-256 PLAIN LOGIN OAUTHBEARER XOAUTH2" };
	struct evpop_server *server =
	    evpop_server_new(NULL, "h", 110, EVPOP_TLS_NONE, false);
	struct evpop_credentials credentials = { .user = "u",
		.password = "p",
		.token = "t",
		.mechanisms = EVPOP_MECHANISMS_DEFAULT };
	struct evpop_choice choice = { .credentials = &credentials,
		.refused = BIT(SCRAM_SHA_256) };
	struct evpop_offer offer = { .capabilities = &capabilities,
		.target = { .host = "h" },
		.server = server };
	enum evpop_mechanism mechanism;
	size_t i;

	(void)state;
	assert_non_null(server);
	for (i = 0; i < 2; i++) {
		offer.privacy = clear[i];
		assert_false(evpop_choice_make(&choice, &offer, &mechanism));
	}
	offer.privacy = EVPOP_PRIVACY_TLS;
	assert_true(evpop_choice_make(&choice, &offer, &mechanism));
	assert_int_equal(mechanism, EVPOP_MECHANISM_OAUTHBEARER);
	/* Unless somebody has named them. */
	credentials.mechanisms = BIT(SCRAM_SHA_256) | BIT(LOGIN);
	offer.privacy = EVPOP_PRIVACY_PERMITTED;
	assert_true(evpop_choice_make(&choice, &offer, &mechanism));
	assert_int_equal(mechanism, EVPOP_MECHANISM_LOGIN);
	evpop_server_free(server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_shows_the_password_wants_a_private_line),
		cmocka_unit_test(nobody_is_talked_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
