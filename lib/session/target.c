#include "lib/session/target.h"

#include <stdint.h>
#include <string.h>

#include "lib/auth/credentials.h"

static bool
target_copy(const char **copy_r, const char *text)
{
	*copy_r = text == NULL ? NULL : strdup(text);
	return text == NULL || *copy_r != NULL;
}

bool
evpop_target_init(
    struct evpop_target *target, const struct evpop_client_config *config)
{
	struct evpop_client_config *own = &target->config;
	bool copied;

	*own = *config;
	copied = target_copy(&own->host, config->host) &
		 target_copy(&own->proxy, config->proxy) &
		 target_copy(&own->source_address, config->source_address);
	if (config->tls_context != NULL)
		evpop_tls_context_ref(config->tls_context);
	/* A second session must know what the first has learned. */
	if (config->memory == NULL)
		own->memory = target->own_memory = evpop_memory_new();
	return copied && own->host != NULL && own->memory != NULL;
}

void
evpop_target_clear(struct evpop_target *target)
{
	struct evpop_client_config *own = &target->config;

	evpop_credentials_wipe(&target->credentials);
	evpop_memory_free(target->own_memory);
	evpop_tls_context_free(own->tls_context);
	/* Proxies may be named with a password. */
	evpop_credentials_forget(&own->host);
	evpop_credentials_forget(&own->proxy);
	evpop_credentials_forget(&own->source_address);
}

bool
evpop_target_set_credentials(
    struct evpop_target *target, const struct evpop_credentials *credentials)
{
	return evpop_credentials_copy(&target->credentials, credentials);
}

void
evpop_target_wipe_credentials(struct evpop_target *target)
{
	evpop_credentials_wipe(&target->credentials);
}
