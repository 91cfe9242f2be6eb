#include "daemon/oauth/flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "daemon/oauth/answer.h"
#include "daemon/oauth/form.h"
#include "daemon/oauth/grant.h"
#include "daemon/oauth/settings.h"
#include "daemon/oauth/trouble.h"
#include "daemon/secret/pkce.h"
#include "daemon/secret/secret.h"
#include "lib/base/clock.h"

#define DEVICE_GRANT "urn:ietf:params:oauth:grant-type:device_code"
/* RFC 8628 section 3.2, and 3.5: so much longer after "slow_down". */
#define DEVICE_INTERVAL_S 5
#define DEVICE_SLOWER_S   5
/* Between questions to an endpoint that does not answer. */
#define DEVICE_INTERVAL_MOST_S 60
/* A user who takes longer has gone. */
#define CODE_LIFE_MS INT64_C(900000)

enum flow_step {
	FLOW_BEGINNING = 0, /* the endpoint owes the device's codes */
	FLOW_WAITING,       /* for the user */
	FLOW_ASKING,        /* the endpoint owes tokens */
	FLOW_OVER
};

struct flow {
	const struct grant_context *context;
	const struct settings *settings;
	const struct flow_handler *handler;
	void *arg;
	enum flow_step step;
	struct grant *grant;
	struct event *timer;
	int64_t ends_ms; /* of evpop_clock_elapsed_ms() */
	/* Of a device. */
	struct secret *device_code;
	char user_code[64], verification_uri[512];
	char verification_uri_complete[512];
	int64_t interval_s;
	/* Of a code. */
	char *redirect_uri, *authorization_url;
	char verifier[PKCE_TEXT], state[PKCE_TEXT];
};

/* ---- its end ---- */

static void
flow_fail(struct flow *flow, const struct trouble *trouble)
{
	flow->step = FLOW_OVER;
	(void)event_del(flow->timer);
	flow->handler->failed(trouble, flow->arg);
}

static void
flow_wait(struct flow *flow, int64_t wait_s)
{
	const struct timeval wait = { (time_t)wait_s, 0 };

	flow->step = FLOW_WAITING;
	(void)evtimer_add(flow->timer, &wait);
}

/* ---- a device ---- */

/* Whether the user has just not answered yet. */
static bool
flow_is_pending(struct flow *flow, const struct grant_answer *answer)
{
	if (answer->kind != ANSWER_ERROR)
		return false;
	if (strcmp(answer->error, "slow_down") == 0)
		flow->interval_s += DEVICE_SLOWER_S;
	else if (strcmp(answer->error, "authorization_pending") != 0)
		return false;
	return true;
}

static void
flow_granted(struct flow *flow, struct grant_answer *answer)
{
	flow->step = FLOW_OVER;
	flow->handler->granted(answer, flow->arg);
}

/* What is wrong with an answer, which goes to *space; without one, `trouble`.
 */
static const struct trouble *
flow_trouble(const struct flow *flow, const struct grant_answer *answer,
    const struct trouble *trouble, struct trouble *space)
{
	if (answer == NULL)
		return trouble;
	trouble_of_answer(space, flow->settings, answer);
	return space;
}

/* RFC 8628 section 3.5: an endpoint that does not work is asked less often. */
static void
flow_device_in_trouble(struct flow *flow, const struct trouble *trouble)
{
	if (trouble->kind != OAUTH_LATER) {
		flow_fail(flow, trouble);
		return;
	}
	if (flow->interval_s < DEVICE_INTERVAL_MOST_S)
		flow->interval_s *= 2;
	flow_wait(flow, flow->interval_s);
}

static void
flow_device_answered(struct grant_answer *answer, const struct trouble *trouble,
    int64_t retry_after_ms, void *arg)
{
	const struct grant_answer *said = answer;
	struct flow *flow = arg;
	struct trouble found;

	(void)retry_after_ms;
	flow->grant = NULL;
	if (said != NULL && said->kind == ANSWER_TOKEN)
		flow_granted(flow, answer);
	else if (said != NULL && flow_is_pending(flow, said))
		flow_wait(flow, flow->interval_s);
	else
		flow_device_in_trouble(
		    flow, flow_trouble(flow, said, trouble, &found));
}

static void
flow_ask_device(struct flow *flow)
{
	struct form form = { 0 };

	form_add(&form, "grant_type", DEVICE_GRANT);
	form_add(&form, "device_code", secret_text(flow->device_code));
	flow->step = FLOW_ASKING;
	flow->grant = grant_begin(flow->context, flow->settings,
	    flow->settings->token_url, &form, flow_device_answered, flow);
	if (flow->grant == NULL)
		flow_wait(flow, flow->interval_s);
}

static void
flow_due(evutil_socket_t fd, short what, void *arg)
{
	struct flow *flow = arg;
	struct trouble trouble;

	(void)fd;
	(void)what;
	if (evpop_clock_elapsed_ms() < flow->ends_ms &&
	    flow->device_code != NULL) {
		flow_ask_device(flow);
		return;
	}
	trouble_consent(&trouble, flow->settings,
	    "the user has not given the consent in time");
	flow_fail(flow, &trouble);
}

static void
flow_take_device(struct flow *flow, const struct grant_answer *answer)
{
	struct oauth_authorization authorization;

	memcpy(flow->user_code, answer->user_code, sizeof(flow->user_code));
	memcpy(flow->verification_uri, answer->verification_uri,
	    sizeof(flow->verification_uri));
	memcpy(flow->verification_uri_complete,
	    answer->verification_uri_complete,
	    sizeof(flow->verification_uri_complete));
	flow->interval_s = answer->interval_s;
	if (flow->interval_s < 1 || flow->interval_s > DEVICE_INTERVAL_MOST_S)
		flow->interval_s = DEVICE_INTERVAL_S;
	flow->ends_ms = evpop_clock_elapsed_ms() + answer->expires_in_s * 1000;
	flow_wait(flow, flow->interval_s);
	flow_authorization(flow, &authorization);
	flow->handler->begun(&authorization, flow->arg);
}

static void
flow_begun(struct grant_answer *answer, const struct trouble *trouble,
    int64_t retry_after_ms, void *arg)
{
	const struct grant_answer *said = answer;
	struct flow *flow = arg;
	struct trouble found;

	(void)retry_after_ms;
	flow->grant = NULL;
	if (said != NULL && said->kind == ANSWER_DEVICE) {
		flow->device_code = answer_take_device_code(answer);
		flow_take_device(flow, said);
		return;
	}
	flow_fail(flow, flow_trouble(flow, said, trouble, &found));
}

/* ---- a code ---- */

static void
flow_code_answered(struct grant_answer *answer, const struct trouble *trouble,
    int64_t retry_after_ms, void *arg)
{
	const struct grant_answer *said = answer;
	struct flow *flow = arg;
	struct trouble found;

	(void)retry_after_ms;
	flow->grant = NULL;
	if (said != NULL && said->kind == ANSWER_TOKEN)
		flow_granted(flow, answer);
	else
		flow_fail(flow, flow_trouble(flow, said, trouble, &found));
}

enum flow_end
flow_take_code(struct flow *flow, const char *code, const char *state)
{
	struct form form = { 0 };

	if (flow->redirect_uri == NULL || flow->step != FLOW_WAITING ||
	    !pkce_equal(flow->state, state))
		return FLOW_ALIEN;
	form_add(&form, "grant_type", "authorization_code");
	form_add(&form, "code", code);
	form_add(&form, "redirect_uri", flow->redirect_uri);
	form_add(&form, "code_verifier", flow->verifier);
	flow->step = FLOW_ASKING;
	flow->grant = grant_begin(flow->context, flow->settings,
	    flow->settings->token_url, &form, flow_code_answered, flow);
	if (flow->grant != NULL)
		return FLOW_GOES_ON;
	flow->step = FLOW_WAITING;
	return FLOW_NO_MEMORY;
}

/*
 * OpenID Connect Core section 11: a server gives no refresh token for the scope
 * offline_access unless the page asks the user again.  Providers that are known
 * do, and Microsoft's page would ask an administrator then.
 */
static const char *
flow_prompt(const struct settings *settings)
{
	return settings->provider == NULL && settings->scope != NULL &&
		       strstr(settings->scope, "offline_access") != NULL &&
		       strstr(settings->authorization_url, "prompt=") == NULL
		   ? "consent"
		   : NULL;
}

/* False without memory. */
static bool
flow_make_url(struct flow *flow)
{
	const struct settings *settings = flow->settings;
	const char *url = settings->authorization_url;
	char challenge[PKCE_TEXT];
	struct form query = { 0 };
	bool is_made;

	pkce_random(flow->verifier);
	pkce_random(flow->state);
	pkce_challenge(flow->verifier, challenge);
	form_add(&query, "response_type", "code");
	form_add(&query, "client_id", settings->client_id);
	form_add(&query, "redirect_uri", flow->redirect_uri);
	form_add(&query, "scope", settings->scope);
	form_add(&query, "state", flow->state);
	form_add(&query, "code_challenge", challenge);
	form_add(&query, "code_challenge_method", "S256");
	form_add(&query, "login_hint", settings->user);
	form_add(&query, "prompt", flow_prompt(settings));
	is_made = !query.has_failed &&
		  asprintf(&flow->authorization_url, "%s%c%s", url,
		      strchr(url, '?') != NULL ? '&' : '?', query.text) >= 0;
	form_clear(&query);
	return is_made;
}

/* ---- its life ---- */

void
flow_authorization(
    const struct flow *flow, struct oauth_authorization *authorization)
{
	*authorization = (struct oauth_authorization){
		.authorization_url = flow->authorization_url,
		.expires_ms = evpop_clock_unix_ms() + flow->ends_ms -
			      evpop_clock_elapsed_ms(),
	};
	if (flow->redirect_uri != NULL)
		return;
	authorization->user_code = flow->user_code;
	authorization->verification_uri = flow->verification_uri;
	if (flow->verification_uri_complete[0] != '\0')
		authorization->verification_uri_complete =
		    flow->verification_uri_complete;
}

static struct flow *
flow_new(const struct grant_context *context, const struct settings *settings,
    const struct flow_handler *handler, void *arg)
{
	struct flow *flow = calloc(1, sizeof(*flow));

	if (flow == NULL)
		return NULL;
	flow->context = context;
	flow->settings = settings;
	flow->handler = handler;
	flow->arg = arg;
	flow->timer = evtimer_new(context->base, flow_due, flow);
	if (flow->timer == NULL)
		flow_free(&flow);
	return flow;
}

struct flow *
flow_new_device(const struct grant_context *context,
    const struct settings *settings, const struct flow_handler *handler,
    void *arg)
{
	struct flow *flow = flow_new(context, settings, handler, arg);
	struct form form = { 0 };

	if (flow == NULL)
		return NULL;
	form_add(&form, "scope", settings->scope);
	flow->grant = grant_begin(
	    context, settings, settings->device_url, &form, flow_begun, flow);
	if (flow->grant == NULL)
		flow_free(&flow);
	return flow;
}

struct flow *
flow_new_code(const struct grant_context *context,
    const struct settings *settings, const char *redirect_uri,
    const struct flow_handler *handler, void *arg)
{
	struct flow *flow = flow_new(context, settings, handler, arg);

	if (flow == NULL)
		return NULL;
	flow->redirect_uri = strdup(redirect_uri);
	if (flow->redirect_uri == NULL || !flow_make_url(flow)) {
		flow_free(&flow);
		return NULL;
	}
	flow->ends_ms = evpop_clock_elapsed_ms() + CODE_LIFE_MS;
	flow_wait(flow, CODE_LIFE_MS / 1000);
	return flow;
}

void
flow_free(struct flow **flow_p)
{
	struct flow *flow = *flow_p;

	*flow_p = NULL;
	if (flow == NULL)
		return;
	grant_cancel(&flow->grant);
	if (flow->timer != NULL)
		event_free(flow->timer);
	secret_free(&flow->device_code);
	free(flow->redirect_uri);
	free(flow->authorization_url);
	explicit_bzero(flow, sizeof(*flow));
	free(flow);
}
