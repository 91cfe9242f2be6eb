#include "daemon/deliver/web_target.h"

#include "daemon/config/target.h"
#include "daemon/deliver/carrier.h"
#include "daemon/http/web.h"

void
web_target_options(
    const struct carrier_setup *setup, struct web_options *options)
{
	const struct config_target *target = setup->target;

	*options = (struct web_options){
		.base = setup->base,
		.names = setup->names,
		.url = target->url,
		.tls_ca = target->tls_ca,
		.tls_cert = target->tls_cert,
		.tls_key = target->tls_key,
		.proxy = target->proxy,
		.source_address = target->source_address,
		.rules =
		    (target->allow_private ? WEB_PLACE_ALLOW_PRIVATE : 0U) |
		    (target->allow_cleartext ? WEB_PLACE_ALLOW_CLEARTEXT : 0U),
		.timeout_ms = target->timeout_ms,
	};
}
