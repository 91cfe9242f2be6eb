/* How the server of an address is found, as far as that asks nobody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/ctl/autoconfig.h"
#include "daemon/ctl/finding.h"
#include "daemon/ctl/mailhosts.h"

#define ADDRESS "anna@example.org"

#define FILE_OF(servers)                                              \
	"<?xml version='1.0'?><clientConfig version='1.1'>"           \
	"<emailProvider id='example.org'>" servers "</emailProvider>" \
	"</clientConfig>"
#define SERVER(type, host, port, socket, user)                          \
	"<incomingServer type='" type "'><hostname>" host "</hostname>" \
	"<port>" port "</port><socketType>" socket "</socketType>"      \
	"<username>" user "</username>"                                 \
	"<authentication>password-cleartext</authentication>"           \
	"</incomingServer>"

static void
test_files(void **state)
{
	static const struct {
		const char *xml;
		enum autoconfig_answer answer;
		const char *host, *user;
		uint16_t port;
		enum evpop_tls tls;
	} cases[] = {
		{ FILE_OF(SERVER("pop3", "pop.example.org", "995", "SSL",
		      "%EMAILADDRESS%")),
		    AUTOCONFIG_FOUND, "pop.example.org", ADDRESS, 995,
		    EVPOP_TLS_IMPLICIT },
		{ FILE_OF(SERVER("pop3", "pop.%EMAILDOMAIN%", " 110 ",
		      "STARTTLS", "%EMAILLOCALPART%-%EMAILDOMAIN%")),
		    AUTOCONFIG_FOUND, "pop.example.org", "anna-example.org",
		    110, EVPOP_TLS_STLS },
		/* TLS from the beginning is better, wherever it stands. */
		{ FILE_OF(SERVER("pop3", "a.example.org", "110", "STARTTLS",
		      "u") SERVER("pop3", "b.example.org", "995", "SSL", "u")
			  SERVER("pop3", "c.example.org", "995", "SSL", "u")),
		    AUTOCONFIG_FOUND, "b.example.org", "u", 995,
		    EVPOP_TLS_IMPLICIT },
		/* Neither other protocols nor clear text. */
		{ FILE_OF(SERVER("imap", "imap.example.org", "993", "SSL", "u")
			  SERVER("pop3", "a.example.org", "110", "plain", "u")),
		    AUTOCONFIG_USELESS, NULL, NULL, 0, EVPOP_TLS_NONE },
		/* What no server can be. */
		{ FILE_OF(SERVER("pop3", "a b", "995", "SSL", "u")),
		    AUTOCONFIG_USELESS, NULL, NULL, 0, EVPOP_TLS_NONE },
		{ FILE_OF(SERVER("pop3", "a.org", "99999", "SSL", "u")),
		    AUTOCONFIG_USELESS, NULL, NULL, 0, EVPOP_TLS_NONE },
		{ FILE_OF(SERVER("pop3", "a.org", "-1", "SSL", "u")),
		    AUTOCONFIG_USELESS, NULL, NULL, 0, EVPOP_TLS_NONE },
		{ FILE_OF(SERVER("pop3", "a.org", "", "SSL", "u")),
		    AUTOCONFIG_USELESS, NULL, NULL, 0, EVPOP_TLS_NONE },
		/* A member inside of another is none. */
		{ FILE_OF("<incomingServer type='pop3'><x><hostname>a.org"
			  "</hostname></x><port>995</port><socketType>SSL"
			  "</socketType></incomingServer>"),
		    AUTOCONFIG_USELESS, NULL, NULL, 0, EVPOP_TLS_NONE },
		/* Without a user name it is the address; the first counts. */
		{ FILE_OF("<incomingServer type='pop3'><hostname>a.org"
			  "</hostname><hostname>b.org</hostname><port>995"
			  "</port><socketType>SSL</socketType>"
			  "</incomingServer>"),
		    AUTOCONFIG_FOUND, "a.org", ADDRESS, 995,
		    EVPOP_TLS_IMPLICIT },
		/* What is cut, what is no such file, and entities. */
		{ "<clientConfig><emailProvider>" SERVER(
		      "pop3", "a.org", "995", "SSL", "u"),
		    AUTOCONFIG_USELESS, NULL, NULL, 0, EVPOP_TLS_NONE },
		{ "<html><body>404</body></html>", AUTOCONFIG_USELESS, NULL,
		    NULL, 0, EVPOP_TLS_NONE },
		{ "", AUTOCONFIG_USELESS, NULL, NULL, 0, EVPOP_TLS_NONE },
		{ "<!DOCTYPE x [<!ENTITY a 'b'>]>" FILE_OF(
		      SERVER("pop3", "&a;.org", "995", "SSL", "u")),
		    AUTOCONFIG_USELESS, NULL, NULL, 0, EVPOP_TLS_NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct autoconfig found;

		assert_int_equal(autoconfig_parse(cases[i].xml,
				     strlen(cases[i].xml), ADDRESS, &found),
		    cases[i].answer);
		if (cases[i].answer != AUTOCONFIG_FOUND)
			continue;
		assert_string_equal(found.host, cases[i].host);
		assert_string_equal(found.user, cases[i].user);
		assert_int_equal(found.port, cases[i].port);
		assert_int_equal(found.tls, cases[i].tls);
	}
}

/* Neither long values nor deep elements fit, and none does harm. */
static void
test_huge_files(void **state)
{
	static const char head[] = "<c><incomingServer type='pop3'><hostname>";
	const size_t length = 200000;
	char *xml = malloc(length + 1);
	struct autoconfig found;

	(void)state;
	assert_non_null(xml);
	memset(xml, 'a', length);
	memcpy(xml, head, sizeof(head) - 1);
	memcpy(xml + length - 34, "</hostname></incomingServer></c>  ", 34);
	assert_int_equal(
	    autoconfig_parse(xml, length, ADDRESS, &found), AUTOCONFIG_USELESS);
	for (size_t i = 0; i + 3 <= length; i += 3)
		memcpy(xml + i, "<a>", 3);
	assert_int_equal(
	    autoconfig_parse(xml, length, ADDRESS, &found), AUTOCONFIG_USELESS);
	free(xml);
}

static void
test_addresses(void **state)
{
	static const char *const good[] = { ADDRESS, "a@b.c",
		"\xc3\xa4@m\xc3\xbcller.example", "a@b@example.org",
		"o'neill+x@example.org" };
	static const char *const bad[] = { "", "@", "anna", "@example.org",
		"anna@", "anna@localhost", "anna@example.org.", "a b@c.d",
		"anna@127.0.0.1", "anna@exa mple.org", "\xff@example.org",
		"anna@.example.org", "\"x\"@example.org" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!finding_is_address(good[i]))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (finding_is_address(bad[i]))
			fail_msg("taken: %s", bad[i]);
}

static void
test_hosts(void **state)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
	} good[] = { { "pop.example.org", "pop.example.org", 0 },
		{ "pop.example.org:995", "pop.example.org", 995 },
		{ "192.0.2.1:110", "192.0.2.1", 110 },
		{ "2001:db8::1", "2001:db8::1", 0 },
		{ "[2001:db8::1]:995", "2001:db8::1", 995 } };
	static const char *const bad[] = { "", ":995", "a:", "a:0", "a:65536",
		"a:995x", "a b", "[]:995" };
	struct mailhost host;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(mailhosts_read(good[i].text, &host));
		assert_string_equal(host.name, good[i].host);
		assert_int_equal(host.port, good[i].port);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(mailhosts_read(bad[i], &host));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_huge_files),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
