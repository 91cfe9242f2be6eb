#include "daemon/ctl/refused.h"

#include <stdio.h>

static void
refused_hint_url(const struct ctl *ctl, const char *what, const char *url)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "%s: %s", what, url);
	ctl_hint(ctl, text);
}

void
refused_hint(const struct ctl *ctl, enum config_refusal refusal,
    const char *user, const struct config_provider *provider)
{
	static const char *const meanings[CONFIG_REFUSAL_COUNT] = {
		[CONFIG_REFUSAL_CREDENTIALS] =
		    "the password is wrong, or the user name is",
		[CONFIG_REFUSAL_APP_PASSWORD] =
		    "it wants an application password, not that of its web "
		    "page",
		[CONFIG_REFUSAL_POP3_OFF] =
		    "POP3 is turned off for this mailbox: turn it on in the "
		    "provider's settings",
		[CONFIG_REFUSAL_BROWSER] =
		    "it wants you to log in on its web page first",
	};
	unsigned flags = provider != NULL ? provider->flags : 0;
	char text[512];

	if (refusal == CONFIG_REFUSAL_CREDENTIALS) {
		(void)snprintf(
		    text, sizeof(text), "%s (%s)", meanings[refusal], user);
		ctl_hint(ctl, text);
	} else
		ctl_hint(ctl, meanings[refusal]);
	if (provider == NULL)
		return;
	/* Many say the same whatever it is: what is usual there helps. */
	if (refusal == CONFIG_REFUSAL_CREDENTIALS ||
	    refusal == CONFIG_REFUSAL_APP_PASSWORD)
		ctl_hint(ctl, provider->advice);
	if (provider->password_url != NULL &&
	    (flags & CONFIG_PROVIDER_APP_PASSWORD) != 0 &&
	    refusal != CONFIG_REFUSAL_POP3_OFF)
		refused_hint_url(
		    ctl, "it is made here", provider->password_url);
	if (provider->pop3_url != NULL &&
	    ((flags & CONFIG_PROVIDER_POP3_IS_OFF) != 0 ||
		refusal == CONFIG_REFUSAL_POP3_OFF))
		refused_hint_url(
		    ctl, "POP3 is turned on here", provider->pop3_url);
}
