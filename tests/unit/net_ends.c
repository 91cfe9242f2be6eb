#include "tests/unit/net_ends.h"

#include "tests/unit/net_certificate.h"

struct net_ends net_ends;

int
net_ends_set_up_loop(void **state)
{
	(void)state;
	net_ends.base = event_base_new();
	return net_ends.base == NULL;
}

int
net_ends_set_up(void **state)
{
	const struct net_certificate_options options = { .common_name =
							     "test" };
	struct evpop_tls_options tls = { .pin_count = 1 };
	struct net_certificate certificate;
	struct evpop_result result;
	char pin[96];
	const char *pins[] = { pin };

	net_certificate_make(&certificate, &options);
	net_certificate_pin(&certificate, true, pin);
	net_ends.server_tls = net_certificate_server(&certificate);
	net_certificate_clear(&certificate);
	tls.pins = pins;
	net_ends.client_tls = evpop_tls_context_new(&tls, &result);
	return net_ends_set_up_loop(state) != 0 || net_ends.client_tls == NULL;
}

int
net_ends_tear_down(void **state)
{
	(void)state;
	evpop_tls_context_free(net_ends.client_tls);
	SSL_CTX_free(net_ends.server_tls);
	event_base_free(net_ends.base);
	net_ends = (struct net_ends){ .base = NULL };
	return 0;
}
