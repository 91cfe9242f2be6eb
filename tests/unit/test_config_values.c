/*
 * What each type of value takes, and what is said of what it does not take.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <evpop/auth.h>
#include <evpop/client.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/option.h"
#include "daemon/config/value.h"
#include "tests/unit/test_config_folder.h"

#define DIGEST \
	"0123456789abcdefABCDEF0123456789abcdef0123456789abcdef0123456789"
#define DIGEST_SHORT "0123456789abcdef"

static void
test_defaults(void **state)
{
	const struct config_account *account;
	struct config *config;

	folder_write_text(
	    *state, "main.conf", "[account a]\nhost=h\nuser=u\npassword=p\n");
	config = folder_read(*state);
	assert_int_equal(config->log_level, CONFIG_LOG_INFO);
	assert_int_equal(config->max_sessions, 64);
	assert_int_equal(config->max_sessions_per_host, 8);
	assert_int_equal(config->max_logins_per_host, 0);
	assert_int_equal(config->memory_limit, 8 * 1024 * 1024);
	assert_string_equal(config->store_path, "/var/lib/evpopd/mail.db");
	assert_int_equal(config->store_compress, CONFIG_COMPRESS_NONE);
	assert_string_equal(config->control_socket, "/run/evpopd/control.sock");
	assert_int_equal(config->control_mode, 0660);
	assert_null(config->control_group);
	assert_int_equal(config->control_admin.count, 0);
	account = config->accounts[0];
	assert_null(account->id);
	assert_int_equal(account->port, 0);
	assert_int_equal(account->tls, EVPOP_TLS_IMPLICIT);
	assert_int_equal(account->tls_pin.count, 0);
	assert_null(account->tls_ca);
	assert_null(account->tls_cert);
	assert_null(account->tls_key);
	assert_null(account->password_file);
	assert_null(account->password_command);
	assert_null(account->password_credential);
	assert_false(account->allow_cleartext);
	assert_int_equal(account->timeout_resolve_ms, EVPOP_TIMEOUT_RESOLVE_MS);
	assert_int_equal(account->timeout_connect_ms, EVPOP_TIMEOUT_CONNECT_MS);
	assert_int_equal(
	    account->timeout_handshake_ms, EVPOP_TIMEOUT_HANDSHAKE_MS);
	assert_int_equal(
	    account->timeout_greeting_ms, EVPOP_TIMEOUT_GREETING_MS);
	assert_int_equal(account->timeout_login_ms, EVPOP_TIMEOUT_LOGIN_MS);
	assert_int_equal(account->timeout_command_ms, EVPOP_TIMEOUT_COMMAND_MS);
	assert_int_equal(account->timeout_body_ms, EVPOP_TIMEOUT_BODY_MS);
	assert_int_equal(account->timeout_quit_ms, EVPOP_TIMEOUT_QUIT_MS);
	assert_int_equal(account->timeout_session_ms, EVPOP_TIMEOUT_SESSION_MS);
	assert_int_equal(account->interval_ms, 300000);
	assert_true(account->enabled);
	assert_int_equal(account->keep.kind, CONFIG_KEEP_FOREVER);
	assert_int_equal(account->delete_above, 0);
	assert_int_equal(account->max_deletes_per_session, 1000);
	assert_int_equal(account->delete_guard, 500);
	assert_false(account->baseline);
	assert_int_equal(account->max_message_size, 0);
	assert_int_equal(account->max_messages_per_poll, 0);
	assert_int_equal(account->max_octets_per_day, 0);
	assert_int_equal(account->fetch_after_ms, 0);
	assert_int_equal(account->order, CONFIG_ORDER_OLDEST);
	config_free(&config);
	assert_null(config);
	config_free(&config);
}

/* What a number comes to, by the option that takes it. */
static void
test_numbers(void **state)
{
	static const struct {
		enum config_scope scope;
		const char *key, *text;
		int64_t value; /* -1: refused */
	} rows[] = {
		{ CONFIG_SCOPE_ACCOUNT, "interval", "10s", 10000 },
		{ CONFIG_SCOPE_ACCOUNT, "interval", "9999ms", -1 },
		{ CONFIG_SCOPE_ACCOUNT, "interval", "30d", 2592000000 },
		{ CONFIG_SCOPE_ACCOUNT, "interval", "31d", -1 },
		{ CONFIG_SCOPE_ACCOUNT, "interval", "2h", 7200000 },
		{ CONFIG_SCOPE_ACCOUNT, "interval", "90m", 5400000 },
		{ CONFIG_SCOPE_ACCOUNT, "interval", "60000", -1 },
		{ CONFIG_SCOPE_ACCOUNT, "interval", "5 m", -1 },
		{ CONFIG_SCOPE_ACCOUNT, "interval", "5M", -1 },
		{ CONFIG_SCOPE_ACCOUNT, "interval", "5min", -1 },
		{ CONFIG_SCOPE_ACCOUNT, "interval", "-5m", -1 },
		{ CONFIG_SCOPE_ACCOUNT, "interval", "+5m", -1 },
		{ CONFIG_SCOPE_ACCOUNT, "interval", "1.5h", -1 },
		{ CONFIG_SCOPE_ACCOUNT, "interval", "m", -1 },
		{ CONFIG_SCOPE_ACCOUNT, "interval", "9223372036854775807d",
		    -1 },
		{ CONFIG_SCOPE_ACCOUNT, "interval", "18446744073709551617s",
		    -1 },
		{ CONFIG_SCOPE_ACCOUNT, "delete_above", "5M", 5242880 },
		{ CONFIG_SCOPE_ACCOUNT, "delete_above", "0", 0 },
		{ CONFIG_SCOPE_ACCOUNT, "delete_above", "1025G", -1 },
		{ CONFIG_SCOPE_ACCOUNT, "delete_above", "5d", -1 },
		{ CONFIG_SCOPE_ACCOUNT, "max_deletes_per_session", "0", 0 },
		{ CONFIG_SCOPE_ACCOUNT, "max_deletes_per_session", "1000000000",
		    1000000000 },
		{ CONFIG_SCOPE_ACCOUNT, "max_deletes_per_session", "1000000001",
		    -1 },
		{ CONFIG_SCOPE_ACCOUNT, "delete_guard", "0", 0 },
		{ CONFIG_SCOPE_ACCOUNT, "delete_guard", "20", 20 },
		{ CONFIG_SCOPE_ACCOUNT, "delete_guard", "-1", -1 },
		{ CONFIG_SCOPE_ACCOUNT, "delete_guard", "20%", -1 },
		{ CONFIG_SCOPE_ACCOUNT, "timeout_body", "500ms", 500 },
		{ CONFIG_SCOPE_ACCOUNT, "timeout_body", "0s", -1 },
		{ CONFIG_SCOPE_DAEMON, "memory_limit", "1048576", 1048576 },
		{ CONFIG_SCOPE_DAEMON, "memory_limit", "2048K", 2097152 },
		{ CONFIG_SCOPE_DAEMON, "memory_limit", "3m", 3145728 },
		{ CONFIG_SCOPE_DAEMON, "memory_limit", "64G", 68719476736 },
		{ CONFIG_SCOPE_DAEMON, "memory_limit", "65G", -1 },
		{ CONFIG_SCOPE_DAEMON, "memory_limit", "1023K", -1 },
		{ CONFIG_SCOPE_DAEMON, "memory_limit", "8MB", -1 },
		{ CONFIG_SCOPE_DAEMON, "memory_limit", "8T", -1 },
		{ CONFIG_SCOPE_DAEMON, "memory_limit", "9223372036854775807G",
		    -1 },
		{ CONFIG_SCOPE_ACCOUNT, "max_message_size", "0", 0 },
		{ CONFIG_SCOPE_DAEMON, "max_sessions", "1", 1 },
		{ CONFIG_SCOPE_DAEMON, "max_sessions", "100000", 100000 },
		{ CONFIG_SCOPE_DAEMON, "max_sessions", "100001", -1 },
		{ CONFIG_SCOPE_DAEMON, "max_sessions", "0", -1 },
		{ CONFIG_SCOPE_DAEMON, "max_sessions", "0x10", -1 },
		{ CONFIG_SCOPE_DAEMON, "max_sessions", "4294967297", -1 },
		{ CONFIG_SCOPE_ACCOUNT, "port", "65535", 65535 },
		{ CONFIG_SCOPE_ACCOUNT, "port", "65536", -1 },
		{ CONFIG_SCOPE_ACCOUNT, "port", "pop3", -1 },
	};
	struct evpop_arena arena = { 0 };
	union {
		struct config config;
		struct config_account account;
	} target;
	char why[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct config_option *option =
		    config_option_find(rows[i].scope, rows[i].key);
		uint64_t value = 0;

		assert_non_null(option);
		memset(&target, 0, sizeof(target));
		assert_int_equal(config_value_set(option, rows[i].text, "",
				     &arena, &target, why, sizeof(why)),
		    rows[i].value < 0 ? CONFIG_VALUE_BAD : CONFIG_VALUE_OK);
		if (rows[i].value < 0) {
			assert_string_not_equal(why, "");
			continue;
		}
		memcpy(&value, (char *)&target + option->offset,
		    option->type == CONFIG_TYPE_PORT    ? 2
		    : option->type == CONFIG_TYPE_COUNT ? 4
							: 8);
		assert_true(value == (uint64_t)rows[i].value);
	}
	evpop_arena_free(&arena);
}

static void
test_words(void **state)
{
	static const char *const yes[] = { "yes", "true", "on" };
	static const char *const no[] = { "no", "false", "off" };
	const struct config_account *account;
	struct config *config;
	char text[256];

	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(text, sizeof(text),
		    "[account a]\nhost=h\nuser=u\npassword=p\n"
		    "allow_cleartext=%s\nenabled=%s\n",
		    yes[i], no[i]);
		folder_write_text(*state, "main.conf", text);
		config = folder_read(*state);
		assert_true(config->accounts[0]->allow_cleartext);
		assert_false(config->accounts[0]->enabled);
		config_free(&config);
	}
	folder_write_text(*state, "main.conf",
	    "[daemon]\nlog_level = debug\n[store]\npath = m.db\n"
	    "[control]\nsocket=/s\nmode = 600\ngroup = adm\n"
	    "admin =  alice \t bob\n"
	    "[defaults]\ntls_ca = ca.pem\ntls_pin = sha256:" DIGEST "\n"
	    "proxy = http://h\nsource_address = 192.0.2.1\n"
	    "auth = plain\n"
	    "[account a]\nhost=::1\nuser=u\npassword=p\ntls=none\nport=1100\n"
	    "keep = 36h\norder = newest\nid = old\ntls_ca =\n"
	    "proxy =\nsource_address =\n"
	    "[account b]\nhost=fe80::1%eth0\nuser=u\npassword_command = a | b\n"
	    "proxy = SOCKS5h://u%40x:p@[::1]:9050/\nsource_address = "
	    "fe80::2%eth0\n"
	    "tls=stls\nkeep = 2w\ntls_pin = sha256:" DIGEST
	    " spki-sha256:" DIGEST "\ntls_cert = /c\ntls_key = /k\n"
	    "[account c]\nhost=192.0.2.1\nuser=u\npassword_credential=c.1\n"
	    "keep = delete\ntls_pin =\n"
	    "[account d]\nhost=h\nuser=u\npassword=p\n"
	    "auth = \tSCRAM-SHA-256  apop\n"
	    "[account e]\nhost=h\nuser=w\npassword=p\nauth = Auto\n"
	    "[account f]\nhost=h\nuser=v\npassword=p\nauth =\n");
	config = folder_read(*state);
	assert_int_equal(config->log_level, CONFIG_LOG_DEBUG);
	assert_int_equal(config_find(config, "c")->auth,
	    EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_PLAIN));
	assert_int_equal(config_find(config, "d")->auth,
	    EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_SCRAM_SHA_256) |
		EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_APOP));
	assert_int_equal(config_find(config, "e")->auth, 0);
	assert_int_equal(config_find(config, "f")->auth, 0);
	assert_string_equal(
	    config->store_path + strlen(((struct folder *)*state)->path),
	    "/m.db");
	assert_string_equal(config->control_socket, "/s");
	assert_int_equal(config->control_mode, 0600);
	assert_string_equal(config->control_group, "adm");
	assert_int_equal(config->control_admin.count, 2);
	assert_string_equal(config->control_admin.items[0], "alice");
	assert_string_equal(config->control_admin.items[1], "bob");
	account = config_find(config, "a");
	assert_non_null(account);
	assert_int_equal(account->port, 1100);
	assert_int_equal(account->tls, EVPOP_TLS_NONE);
	assert_int_equal(account->keep.kind, CONFIG_KEEP_AGE);
	assert_int_equal(account->keep.age_ms, 36 * 3600000);
	assert_int_equal(account->order, CONFIG_ORDER_NEWEST);
	assert_string_equal(account->id, "old");
	assert_null(account->tls_ca);
	assert_null(account->proxy);
	assert_null(account->source_address);
	assert_int_equal(account->tls_pin.count, 1);
	account = config_find(config, "b");
	assert_non_null(account);
	assert_string_equal(account->host, "fe80::1%eth0");
	assert_int_equal(account->keep.age_ms, 14 * 86400000);
	assert_string_equal(account->password_command, "a | b");
	assert_int_equal(account->tls_pin.count, 2);
	assert_string_equal(account->tls_pin.items[1], "spki-sha256:" DIGEST);
	assert_string_equal(account->tls_cert, "/c");
	assert_string_equal(account->proxy, "SOCKS5h://u%40x:p@[::1]:9050/");
	assert_string_equal(account->source_address, "fe80::2%eth0");
	account = config_find(config, "c");
	assert_non_null(account);
	assert_int_equal(account->keep.kind, CONFIG_KEEP_DELETE);
	assert_int_equal(account->tls_pin.count, 0);
	assert_null(config_find(config, "g"));
	assert_null(config_find(config, ""));
	config_free(&config);
}

#define PROXY_WANTED                                                 \
	"expected socks5://HOST:PORT or http://HOST:PORT, "          \
	"optionally with USER:PASSWORD@ before the host, where %40 " \
	"stands for @, %3A for :, %2F for / and %25 for %\n"

static void
test_bad_values(void **state)
{
	static const struct {
		const char *line, *expected;
	} rows[] = {
		{ "[daemon]\nlog_level = warn",
		    "F:6: log_level: expected error, warning, info or debug, "
		    "not \"warn\"\n" },
		{ "[daemon]\nlog_level = dbug",
		    "F:6: log_level: expected error, warning, info or debug, "
		    "not \"dbug\"; did you mean debug?\n" },
		{ "[daemon]\nmax_sessions = 0",
		    "F:6: max_sessions: expected a whole number from 1 to "
		    "100000, not \"0\"\n" },
		{ "[daemon]\nmax_logins_per_host = 1001",
		    "F:6: max_logins_per_host: expected a whole number from 0 "
		    "to 1000, not \"1001\"\n" },
		{ "[daemon]\nmemory_limit = 1",
		    "F:6: memory_limit: expected a size such as 512K, 8M or 1G "
		    "from 1M to 64G, not \"1\"\n" },
		{ "[store]\npath = \"\"",
		    "F:6: path: expected a value, and there is none\n" },
		{ "[control]\nmode = 0888",
		    "F:6: mode: expected permissions in octal from 0600 to "
		    "0777, not \"0888\"\n" },
		{ "[control]\nmode = 0060",
		    "F:6: mode: expected permissions in octal from 0600 to "
		    "0777, not \"0060\"\n" },
		{ "[control]\nmode = 07777777777777777777",
		    "F:6: mode: expected permissions in octal from 0600 to "
		    "0777, not \"07777777777777777777\"\n" },
		{ "interval = 5",
		    "F:5: interval: expected a duration such as 30s, 5m or 2h "
		    "(ms s m h d) from 10s to 30d, not \"5\"\n" },
		{ "interval_min = 0",
		    "F:5: interval_min: expected a duration such as 30s, 5m or "
		    "2h (ms s m h d) from 10s to 30d, not \"0\"\n" },
		{ "timeout_session = 8d",
		    "F:5: timeout_session: expected a duration such as 30s, 5m "
		    "or 2h (ms s m h d) from 100ms to 7d, not \"8d\"\n" },
		{ "enabled = maybe",
		    "F:5: enabled: expected yes or no (or true, false, on, "
		    "off), not \"maybe\"\n" },
		{ "enabled =",
		    "F:5: enabled: expected a value, and there is none\n" },
		{ "keep = 14", "F:5: keep: expected forever, delete, "
			       "until-delivered, or an age such as "
			       "14d (h d w) from 1h to 3650d, not \"14\"\n" },
		{ "keep = 0d", "F:5: keep: expected forever, delete, "
			       "until-delivered, or an age such as "
			       "14d (h d w) from 1h to 3650d, not \"0d\"\n" },
		{ "keep = forver",
		    "F:5: keep: expected forever, delete, until-delivered, or "
		    "an age such as "
		    "14d (h d w) from 1h to 3650d, not \"forver\"; did you "
		    "mean forever?\n" },
		{ "delete_above = big",
		    "F:5: delete_above: expected a size such as 512K, 8M or 1G "
		    "from 0 to 1024G, not \"big\"\n" },
		{ "delete_guard = never",
		    "F:5: delete_guard: expected a whole number from 0 to "
		    "1000000000, not \"never\"\n" },
		{ "baseline = first",
		    "F:5: baseline: expected yes or no (or true, false, on, "
		    "off), not \"first\"\n" },
		{ "max_delete_per_session = 1",
		    "F:5: max_delete_per_session: unknown key; did you mean "
		    "max_deletes_per_session?\n" },
		{ "order = newst",
		    "F:5: order: expected oldest or newest, not \"newst\"; did "
		    "you mean newest?\n" },
		{ "source_address = localhost",
		    "F:5: source_address: expected an IPv4 or IPv6 address, "
		    "not \"localhost\"\n" },
		{ "source_address = 127.0.0.256",
		    "F:5: source_address: expected an IPv4 or IPv6 address, "
		    "not \"127.0.0.256\"\n" },
		{ "proxy = socks4://me:s3cret@h", "F:5: proxy: " PROXY_WANTED },
		{ "proxy = http://me:s3%ret@h", "F:5: proxy: " PROXY_WANTED },
		{ "auth = plain digest-md5",
		    "F:5: auth: expected auto, or of scram-sha-256-plus "
		    "scram-sha-1-plus scram-sha-256 scram-sha-1 oauthbearer "
		    "xoauth2 external cram-md5 apop plain login user, not "
		    "\"digest-md5\"\n" },
		{ "tls_pin = sha1:00",
		    "F:5: tls_pin: expected sha256: or spki-sha256: and 64 "
		    "hexadecimal digits, not \"sha1:00\"\n" },
		{ "tls_pin = sha256:" DIGEST " sha256:" DIGEST_SHORT,
		    "F:5: tls_pin: expected sha256: or spki-sha256: and 64 "
		    "hexadecimal digits, not \"sha256:" DIGEST_SHORT "\"\n" },
		{ "tls_pin = sha256:" DIGEST "0",
		    "F:5: tls_pin: expected sha256: or spki-sha256: and 64 "
		    "hexadecimal digits, not "
		    "\"sha256:0123456789abcdefABCDEF0123456789abcdef0123456789a"
		    "bcdef012...\"\n" },
		{ "id = a\ntls = \xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3"
		  "\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3"
		  "\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3"
		  "\xa9\xc3\xa9x\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82"
		  "\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac",
		    "F:6: tls: expected implicit, stls or none, not "
		    "\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3"
		    "\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3"
		    "\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3"
		    "\xa9\xc3\xa9x\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82"
		    "\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac...\"\n" },
	};
	char text[1024];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(text, sizeof(text),
		    "[account a]\nhost=h\nuser=u\npassword_file=/p\n%s\n",
		    rows[i].line);
		folder_write_text(*state, "main.conf", text);
		folder_expect(*state, rows[i].expected);
	}
}

/* Of an account whose host or source is wrong, it is not said missing. */
#define A62                               \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void
test_bad_account_values(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "host = mail.example.org:995\nuser=u\npassword=p\n",
		    "F:2: host: expected only a host name or address (the port "
		    "goes into port = ), not \"mail.example.org:995\"\n" },
		{ "host = [::1]\nuser=u\npassword=p\n",
		    "F:2: host: expected only a host name or address (the port "
		    "goes into port = ), not \"[::1]\"\n" },
		{ "host = m\xc3\xbcller.example\nuser=u\npassword=p\n", "" },
		{ "host = m\xc3\xbcller/example\nuser=u\npassword=p\n",
		    "F:2: host: expected a host name or address, not "
		    "\"m\xc3\xbcller/example\"\n" },
		/* What is shown of a long value ends between characters. */
		{ "host = /" A62 "\xc3\xbc" A62 "\nuser=u\npassword=p\n",
		    "F:2: host: expected a host name or address, not "
		    "\"/" A62 "...\"\n" },
		{ "host = a b\nuser=u\npassword=p\n",
		    "F:2: host: expected a host name or address, not "
		    "\"a b\"\n" },
		{ "host = h # x\nuser=u\npassword=p\n",
		    "F:2: host: expected a host name or address, not \"h # "
		    "x\"; a comment needs a line of its own\n" },
		{ "host = a..b\nuser=u\npassword=p\n",
		    "F:2: host: expected a host name or address, not "
		    "\"a..b\"\n" },
		{ "host = -h\nuser=u\npassword=p\n",
		    "F:2: host: expected a host name or address, not "
		    "\"-h\"\n" },
		{ "host =\nuser=\npassword=\n",
		    "F:2: host: expected a value, and there is none\n"
		    "F:3: user: expected a value, and there is none\n"
		    "F:4: password: expected a value, and there is none\n" },
		{ "host=h\nuser=u\npassword_file=\n",
		    "F:4: password_file: expected a value, and there is "
		    "none\n" },
		{ "host=h\nuser=u\npassword_command=\"\"\n",
		    "F:4: password_command: expected a value, and there is "
		    "none\n" },
		{ "host=h\nuser=u\npassword_credential=../x\n",
		    "F:4: password_credential: expected the name of a "
		    "credential, not a path, not \"../x\"\n" },
		{ "host=h\nuser=u\npassword_credential=..\n",
		    "F:4: password_credential: expected the name of a "
		    "credential, not a path, not \"..\"\n" },
	};
	char text[512];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(
		    text, sizeof(text), "[account a]\n%s", rows[i].text);
		folder_write_text(*state, "main.conf", text);
		folder_expect(*state, rows[i].expected);
	}
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, folder_set_up, folder_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_defaults),
		TEST(test_numbers),
		TEST(test_words),
		TEST(test_bad_values),
		TEST(test_bad_account_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
