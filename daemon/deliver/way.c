#include "daemon/deliver/way.h"

#include "daemon/config/target.h"
#include "lib/net/tls.h"

/* A connection is kept for as long as there is mail for it: thirty years. */
#define WAY_SESSION_MS ((int64_t)1 << 40)

static int64_t
way_at_most(int64_t standard_ms, uint32_t timeout_ms)
{
	return timeout_ms != 0 && timeout_ms < standard_ms ? timeout_ms
							   : standard_ms;
}

struct evpop_timeouts
way_timeouts(const struct config_target *target)
{
	uint32_t most_ms = target->timeout_ms;

	return (struct evpop_timeouts){
		.resolve_ms = way_at_most(EVPOP_TIMEOUT_RESOLVE_MS, most_ms),
		.connect_ms = way_at_most(EVPOP_TIMEOUT_CONNECT_MS, most_ms),
		.handshake_ms =
		    way_at_most(EVPOP_TIMEOUT_HANDSHAKE_MS, most_ms),
		.greeting_ms = most_ms,
		.login_ms = most_ms,
		.command_ms = most_ms,
		.send_ms = most_ms,
		.body_ms = most_ms,
		.quit_ms = most_ms,
		.session_ms = WAY_SESSION_MS,
	};
}

void
way_trust_set(struct way_trust *trust, const struct config_target *target)
{
	evpop_tls_context_free(trust->context);
	*trust = (struct way_trust){ .target = target };
}

/* As IANA has it for ALPN, where LMTP has no name. */
static const char *
way_protocol(const struct config_target *target)
{
	return target->type == CONFIG_TARGET_IMAP ? "imap" : NULL;
}

/* A context with a reference of its own; or NULL and the reason. */
static struct evpop_tls_context *
way_context(const struct config_target *target, struct way_trust *trust,
    struct evpop_result *result)
{
	const struct evpop_tls_options options = {
		.ca = target->tls_ca,
		.cert = target->tls_cert,
		.key = target->tls_key,
		.pins = (const char *const *)target->tls_pin.items,
		.pin_count = target->tls_pin.count,
	};
	struct evpop_tls_context *context;
	bool is_shared = trust != NULL && trust->target == target;

	if (is_shared && trust->context != NULL)
		return evpop_tls_context_ref(trust->context);
	context = evpop_tls_context_new(&options, result);
	if (context != NULL &&
	    !evpop_tls_context_speak(context, way_protocol(target))) {
		evpop_result_set(result, EVPOP_ERROR_MEMORY,
		    EVPOP_PHASE_CONNECT, "no memory to connect");
		evpop_tls_context_free(context);
		return NULL;
	}
	if (context != NULL && is_shared)
		trust->context = evpop_tls_context_ref(context);
	return context;
}

bool
way_find(struct evpop_destination *way, const struct config_target *target,
    struct way_trust *trust, struct evpop_result *result)
{
	struct evpop_client_config config = {
		.host = target->host != NULL ? target->host : "localhost",
		.port = config_target_port(target),
		.tls = (enum evpop_tls)target->tls,
		.allow_cleartext = target->allow_cleartext,
		.proxy = target->proxy,
		.source_address = target->source_address,
	};
	bool is_made;

	if (config.tls != EVPOP_TLS_NONE) {
		config.tls_context = way_context(target, trust, result);
		if (config.tls_context == NULL)
			return false;
	}
	is_made = evpop_destination_init(way, &config);
	evpop_tls_context_free(config.tls_context);
	way->dial.socket = target->socket;
	if (is_made)
		*result = way->unusable;
	else
		evpop_result_set(result, EVPOP_ERROR_MEMORY,
		    EVPOP_PHASE_CONNECT, "no memory to connect");
	return result->error == EVPOP_ERROR_NONE;
}
