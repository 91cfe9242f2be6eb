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

#define APP_PASSWORD                                                         \
	"pop.test wants an application password, not that of its web page: " \
	"make one"
#define POP3_OFF                                                          \
	"POP3 is turned off for user a@b of pop.test: turn it on in the " \
	"provider's settings"
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
	{ "password_sealed", { ACCOUNT, .password_sealed = TEXT("s") },
	    ADVICE_CREDENTIALS,
	    "correct user or password_sealed in " SECTION RELOAD AT_ONCE,
	    "correct user or password_sealed in " SECTION },
	{ "does not open", { ACCOUNT, .password_sealed = TEXT("s") },
	    ADVICE_SECRET,
	    "correct password_sealed in " SECTION
	    ", or key_file in [daemon]" AT_ONCE,
	    "correct password_sealed in " SECTION ", or key_file in [daemon]" },
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
	{ "an application password",
	    { ACCOUNT, .password = TEXT("secret"), .provider = TEXT("gmail") },
	    ADVICE_APP_PASSWORD,
	    APP_PASSWORD " at https://myaccount.google.com/apppasswords, then "
			 "correct user or password in " SECTION RELOAD AT_ONCE,
	    APP_PASSWORD " at https://myaccount.google.com/apppasswords, then "
			 "correct user or password in " SECTION },
	{ "one of no provider that is known",
	    { ACCOUNT, .password_command = TEXT("pass") }, ADVICE_APP_PASSWORD,
	    APP_PASSWORD ", then check the output of password_command, and "
			 "user, in " SECTION AT_ONCE,
	    APP_PASSWORD ", then check the output of password_command, and "
			 "user, in " SECTION },
	{ "one where a token is given",
	    { ACCOUNT, .token_command = TEXT("tok") }, ADVICE_APP_PASSWORD,
	    "check the output of token_command, and user, in " SECTION AT_ONCE,
	    "check the output of token_command, and user, in " SECTION },
	{ "POP3 is turned off",
	    { ACCOUNT, .password = TEXT("secret"), .provider = TEXT("gmx") },
	    ADVICE_POP3_OFF, POP3_OFF " at https://www.gmx.net/mail/" AT_ONCE,
	    POP3_OFF " at https://www.gmx.net/mail/" },
	{ "it is, at no provider that is known", { ACCOUNT }, ADVICE_POP3_OFF,
	    POP3_OFF AT_ONCE, POP3_OFF },
	{ "a browser", { ACCOUNT }, ADVICE_BROWSER,
	    "pop.test wants user a@b to log in on its web page first" AT_ONCE,
	    "pop.test wants user a@b to log in on its web page first" },
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
	{ "a certificate that has expired", { ACCOUNT }, ADVICE_EXPIRED,
	    "ask those who run pop.test to renew the certificate, unless "
	    "this machine's clock is wrong: then set that" AT_ONCE,
	    "ask those who run pop.test to renew the certificate, unless "
	    "this machine's clock is wrong: then set that" },
	{ "one that is not yet valid", { ACCOUNT }, ADVICE_EARLY,
	    "set this machine's clock; if it is right, ask those who run "
	    "pop.test about the certificate" AT_ONCE,
	    "set this machine's clock; if it is right, ask those who run "
	    "pop.test about the certificate" },
	{ "one for another name", { ACCOUNT }, ADVICE_NAME,
	    "set host to a name that the certificate has, or, if those who "
	    "run pop.test confirm the digest, tls_pin, in " SECTION RELOAD
		AT_ONCE,
	    "set host to a name that the certificate has, or, if those who "
	    "run pop.test confirm the digest, tls_pin, in " SECTION },
	{ "one of an unknown CA", { ACCOUNT }, ADVICE_ISSUER,
	    "set tls_ca to a file with the CA's certificate, or, if those who "
	    "run pop.test confirm the digest, tls_pin, in " SECTION RELOAD
		AT_ONCE,
	    "set tls_ca to a file with the CA's certificate, or, if those who "
	    "run pop.test confirm the digest, tls_pin, in " SECTION },
	{ "one that matches no pin", { ACCOUNT }, ADVICE_PIN,
	    "ask those who run pop.test whether they changed the certificate; "
	    "only if they confirm the digest, set tls_pin to it in " SECTION
		RELOAD AT_ONCE,
	    "ask those who run pop.test whether they changed the certificate; "
	    "only if they confirm the digest, set tls_pin to it in " SECTION },
	{ "one with a weak key", { ACCOUNT }, ADVICE_UNFIT,
	    "ask those who run pop.test to replace the certificate, or, if "
	    "they confirm its digest, set tls_pin in " SECTION RELOAD AT_ONCE,
	    "ask those who run pop.test to replace the certificate, or, if "
	    "they confirm its digest, set tls_pin in " SECTION },
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

/* The server's words, where they tell it. */
static void
test_words(void **state)
{
	static const struct {
		enum evpop_error error;
		enum evpop_response_code code;
		enum evpop_phase phase;
		bool was_asked;
		const char *words;
		enum advice advice;
	} outcomes[] = {
		{ EVPOP_ERROR_AUTH, EVPOP_CODE_AUTH, EVPOP_PHASE_LOGIN, true,
		    "Application-specific password required",
		    ADVICE_APP_PASSWORD },
		{ EVPOP_ERROR_REFUSED, EVPOP_CODE_SYS_PERM, EVPOP_PHASE_LOGIN,
		    true, "Your account is not enabled for POP access",
		    ADVICE_POP3_OFF },
		{ EVPOP_ERROR_AUTH, EVPOP_CODE_NONE, EVPOP_PHASE_LOGIN, true,
		    "POP3 is disabled", ADVICE_POP3_OFF },
		{ EVPOP_ERROR_AUTH, EVPOP_CODE_AUTH, EVPOP_PHASE_LOGIN, true,
		    "Web login required", ADVICE_BROWSER },
		{ EVPOP_ERROR_AUTH, EVPOP_CODE_NONE, EVPOP_PHASE_LOGIN, true,
		    "wrong password", ADVICE_CREDENTIALS },
		/* Words of something else. */
		{ EVPOP_ERROR_AUTH, EVPOP_CODE_NONE, EVPOP_PHASE_LOGIN, false,
		    "POP3 is disabled", ADVICE_LOG_IN },
		{ EVPOP_ERROR_REFUSED, EVPOP_CODE_NONE, EVPOP_PHASE_COMMAND,
		    true, "POP3 is disabled", ADVICE_WAIT },
	};
	struct evpop_result result;

	(void)state;
	for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
		evpop_result_set(&result, outcomes[i].error, outcomes[i].phase,
		    "%s", outcomes[i].words);
		result.code = outcomes[i].code;
		assert_int_equal(advice_of(&result, outcomes[i].was_asked),
		    outcomes[i].advice);
	}
}

/* What is wrong with a certificate decides what to do about it. */
static void
test_distrust(void **state)
{
	static const enum advice wanted[EVPOP_DISTRUST_COUNT] = {
		[EVPOP_DISTRUST_NONE] = ADVICE_WAIT,
		[EVPOP_DISTRUST_EXPIRED] = ADVICE_EXPIRED,
		[EVPOP_DISTRUST_EARLY] = ADVICE_EARLY,
		[EVPOP_DISTRUST_NAME] = ADVICE_NAME,
		[EVPOP_DISTRUST_ISSUER] = ADVICE_ISSUER,
		[EVPOP_DISTRUST_PIN] = ADVICE_PIN,
		[EVPOP_DISTRUST_UNFIT] = ADVICE_UNFIT,
	};
	struct evpop_result result = { .error = EVPOP_ERROR_TLS };
	int distrust;

	(void)state;
	for (distrust = 0; distrust < EVPOP_DISTRUST_COUNT; distrust++) {
		result.distrust = (enum evpop_distrust)distrust;
		assert_int_equal(advice_of(&result, false), wanted[distrust]);
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
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_distrust),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
