/* What a person is told to do about an account that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "daemon/poll/advice.h"

#define TEXT(text) ((char *)(uintptr_t)(text))
#define SECTION    "section [account anna] (/etc/evpopd/evpopd.conf:12)"
#define AT_ONCE    "; \"evpopctl poll anna\" tries at once"

/* The same account, with another secret each. */
#define ACCOUNT                                                              \
	.name = TEXT("anna"), .host = TEXT("pop.test"), .user = TEXT("a@b"), \
	.file = TEXT("/etc/evpopd/evpopd.conf"), .line = 12

struct advice_case {
	const char *name;
	struct config_account account;
	enum evpop_error error;
	enum evpop_response_code code;
	const char *advice;
};

static const struct advice_case cases[] = {
	{ "password", { ACCOUNT, .password = TEXT("secret") }, EVPOP_ERROR_AUTH,
	    EVPOP_CODE_NONE,
	    "correct user or password in " SECTION
	    ", then \"evpopctl reload\"" AT_ONCE },
	{ "password_file", { ACCOUNT, .password_file = TEXT("/etc/p") },
	    EVPOP_ERROR_AUTH, EVPOP_CODE_AUTH,
	    "correct the password in /etc/p, whose change is noticed, or user "
	    "in " SECTION ", then \"evpopctl reload\"" AT_ONCE },
	{ "password_command", { ACCOUNT, .password_command = TEXT("pass") },
	    EVPOP_ERROR_AUTH, EVPOP_CODE_NONE,
	    "see what password_command prints, and user, in " SECTION AT_ONCE },
	{ "password_credential", { ACCOUNT, .password_credential = TEXT("c") },
	    EVPOP_ERROR_AUTH, EVPOP_CODE_NONE,
	    "correct the credential c, which systemd reads when it starts "
	    "evpopd, or user in " SECTION AT_ONCE },
	{ "token_command", { ACCOUNT, .token_command = TEXT("tok") },
	    EVPOP_ERROR_AUTH, EVPOP_CODE_NONE,
	    "see what token_command prints, and user, in " SECTION AT_ONCE },
	{ "a client certificate", { ACCOUNT, .tls_cert = TEXT("/etc/c") },
	    EVPOP_ERROR_AUTH, EVPOP_CODE_NONE,
	    "correct user, auth or tls_cert in " SECTION
	    ", then \"evpopctl reload\"" AT_ONCE },
	{ "the server wants a person", { ACCOUNT, .password = TEXT("secret") },
	    EVPOP_ERROR_REFUSED, EVPOP_CODE_SYS_PERM,
	    "the server wants a person to see to it: ask those who run "
	    "pop.test about user a@b" AT_ONCE },
	{ "no file", { ACCOUNT, .password_file = TEXT("/etc/p") },
	    EVPOP_ERROR_USAGE, EVPOP_CODE_NONE,
	    "see to /etc/p, whose change is noticed" AT_ONCE },
	{ "an outage", { ACCOUNT, .password = TEXT("secret") }, EVPOP_ERROR_IO,
	    EVPOP_CODE_NONE,
	    "it may pass; it is tried again by itself" AT_ONCE },
	{ "for now", { ACCOUNT, .password = TEXT("secret") },
	    EVPOP_ERROR_REFUSED, EVPOP_CODE_IN_USE,
	    "it may pass; it is tried again by itself" AT_ONCE },
};

static void
test_cases(void **state)
{
	char advice[ADVICE_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		print_message("%s\n", cases[i].name);
		advice_write(
		    advice, &cases[i].account, cases[i].error, cases[i].code);
		assert_string_equal(advice, cases[i].advice);
		assert_null(strstr(advice, "secret"));
	}
}

/* The command that helps is there however long names are, and is printable. */
static void
test_long_names(void **state)
{
	char name[5000], advice[ADVICE_SIZE];
	struct config_account account = { .name = name,
		.host = name,
		.user = name,
		.file = name,
		.password_file = name };

	(void)state;
	memset(name, '\033', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	advice_write(advice, &account, EVPOP_ERROR_AUTH, EVPOP_CODE_NONE);
	assert_non_null(strstr(advice, "\" tries at once"));
	assert_null(strchr(advice, '\033'));
	advice_write(
	    advice, &account, EVPOP_ERROR_REFUSED, EVPOP_CODE_SYS_PERM);
	assert_non_null(strstr(advice, "\" tries at once"));
}

static void
test_waits(void **state)
{
	static const struct {
		int64_t wait_ms;
		const char *text;
	} waits[] = {
		{ -1, "" },
		{ 0, "; tried again by itself in 0 s" },
		{ 1, "; tried again by itself in 1 s" },
		{ 119000, "; tried again by itself in 119 s" },
		{ 120000, "; tried again by itself in 2 min" },
		{ 3600000, "; tried again by itself in 60 min" },
		{ 7200000, "; tried again by itself in 2 h" },
		{ 54000000, "; tried again by itself in 15 h" },
	};
	char text[ADVICE_WAIT_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof waits / sizeof waits[0]; i++) {
		advice_write_wait(text, waits[i].wait_ms);
		assert_string_equal(text, waits[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
