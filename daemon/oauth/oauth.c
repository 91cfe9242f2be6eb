#include "daemon/oauth/oauth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "daemon/config/config.h"
#include "daemon/config/target.h"
#include "daemon/log/log.h"
#include "daemon/oauth/answer.h"
#include "daemon/oauth/endpoint.h"
#include "daemon/oauth/flow.h"
#include "daemon/oauth/grant.h"
#include "daemon/oauth/settings.h"
#include "daemon/oauth/token.h"
#include "daemon/oauth/trouble.h"
#include "daemon/oauth/waiting.h"
#include "daemon/secret/key.h"
#include "daemon/store/token.h"
#include "lib/base/wiping.h"

/* Who waits for a step of a flow. */
struct owner_asker {
	oauth_authorize_cb cb; /* NULL: nobody */
	void *arg;
};

/* One who logs in by OAuth 2. */
struct owner {
	struct oauth *oauth;
	struct oauth_token *token;
	struct flow *flow; /* NULL: none is under way */
	struct owner_asker asker;
	struct trouble last; /* how a flow ended in vain; zeroed: none did */
};

struct oauth {
	struct oauth_options options;
	struct secret_key *key;
	struct grant_context context;
	struct endpoints *endpoints;
	struct owner **owners; /* by name */
	size_t count;
};

const char *
oauth_state_name(enum oauth_state state)
{
	static const char *const names[] = { "none", "ready", "fresh",
		"near-expiry", "expired", "refused", "revoked", "down",
		"pending" };

	_Static_assert(
	    sizeof(names) / sizeof(names[0]) == OAUTH_STATE_COUNT, "a name");
	return names[state];
}

/* ---- owners ---- */

static const char *
owner_name(const struct owner *owner)
{
	return token_settings(owner->token)->name;
}

static struct owner *
oauth_find(const struct oauth *oauth, const char *name)
{
	size_t low = 0, high = oauth->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const int order =
		    strcmp(name, owner_name(oauth->owners[middle]));

		if (order == 0)
			return oauth->owners[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* The asker is told once. */
static void
owner_answer(struct owner *owner, enum oauth_answer answer,
    const struct oauth_authorization *authorization, const char *text)
{
	const struct owner_asker asker = owner->asker;

	owner->asker = (struct owner_asker){ NULL, NULL };
	if (asker.cb != NULL)
		asker.cb(answer, authorization, text, asker.arg);
}

static void
owner_end_flow(struct owner *owner, const char *why)
{
	flow_free(&owner->flow);
	owner_answer(owner, OAUTH_NOT_ASKED, NULL, why);
}

static void
owner_free(struct owner *owner)
{
	owner_end_flow(owner, "the configuration has changed");
	token_free(&owner->token);
	free(owner);
}

/* ---- how a flow goes on ---- */

static void
owner_begun(const struct oauth_authorization *authorization, void *arg)
{
	owner_answer(arg, OAUTH_DONE, authorization, NULL);
}

static void
owner_tell(struct owner *owner, bool is_well)
{
	const struct oauth_options *options = &owner->oauth->options;

	if (options->authorized != NULL)
		options->authorized(owner_name(owner), is_well, options->arg);
}

static void
owner_failed(const struct trouble *trouble, void *arg)
{
	struct owner *owner = arg;

	owner->last = *trouble;
	log_write(LOG_LEVEL_WARNING, owner_name(owner), "no consent: %s; %s",
	    trouble->text, trouble->advice);
	flow_free(&owner->flow);
	owner_answer(owner,
	    trouble->kind == OAUTH_LATER ? OAUTH_UNAVAILABLE : OAUTH_FAILED,
	    NULL, trouble->text);
	owner_tell(owner, false);
}

static void
owner_kept(bool is_well, void *arg)
{
	struct owner *owner = arg;

	if (!is_well) {
		trouble_later(&owner->last, "the store does not take the "
					    "consent: it holds until evpopd "
					    "ends");
		owner_answer(owner, OAUTH_UNAVAILABLE, NULL, owner->last.text);
	} else {
		owner->last = (struct trouble){ 0 };
		log_write(LOG_LEVEL_INFO, owner_name(owner),
		    "its user has consented: evpopd logs in by OAuth 2");
		owner_answer(owner, OAUTH_DONE, NULL, NULL);
	}
	owner_tell(owner, true);
}

static void
owner_granted(struct grant_answer *answer, void *arg)
{
	struct owner *owner = arg;
	struct trouble trouble;
	const char *why = NULL;

	flow_free(&owner->flow);
	if (token_take_consent(owner->token, answer, owner_kept, owner, &why))
		return;
	trouble_configuration(&trouble, token_settings(owner->token), why,
	    "correct oauth2_scope in the section of \"{name}\"");
	owner_failed(&trouble, owner);
}

static const struct flow_handler owner_handler = { owner_begun, owner_granted,
	owner_failed };

/* ---- for who logs in ---- */

struct oauth_request *
oauth_ask(struct oauth *oauth, const char *name, const char *refused,
    oauth_cb cb, void *arg)
{
	const struct owner *owner = oauth_find(oauth, name);

	return owner == NULL ? NULL : token_ask(owner->token, refused, cb, arg);
}

void
oauth_cancel(struct oauth_request **request_p)
{
	waiting_cancel(request_p);
}

void
oauth_note_refused(struct oauth *oauth, const char *name)
{
	const struct owner *owner = oauth_find(oauth, name);

	if (owner != NULL)
		token_note_refused(owner->token);
}

bool
oauth_status(
    const struct oauth *oauth, const char *name, struct oauth_status *status)
{
	const struct owner *owner = oauth_find(oauth, name);

	if (owner == NULL)
		return false;
	token_status(owner->token, status);
	if (owner->flow != NULL)
		status->state = OAUTH_PENDING;
	if (owner->last.kind == OAUTH_WELL)
		return true;
	(void)snprintf(
	    status->text, sizeof(status->text), "%s", owner->last.text);
	(void)snprintf(
	    status->advice, sizeof(status->advice), "%s", owner->last.advice);
	return true;
}

/* ---- the consent of a user ---- */

/* Whose flow begins, or NULL: that was answered. */
static struct owner *
oauth_begin_flow(struct oauth *oauth, const char *name, bool has_url,
    const char *no_url, const struct owner_asker *asker)
{
	struct owner *owner = oauth_find(oauth, name);

	if (owner == NULL) {
		asker->cb(OAUTH_NO_SUCH_OWNER, NULL, NULL, asker->arg);
		return NULL;
	}
	if (!has_url || oauth->context.key == NULL) {
		asker->cb(OAUTH_NO_SUCH_FLOW, NULL,
		    !has_url ? no_url
			     : "the daemon has no key with which the consent "
			       "could be sealed: give key_file in [daemon]",
		    asker->arg);
		return NULL;
	}
	owner_end_flow(owner, "another flow has begun");
	owner->last = (struct trouble){ 0 };
	owner->asker = *asker;
	return owner;
}

static const struct settings *
oauth_settings(const struct oauth *oauth, const char *name)
{
	const struct owner *owner = oauth_find(oauth, name);

	return owner == NULL ? NULL : token_settings(owner->token);
}

#define NO_MEMORY "there is no memory for a flow"

void
oauth_authorize_device(
    struct oauth *oauth, const char *name, oauth_authorize_cb cb, void *arg)
{
	const struct settings *settings = oauth_settings(oauth, name);
	const struct owner_asker asker = { cb, arg };
	struct owner *owner = oauth_begin_flow(oauth, name,
	    settings != NULL && settings->device_url != NULL,
	    "there is no oauth2_device_url", &asker);

	if (owner == NULL)
		return;
	owner->flow =
	    flow_new_device(&oauth->context, settings, &owner_handler, owner);
	if (owner->flow == NULL)
		owner_answer(owner, OAUTH_UNAVAILABLE, NULL, NO_MEMORY);
}

void
oauth_authorize_code(struct oauth *oauth, const char *name,
    const char *redirect_uri, oauth_authorize_cb cb, void *arg)
{
	const struct settings *settings = oauth_settings(oauth, name);
	const struct owner_asker asker = { cb, arg };
	struct oauth_authorization authorization;
	struct owner *owner = oauth_begin_flow(oauth, name,
	    settings != NULL && settings->authorization_url != NULL,
	    "there is no oauth2_authorization_url", &asker);

	if (owner == NULL)
		return;
	owner->flow = flow_new_code(
	    &oauth->context, settings, redirect_uri, &owner_handler, owner);
	if (owner->flow == NULL) {
		owner_answer(owner, OAUTH_UNAVAILABLE, NULL, NO_MEMORY);
		return;
	}
	flow_authorization(owner->flow, &authorization);
	owner_answer(owner, OAUTH_DONE, &authorization, NULL);
}

void
oauth_authorize_finish(struct oauth *oauth, const char *name, const char *code,
    const char *state, oauth_authorize_cb cb, void *arg)
{
	struct owner *owner = oauth_find(oauth, name);
	enum flow_end end = FLOW_ALIEN;

	if (owner == NULL) {
		cb(OAUTH_NO_SUCH_OWNER, NULL, NULL, arg);
		return;
	}
	if (owner->flow != NULL)
		end = flow_take_code(owner->flow, code, state);
	switch (end) {
	case FLOW_GOES_ON:
		owner->asker = (struct owner_asker){ cb, arg };
		break;
	case FLOW_ALIEN:
		cb(OAUTH_NOT_ASKED, NULL,
		    "no flow is under way to which this state belongs", arg);
		break;
	case FLOW_NO_MEMORY:
		cb(OAUTH_UNAVAILABLE, NULL, NO_MEMORY, arg);
		break;
	}
}

struct oauth_forgetting {
	oauth_authorize_cb cb;
	void *arg;
};

static void
oauth_forgotten(enum store_status status, void *arg)
{
	const struct oauth_forgetting forgetting =
	    *(struct oauth_forgetting *)arg;
	const bool is_well = status == STORE_OK || status == STORE_NOT_FOUND;

	free(arg);
	forgetting.cb(is_well ? OAUTH_DONE : OAUTH_UNAVAILABLE, NULL,
	    is_well ? NULL : store_status_hint(status), forgetting.arg);
}

void
oauth_forget(
    struct oauth *oauth, const char *name, oauth_authorize_cb cb, void *arg)
{
	struct owner *owner = oauth_find(oauth, name);
	struct oauth_forgetting *forgetting;

	if (owner == NULL) {
		cb(OAUTH_NO_SUCH_OWNER, NULL, NULL, arg);
		return;
	}
	forgetting = malloc(sizeof(*forgetting));
	if (forgetting == NULL) {
		cb(OAUTH_UNAVAILABLE, NULL, NO_MEMORY, arg);
		return;
	}
	*forgetting = (struct oauth_forgetting){ cb, arg };
	owner_end_flow(owner, "the consent was withdrawn");
	owner->last = (struct trouble){ 0 };
	token_forget(owner->token);
	store_token_forget(oauth->options.store,
	    token_settings(owner->token)->owner, oauth_forgotten, forgetting);
}

/* ---- the configuration ---- */

/* Takes over the settings; NULL without memory. */
static struct owner *
owner_new(struct oauth *oauth, struct settings *settings)
{
	struct owner *owner = calloc(1, sizeof(*owner));

	if (owner == NULL) {
		settings_free(&settings);
		return NULL;
	}
	owner->oauth = oauth;
	owner->token = token_new(&oauth->context, settings);
	if (owner->token == NULL) {
		free(owner);
		return NULL;
	}
	return owner;
}

/* The one that there is, where nothing has changed for it, or a new one. */
static struct owner *
oauth_keep_or_make(struct oauth *oauth, struct settings *settings)
{
	struct owner *owner;

	if (settings == NULL)
		return NULL;
	owner = oauth_find(oauth, settings->name);
	if (owner == NULL ||
	    !settings_equal(settings, token_settings(owner->token)))
		return owner_new(oauth, settings);
	settings_free(&settings);
	return owner;
}

static bool
oauth_has(const struct oauth *oauth, const struct owner *owner)
{
	return oauth_find(oauth, owner_name(owner)) == owner;
}

/* Those of `owners` that are not of the other list. */
static void
oauth_free_others(struct oauth *oauth, struct owner **owners, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!oauth_has(oauth, owners[i]))
			owner_free(owners[i]);
	free(owners);
}

static int
oauth_compare(const void *a, const void *b)
{
	struct owner *const *left = a, *const *right = b;

	return strcmp(owner_name(*left), owner_name(*right));
}

static struct settings *
oauth_settings_at(const struct config *config, size_t at, bool *has_oauth2_r)
{
	const struct config_account *account;
	const struct config_target *target;

	if (at < config->account_count) {
		account = config->accounts[at];
		*has_oauth2_r = account->oauth2 != NULL;
		return *has_oauth2_r ? settings_of_account(account) : NULL;
	}
	target = config->targets[at - config->account_count];
	*has_oauth2_r = target->oauth2 != NULL;
	return *has_oauth2_r ? settings_of_target(target) : NULL;
}

static bool
oauth_take_config(struct oauth *oauth, const struct config *config)
{
	const size_t all = config->account_count + config->target_count;
	struct owner **owners = calloc(all + 1, sizeof(struct owner *)),
		     **before = oauth->owners;
	size_t count = 0, count_before = oauth->count;
	bool has_oauth2;

	if (owners == NULL)
		return false;
	for (size_t i = 0; i < all; i++) {
		struct settings *settings =
		    oauth_settings_at(config, i, &has_oauth2);

		if (!has_oauth2)
			continue;
		owners[count] = oauth_keep_or_make(oauth, settings);
		if (owners[count] == NULL) {
			oauth_free_others(oauth, owners, count);
			return false;
		}
		count++;
	}
	qsort(owners, count, sizeof(*owners), oauth_compare);
	oauth->owners = owners;
	oauth->count = count;
	oauth_free_others(oauth, before, count_before);
	return true;
}

bool
oauth_reload(struct oauth *oauth, const struct config *config,
    const struct secret_key *key)
{
	if (!oauth_take_config(oauth, config))
		return false;
	secret_key_free(&oauth->key);
	oauth->key = secret_key_hold(key);
	oauth->context.key = oauth->key;
	return true;
}

struct oauth *
oauth_new(const struct oauth_options *options, const struct config *config)
{
	struct oauth *oauth = calloc(1, sizeof(*oauth));

	if (oauth == NULL)
		return NULL;
	/* Tokens pass through its memory. */
	json_set_alloc_funcs(malloc, evpop_wiping_free);
	oauth->options = *options;
	oauth->key = secret_key_hold(options->key);
	oauth->endpoints =
	    endpoints_new(options->base, options->names, ENDPOINT_TIMEOUT_MS);
	oauth->context = (struct grant_context){ .base = options->base,
		.endpoints = oauth->endpoints,
		.store = options->store,
		.key = oauth->key };
	if (oauth->endpoints == NULL || !oauth_take_config(oauth, config))
		oauth_free(&oauth);
	return oauth;
}

void
oauth_free(struct oauth **oauth_p)
{
	struct oauth *oauth = *oauth_p;

	*oauth_p = NULL;
	if (oauth == NULL)
		return;
	for (size_t i = 0; i < oauth->count; i++) {
		owner_end_flow(oauth->owners[i], "evpopd ends");
		token_drop(&oauth->owners[i]->token);
		free(oauth->owners[i]);
	}
	free(oauth->owners);
	endpoints_free(&oauth->endpoints);
	secret_key_free(&oauth->key);
	free(oauth);
}
