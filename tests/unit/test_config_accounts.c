/*
 * Accounts: what they inherit, what they must have, what they must not share,
 * and how many of them there may be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test_config_folder.h"

/* Ten times as many take ten times the work and a little for sorting. */
#define MANY        100000
#define MANY_FACTOR 15

#define SOURCES_MISSING                                                     \
	"no password; expected password, password_file, password_command, " \
	"password_credential, password_sealed, token_command or "           \
	"oauth2_client_id\n"
#define CLEARTEXT                                                            \
	"tls = none would show the password to the network; expected tls = " \
	"implicit or tls = stls (or allow_cleartext = yes)\n"

#define ACCOUNT "[account a]\nhost=h\nuser=u\npassword=p\n"

static void
test_missing(void **state)
{
	static const struct row rows[] = {
		{ "[account a]\n", "F:1: [account a]: host is missing\n"
				   "F:1: [account a]: user is missing\n"
				   "F:1: [account a]: " SOURCES_MISSING },
		{ "\n\n[account a]\nhost = h\nuser = u\n",
		    "F:3: [account a]: " SOURCES_MISSING },
		{ "[account a]\nhost=h\nuser=u\npassword=p\npassword_file=/f\n",
		    "F:1: [account a]: password and password_file are both "
		    "given; expected one source of the password\n" },
		{ "[account a]\nhost=h\nuser=u\npassword_credential=p\n"
		  "password_command=p\n",
		    "F:1: [account a]: password_command and "
		    "password_credential are both given; expected one source "
		    "of the password\n" },
		{ "[defaults]\npassword=p\npassword_file=/f\n[account a]\n"
		  "host=h\nuser=u\n",
		    "F:3: password_file: [defaults] gives password too; "
		    "expected one source of the password\n" },
		{ "[account a]\nhost=h\nuser=u\npassword=p\ntls_key=/k\n",
		    "F:1: [account a]: tls_key without tls_cert\n" },
		{ "[daemon]\n",
		    "F: warning: no accounts; expected at least one [account "
		    "NAME]\n" },
	};

	EXPECT_ROWS(state, rows);
}

static void
test_cleartext(void **state)
{
	static const struct {
		const char *host;
		bool loopback;
	} rows[] = { { "localhost", true }, { "LocalHost", true },
		{ "127.0.0.1", true }, { "127.9.9.9", true }, { "::1", true },
		{ "h", false }, { "localhost.example", false },
		{ "128.0.0.1", false }, { "127.0.0.1.example", false },
		{ "::2", false }, { "0.0.0.0", false } };
	char text[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(text, sizeof(text),
		    "[defaults]\ntls=none\n[account a]\nhost=%s\nuser=u\n"
		    "password=p\n",
		    rows[i].host);
		folder_write_text(*state, "main.conf", text);
		folder_expect(*state,
		    rows[i].loopback ? "" : "F:3: [account a]: " CLEARTEXT);
		/* Behind a proxy, nothing is this machine. */
		strcat(text, "proxy = socks5://127.0.0.1\n");
		folder_write_text(*state, "main.conf", text);
		folder_expect(*state, "F:3: [account a]: " CLEARTEXT);
		strcat(text, "allow_cleartext = yes\n");
		folder_write_text(*state, "main.conf", text);
		folder_expect(*state, "");
	}
}

static void
test_warnings(void **state)
{
	static const struct row rows[] = {
		{ "[account a]\nhost=h\nuser=u\npassword=p\nport=110\n",
		    "F:1: warning: [account a]: servers begin without TLS at "
		    "port 110; did you mean tls = stls?\n" },
		{ "[account a]\nhost=h\nuser=u\npassword=p\nport=995\n"
		  "tls=stls\n",
		    "F:1: warning: [account a]: servers begin with TLS at port "
		    "995; did you mean tls = implicit?\n" },
		{ "[account a]\nhost=::1\nuser=u\npassword=p\ntls=none\n"
		  "tls_ca=/c\n",
		    "F:1: warning: [account a]: tls = none does not use "
		    "tls_pin, tls_ca, tls_cert or tls_key\n" },
		{ "[account a]\nhost=h\nuser=u\npassword=p\n"
		  "delete_above=1M\nmax_message_size=1M\n",
		    "F:1: warning: [account a]: delete_above deletes nothing: "
		    "what is larger than max_message_size is never stored\n" },
		{ "[account a]\nhost=h\nuser=u\npassword=p\n"
		  "delete_above=1M\nmax_message_size=1025K\n",
		    "" },
		{ "[account a]\nhost=h\nuser=u\npassword=p\n"
		  "[account b]\nhost=H\nuser=u\npassword=p\n"
		  "[account c]\nhost=h\nuser=U\npassword=p\n"
		  "[account d]\nhost=i\nuser=u\npassword=p\n"
		  "[account e]\nhost=h\nuser=u\npassword=p\n",
		    "F:5: warning: [account b]: the same host and user as "
		    "[account a] at F:1\n"
		    "F:17: warning: [account e]: the same host and user as "
		    "[account a] at F:1\n" },
	};

	EXPECT_ROWS(state, rows);
}

static void
test_same_names(void **state)
{
	static const struct row rows[] = {
		{ "[account b]\nhost=h\nuser=1\npassword=p\n"
		  "[account a]\nhost=h\nuser=2\npassword=p\n"
		  "[account b]\nhost=h\nuser=3\npassword=p\n"
		  "[account b]\nhost=h\nuser=4\npassword=p\n",
		    "F:9: [account b]: defined before at F:1\n"
		    "F:13: [account b]: defined before at F:1\n" },
		{ "[defaults]\nhost=h\npassword=p\n"
		  "[account a]\nuser=1\nid=x\n[account b]\nuser=2\nid=x\n"
		  "[account c]\nuser=3\nid=a\n",
		    "F:7: [account b]: its id x is that of [account a] at "
		    "F:4\n" },
		{ "[defaults]\nhost=h\npassword=p\n"
		  "[account a]\nuser=1\n[account b]\nuser=2\nid=a\n",
		    "F:6: [account b]: its id a is that of [account a] at "
		    "F:4\n" },
		/* Not the same: names differ by case. */
		{ "[defaults]\nhost=h\npassword=p\n"
		  "[account a]\nuser=1\n[account A]\nuser=2\n",
		    "" },
	};

	EXPECT_ROWS(state, rows);
	folder_write_text(
	    *state, "d/x.conf", "[account a]\nhost=h\nuser=u\npassword=p\n");
	folder_write_text(*state, "main.conf",
	    "[daemon]\ninclude=d/x.conf\n"
	    "[account a]\nhost=h\nuser=v\npassword=p\n");
	folder_expect(
	    *state, "F:3: [account a]: defined before at D/d/x.conf:1\n");
}

static void
test_inheritance(void **state)
{
	struct config *config;

	folder_write_text(*state, "main.conf",
	    "[account a]\nuser=a\nport=1\nenabled=yes\n"
	    "[account b]\nuser=b\npassword_file=/b\n"
	    "[defaults]\nhost=h\nport=2\npassword=default\nenabled=no\n"
	    "timeout_login=9s\n"
	    "[account c]\nuser=c\nhost=own\ntimeout_login=8s\n");
	config = folder_read(*state);
	assert_int_equal(config->account_count, 3);
	assert_string_equal(config->accounts[0]->host, "h");
	assert_int_equal(config->accounts[0]->port, 1);
	assert_true(config->accounts[0]->enabled);
	assert_string_equal(config->accounts[0]->password, "default");
	assert_int_equal(config->accounts[0]->timeout_login_ms, 9000);
	assert_null(config->accounts[1]->password);
	assert_string_equal(config->accounts[1]->password_file, "/b");
	assert_false(config->accounts[1]->enabled);
	assert_string_equal(config->accounts[2]->host, "own");
	assert_int_equal(config->accounts[2]->port, 2);
	assert_int_equal(config->accounts[2]->timeout_login_ms, 8000);
	assert_int_equal(config->accounts[2]->line, 14);
	/* One copy for all. */
	assert_ptr_equal(config->accounts[0]->host, config->accounts[1]->host);
	config_free(&config);
}

static void
test_interval_bounds(void **state)
{
	static const struct row rows[] = {
		{ ACCOUNT "interval=5m\ninterval_min=5m\ninterval_max=5m\n",
		    "" },
		{ ACCOUNT "interval=5m\ninterval_min=301s\n",
		    "F:1: [account a]: interval_min = 301s is longer than "
		    "interval = 5m\n" },
		{ ACCOUNT "interval=5m\ninterval_max=299s\n",
		    "F:1: [account a]: interval_max = 299s is shorter than "
		    "interval = 5m\n" },
		/* Also where the interval is a default. */
		{ ACCOUNT "interval_min=1h\ninterval_max=10s\n",
		    "F:1: [account a]: interval_min = 1h is longer than "
		    "interval = 5m\n"
		    "F:1: [account a]: interval_max = 10s is shorter than "
		    "interval = 5m\n" },
		/* An empty value takes back what [defaults] gave. */
		{ "[defaults]\ninterval_max=10m\n" ACCOUNT
		  "interval=1h\ninterval_max=\n",
		    "" },
		{ "[defaults]\ninterval_max=10m\n" ACCOUNT "interval=1h\n",
		    "F:3: [account a]: interval_max = 10m is shorter than "
		    "interval = 1h\n" },
	};
	struct config *config;

	EXPECT_ROWS(state, rows);
	folder_write_text(*state, "main.conf",
	    "[defaults]\ninterval_min=1m\n" ACCOUNT "interval_max=30d\n");
	config = folder_read(*state);
	assert_int_equal(config->accounts[0]->interval_min_ms, 60000);
	assert_int_equal(config->accounts[0]->interval_max_ms, 2592000000);
	config_free(&config);
}

/* What compares names goes through these. */
static uint64_t comparisons;

int __real_strcmp(const char *a, const char *b);
int __wrap_strcmp(const char *a, const char *b);
int __real_strcasecmp(const char *a, const char *b);
int __wrap_strcasecmp(const char *a, const char *b);

int
__wrap_strcmp(const char *a, const char *b)
{
	comparisons++;
	return __real_strcmp(a, b);
}

int
__wrap_strcasecmp(const char *a, const char *b)
{
	comparisons++;
	return __real_strcasecmp(a, b);
}

/* In reverse, so that sorting has something to do. */
static struct config *
read_many(const struct folder *folder, int count)
{
	FILE *file = fopen(folder->main, "w");

	assert_non_null(file);
	for (int i = count - 1; i >= 0; i--)
		assert_true(fprintf(file,
				"[account user%05d@example.org]\n"
				"host = pop.example.org\n"
				"user = user%05d\n"
				"password_file = /etc/evpopd/%05d\n",
				i, i, i) > 0);
	assert_int_equal(fclose(file), 0);
	comparisons = 0;
	return folder_read(folder);
}

static void
test_many(void **state)
{
	struct config *config;
	uint64_t few;
	char name[32];

	config = read_many(*state, MANY / 10);
	few = comparisons;
	config_free(&config);
	config = read_many(*state, MANY);
	/* Each account alone takes dozens. */
	assert_in_range(few, MANY, UINT64_MAX);
	assert_in_range(comparisons, few, MANY_FACTOR * few);
	assert_int_equal(config->account_count, MANY);
	for (int i = 0; i < MANY; i += 997) {
		const struct config_account *account;

		(void)snprintf(name, sizeof(name), "user%05d@example.org", i);
		account = config_find(config, name);
		assert_non_null(account);
		assert_ptr_equal(account, config->accounts[i]);
		assert_memory_equal(account->user, name, 9);
		assert_int_equal(account->line, (MANY - 1 - i) * 4 + 1);
	}
	config_free(&config);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, folder_set_up, folder_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_missing),
		TEST(test_cleartext),
		TEST(test_warnings),
		TEST(test_same_names),
		TEST(test_inheritance),
		TEST(test_interval_bounds),
		TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
