#include "lib/net/choice.h"

#include <stdio.h>

#include "lib/net/server.h"

#define BIT(name) EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_##name)

/* These show the password or a token to anybody who listens. */
#define SHOWS_PASSWORD \
	(BIT(PLAIN) | BIT(LOGIN) | BIT(USER) | BIT(XOAUTH2) | BIT(OAUTHBEARER))

/* These three tell the server the same. */
#define SAME_PASSWORD (BIT(PLAIN) | BIT(LOGIN) | BIT(USER))

unsigned int
evpop_choice_refusal(enum evpop_mechanism mechanism)
{
	unsigned int bit = EVPOP_MECHANISM_BIT(mechanism);

	return (SAME_PASSWORD & bit) != 0 ? SAME_PASSWORD : bit;
}

static unsigned int
choice_tried(const struct evpop_choice *choice)
{
	return choice->refused | choice->credentials->tried;
}

static bool
choice_is_only(unsigned int set)
{
	return (set & (set - 1)) == 0;
}

/* The user has named the mechanisms. */
static bool
choice_is_named(const struct evpop_choice *choice)
{
	return choice->credentials->mechanisms != EVPOP_MECHANISMS_DEFAULT;
}

bool
evpop_choice_is_offered(
    const struct evpop_offer *offer, enum evpop_mechanism mechanism)
{
	const struct evpop_capabilities *capabilities = offer->capabilities;

	switch (mechanism) {
	case EVPOP_MECHANISM_APOP:
		return offer->timestamp != NULL;
	case EVPOP_MECHANISM_USER:
		return !capabilities->known || capabilities->user ||
		       capabilities->sasl[0] == '\0';
	default:
		return evpop_capabilities_sasl(
		    capabilities, evpop_mechanism_name(mechanism));
	}
}

/*
 * A mechanism that the user has named alone is tried whatever the server says;
 * APOP only with a timestamp.
 */
static bool
choice_is_wanted(const struct evpop_choice *choice,
    const struct evpop_offer *offer, enum evpop_mechanism mechanism)
{
	return evpop_choice_is_offered(offer, mechanism) ||
	       (mechanism != EVPOP_MECHANISM_APOP &&
		   choice_is_only(choice->credentials->mechanisms));
}

/*
 * An attacker must not get a password shown by refusing a mechanism that keeps
 * it, unless the user has named one that shows it.
 */
static bool
choice_is_exposed(const struct evpop_choice *choice,
    const struct evpop_offer *offer, enum evpop_mechanism mechanism)
{
	if ((SHOWS_PASSWORD & EVPOP_MECHANISM_BIT(mechanism)) == 0 ||
	    offer->privacy == EVPOP_PRIVACY_TLS)
		return false;
	if (offer->privacy == EVPOP_PRIVACY_NONE)
		return true;
	return (choice_tried(choice) & ~SHOWS_PASSWORD) != 0 &&
	       !choice_is_named(choice);
}

/* Credentials as the exchange is to see them. */
struct evpop_credentials
evpop_choice_credentials(
    const struct evpop_choice *choice, const struct evpop_offer *offer)
{
	struct evpop_credentials credentials = *choice->credentials;

	/* "No binding", rather than "none that the server offers". */
	if (choice->is_unbound ||
	    (offer->server != NULL &&
		evpop_server_refuses_binding(offer->server)))
		credentials.mechanisms &= ~EVPOP_MECHANISMS_BOUND;
	return credentials;
}

static bool
choice_is_eligible(const struct evpop_choice *choice,
    const struct evpop_offer *offer, enum evpop_mechanism mechanism)
{
	const struct evpop_credentials credentials =
	    evpop_choice_credentials(choice, offer);
	unsigned int bit = EVPOP_MECHANISM_BIT(mechanism);

	if ((credentials.mechanisms & bit) == 0 ||
	    ((choice_tried(choice) | choice->unfit) & bit) != 0 ||
	    choice_is_exposed(choice, offer, mechanism))
		return false;
	return choice_is_wanted(choice, offer, mechanism) &&
	       evpop_exchange_possible(mechanism, &credentials, &offer->target);
}

bool
evpop_choice_make(const struct evpop_choice *choice,
    const struct evpop_offer *offer, enum evpop_mechanism *mechanism_r)
{
	unsigned int i;

	for (i = 0; i < EVPOP_MECHANISM_COUNT; i++) {
		if (!choice_is_eligible(choice, offer, (enum evpop_mechanism)i))
			continue;
		*mechanism_r = (enum evpop_mechanism)i;
		return true;
	}
	return false;
}

/* "USER, PLAIN, LOGIN", or "nothing". */
static void
choice_list_offered(
    const struct evpop_offer *offer, char *text, size_t text_size)
{
	const struct evpop_capabilities *capabilities = offer->capabilities;
	const char *from = capabilities->sasl;
	size_t used = 0;

	if (capabilities->user || !capabilities->known)
		used += (size_t)snprintf(text, text_size, "USER");
	if (offer->timestamp != NULL)
		used += (size_t)snprintf(text + used, text_size - used,
		    "%sAPOP", used > 0 ? ", " : "");
	while (*from != '\0' && used + 3 < text_size) {
		if (used > 0 && (from == capabilities->sasl || *from == ' ')) {
			text[used++] = ',';
			text[used++] = ' ';
		}
		if (*from != ' ')
			text[used++] = *from;
		from++;
	}
	text[used] = '\0';
	if (used == 0)
		snprintf(text, text_size, "nothing");
}

/* Say why no mechanism can be used. */
void
evpop_choice_explain(const struct evpop_choice *choice,
    const struct evpop_offer *offer, struct evpop_result *result)
{
	struct evpop_offer open = *offer;
	enum evpop_mechanism mechanism;
	char offered[300];

	open.privacy = EVPOP_PRIVACY_TLS;
	choice_list_offered(offer, offered, sizeof offered);
	if (choice_tried(choice) == 0 &&
	    evpop_choice_make(choice, &open, &mechanism))
		evpop_result_set(result, EVPOP_ERROR_AUTH, EVPOP_PHASE_LOGIN,
		    "the password was not sent: it would cross the network in "
		    "clear text; use tls=implicit or tls=stls, or permit it "
		    "with allow_cleartext");
	else
		evpop_result_set(result, EVPOP_ERROR_AUTH, EVPOP_PHASE_LOGIN,
		    "no way to log in: the server offers %.120s, which the "
		    "account's auth, password or token cannot use",
		    offered);
	result->scope = EVPOP_SCOPE_ACCOUNT;
}
