#include "daemon/oauth/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/provider.h"
#include "daemon/config/target.h"
#include "lib/base/guarded.h"
#include "lib/base/text.h"

/* What a copy needs, whoever it is of. */
struct settings_source {
	const char *name, *id, *user, *provider, *proxy, *source_address;
	const char *bearer; /* of a target: its name alone */
	const struct config_oauth2 *oauth2;
	uint8_t flow;
};

static void
settings_copy(char **copy_r, const char *text, bool *failed)
{
	*copy_r = text != NULL ? strdup(text) : NULL;
	*failed = *failed || (text != NULL && *copy_r == NULL);
}

static void
settings_copy_secret(
    struct settings *settings, const struct config_oauth2 *oauth2, bool *failed)
{
	const char *text = oauth2->client_secret;

	settings->secret_kind = SECRET_LITERAL;
	if (oauth2->client_secret_file != NULL) {
		settings->secret_kind = SECRET_FILE;
		text = oauth2->client_secret_file;
	} else if (oauth2->client_secret_sealed != NULL) {
		settings->secret_kind = SECRET_SEALED;
		text = oauth2->client_secret_sealed;
	}
	settings->has_secret = text != NULL;
	if (text == NULL)
		return;
	settings->secret = evpop_guarded_copy(text, strlen(text));
	*failed = *failed || settings->secret == NULL;
}

static struct settings *
settings_make(const struct settings_source *source)
{
	const struct config_oauth2 *oauth2 = source->oauth2;
	struct settings *settings = calloc(1, sizeof(*settings));
	bool failed = false;

	if (settings == NULL)
		return NULL;
	settings->flow = source->flow;
	if (source->provider != NULL)
		settings->provider = config_provider_find(source->provider);
	settings_copy(&settings->name, source->name, &failed);
	settings_copy(&settings->owner,
	    source->id != NULL ? source->id : source->name, &failed);
	settings_copy(&settings->user, source->user, &failed);
	settings_copy(&settings->client_id, oauth2->client_id, &failed);
	settings_copy(&settings->scope, oauth2->scope, &failed);
	settings_copy(&settings->token_url, oauth2->token_url, &failed);
	settings_copy(&settings->device_url, oauth2->device_url, &failed);
	settings_copy(
	    &settings->authorization_url, oauth2->authorization_url, &failed);
	settings_copy(&settings->proxy, source->proxy, &failed);
	settings_copy(
	    &settings->source_address, source->source_address, &failed);
	settings->is_target = source->bearer != NULL;
	settings_copy(&settings->bearer_name,
	    source->bearer != NULL ? source->bearer : source->name, &failed);
	settings_copy(&settings->bearer_id, source->id, &failed);
	settings_copy_secret(settings, oauth2, &failed);
	if (failed)
		settings_free(&settings);
	return settings;
}

struct settings *
settings_of_account(const struct config_account *account)
{
	return settings_make(&(struct settings_source){ .name = account->name,
	    .id = account->id,
	    .user = account->user,
	    .provider = account->provider,
	    .proxy = account->proxy,
	    .source_address = account->source_address,
	    .oauth2 = account->oauth2,
	    .flow = account->oauth2_flow });
}

struct settings *
settings_of_target(const struct config_target *target)
{
	char name[160];

	snprintf(name, sizeof(name), "target:%.128s", target->name);
	return settings_make(&(struct settings_source){ .name = name,
	    .bearer = target->name,
	    .user = target->user,
	    .provider = "gmail",
	    .proxy = target->proxy,
	    .source_address = target->source_address,
	    .oauth2 = target->oauth2,
	    .flow = target->oauth2_flow });
}

bool
settings_equal(const struct settings *a, const struct settings *b)
{
	return a->flow == b->flow && a->provider == b->provider &&
	       a->has_secret == b->has_secret &&
	       a->secret_kind == b->secret_kind &&
	       evpop_text_equal(a->name, b->name) &&
	       evpop_text_equal(a->owner, b->owner) &&
	       evpop_text_equal(a->user, b->user) &&
	       evpop_text_equal(a->client_id, b->client_id) &&
	       evpop_text_equal(a->scope, b->scope) &&
	       evpop_text_equal(a->token_url, b->token_url) &&
	       evpop_text_equal(a->device_url, b->device_url) &&
	       evpop_text_equal(a->authorization_url, b->authorization_url) &&
	       evpop_text_equal(a->proxy, b->proxy) &&
	       evpop_text_equal(a->source_address, b->source_address) &&
	       evpop_text_equal(a->secret, b->secret);
}

void
settings_free(struct settings **settings_p)
{
	struct settings *settings = *settings_p;

	*settings_p = NULL;
	if (settings == NULL)
		return;
	free(settings->name);
	free(settings->owner);
	free(settings->user);
	free(settings->client_id);
	free(settings->scope);
	free(settings->token_url);
	free(settings->device_url);
	free(settings->authorization_url);
	free(settings->proxy);
	free(settings->source_address);
	free(settings->bearer_name);
	free(settings->bearer_id);
	evpop_guarded_free(settings->secret);
	free(settings);
}
