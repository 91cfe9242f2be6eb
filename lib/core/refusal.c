#include "lib/core/reply.h"

#include <ctype.h>
#include <string.h>

/*
 * Whole words, in any case.  Each was seen in a refusal of credentials that
 * were right.  Some stand beside wrong ones as well ("account locked"): whoever
 * tries again must do so ever more rarely, so that no account is locked by it.
 * "Try again" alone is missing, which is what servers say to a typing error,
 * and so is "later" ("TLS 1.2 or later").
 */
static const char *const not_now[] = {
	/* Somebody else is there. */
	"already connected",
	"already logged in",
	"already open",
	"another client",
	"another mua",
	"another process",
	"another session",
	"being used",
	"busy",
	"in use",
	"inuse",
	"can't lock",
	"lock maildrop",
	"lock mailbox",
	"locked",
	"not lock",
	"to lock",
	/* Too many, too often. */
	"between logins",
	"bandwidth",
	"exceed",
	"exceeded",
	"frequency",
	"limit",
	"limited to",
	"login rate",
	"maximum number",
	"minimum time",
	"minutes",
	"rate limited",
	"throttled",
	"too fast",
	"too frequent",
	"too frequently",
	"too many",
	"too often",
	"too quickly",
	"too soon",
	"wait",
	/* Later. */
	"at the moment",
	"again later",
	"at this time",
	"back later",
	"connect later",
	"later on",
	"log in later",
	"login later",
	"moments later",
	"reconnect later",
	"retry later",
	"right now",
	"temporarily",
	"temporary",
	"try again in",
	"try later",
	/* The server is not well. */
	"cannot connect",
	"could not connect",
	"currently unavailable",
	"database error",
	"disk full",
	"going down",
	"i/o error",
	"insufficient resources",
	"internal error",
	"internal failure",
	"internal login failure",
	"internal problem",
	"internal server error",
	"is down",
	"maintenance",
	"no space",
	"no-resources",
	"out of memory",
	"out of resources",
	"overload",
	"overloaded",
	"quota",
	"server error",
	"server problem",
	"server unavailable",
	"serverbug",
	"service down",
	"service not available",
	"service unavailable",
	"shutdown",
	"shutting down",
	"system error",
	"system failure",
	"system problem",
	"timed out",
	"timeout",
	"unable to connect",
	"unavailable]",
	/* The same in German, French, Spanish and Italian. */
	"belegt",
	"gesperrt",
	"sp\303\244ter",
	"vor\303\274bergehend",
	"wartung",
	"wartungsarbeiten",
	"zu oft",
	"zu viele",
	"\303\274berlastet",
	"occup\303\251e",
	"plus tard",
	"temporairement",
	"trop de",
	"verrouill\303\251e",
	"demasiadas",
	"demasiados",
	"m\303\241s tarde",
	"mantenimiento",
	"manutenzione",
	"pi\303\271 tardi",
	"troppe",
};

static bool
refusal_word_continues(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

static bool
refusal_holds_phrase(const char *text, const char *phrase)
{
	size_t length = strlen(phrase);
	const char *at;

	for (at = text; (at = strcasestr(at, phrase)) != NULL; at++)
		if ((at == text || !refusal_word_continues(at[-1])) &&
		    !refusal_word_continues(at[length]))
			return true;
	return false;
}

void
evpop_refusal_by_words(struct evpop_result *result)
{
	size_t i;

	if ((result->error != EVPOP_ERROR_AUTH &&
		result->error != EVPOP_ERROR_REFUSED) ||
	    (result->code != EVPOP_CODE_NONE &&
		result->code != EVPOP_CODE_OTHER))
		return;
	for (i = 0; i < sizeof not_now / sizeof not_now[0]; i++) {
		if (!refusal_holds_phrase(result->text, not_now[i]))
			continue;
		result->error = EVPOP_ERROR_REFUSED;
		result->scope = EVPOP_SCOPE_SESSION;
		result->retry = true;
		return;
	}
}
