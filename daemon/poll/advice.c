#include "daemon/poll/advice.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/config/provider.h"

/* Names of accounts and files are cut, so that the end is not. */
#define SECTION      "section [account %.100s] (%.200s:%u)"
#define SECTION_SIZE 400
#define REASON_SIZE  (ADVICE_SIZE - 180)
#define PAGE_SIZE    128

static void
advice_section(char section[SECTION_SIZE], const struct config_account *account)
{
	(void)snprintf(section, SECTION_SIZE, SECTION, account->name,
	    account->file != NULL ? account->file : "?", account->line);
}

static const enum advice of_distrust[EVPOP_DISTRUST_COUNT] = {
	[EVPOP_DISTRUST_NONE] = ADVICE_WAIT,
	[EVPOP_DISTRUST_EXPIRED] = ADVICE_EXPIRED,
	[EVPOP_DISTRUST_EARLY] = ADVICE_EARLY,
	[EVPOP_DISTRUST_NAME] = ADVICE_NAME,
	[EVPOP_DISTRUST_ISSUER] = ADVICE_ISSUER,
	[EVPOP_DISTRUST_PIN] = ADVICE_PIN,
	[EVPOP_DISTRUST_UNFIT] = ADVICE_UNFIT,
};

static const enum advice of_refusal[CONFIG_REFUSAL_COUNT] = {
	[CONFIG_REFUSAL_APP_PASSWORD] = ADVICE_APP_PASSWORD,
	[CONFIG_REFUSAL_POP3_OFF] = ADVICE_POP3_OFF,
	[CONFIG_REFUSAL_BROWSER] = ADVICE_BROWSER,
};

enum advice
advice_of(const struct evpop_result *result, bool was_asked)
{
	enum config_refusal refusal = config_refusal_of(result->text);

	/* Its words tell more than its code, where they are known. */
	if (was_asked && result->phase == EVPOP_PHASE_LOGIN &&
	    refusal != CONFIG_REFUSAL_CREDENTIALS)
		return of_refusal[refusal];
	if (result->code == EVPOP_CODE_SYS_PERM)
		return ADVICE_SERVER;
	if (result->error == EVPOP_ERROR_AUTH)
		return was_asked ? ADVICE_CREDENTIALS : ADVICE_LOG_IN;
	if (result->error == EVPOP_ERROR_USAGE)
		return ADVICE_SECRET;
	return of_distrust[result->distrust];
}

/* What it is exactly, the account's status says. */
static void
advice_consent(char text[REASON_SIZE], const struct config_account *account)
{
	char section[SECTION_SIZE];

	advice_section(section, account);
	(void)snprintf(text, REASON_SIZE,
	    "give the consent by \"evpopctl oauth %.100s\", or correct what "
	    "begins with oauth2_ in %s, as \"evpopctl account %.100s\" says",
	    account->name, section, account->name);
}

/* Where the credentials come from decides what to look at. */
static void
advice_credentials(
    char text[REASON_SIZE], const struct config_account *account, bool once)
{
	char section[SECTION_SIZE];

	advice_section(section, account);
	if (account->oauth2 != NULL)
		advice_consent(text, account);
	else if (account->token_command != NULL)
		(void)snprintf(text, REASON_SIZE,
		    "check the output of token_command, and user, in %s",
		    section);
	else if (account->password_file != NULL)
		(void)snprintf(text, REASON_SIZE,
		    "correct the password in %.200s%s, or user in %s",
		    account->password_file,
		    once ? "" : " (evpopd notices the change)", section);
	else if (account->password_command != NULL)
		(void)snprintf(text, REASON_SIZE,
		    "check the output of password_command, and user, in %s",
		    section);
	else if (account->password_credential != NULL)
		(void)snprintf(text, REASON_SIZE,
		    "correct the credential %.100s, which systemd reads when "
		    "it starts evpopd, or user in %s",
		    account->password_credential, section);
	else
		(void)snprintf(text, REASON_SIZE, "correct user or %s in %s",
		    account->password != NULL          ? "password"
		    : account->password_sealed != NULL ? "password_sealed"
						       : "tls_cert",
		    section);
}

/* " at URL", where the provider's page is known. */
static void
advice_page(char page[PAGE_SIZE], enum advice advice,
    const struct config_account *account)
{
	const struct config_provider *provider = NULL;
	const char *url = NULL;

	if (account->provider != NULL)
		provider = config_provider_find(account->provider);
	if (provider != NULL)
		url = advice == ADVICE_POP3_OFF ? provider->pop3_url
						: provider->password_url;
	page[0] = '\0';
	if (url != NULL)
		(void)snprintf(page, PAGE_SIZE, " at %s", url);
}

static void
advice_app_password(
    char text[REASON_SIZE], const struct config_account *account, bool once)
{
	char page[PAGE_SIZE], where[REASON_SIZE];

	advice_credentials(where, account, once);
	if (config_account_is_by_token(account)) {
		(void)snprintf(text, REASON_SIZE, "%s", where);
		return;
	}
	advice_page(page, ADVICE_APP_PASSWORD, account);
	(void)snprintf(text, REASON_SIZE,
	    "%.100s wants an application password, not that of its web page: "
	    "make one%s, then %.400s",
	    account->host, page, where);
}

static void
advice_pop3_off(char text[REASON_SIZE], const struct config_account *account)
{
	char page[PAGE_SIZE];

	advice_page(page, ADVICE_POP3_OFF, account);
	(void)snprintf(text, REASON_SIZE,
	    "POP3 is turned off for user %.100s of %.200s: turn it on in the "
	    "provider's settings%s",
	    account->user, account->host, page);
}

static void
advice_secret(
    char text[REASON_SIZE], const struct config_account *account, bool once)
{
	char section[SECTION_SIZE];

	advice_section(section, account);
	if (account->password_file != NULL)
		(void)snprintf(text, REASON_SIZE, "check %.200s%s",
		    account->password_file,
		    once ? "" : " (evpopd notices the change)");
	else if (account->password_sealed != NULL)
		(void)snprintf(text, REASON_SIZE,
		    "correct password_sealed in %s, or key_file in [daemon]",
		    section);
	else
		(void)snprintf(text, REASON_SIZE,
		    "check the source of the password or token in %s", section);
}

/*
 * A certificate does not become right by waiting.  A pin is advised only behind
 * a check: it takes whatever answers.
 */
static void
advice_certificate(char text[REASON_SIZE], enum advice advice,
    const struct config_account *account)
{
	const char *host = account->host;
	char section[SECTION_SIZE];

	advice_section(section, account);
	switch (advice) {
	case ADVICE_EXPIRED:
		(void)snprintf(text, REASON_SIZE,
		    "ask those who run %.200s to renew the certificate, "
		    "unless this machine's clock is wrong: then set that",
		    host);
		break;
	case ADVICE_EARLY:
		(void)snprintf(text, REASON_SIZE,
		    "set this machine's clock; if it is right, ask those who "
		    "run %.200s about the certificate",
		    host);
		break;
	case ADVICE_NAME:
		(void)snprintf(text, REASON_SIZE,
		    "set host to a name that the certificate has, or, if those "
		    "who run %.200s confirm the digest, tls_pin, in %s",
		    host, section);
		break;
	case ADVICE_ISSUER:
		(void)snprintf(text, REASON_SIZE,
		    "set tls_ca to a file with the CA's certificate, or, if "
		    "those who run %.200s confirm the digest, tls_pin, in %s",
		    host, section);
		break;
	case ADVICE_PIN:
		(void)snprintf(text, REASON_SIZE,
		    "ask those who run %.200s whether they changed the "
		    "certificate; only if they confirm the digest, set tls_pin "
		    "to it in %s",
		    host, section);
		break;
	default:
		assert(advice == ADVICE_UNFIT);
		(void)snprintf(text, REASON_SIZE,
		    "ask those who run %.200s to replace the certificate, or, "
		    "if they confirm its digest, set tls_pin in %s",
		    host, section);
		break;
	}
}

/* Whether there is something to read again in the configuration. */
static bool
advice_wants_reload(enum advice advice, const struct config_account *account)
{
	return advice == ADVICE_NAME || advice == ADVICE_ISSUER ||
	       advice == ADVICE_PIN || advice == ADVICE_UNFIT ||
	       (advice == ADVICE_LOG_IN && account->oauth2 == NULL) ||
	       ((advice == ADVICE_CREDENTIALS ||
		    advice == ADVICE_APP_PASSWORD) &&
		   !config_account_is_by_token(account) &&
		   account->password_command == NULL &&
		   account->password_credential == NULL);
}

static void
advice_reason(char text[REASON_SIZE], enum advice advice,
    const struct config_account *account, bool once)
{
	char section[SECTION_SIZE];

	advice_section(section, account);
	switch (advice) {
	case ADVICE_CREDENTIALS:
		advice_credentials(text, account, once);
		break;
	case ADVICE_LOG_IN:
		if (account->oauth2 != NULL) {
			advice_consent(text, account);
			break;
		}
		(void)snprintf(text, REASON_SIZE,
		    "correct auth, tls or allow_cleartext in %s", section);
		break;
	case ADVICE_SECRET:
		advice_secret(text, account, once);
		break;
	case ADVICE_SERVER:
		(void)snprintf(text, REASON_SIZE,
		    "the server's administrator must act: ask those who run "
		    "%.200s about user %.100s",
		    account->host, account->user);
		break;
	case ADVICE_APP_PASSWORD:
		advice_app_password(text, account, once);
		break;
	case ADVICE_POP3_OFF:
		advice_pop3_off(text, account);
		break;
	case ADVICE_BROWSER:
		(void)snprintf(text, REASON_SIZE,
		    "%.200s wants user %.100s to log in on its web page first",
		    account->host, account->user);
		break;
	case ADVICE_WAIT:
		(void)snprintf(text, REASON_SIZE,
		    "the failure may be temporary%s",
		    once ? "" : "; evpopd tries again by itself");
		break;
	default:
		advice_certificate(text, advice, account);
		break;
	}
}

void
advice_write(char text[ADVICE_SIZE], enum advice advice,
    const struct config_account *account, bool once)
{
	char reason[REASON_SIZE], whole[ADVICE_SIZE];

	advice_reason(reason, advice, account, once);
	if (once)
		(void)snprintf(whole, sizeof whole, "%s", reason);
	else
		(void)snprintf(whole, sizeof whole,
		    "%s%s; \"evpopctl poll %.100s\" tries at once", reason,
		    advice_wants_reload(advice, account)
			? ", then \"evpopctl reload\""
			: "",
		    account->name);
	(void)evpop_printable(text, ADVICE_SIZE, whole, strlen(whole));
}

void
advice_write_wait(char text[ADVICE_WAIT_SIZE], int64_t wait_ms)
{
	static const char form[] = "; next try in %" PRId64 " %s";
	int64_t seconds = (wait_ms + 999) / 1000;

	if (wait_ms < 0)
		text[0] = '\0';
	else if (seconds < 120)
		(void)snprintf(text, ADVICE_WAIT_SIZE, form, seconds, "s");
	else if (seconds < 2 * 3600)
		(void)snprintf(
		    text, ADVICE_WAIT_SIZE, form, (seconds + 59) / 60, "min");
	else
		(void)snprintf(
		    text, ADVICE_WAIT_SIZE, form, (seconds + 3599) / 3600, "h");
}

/* ---- what a poll falls short of ---- */

/* So much of a line of the server's stands in a message for people. */
#define LINE_SHOWN 64

/* Only listings are so long: no other answer is. */
#define LISTING_LONG 1048576

/* Other mail is as it should be: the schedule stays as it is. */
static void
shortfall_set(struct evpop_result *result, const char *why)
{
	evpop_result_set(
	    result, EVPOP_ERROR_PROTOCOL, EVPOP_PHASE_COMMAND, "%s", why);
	result->scope = EVPOP_SCOPE_MESSAGE;
}

void
shortfall_unidentified(
    struct evpop_result *result, uint32_t messages, bool has_to_wait)
{
	char why[EVPOP_TEXT_SIZE];

	snprintf(why, sizeof why,
	    "%lu %s left on the server, since it did not tell what %s known "
	    "by%s",
	    (unsigned long)messages,
	    messages == 1 ? "message was" : "messages were",
	    messages == 1 ? "it is" : "they are",
	    has_to_wait ? ": fetch_after needs UIDL or TOP there" : "");
	shortfall_set(result, why);
}

/* No poll fetches what stands on such a line. */
void
shortfall_unreadable(
    struct evpop_result *result, uint32_t lines, const char *first)
{
	char shown[LINE_SHOWN + sizeof ", the first is \"\""],
	    why[EVPOP_TEXT_SIZE];
	bool one = lines == 1;

	shown[0] = '\0';
	if (first != NULL)
		snprintf(shown, sizeof shown, "%s\"%.*s\"",
		    one ? ": " : ", the first is ", LINE_SHOWN, first);
	snprintf(why, sizeof why,
	    "%lu %s of the server's listing cannot be read%s; %s not fetched: "
	    "move or delete %s with a mail program, or tell the server's "
	    "operator",
	    (unsigned long)lines, one ? "line" : "lines", shown,
	    one ? "its message is" : "their messages are", one ? "it" : "them");
	shortfall_set(result, why);
}

void
shortfall_memory(
    struct evpop_result *result, uint64_t capacity, uint64_t octets_in)
{
	evpop_result_set(result, EVPOP_ERROR_LIMIT, EVPOP_PHASE_COMMAND,
	    "the server's listing and what is known of it take more than the "
	    "%llu MiB that polls may hold together (%.1f MiB came so far): "
	    "raise memory_limit in [daemon] if the maildrop is that large; no "
	    "mail is lost",
	    (unsigned long long)capacity >> 20,
	    (double)octets_in / (1024 * 1024));
}

void
shortfall_listing(struct evpop_result *result, uint64_t octets_in)
{
	size_t length = strlen(result->text);

	if (result->error != EVPOP_ERROR_LIMIT ||
	    result->phase != EVPOP_PHASE_COMMAND || octets_in < LISTING_LONG)
		return;
	snprintf(result->text + length, sizeof result->text - length,
	    "; if the maildrop is that large, raise memory_limit in [daemon] "
	    "above that");
}
