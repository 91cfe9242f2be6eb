#include "daemon/poll/advice.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Names of accounts and files are cut, lest the end is. */
#define WHERE_SIZE 400
#define WHERE      "section [account %.100s] (%.200s:%u)"

/* Where the credentials come from decides what to look at. */
static void
advice_on_credentials(
    char *text, size_t size, const struct config_account *account)
{
	char where[WHERE_SIZE];

	(void)snprintf(where, sizeof where, WHERE, account->name,
	    account->file != NULL ? account->file : "?", account->line);
	if (account->token_command != NULL)
		(void)snprintf(text, size,
		    "see what token_command prints, and user, in %s", where);
	else if (account->password_file != NULL)
		(void)snprintf(text, size,
		    "correct the password in %.200s, whose change is noticed, "
		    "or user in %s, then \"evpopctl reload\"",
		    account->password_file, where);
	else if (account->password_command != NULL)
		(void)snprintf(text, size,
		    "see what password_command prints, and user, in %s", where);
	else if (account->password_credential != NULL)
		(void)snprintf(text, size,
		    "correct the credential %.100s, which systemd reads when "
		    "it starts evpopd, or user in %s",
		    account->password_credential, where);
	else if (account->password != NULL)
		(void)snprintf(text, size,
		    "correct user or password in %s, then \"evpopctl reload\"",
		    where);
	else
		(void)snprintf(text, size,
		    "correct user, auth or tls_cert in %s, then \"evpopctl "
		    "reload\"",
		    where);
}

void
advice_write(char advice[ADVICE_SIZE], const struct config_account *account,
    enum evpop_error error, enum evpop_response_code code)
{
	char text[ADVICE_SIZE - 160], whole[ADVICE_SIZE];

	if (code == EVPOP_CODE_SYS_PERM)
		(void)snprintf(text, sizeof text,
		    "the server wants a person to see to it: ask those who "
		    "run %.200s about user %.100s",
		    account->host, account->user);
	else if (error == EVPOP_ERROR_AUTH)
		advice_on_credentials(text, sizeof text, account);
	else if (error == EVPOP_ERROR_USAGE && account->password_file != NULL)
		(void)snprintf(text, sizeof text,
		    "see to %.200s, whose change is noticed",
		    account->password_file);
	else
		(void)snprintf(text, sizeof text,
		    "it may pass; it is tried again by itself");
	(void)snprintf(whole, sizeof whole,
	    "%s; \"evpopctl poll %.100s\" tries at once", text, account->name);
	(void)evpop_printable(advice, ADVICE_SIZE, whole, strlen(whole));
}

void
advice_write_wait(char wait[ADVICE_WAIT_SIZE], int64_t wait_ms)
{
	static const char form[] = "; tried again by itself in %" PRId64 " %s";
	int64_t seconds = (wait_ms + 999) / 1000;

	if (wait_ms < 0)
		wait[0] = '\0';
	else if (seconds < 120)
		(void)snprintf(wait, ADVICE_WAIT_SIZE, form, seconds, "s");
	else if (seconds < 2 * 3600)
		(void)snprintf(
		    wait, ADVICE_WAIT_SIZE, form, (seconds + 59) / 60, "min");
	else
		(void)snprintf(
		    wait, ADVICE_WAIT_SIZE, form, (seconds + 3599) / 3600, "h");
}
