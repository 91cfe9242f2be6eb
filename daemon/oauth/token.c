#include "daemon/oauth/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "daemon/log/log.h"
#include "daemon/oauth/access.h"
#include "daemon/oauth/answer.h"
#include "daemon/oauth/form.h"
#include "daemon/oauth/grant.h"
#include "daemon/oauth/settings.h"
#include "daemon/oauth/trouble.h"
#include "daemon/oauth/waiting.h"
#include "daemon/secret/key.h"
#include "daemon/secret/sealed.h"
#include "daemon/secret/secret.h"
#include "daemon/store/token.h"
#include "lib/base/clock.h"

/* While a token is good, a refresh that failed is not repeated earlier. */
#define TOKEN_PAUSE_MS INT64_C(30000)
/* An endpoint that asks for more patience is asked again all the same. */
#define TOKEN_PATIENCE_MS INT64_C(3600000)

enum token_step {
	TOKEN_IDLE = 0,
	TOKEN_READING, /* the store owes the consent */
	TOKEN_ASKING   /* the endpoint owes an access token */
};

enum token_consent {
	TOKEN_CONSENT_UNKNOWN = 0, /* the store was not asked */
	TOKEN_CONSENT_NONE,
	TOKEN_CONSENT_THERE
};

struct oauth_token {
	const struct grant_context *context;
	struct settings *settings;
	enum token_step step;
	enum token_consent consent;
	char *sealed;       /* the refresh token */
	int64_t granted_ms; /* Unix time */
	struct access_token access;
	char *scope;     /* that the endpoint says it has given; or NULL */
	bool is_unsaved; /* the store could not take the consent */
	struct trouble trouble; /* of the last refresh, or of the server */
	int64_t not_before_ms;  /* of evpop_clock_elapsed_ms() */
	uint64_t refreshes;
	struct grant *grant;
	struct waiting waiting;
	struct event *tell;
	unsigned owed; /* answers of the store */
	bool is_gone;  /* it is freed once the store has answered */
};

static void token_refresh(struct oauth_token *);

/* ---- who waits ---- */

/* All that wait now are told, from the loop. */
static void
token_settle(struct oauth_token *token)
{
	waiting_make_ready(&token->waiting);
	event_active(token->tell, EV_TIMEOUT, 0);
}

static void
token_tell(const struct oauth_token *token, const struct waiting_asker *asker)
{
	if (access_is_good(&token->access))
		asker->cb(secret_text(token->access.secret), OAUTH_WELL, NULL,
		    asker->arg);
	else if (token->trouble.kind != OAUTH_WELL)
		asker->cb(
		    NULL, token->trouble.kind, token->trouble.text, asker->arg);
	else
		asker->cb(NULL, OAUTH_LATER, "the token has expired meanwhile",
		    asker->arg);
}

static void
token_tell_ready(evutil_socket_t fd, short what, void *arg)
{
	struct oauth_token *token = arg;
	struct waiting_asker asker;

	(void)fd;
	(void)what;
	while (waiting_take_ready(&token->waiting, &asker))
		token_tell(token, &asker);
}

static void
token_fail(struct oauth_token *token, const struct trouble *trouble)
{
	token->step = TOKEN_IDLE;
	token->trouble = *trouble;
	/* What the endpoint says is newer than what the mail server did. */
	if (token->access.refusal == ACCESS_REFUSED_NEW)
		token->access.refusal = ACCESS_REFUSED;
	log_write(
	    trouble->kind == OAUTH_PERSON ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
	    token->settings->name, "no token: %s; %s", trouble->text,
	    trouble->advice);
	token_settle(token);
}

static void
token_fail_later(struct oauth_token *token, const char *why)
{
	struct trouble trouble;

	trouble_later(&trouble, "%s", why);
	token_fail(token, &trouble);
}

/* ---- the consent ---- */

static void
token_store_answered(struct oauth_token *token)
{
	token->owed--;
	if (token->is_gone && token->owed == 0)
		free(token);
}

/* False without memory. */
static bool
token_seal(struct oauth_token *token, const struct secret *refresh)
{
	char *sealed =
	    secret_seal(token->context->key, refresh, token->settings->owner);

	if (sealed == NULL)
		return false;
	free(token->sealed);
	token->sealed = sealed;
	token->consent = TOKEN_CONSENT_THERE;
	return true;
}

static struct secret *
token_unseal(const struct oauth_token *token)
{
	const struct secret_bearer bearer = { .name = token->settings->owner,
		.is_target = false };
	char error[SECRET_KEY_ERROR];

	return secret_unseal(
	    token->context->key, token->sealed, &bearer, error, sizeof(error));
}

static void
token_read(
    enum store_status status, const struct store_token *stored, void *arg)
{
	struct oauth_token *token = arg;

	if (token->is_gone) {
		token_store_answered(token);
		return;
	}
	token->owed--;
	/* A consent that was given meanwhile is newer. */
	if (token->step != TOKEN_READING)
		return;
	token->step = TOKEN_IDLE;
	if (status == STORE_OK) {
		token->sealed = strdup(stored->sealed);
		token->granted_ms = stored->granted_ms;
		token->consent = TOKEN_CONSENT_THERE;
	} else if (status == STORE_NOT_FOUND)
		token->consent = TOKEN_CONSENT_NONE;
	if (status != STORE_OK && status != STORE_NOT_FOUND)
		token_fail_later(token, store_status_hint(status));
	else if (status == STORE_OK && token->sealed == NULL)
		token_fail_later(token, "there is no memory for a token");
	else
		token_refresh(token);
}

/* ---- what is kept ---- */

struct token_keeping {
	struct oauth_token *token;
	void (*kept)(bool is_well, void *arg); /* or NULL */
	void *arg;
};

static void
token_kept(enum store_status status, void *arg)
{
	struct token_keeping *keeping = arg;
	struct oauth_token *token = keeping->token;

	if (!token->is_gone) {
		token->is_unsaved = status != STORE_OK;
		if (token->is_unsaved)
			log_write(LOG_LEVEL_ERROR, token->settings->name,
			    "its new refresh token is not stored (%s): should "
			    "evpopd end before it is, the consent has to be "
			    "given anew",
			    store_status_hint(status));
		if (keeping->kept != NULL)
			keeping->kept(status == STORE_OK, keeping->arg);
	}
	free(keeping);
	token_store_answered(token);
}

/* A consent is dated; a token that the endpoint has exchanged is not. */
static void
token_keep(struct oauth_token *token, bool is_consent,
    void (*kept)(bool is_well, void *arg), void *arg)
{
	struct token_keeping *keeping = malloc(sizeof(*keeping));

	token->is_unsaved = true;
	if (keeping == NULL) {
		if (kept != NULL)
			kept(false, arg);
		return;
	}
	*keeping = (struct token_keeping){ token, kept, arg };
	token->owed++;
	store_token_put(token->context->store,
	    &(struct store_token){ .owner = token->settings->owner,
		.sealed = token->sealed,
		.granted_ms = is_consent ? token->granted_ms : 0 },
	    token_kept, keeping);
}

/* ---- a refresh ---- */

static void
token_take_access(struct oauth_token *token, struct grant_answer *answer)
{
	const struct grant_answer *said = answer;

	access_take(&token->access, answer);
	free(token->scope);
	token->scope = said->scope[0] != '\0' ? strdup(said->scope) : NULL;
	token->trouble = (struct trouble){ 0 };
	token->not_before_ms = 0;
	token->refreshes++;
}

static void
token_take(struct oauth_token *token, struct grant_answer *answer)
{
	const bool was_down = token->trouble.kind != OAUTH_WELL;
	const struct grant_answer *said = answer;

	token_take_access(token, answer);
	if (said->refresh != NULL && token_seal(token, said->refresh))
		token_keep(token, false, NULL, NULL);
	else if (token->is_unsaved && token->sealed != NULL)
		token_keep(token, false, NULL, NULL);
	token->step = TOKEN_IDLE;
	log_write(was_down ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG,
	    token->settings->name, "a new access token, good for %lld s",
	    (long long)token->access.life_ms / 1000);
	token_settle(token);
}

static void
token_answered(struct grant_answer *answer, const struct trouble *trouble,
    int64_t retry_after_ms, void *arg)
{
	const struct grant_answer *said = answer;
	struct oauth_token *token = arg;
	struct trouble found;

	token->grant = NULL;
	if (said != NULL && said->kind == ANSWER_TOKEN) {
		token_take(token, answer);
		return;
	}
	if (answer != NULL) {
		trouble_of_answer(&found, token->settings, answer);
		trouble = &found;
	}
	if (retry_after_ms < TOKEN_PAUSE_MS && access_is_good(&token->access))
		retry_after_ms = TOKEN_PAUSE_MS;
	if (trouble->kind == OAUTH_LATER)
		token->not_before_ms =
		    evpop_clock_elapsed_ms() +
		    (retry_after_ms < TOKEN_PATIENCE_MS ? retry_after_ms
							: TOKEN_PATIENCE_MS);
	token_fail(token, trouble);
}

static void
token_post(struct oauth_token *token, struct form *form)
{
	const struct settings *settings = token->settings;

	form_add(form, "scope", settings->scope);
	token->step = TOKEN_ASKING;
	token->grant = grant_begin(token->context, settings,
	    settings->token_url, form, token_answered, token);
	if (token->grant == NULL)
		token_fail_later(token, "there is no memory for a request");
}

static void
token_post_consent(struct oauth_token *token)
{
	struct form form = { 0 };
	struct trouble trouble;
	struct secret *refresh = token_unseal(token);

	if (refresh == NULL) {
		trouble_consent(&trouble, token->settings,
		    "the consent in the store does not open with the daemon's "
		    "key: it was sealed with another one, or is damaged");
		token_fail(token, &trouble);
		return;
	}
	form_add(&form, "grant_type", "refresh_token");
	form_add(&form, "refresh_token", secret_text(refresh));
	secret_free(&refresh);
	token_post(token, &form);
}

static void
token_post_credentials(struct oauth_token *token)
{
	struct form form = { 0 };

	form_add(&form, "grant_type", "client_credentials");
	token_post(token, &form);
}

static void
token_need_consent(struct oauth_token *token)
{
	struct trouble trouble;

	if (token->context->key == NULL) {
		trouble_configuration(&trouble, token->settings,
		    "the daemon has no key with which tokens could be sealed",
		    "give key_file in [daemon], then the consent: "
		    "\"evpopctl oauth {name}\"");
		token_fail(token, &trouble);
	} else if (token->consent == TOKEN_CONSENT_NONE) {
		trouble_consent(&trouble, token->settings,
		    "its user has not yet allowed evpopd to log in");
		token_fail(token, &trouble);
	} else if (token->consent == TOKEN_CONSENT_THERE)
		token_post_consent(token);
	else {
		token->step = TOKEN_READING;
		token->owed++;
		store_token_get(token->context->store, token->settings->owner,
		    token_read, token);
	}
}

/* One at a time, whoever asks. */
static void
token_refresh(struct oauth_token *token)
{
	if (token->step != TOKEN_IDLE)
		return;
	if (evpop_clock_elapsed_ms() < token->not_before_ms) {
		token_settle(token);
		return;
	}
	if (token->settings->flow == CONFIG_OAUTH2_CLIENT_CREDENTIALS)
		token_post_credentials(token);
	else
		token_need_consent(token);
}

/* ---- who asks ---- */

struct oauth_request *
token_ask(
    struct oauth_token *token, const char *refused, oauth_cb cb, void *arg)
{
	struct oauth_request *request =
	    waiting_add(&token->waiting, &(struct waiting_asker){ cb, arg });

	if (request == NULL)
		return NULL;
	if (refused != NULL && access_is(&token->access, refused))
		token->access.refusal = ACCESS_REFUSED;
	if (!access_is_good(&token->access))
		token_refresh(token);
	else {
		/* It does not wait for what it does not need yet. */
		token_settle(token);
		if (access_is_near_expiry(&token->access))
			token_refresh(token);
	}
	return request;
}

void
token_note_refused(struct oauth_token *token)
{
	token->access.refusal = ACCESS_REFUSED_NEW;
	trouble_of_server(&token->trouble, token->settings);
}

/* ---- a consent ---- */

bool
token_take_consent(struct oauth_token *token, struct grant_answer *answer,
    void (*kept)(bool is_well, void *arg), void *arg, const char **why_r)
{
	const struct grant_answer *said = answer;

	if (said->refresh == NULL) {
		*why_r = "the endpoint gives an access token alone, which ends "
			 "soon: ask for a refresh token by oauth2_scope "
			 "(offline_access)";
		return false;
	}
	if (!token_seal(token, said->refresh)) {
		*why_r = "there is no memory for a token";
		return false;
	}
	grant_cancel(&token->grant);
	token->granted_ms = evpop_clock_unix_ms();
	token_take_access(token, answer);
	token->step = TOKEN_IDLE;
	token_keep(token, true, kept, arg);
	token_settle(token);
	return true;
}

void
token_forget(struct oauth_token *token)
{
	grant_cancel(&token->grant);
	access_clear(&token->access);
	free(token->sealed);
	free(token->scope);
	token->sealed = token->scope = NULL;
	token->consent = TOKEN_CONSENT_NONE;
	token->granted_ms = 0;
	token->is_unsaved = false;
	token->trouble = (struct trouble){ 0 };
	token->step = TOKEN_IDLE;
	if (!waiting_is_empty(&token->waiting))
		token_refresh(token);
}

/* ---- how it stands ---- */

static enum oauth_state
token_state(const struct oauth_token *token)
{
	if (access_is_good(&token->access))
		return access_is_near_expiry(&token->access) ? OAUTH_NEAR_EXPIRY
							     : OAUTH_FRESH;
	if (token->trouble.kind == OAUTH_LATER)
		return OAUTH_DOWN;
	if (token->access.refusal == ACCESS_REFUSED_NEW)
		return OAUTH_REFUSED;
	if (token->trouble.kind == OAUTH_PERSON)
		return token->consent == TOKEN_CONSENT_NONE ? OAUTH_NONE
							    : OAUTH_REVOKED;
	if (token->access.secret != NULL)
		return OAUTH_EXPIRED;
	return token->consent == TOKEN_CONSENT_THERE ? OAUTH_READY : OAUTH_NONE;
}

void
token_status(const struct oauth_token *token, struct oauth_status *status)
{
	static const char *const flows[] = { "auto", "device", "code",
		"client-credentials" };

	*status = (struct oauth_status){ .state = token_state(token),
		.flow = flows[token->settings->flow],
		.scope = token->scope != NULL ? token->scope
					      : token->settings->scope,
		.granted_ms = token->granted_ms,
		.expires_ms = access_expires_ms(&token->access),
		.refreshes = token->refreshes };
	(void)snprintf(
	    status->text, sizeof(status->text), "%s", token->trouble.text);
	(void)snprintf(status->advice, sizeof(status->advice), "%s",
	    token->trouble.advice);
}

/* ---- its life ---- */

const struct settings *
token_settings(const struct oauth_token *token)
{
	return token->settings;
}

struct oauth_token *
token_new(const struct grant_context *context, struct settings *settings)
{
	struct oauth_token *token = calloc(1, sizeof(*token));

	if (token != NULL) {
		token->context = context;
		waiting_init(&token->waiting);
		token->tell =
		    event_new(context->base, -1, 0, token_tell_ready, token);
	}
	if (token == NULL || token->tell == NULL) {
		free(token);
		settings_free(&settings);
		return NULL;
	}
	token->settings = settings;
	return token;
}

void
token_drop(struct oauth_token **token_p)
{
	struct oauth_token *token = *token_p;
	struct waiting_asker asker;

	*token_p = NULL;
	if (token == NULL)
		return;
	waiting_make_ready(&token->waiting);
	while (waiting_take_ready(&token->waiting, &asker))
		; /* without a word */
	grant_cancel(&token->grant);
	access_clear(&token->access);
	event_free(token->tell);
	free(token->sealed);
	free(token->scope);
	settings_free(&token->settings);
	token->is_gone = true;
	if (token->owed == 0)
		free(token);
}

void
token_free(struct oauth_token **token_p)
{
	struct oauth_token *token = *token_p;
	struct waiting_asker asker;

	if (token == NULL)
		return;
	waiting_make_ready(&token->waiting);
	while (waiting_take_ready(&token->waiting, &asker))
		asker.cb(NULL, OAUTH_LATER, "its configuration has changed",
		    asker.arg);
	token_drop(token_p);
}
