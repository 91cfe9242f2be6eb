/* What servers mean by the words of a refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/core/reply.h"

/* "Not now", as servers say it who have no response codes. */
static const char *const not_now[] = {
	/* courier, popa3d, qpopper, teapop, Cyrus, RFC 1939 */
	"maildrop already locked",
	"Another MUA active, try again later",
	"anna lock busy!  Is another session active? (11)",
	"Maildrop lock busy!  Is another session active?",
	"Your mailbox is locked by another session",
	"Unable to lock maildrop: Mailbox is locked by POP server",
	"unable to lock maildrop",
	"Can't lock maildrop",
	"Can't open mailbox, could not lock",
	"Mailbox is in use by another session",
	"mailbox being used by another process",
	"Temporary problem, please try again later",
	"Maximum connection limit reached for 192.0.2.1",
	/* hMailServer, IMail, MDaemon, Lotus Domino, Zimbra, Exchange */
	"Your mailbox is already locked",
	"account locked",
	"Too many invalid logon attempts.",
	"Mailbox locked. User already logged in",
	"Minimum time between mail checks violation",
	"account is in maintenance mode",
	"system failure: unable to lookup account",
	"Server Unavailable. 21",
	"Clients disconnected, server shutting down",
	"Connection is closed. Server is busy. 16",
	/* Gmail, Yahoo, GMX, web.de, Hotmail, 163, QQ */
	"Too many login attempts",
	"Too many simultaneous connections. (Failure)",
	"[SYS] Exceeded the login limit for a 15 minute period. Reduce the "
	"frequency of requests to the POP3 server.",
	"(#MBR1212) Login is not possible, please try again later",
	"login allowed only every 15 minutes",
	"too frequent access, please wait 5 minutes",
	"Sie haben Ihr Postfach zu oft abgefragt",
	"Bitte versuchen Sie es sp\xc3\xa4ter wieder",
	"Login fail. Account is abnormal, service is not open, password is "
	"incorrect, login frequency limited, or system is busy.",
	"user login frequency limited",
	"Trop de connexions, r\xc3\xa9"
	"essayez plus tard",
	"Demasiadas conexiones",
	/* Behind proxies, and where something is broken. */
	"[UNAVAILABLE] Internal error occurred",
	"[UNAVAILABLE]",
	"[INUSE] no",
	"[LIMIT] no",
	"Could not connect to real server",
	"authentication timed out",
	"authentication service down",
	"LDAP timeout",
	"System is down for maintenance",
	"Shutting down for maintenance",
	"internal failure",
	"INTERNAL ERROR",
	"disk quota exceeded",
	"mailbox is over quota",
	"no space left on device",
	"Login rate exceeded",
	"minimum 5 minutes between logins",
	"Maximum number of connections from user+IP exceeded",
	"too many connections",
	"Please try again later",
	"lock busy, try later",
	"Temporarily unavailable",
	"server overloaded",
	"SCRAM-SHA-256: the server says: no-resources",
	"Please wait 30 seconds",
};

/* About the credentials, or about nothing. */
static const char *const wrong[] = {
	"",
	"the server gave no reason",
	"Logon failure: unknown user name or bad password.",
	"invalid password",
	"Invalid login, please try again",
	"login failed",
	"Authentication failed.",
	"Authentication failure",
	"Web login required: https://support.example.com/answer/78754",
	"Username and password not accepted.",
	"(#MBR1212) Incorrect username or password.",
	"Unknown user or incorrect password",
	"APOP is not available",
	"mechanism unavailable",
	"access has been blocked",
	"account blocked by the administrator",
	"TLS 1.2 or later is required",
	"Wrong password. Is CAPS LOCK on?",
	"Your account is not enabled for POP access",
	"unlocked accounts only",
	"relater",
	"the password has expired",
	"Authentication failed (0.003 seconds)",
	"SCRAM-SHA-256: the server says: invalid-proof",
	"Diese Anmeldung ist ung\xc3\xbcltig",
};

static struct evpop_result
refused_with(const char *words, enum evpop_response_code code)
{
	struct evpop_result result;

	evpop_result_set(
	    &result, EVPOP_ERROR_AUTH, EVPOP_PHASE_LOGIN, "%s", words);
	result.code = code;
	result.scope = EVPOP_SCOPE_ACCOUNT;
	evpop_refusal_by_words(&result);
	return result;
}

static void
test_not_now(void **state)
{
	static const enum evpop_response_code unknown[] = { EVPOP_CODE_NONE,
		EVPOP_CODE_OTHER };
	struct evpop_result result;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof not_now / sizeof not_now[0]; i++)
		for (j = 0; j < 2; j++) {
			result = refused_with(not_now[i], unknown[j]);
			if (result.error != EVPOP_ERROR_REFUSED)
				fail_msg("\"%s\"", not_now[i]);
			assert_int_equal(result.scope, EVPOP_SCOPE_SESSION);
			assert_true(result.retry);
			assert_string_equal(result.text, not_now[i]);
		}
}

static void
test_wrong(void **state)
{
	struct evpop_result result;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		result = refused_with(wrong[i], EVPOP_CODE_NONE);
		if (result.error != EVPOP_ERROR_AUTH)
			fail_msg("\"%s\"", wrong[i]);
		assert_int_equal(result.scope, EVPOP_SCOPE_ACCOUNT);
		assert_false(result.retry);
	}
}

/* What a response code says is not judged by words; nor other errors are. */
static void
test_codes_stand_above_words(void **state)
{
	struct evpop_result result;
	enum evpop_response_code code;

	(void)state;
	result = refused_with("please try again later", EVPOP_CODE_AUTH);
	assert_int_equal(result.error, EVPOP_ERROR_AUTH);
	result = refused_with("over quota", EVPOP_CODE_SYS_PERM);
	assert_int_equal(result.error, EVPOP_ERROR_AUTH);
	/* Nor is what a command behind the log-in is refused for. */
	for (code = EVPOP_CODE_NONE; code < EVPOP_CODE_COUNT; code++) {
		evpop_result_set(
		    &result, EVPOP_ERROR_REFUSED, EVPOP_PHASE_COMMAND, "busy");
		result.code = code;
		result.scope = EVPOP_SCOPE_ACCOUNT;
		result.retry = false;
		evpop_refusal_by_words(&result);
		assert_int_equal(result.retry,
		    code == EVPOP_CODE_NONE || code == EVPOP_CODE_OTHER);
	}
	evpop_result_set(&result, EVPOP_ERROR_USAGE, EVPOP_PHASE_LOGIN, "busy");
	evpop_refusal_by_words(&result);
	assert_int_equal(result.error, EVPOP_ERROR_USAGE);
	assert_false(result.retry);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_now),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_codes_stand_above_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
