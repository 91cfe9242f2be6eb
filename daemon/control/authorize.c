#include <stdio.h>
#include <string.h>

#include "daemon/config/config.h"
#include "daemon/control/field.h"
#include "daemon/control/handlers.h"
#include "daemon/deliver/deliver.h"
#include "daemon/oauth/oauth.h"

/* Who gets a consent. */
struct authorize_kind {
	const char *name;   /* "account" */
	const char *prefix; /* before the name, as the consent is kept */
	oauth_authorize_cb answered;
};

#define AUTHORIZE_OWNER 512

static void
authorize_owner(const struct exchange *exchange,
    const struct authorize_kind *kind, char owner_r[AUTHORIZE_OWNER])
{
	snprintf(owner_r, AUTHORIZE_OWNER, "%s%s", kind->prefix,
	    exchange_name(exchange));
}

/* ---- what is said of one ---- */

static json_t *
authorize_json(
    const struct exchange *exchange, const struct authorize_kind *kind)
{
	struct oauth *oauth = exchange_context(exchange)->oauth;
	struct oauth_status status;
	char owner[AUTHORIZE_OWNER];
	json_t *json;

	authorize_owner(exchange, kind, owner);
	if (oauth == NULL || !oauth_status(oauth, owner, &status))
		return json_null();
	json = json_object();
	field_text(json, "state", oauth_state_name(status.state));
	field_text(json, "flow", status.flow);
	field_text(json, "scope", status.scope);
	field_time(json, "granted_at", status.granted_ms);
	field_time(json, "expires_at", status.expires_ms);
	field_count(json, "refreshes", status.refreshes);
	field_text(json, "text", status.text[0] != '\0' ? status.text : NULL);
	field_text(
	    json, "advice", status.advice[0] != '\0' ? status.advice : NULL);
	return json;
}

/* ---- POST and DELETE /v1/{accounts,targets}/NAME/authorize ---- */

static struct response
authorize_refusal(const struct exchange *exchange,
    const struct authorize_kind *kind, enum oauth_answer answer,
    const char *text)
{
	const char *name = exchange_name(exchange);

	switch (answer) {
	case OAUTH_NO_SUCH_OWNER:
		return response_error(409, "no_oauth2",
		    "give it oauth2_client_id in its section, and reload",
		    "%s \"%.200s\" does not log in by OAuth 2", kind->name,
		    name);
	case OAUTH_NO_SUCH_FLOW:
		return response_error(409, "no_such_flow",
		    "choose another flow, or correct its section", "%s", text);
	case OAUTH_NOT_ASKED:
		return response_error(409, "not_asked",
		    "begin again: \"evpopctl oauth NAME\", for a target "
		    "\"evpopctl oauth target:NAME\"",
		    "%s", text);
	case OAUTH_FAILED:
		return response_error(409, "authorization_failed",
		    "its \"authorization\" says what to do", "%s", text);
	default:
		return response_error(
		    503, "unavailable", "try again later", "%s", text);
	}
}

/* A step was taken, with what the user is to do, or nothing more. */
static void
authorize_answer(struct exchange *exchange, const struct authorize_kind *kind,
    enum oauth_answer answer, const struct oauth_authorization *authorization,
    const char *text)
{
	json_t *json;

	if (!exchange_resume(exchange))
		return;
	if (answer != OAUTH_DONE) {
		exchange_answer(
		    exchange, authorize_refusal(exchange, kind, answer, text));
		return;
	}
	json = json_object();
	field_text(json, kind->name, exchange_name(exchange));
	if (authorization != NULL) {
		field_text(json, "user_code", authorization->user_code);
		field_text(
		    json, "verification_uri", authorization->verification_uri);
		field_text(json, "verification_uri_complete",
		    authorization->verification_uri_complete);
		field_text(json, "authorization_url",
		    authorization->authorization_url);
		field_time(json, "expires_at", authorization->expires_ms);
	}
	exchange_answer(exchange, response_json(200, json));
}

static void authorize_account_answered(enum oauth_answer,
    const struct oauth_authorization *, const char *text, void *arg);
static void authorize_target_answered(enum oauth_answer,
    const struct oauth_authorization *, const char *text, void *arg);

static const struct authorize_kind of_account = { "account", "",
	authorize_account_answered };
static const struct authorize_kind of_target = { "target",
	"target:", authorize_target_answered };

static void
authorize_account_answered(enum oauth_answer answer,
    const struct oauth_authorization *authorization, const char *text,
    void *arg)
{
	authorize_answer(arg, &of_account, answer, authorization, text);
}

static void
authorize_target_answered(enum oauth_answer answer,
    const struct oauth_authorization *authorization, const char *text,
    void *arg)
{
	authorize_answer(arg, &of_target, answer, authorization, text);
}

/* Where the browser comes back to: this machine, and nothing else. */
static bool
authorize_is_loopback(const char *uri)
{
	static const char *const begins[] = { "http://127.0.0.1:",
		"http://[::1]:", "http://localhost:", "http://127.0.0.1/",
		"http://[::1]/", "http://localhost/" };

	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
		if (strncmp(uri, begins[i], strlen(begins[i])) == 0)
			/* What stands before an "@" is no host. */
			return strpbrk(uri, "@\\") == NULL;
	return false;
}

static const char *
authorize_text(json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text != NULL ? text : "";
}

/* False, and nothing is begun, where the body says none of the three. */
static bool
authorize_begin(
    struct exchange *exchange, const struct authorize_kind *kind, json_t *json)
{
	struct oauth *oauth = exchange_context(exchange)->oauth;
	char name[AUTHORIZE_OWNER];
	const char *flow = authorize_text(json, "flow");
	const char *uri = authorize_text(json, "redirect_uri");
	const char *code = authorize_text(json, "code");
	const char *state = authorize_text(json, "state");

	authorize_owner(exchange, kind, name);
	if (strcmp(flow, "device") == 0) {
		exchange_wait(exchange);
		oauth_authorize_device(oauth, name, kind->answered, exchange);
	} else if (strcmp(flow, "code") == 0 && authorize_is_loopback(uri)) {
		exchange_wait(exchange);
		oauth_authorize_code(
		    oauth, name, uri, kind->answered, exchange);
	} else if (*flow == '\0' && *code != '\0' && *state != '\0') {
		exchange_wait(exchange);
		oauth_authorize_finish(
		    oauth, name, code, state, kind->answered, exchange);
	} else
		return false;
	return true;
}

static bool
authorize_has_account(struct exchange *exchange)
{
	const char *name = exchange_name(exchange);
	struct poller_account_status status;

	if (poller_account_status(
		exchange_context(exchange)->poller, name, &status))
		return true;
	exchange_answer(exchange, response_no_account(name));
	return false;
}

static bool
authorize_has_target(struct exchange *exchange)
{
	const char *name = exchange_name(exchange);
	struct deliver_status status;

	if (deliver_status(exchange_context(exchange)->deliver, name, &status))
		return true;
	exchange_answer(exchange, response_no_target(name));
	return false;
}

static void
authorize_take(struct exchange *exchange, const struct authorize_kind *kind)
{
	const unsigned char *body;
	const size_t length = exchange_body(exchange, &body);
	json_t *json = NULL;

	if (body != NULL)
		json = json_loadb((const char *)body, length, 0, NULL);
	if (!authorize_begin(exchange, kind, json))
		exchange_answer(exchange,
		    response_error(400, "bad_request",
			"{\"flow\": \"device\"}, {\"flow\": \"code\", "
			"\"redirect_uri\": \"http://127.0.0.1:PORT/\"}, or "
			"{\"code\": ..., \"state\": ...}",
			"the body does not say how the consent is to be got"));
	json_decref(json);
}

static void
authorize_forget(struct exchange *exchange, const struct authorize_kind *kind)
{
	char owner[AUTHORIZE_OWNER];

	authorize_owner(exchange, kind, owner);
	exchange_wait(exchange);
	oauth_forget(
	    exchange_context(exchange)->oauth, owner, kind->answered, exchange);
}

json_t *
authorize_account_json(const struct exchange *exchange)
{
	return authorize_json(exchange, &of_account);
}

json_t *
authorize_target_json(const struct exchange *exchange)
{
	return authorize_json(exchange, &of_target);
}

void
authorize_post(struct exchange *exchange)
{
	if (authorize_has_account(exchange))
		authorize_take(exchange, &of_account);
}

void
authorize_delete(struct exchange *exchange)
{
	if (authorize_has_account(exchange))
		authorize_forget(exchange, &of_account);
}

void
authorize_post_target(struct exchange *exchange)
{
	if (authorize_has_target(exchange))
		authorize_take(exchange, &of_target);
}

void
authorize_delete_target(struct exchange *exchange)
{
	if (authorize_has_target(exchange))
		authorize_forget(exchange, &of_target);
}
