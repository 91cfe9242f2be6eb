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
	enum advice advice;
	const char *text, *once;
};

#define RELOAD ", then \"evpopctl reload\""

static const struct advice_case cases[] = {
	{ "password", { ACCOUNT, .password = TEXT("secret") },
	    ADVICE_CREDENTIALS,
	    "correct user or password in " SECTION RELOAD AT_ONCE,
	    "correct user or password in " SECTION },
	{ "password_file", { ACCOUNT, .password_file = TEXT("/etc/p") },
	    ADVICE_CREDENTIALS,
	    "correct the password in /etc/p (evpopd notices the change), or "
	    "user in " SECTION RELOAD AT_ONCE,
	    "correct the password in /etc/p, or user in " SECTION },
	{ "password_command", { ACCOUNT, .password_command = TEXT("pass") },
	    ADVICE_CREDENTIALS,
	    "check the output of password_command, and user, in " SECTION
		AT_ONCE,
	    "check the output of password_command, and user, in " SECTION },
	{ "password_credential", { ACCOUNT, .password_credential = TEXT("c") },
	    ADVICE_CREDENTIALS,
	    "correct the credential c, which systemd reads when it starts "
	    "evpopd, or user in " SECTION AT_ONCE,
	    "correct the credential c, which systemd reads when it starts "
	    "evpopd, or user in " SECTION },
	{ "token_command", { ACCOUNT, .token_command = TEXT("tok") },
	    ADVICE_CREDENTIALS,
	    "check the output of token_command, and user, in " SECTION AT_ONCE,
	    "check the output of token_command, and user, in " SECTION },
	{ "a client certificate", { ACCOUNT, .tls_cert = TEXT("/etc/c") },
	    ADVICE_CREDENTIALS,
	    "correct user or tls_cert in " SECTION RELOAD AT_ONCE,
	    "correct user or tls_cert in " SECTION },
	{ "no way to log in", { ACCOUNT, .password = TEXT("secret") },
	    ADVICE_LOG_IN,
	    "correct auth, tls or allow_cleartext in " SECTION RELOAD AT_ONCE,
	    "correct auth, tls or allow_cleartext in " SECTION },
	{ "the server's administrator", { ACCOUNT, .password = TEXT("secret") },
	    ADVICE_SERVER,
	    "the server's administrator must act: ask those who run "
	    "pop.test about user a@b" AT_ONCE,
	    "the server's administrator must act: ask those who run "
	    "pop.test about user a@b" },
	{ "no file", { ACCOUNT, .password_file = TEXT("/etc/p") },
	    ADVICE_SECRET, "check /etc/p (evpopd notices the change)" AT_ONCE,
	    "check /etc/p" },
	{ "a command that fails", { ACCOUNT, .password_command = TEXT("x") },
	    ADVICE_SECRET,
	    "check the source of the password or token in " SECTION AT_ONCE,
	    "check the source of the password or token in " SECTION },
	{ "an outage", { ACCOUNT, .password = TEXT("secret") }, ADVICE_WAIT,
	    "the failure may be temporary; evpopd tries again by "
	    "itself" AT_ONCE,
	    "the failure may be temporary" },
};

static void
test_cases(void **state)
{
	char text[ADVICE_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		print_message("%s\n", cases[i].name);
		advice_write(text, cases[i].advice, &cases[i].account, false);
		assert_string_equal(text, cases[i].text);
		advice_write(text, cases[i].advice, &cases[i].account, true);
		assert_string_equal(text, cases[i].once);
	}
}

/* Which of them an outcome wants. */
static void
test_outcomes(void **state)
{
	static const struct {
		enum evpop_error error;
		enum evpop_response_code code;
		bool was_asked;
		enum advice advice;
	} outcomes[] = {
		{ EVPOP_ERROR_AUTH, EVPOP_CODE_NONE, true, ADVICE_CREDENTIALS },
		{ EVPOP_ERROR_AUTH, EVPOP_CODE_AUTH, true, ADVICE_CREDENTIALS },
		{ EVPOP_ERROR_AUTH, EVPOP_CODE_NONE, false, ADVICE_LOG_IN },
		{ EVPOP_ERROR_REFUSED, EVPOP_CODE_SYS_PERM, true,
		    ADVICE_SERVER },
		{ EVPOP_ERROR_REFUSED, EVPOP_CODE_IN_USE, true, ADVICE_WAIT },
		{ EVPOP_ERROR_REFUSED, EVPOP_CODE_NONE, true, ADVICE_WAIT },
		{ EVPOP_ERROR_USAGE, EVPOP_CODE_NONE, false, ADVICE_SECRET },
		{ EVPOP_ERROR_IO, EVPOP_CODE_NONE, false, ADVICE_WAIT },
		{ EVPOP_ERROR_TLS, EVPOP_CODE_NONE, false, ADVICE_WAIT },
	};
	struct evpop_result result;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
		result = (struct evpop_result){ .error = outcomes[i].error,
			.code = outcomes[i].code };
		assert_int_equal(advice_of(&result, outcomes[i].was_asked),
		    outcomes[i].advice);
	}
}

/* The command that helps is there however long names are, and is printable. */
static void
test_long_names(void **state)
{
	char name[5000], text[ADVICE_SIZE];
	struct config_account account = { .name = name,
		.host = name,
		.user = name,
		.file = name,
		.password_file = name };
	int advice;

	(void)state;
	memset(name, '\033', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (advice = 0; advice < ADVICE_COUNT; advice++) {
		advice_write(text, (enum advice)advice, &account, false);
		assert_non_null(strstr(text, "\" tries at once"));
		assert_null(strchr(text, '\033'));
	}
}

static void
test_waits(void **state)
{
	static const struct {
		int64_t wait_ms;
		const char *text;
	} waits[] = {
		{ -1, "" },
		{ 0, "; next try in 0 s" },
		{ 1, "; next try in 1 s" },
		{ 119000, "; next try in 119 s" },
		{ 120000, "; next try in 2 min" },
		{ 3600000, "; next try in 60 min" },
		{ 7200000, "; next try in 2 h" },
		{ 54000000, "; next try in 15 h" },
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
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
