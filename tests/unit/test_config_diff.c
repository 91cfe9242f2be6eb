/*
 * What a reload finds to do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "daemon/config/option.h"
#include "tests/unit/test_config_folder.h"

#define PIN       \
	"sha256:" \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct config *
read_text(const struct folder *folder, const char *text)
{
	folder_write_text(folder, "main.conf", text);
	return folder_read(folder);
}

static void
test_accounts(void **state)
{
	struct config *old = read_text(*state,
	    "[defaults]\nhost=h\npassword=p\n[account b]\nuser=b\n"
	    "[account c]\nuser=c\n[account d]\nuser=d\n[account e]\nuser=e\n");
	struct config *new = read_text(*state,
	    "[account a]\nhost=h\npassword=p\nuser=a\n"
	    "# moved, and spelled out\n"
	    "[account e]\nhost=h\npassword=p\nuser=e\ninterval=5m\nport=0\n"
	    "[account c]\nhost=h\npassword=q\nuser=c\n"
	    "[account f]\nhost=h\npassword=p\nuser=f\n");
	struct config_diff diff;

	assert_true(config_diff(&diff, old, new));
	assert_int_equal(diff.added_count, 2);
	assert_ptr_equal(diff.added[0], config_find(new, "a"));
	assert_ptr_equal(diff.added[1], config_find(new, "f"));
	assert_int_equal(diff.changed_count, 1);
	assert_ptr_equal(diff.changed[0], config_find(new, "c"));
	assert_int_equal(diff.removed_count, 2);
	assert_ptr_equal(diff.removed[0], config_find(old, "b"));
	assert_ptr_equal(diff.removed[1], config_find(old, "d"));
	assert_int_equal(diff.restart_count, 0);
	config_diff_free(&diff);
	config_free(&old);
	config_free(&new);
}

/* Those of OAuth 2 are nothing without a client. */
static bool
key_needs_client(const char *key)
{
	return strncmp(key, "oauth2_", strlen("oauth2_")) == 0 &&
	       strcmp(key, "oauth2_flow") != 0 &&
	       strcmp(key, "oauth2_client_id") != 0;
}

/* Each key of an account, changed alone, is seen. */
static void
test_every_account_key(void **state)
{
	static const struct {
		const char *key, *value;
	} rows[] = { { "id", "x" }, { "host", "i" }, { "port", "1" },
		{ "tls", "stls" }, { "tls_pin", PIN }, { "tls_ca", "/x" },
		{ "tls_cert", "/x" }, { "tls_key", "/x" },
		{ "proxy", "http://x" }, { "source_address", "::1" },
		{ "user", "x" }, { "password", "x" }, { "password_file", "/x" },
		{ "password_command", "x" }, { "password_credential", "x" },
		{ "password_sealed", "evpop-password-1:x" },
		{ "token_command", "x" }, { "provider", "gmail" },
		{ "oauth2_flow", "code" }, { "oauth2_client_id", "x" },
		{ "oauth2_client_secret", "x" },
		{ "oauth2_client_secret_file", "/x" },
		{ "oauth2_client_secret_sealed", "evpop-password-1:x" },
		{ "oauth2_tenant", "x" }, { "oauth2_scope", "x" },
		{ "oauth2_token_url", "https://x" },
		{ "oauth2_device_url", "https://x" },
		{ "oauth2_authorization_url", "https://x" },
		{ "auth", "scram-sha-1 PLAIN" }, { "allow_cleartext", "yes" },
		{ "timeout_resolve", "1s" }, { "timeout_connect", "1s" },
		{ "timeout_handshake", "1s" }, { "timeout_greeting", "1s" },
		{ "timeout_login", "1s" }, { "timeout_command", "1s" },
		{ "timeout_body", "1s" }, { "timeout_quit", "1s" },
		{ "timeout_session", "1s" }, { "interval", "1h" },
		{ "interval_min", "10s" }, { "interval_max", "30d" },
		{ "enabled", "no" }, { "keep", "1d" }, { "deliver", "mbox:/x" },
		{ "deliver_to", "x" }, { "retain", "1d" },
		{ "delete_above", "1M" }, { "max_deletes_per_session", "1" },
		{ "delete_guard", "0" }, { "baseline", "yes" },
		{ "fetch_after", "7d" }, { "max_message_size", "1K" },
		{ "max_messages_per_poll", "1" },
		{ "max_octets_per_day", "1M" }, { "order", "newest" } };
	static const char defaults[] = "[defaults]\nhost=h\nuser=u\npassword="
				       "p\ntls_cert=/c\n"
				       "oauth2_token_url=https://h/t\n"
				       "oauth2_device_url=https://h/d\n"
				       "[account a]\n";
	static const char client[] = "oauth2_client_id=y\n";
	struct config *old = read_text(*state, defaults), *new, *old_client;
	struct config_diff diff;
	char text[512];
	size_t keys = 0;

	(void)snprintf(text, sizeof(text), "%s%s", defaults, client);
	old_client = read_text(*state, text);

	for (size_t i = 0; i < config_option_count; i++)
		keys += config_options[i].scope == CONFIG_SCOPE_ACCOUNT;
	assert_int_equal(keys, sizeof(rows) / sizeof(rows[0]));
	for (size_t i = 0; i < keys; i++) {
		const bool has_client = key_needs_client(rows[i].key);

		(void)snprintf(text, sizeof(text), "%s%s%s = %s\n", defaults,
		    has_client ? client : "", rows[i].key, rows[i].value);
		new = read_text(*state, text);
		assert_true(
		    config_diff(&diff, has_client ? old_client : old, new));
		assert_int_equal(diff.changed_count, 1);
		assert_int_equal(diff.added_count + diff.removed_count, 0);
		config_diff_free(&diff);
		config_free(&new);
	}
	new = read_text(*state, defaults);
	assert_true(config_diff(&diff, old, new));
	assert_int_equal(diff.changed_count, 0);
	config_diff_free(&diff);
	config_free(&new);
	config_free(&old_client);
	config_free(&old);
}

static void
test_restart(void **state)
{
	static const struct {
		const char *text, *restart; /* NULL: none */
	} rows[] = { { "[store]\npath=/x\n", "store.path" },
		{ "[store]\ncompress=zstd\n", "store.compress" },
		{ "[control]\nsocket=/x\n", "control.socket" },
		{ "[control]\nmode=0666\n", "control.mode" },
		{ "[control]\ngroup=x\n", "control.group" },
		{ "[control]\nadmin=x\n", NULL },
		{ "[daemon]\nlog_level=debug\n", NULL },
		{ "[daemon]\nmax_sessions=1\n", NULL },
		{ "[daemon]\nmax_sessions_per_host=1\n", NULL },
		{ "[daemon]\nmax_logins_per_host=1\n", NULL },
		{ "[daemon]\nmemory_limit=1M\n", "daemon.memory_limit" } };
	struct config *old = read_text(*state, "[daemon]\n"), *new;
	struct config_diff diff;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		new = read_text(*state, rows[i].text);
		assert_true(config_diff(&diff, old, new));
		assert_int_equal(diff.restart_count, rows[i].restart != NULL);
		if (rows[i].restart != NULL)
			assert_string_equal(diff.restart[0], rows[i].restart);
		config_diff_free(&diff);
		config_free(&new);
	}
	config_free(&old);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, folder_set_up, folder_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_accounts),
		TEST(test_every_account_key),
		TEST(test_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
