#include "daemon/ctl/add_server.h"

#include <string.h>

#include "daemon/ctl/mailhosts.h"
#include "daemon/ctl/print.h"
#include "daemon/ctl/probe.h"
#include "lib/base/clock.h"

/* ---- trying ---- */

json_t *
add_server_try(const struct ctl *ctl, const struct finding_server *server,
    const char *user, const char *password)
{
	const struct probe_request probe = { .host = server->host,
		.port = server->port,
		.tls = server->tls,
		.user = user,
		.password = password };
	char what[FINDING_TEXT + 64];
	json_t *way;

	(void)snprintf(what, sizeof(what),
	    password != NULL ? "Logging in to %s" : "Trying %s, port %u",
	    server->host, server->port);
	progress_show(ctl, what, 0, 0, "");
	way = probe_run(&probe);
	progress_clear(ctl);
	return way;
}

static const char *
add_server_way_words(enum evpop_tls tls)
{
	return tls == EVPOP_TLS_STLS ? "STLS" : "TLS";
}

/*
 * Try one way.  True if it works, or without memory; else why not is said below
 * what was tried before.
 */
static bool
add_server_try_way(const struct ctl *ctl, struct add_server *found,
    uint16_t port, enum evpop_tls tls, json_t *tried)
{
	char text[FINDING_TEXT + 1024];
	json_t *way;

	found->server.port = port;
	found->server.tls = tls;
	way = add_server_try(ctl, &found->server, NULL, NULL);
	if (way == NULL || json_is_true(ctl_member(way, "works"))) {
		found->way = way;
		return true;
	}
	(void)snprintf(text, sizeof(text), "%s, port %u, %s: %s",
	    found->server.host, port, add_server_way_words(tls),
	    ctl_text(way, "error"));
	(void)json_array_append_new(tried, json_string(text));
	json_decref(way);
	return false;
}

static bool
add_server_works(const struct ctl *ctl, struct add_server *found, json_t *tried)
{
	const struct finding_server *server = &found->server;
	uint16_t port = server->port;

	if (port == 0)
		return add_server_try_way(ctl, found, EVPOP_PORT_TLS,
			   EVPOP_TLS_IMPLICIT, tried) ||
		       add_server_try_way(
			   ctl, found, EVPOP_PORT, EVPOP_TLS_STLS, tried);
	if (server->is_tls_known)
		return add_server_try_way(ctl, found, port, server->tls, tried);
	/* At the port of STLS that is what is most likely. */
	if (port == EVPOP_PORT)
		return add_server_try_way(
			   ctl, found, port, EVPOP_TLS_STLS, tried) ||
		       add_server_try_way(
			   ctl, found, port, EVPOP_TLS_IMPLICIT, tried);
	return add_server_try_way(
		   ctl, found, port, EVPOP_TLS_IMPLICIT, tried) ||
	       add_server_try_way(ctl, found, port, EVPOP_TLS_STLS, tried);
}

/* ---- what was asked for ---- */

static enum ctl_exit
add_server_take_given(const struct ctl *ctl, const struct add_wish *wish,
    struct finding_server *server_r)
{
	struct mailhost host;

	if (!mailhosts_read(wish->server, &host)) {
		ctl_warn(ctl, "add: --server: \"%s\" is no host", wish->server);
		ctl_hint(ctl, "as pop.example.org or pop.example.org:995");
		return CTL_USAGE;
	}
	memcpy(server_r->host, host.name, FINDING_TEXT);
	server_r->port = host.port;
	if (wish->tls == NULL)
		return CTL_OK;
	server_r->is_tls_known = true;
	if (strcmp(wish->tls, "implicit") == 0)
		server_r->tls = EVPOP_TLS_IMPLICIT;
	else if (strcmp(wish->tls, "stls") == 0)
		server_r->tls = EVPOP_TLS_STLS;
	else {
		ctl_warn(ctl, "add: --tls: expected implicit or stls");
		return CTL_USAGE;
	}
	if (server_r->port == 0)
		server_r->port = server_r->tls == EVPOP_TLS_STLS
				     ? EVPOP_PORT
				     : EVPOP_PORT_TLS;
	return CTL_OK;
}

static enum ctl_exit
add_server_no_pop3(
    const struct ctl *ctl, const struct config_provider *provider)
{
	ctl_warn(ctl, "%s has no POP3", provider->title);
	ctl_hint(ctl, provider->advice);
	return CTL_UNAVAILABLE;
}

static enum ctl_exit
add_server_take_provider(const struct ctl *ctl, const struct add_wish *wish,
    struct finding_server *server_r)
{
	const struct config_provider *provider =
	    config_provider_find(wish->provider);

	if (provider == NULL) {
		ctl_warn(ctl, "add: --provider: \"%s\" is not known",
		    wish->provider);
		ctl_hint(ctl, "evpopd.conf(5) names them");
		return CTL_USAGE;
	}
	if (provider->host == NULL)
		return add_server_no_pop3(ctl, provider);
	server_r->provider = provider;
	(void)snprintf(server_r->host, FINDING_TEXT, "%s", provider->host);
	server_r->port = provider->port;
	server_r->tls = (enum evpop_tls)provider->tls;
	server_r->is_tls_known = true;
	return CTL_OK;
}

/* ---- finding ---- */

static enum ctl_exit
add_server_tell_of_tried(const struct ctl *ctl,
    const struct finding_search *finding, const json_t *tried)
{
	if (finding != NULL && finding->is_denied)
		ctl_warn(ctl, "%s says by its SRV records that it has no POP3",
		    finding->domain);
	else if (json_array_size(tried) == 0)
		ctl_warn(ctl, "no POP3 server was found for %s",
		    finding != NULL ? finding->domain : "it");
	else
		ctl_warn(ctl, "no POP3 server answers with TLS and a valid "
			      "certificate; tried:");
	for (size_t i = 0; i < json_array_size(tried); i++)
		ctl_hint(ctl, json_string_value(json_array_get(tried, i)));
	ctl_hint(ctl, finding != NULL
			  ? "--server HOST names the server; the provider's "
			    "help pages tell which it is"
			  : "\"evpopctl doctor HOST\" looks at it from all "
			    "sides");
	return CTL_UNAVAILABLE;
}

static enum ctl_exit
add_server_search(const struct ctl *ctl, const struct add_wish *wish,
    json_t *tried, struct add_server *found_r)
{
	struct finding_search finding;

	finding_begin(&finding, wish->address, wish->asks_list);
	progress_show(ctl, "Looking for the server", 0, 0, "");
	while (finding_next(&finding, &found_r->server)) {
		progress_clear(ctl);
		if (found_r->server.host[0] == '\0')
			return add_server_no_pop3(
			    ctl, found_r->server.provider);
		if (add_server_works(ctl, found_r, tried)) {
			finding_words(
			    &finding, &found_r->server, found_r->words);
			return CTL_OK;
		}
	}
	progress_clear(ctl);
	return add_server_tell_of_tried(ctl, &finding, tried);
}

enum ctl_exit
add_server_find(const struct ctl *ctl, const struct add_wish *wish,
    struct add_server *server_r)
{
	json_t *tried = json_array();
	enum ctl_exit code = CTL_OK;

	memset(server_r, 0, sizeof(*server_r));
	if (wish->server == NULL && wish->provider == NULL) {
		code = add_server_search(ctl, wish, tried, server_r);
	} else {
		(void)snprintf(
		    server_r->words, FINDING_WORDS, "what was typed");
		code = wish->server != NULL
			   ? add_server_take_given(ctl, wish, &server_r->server)
			   : add_server_take_provider(
				 ctl, wish, &server_r->server);
		if (code == CTL_OK && !add_server_works(ctl, server_r, tried))
			code = add_server_tell_of_tried(ctl, NULL, tried);
	}
	json_decref(tried);
	if (code == CTL_OK && server_r->way == NULL)
		code = ctl_no_memory(ctl);
	return code;
}

/* ---- showing ---- */

static void
add_server_print_certificate(const struct ctl *ctl, const json_t *certificate)
{
	int64_t expires =
	    json_integer_value(ctl_member(certificate, "expires"));
	int64_t days = (expires - evpop_clock_unix_ms() / 1000) / 86400;
	struct phrase phrase;

	if (certificate == NULL)
		return;
	phrase_begin(&phrase);
	phrase_add(&phrase, "valid, %lld days left", (long long)days);
	phrase_add(&phrase, "issued by %s", ctl_text(certificate, "issuer"));
	print_detail(ctl, "Certificate", phrase.text);
}

void
add_server_print(const struct ctl *ctl, const struct add_server *found)
{
	const struct finding_server *server = &found->server;
	const json_t *mechanisms = ctl_member(found->way, "mechanisms");
	struct phrase phrase;

	if (server->provider != NULL)
		print_detail(ctl, "Provider", server->provider->title);
	phrase_begin(&phrase);
	phrase_add(&phrase, "%s", server->host);
	phrase_add(&phrase, "port %u", server->port);
	phrase_add(&phrase, "%s", add_server_way_words(server->tls));
	print_detail(ctl, "Server", phrase.text);
	print_detail(ctl, "Found by", found->words);
	add_server_print_certificate(
	    ctl, json_array_get(ctl_member(found->way, "certificates"), 0));
	phrase_begin(&phrase);
	for (size_t i = 0; i < json_array_size(mechanisms); i++)
		phrase_add(&phrase, "%s",
		    json_string_value(json_array_get(mechanisms, i)));
	print_detail(ctl, "Log-in by", phrase.text);
	if (server->provider != NULL)
		print_detail(ctl, "Note", server->provider->advice);
}
