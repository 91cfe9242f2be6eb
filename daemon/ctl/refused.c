#include "daemon/ctl/refused.h"

#include <stdio.h>
#include <string.h>

/* In the words of Gmail, Yahoo!, AOL, Yandex, mail.ru, GMX, Exchange, Zoho. */
static const struct {
	const char *words;
	enum refused refused;
} refused_words[] = {
	{ "application-specific password", REFUSED_APP_PASSWORD },
	{ "application password", REFUSED_APP_PASSWORD },
	{ "app password", REFUSED_APP_PASSWORD },
	{ "app-specific password", REFUSED_APP_PASSWORD },
	{ "parol prilozheniya", REFUSED_APP_PASSWORD },
	{ "authorization code", REFUSED_APP_PASSWORD },
	{ "not enabled for pop", REFUSED_POP3_OFF },
	{ "pop3 disabled", REFUSED_POP3_OFF },
	{ "pop3 is disabled", REFUSED_POP3_OFF },
	{ "pop access is disabled", REFUSED_POP3_OFF },
	{ "pop3 access is disabled", REFUSED_POP3_OFF },
	{ "pop3 access disabled", REFUSED_POP3_OFF },
	{ "pop3 is not enabled", REFUSED_POP3_OFF },
	{ "pop3 not enabled", REFUSED_POP3_OFF },
	{ "pop is not enabled", REFUSED_POP3_OFF },
	{ "pop is disabled", REFUSED_POP3_OFF },
	{ "protocol disabled", REFUSED_POP3_OFF },
	{ "protocol is disabled", REFUSED_POP3_OFF },
	{ "enable pop", REFUSED_POP3_OFF },
	{ "web login required", REFUSED_BROWSER },
	{ "log in via your web browser", REFUSED_BROWSER },
	{ "via your web browser", REFUSED_BROWSER },
};

enum refused
refused_of(const char *words)
{
	for (size_t i = 0; i < sizeof(refused_words) / sizeof(refused_words[0]);
	     i++)
		if (strcasestr(words, refused_words[i].words) != NULL)
			return refused_words[i].refused;
	return REFUSED_CREDENTIALS;
}

static void
refused_hint_url(const struct ctl *ctl, const char *what, const char *url)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "%s: %s", what, url);
	ctl_hint(ctl, text);
}

void
refused_hint(const struct ctl *ctl, enum refused refused, const char *user,
    const struct config_provider *provider)
{
	static const char *const meanings[REFUSED_COUNT] = {
		[REFUSED_CREDENTIALS] =
		    "the password is wrong, or the user name is",
		[REFUSED_APP_PASSWORD] =
		    "it wants an application password, not that of its web "
		    "page",
		[REFUSED_POP3_OFF] =
		    "POP3 is turned off for this mailbox: turn it on in the "
		    "provider's settings",
		[REFUSED_BROWSER] =
		    "it wants you to log in on its web page first",
	};
	unsigned flags = provider != NULL ? provider->flags : 0;
	char text[512];

	if (refused == REFUSED_CREDENTIALS) {
		(void)snprintf(
		    text, sizeof(text), "%s (%s)", meanings[refused], user);
		ctl_hint(ctl, text);
	} else
		ctl_hint(ctl, meanings[refused]);
	if (provider == NULL)
		return;
	/* Many say the same whatever it is: what is usual there helps. */
	if (refused == REFUSED_CREDENTIALS || refused == REFUSED_APP_PASSWORD)
		ctl_hint(ctl, provider->advice);
	if (provider->password_url != NULL &&
	    (flags & CONFIG_PROVIDER_APP_PASSWORD) != 0 &&
	    refused != REFUSED_POP3_OFF)
		refused_hint_url(
		    ctl, "it is made here", provider->password_url);
	if (provider->pop3_url != NULL &&
	    ((flags & CONFIG_PROVIDER_POP3_IS_OFF) != 0 ||
		refused == REFUSED_POP3_OFF))
		refused_hint_url(
		    ctl, "POP3 is turned on here", provider->pop3_url);
}
