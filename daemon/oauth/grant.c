#include "daemon/oauth/grant.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/http/web.h"
#include "daemon/oauth/answer.h"
#include "daemon/oauth/endpoint.h"
#include "daemon/oauth/form.h"
#include "daemon/oauth/settings.h"
#include "daemon/oauth/trouble.h"
#include "daemon/secret/secret.h"

/* Of a client's secret, which is in a file at most. */
#define GRANT_SECRET_MS 10000

struct grant {
	const struct grant_context *context;
	const struct settings *settings;
	char *url;
	struct form form;
	struct secret_request *secret;
	struct endpoint_request *request;
	grant_cb cb;
	void *arg;
};

static void
grant_free(struct grant *grant)
{
	secret_cancel(&grant->secret);
	endpoint_cancel(&grant->request);
	form_clear(&grant->form);
	free(grant->url);
	free(grant);
}

static void
grant_end(struct grant *grant, struct grant_answer *answer,
    const struct trouble *trouble, int64_t retry_after_ms)
{
	const grant_cb cb = grant->cb;
	void *const arg = grant->arg;

	grant_free(grant);
	cb(answer, trouble, retry_after_ms, arg);
}

static void
grant_answered(const struct web_answer *web, void *arg)
{
	struct grant *grant = arg;
	struct trouble trouble;
	struct grant_answer answer;

	grant->request = NULL;
	if (web->end != WEB_ANSWERED) {
		trouble_of_web(&trouble, grant->settings, web);
		grant_end(grant, NULL, &trouble, 0);
		return;
	}
	if (answer_read(&answer, web->status, web->body, web->length)) {
		grant_end(grant, &answer, NULL, web->retry_after_ms);
	} else {
		trouble_later(&trouble, "there is no memory for a token");
		grant_end(grant, NULL, &trouble, 0);
	}
	answer_clear(&answer);
}

/* False without memory. */
static bool
grant_post(struct grant *grant)
{
	const struct settings *settings = grant->settings;

	grant->request = endpoint_post(grant->context->endpoints,
	    &(struct endpoint){ .url = grant->url,
		.proxy = settings->proxy,
		.source_address = settings->source_address },
	    &grant->form, grant_answered, grant);
	return grant->request != NULL;
}

static void
grant_secret_known(struct secret *secret, const char *error, void *arg)
{
	struct grant *grant = arg;
	struct trouble trouble;

	grant->secret = NULL;
	if (secret == NULL) {
		trouble_configuration(&trouble, grant->settings, error,
		    "correct oauth2_client_secret in the section of "
		    "\"{name}\"");
		grant_end(grant, NULL, &trouble, 0);
		return;
	}
	form_add(&grant->form, "client_secret", secret_text(secret));
	secret_free(&secret);
	if (grant_post(grant))
		return;
	trouble_later(&trouble, "there is no memory for a request");
	grant_end(grant, NULL, &trouble, 0);
}

/* False without memory. */
static bool
grant_fetch_secret(struct grant *grant)
{
	const struct settings *settings = grant->settings;
	const struct secret_source source = { .kind = settings->secret_kind,
		.value = settings->secret,
		.key = grant->context->key,
		.bearer = { .name = settings->bearer_name,
		    .id = settings->bearer_id,
		    .is_target = settings->is_target } };

	grant->secret = secret_fetch(grant->context->base, &source,
	    GRANT_SECRET_MS, grant_secret_known, grant);
	return grant->secret != NULL;
}

struct grant *
grant_begin(const struct grant_context *context,
    const struct settings *settings, const char *url, struct form *form,
    grant_cb cb, void *arg)
{
	struct grant *grant = calloc(1, sizeof(*grant));

	if (grant == NULL) {
		form_clear(form);
		return NULL;
	}
	*grant = (struct grant){ .context = context,
		.settings = settings,
		.url = strdup(url),
		.form = *form,
		.cb = cb,
		.arg = arg };
	*form = (struct form){ 0 };
	form_add(&grant->form, "client_id", settings->client_id);
	if (grant->url != NULL &&
	    (settings->has_secret ? grant_fetch_secret(grant)
				  : grant_post(grant)))
		return grant;
	grant_free(grant);
	return NULL;
}

void
grant_cancel(struct grant **grant_p)
{
	struct grant *grant = *grant_p;

	*grant_p = NULL;
	if (grant != NULL)
		grant_free(grant);
}
