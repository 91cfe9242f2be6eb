#include "daemon/ctl/tokens.h"

#include "daemon/ctl/print.h"

#define STATE "authorization.state"

/* What a state means; NULL: there is nothing more to say of it. */
struct tokens_state {
	const char *name, *words;
	enum ctl_exit code;
};

static const struct tokens_state tokens_states[] = {
	{ "none", "there is no consent, or evpopd has not looked yet",
	    CTL_NO_PERMISSION },
	{ "pending", "the user is being asked for consent", CTL_NO_PERMISSION },
	{ "ready", "the next log-in gets one", CTL_OK },
	{ "fresh", NULL, CTL_OK },
	{ "near-expiry", "the next log-in gets another one", CTL_OK },
	{ "expired", "the next log-in gets another one", CTL_OK },
	{ "refused", "the mail server refuses even a new one",
	    CTL_NO_PERMISSION },
	{ "revoked", "the provider gives none", CTL_NO_PERMISSION },
	{ "down", "the provider does not answer as it should",
	    CTL_UNAVAILABLE },
};

static const struct tokens_state *
tokens_find(const json_t *object)
{
	static const struct tokens_state other = { "", NULL, CTL_OK };

	for (size_t i = 0; i < sizeof(tokens_states) / sizeof(tokens_states[0]);
	     i++)
		if (ctl_is(object, STATE, tokens_states[i].name))
			return &tokens_states[i];
	return &other;
}

static void
tokens_say_state(
    const struct ctl *ctl, const json_t *object, struct phrase *phrase)
{
	const struct tokens_state *state = tokens_find(object);

	print_form(ctl, "?{" STATE "}", object, phrase);
	if (state->words != NULL)
		phrase_add(phrase, "%s", state->words);
}

/* Nobody has asked for a token yet, and so nothing was found wrong. */
static void
tokens_say_advice(
    const struct ctl *ctl, const json_t *object, struct phrase *phrase)
{
	const char *target = ctl_text(object, "target");
	const char *account = ctl_text(object, "account");

	if (ctl_text(object, "authorization.advice") != NULL)
		print_form(ctl, "{authorization.advice}", object, phrase);
	else if (ctl_is(object, STATE, "none"))
		phrase_add(phrase,
		    "give the consent: \"%sevpopctl oauth %s%s\"", ctl_sudo(),
		    target != NULL ? "target:" : "",
		    target != NULL    ? target
		    : account != NULL ? account
				      : ctl_text(object, "asked"));
}

static const struct print_field tokens_fields[] = {
	{ "OAuth 2", .form = "?by {authorization.flow}" },
	{ "Consent", .form = "?given {authorization.granted_at:time}" },
	{ "Scopes", .member = "authorization.scope" },
	{ "Token", .words = tokens_say_state },
	{ "Expires", .form = "?{authorization.expires_at:time}" },
	{ "What is wrong", .member = "authorization.text" },
	{ "What to do", .words = tokens_say_advice },
};

void
tokens_print(const struct ctl *ctl, const json_t *object, tokens_detail detail)
{
	if (ctl_text(object, STATE) == NULL)
		return;
	for (size_t i = 0; i < PRINT_FIELD_COUNT(tokens_fields); i++) {
		struct phrase phrase;
		const char *value =
		    print_value(ctl, &tokens_fields[i], object, &phrase);

		if (value != NULL)
			detail(ctl, tokens_fields[i].heading, value);
	}
}

void
tokens_add(const json_t *from, json_t *to)
{
	json_t *authorization = json_object_get(from, "authorization");

	if (authorization != NULL)
		(void)json_object_set(to, "authorization", authorization);
}

enum ctl_exit
tokens_exit(const json_t *object)
{
	return tokens_find(object)->code;
}
