#include "daemon/ctl/finding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/ctl/autoconfig.h"
#include "lib/base/text.h"
#include "lib/net/destination.h"

#define GIVEN_MAX                                      \
	(sizeof(((struct finding_search *)0)->given) / \
	    sizeof(((struct finding_search *)0)->given[0]))

enum step {
	STEP_PROVIDER = 0,
	STEP_EXCHANGER,
	STEP_SERVICE_TLS,
	STEP_SERVICE_STLS,
	STEP_AUTOCONFIG,
	STEP_LIST,
	STEP_USUAL,
	STEP_END
};

bool
finding_is_address(const char *text)
{
	const char *at = strrchr(text, '@');
	struct evpop_result ignored;

	/* A host of one word could be anybody's in the local network. */
	return at != NULL && at != text && strlen(text) < FINDING_TEXT &&
	       strpbrk(text, " \t\r\n\"") == NULL && evpop_text_is_utf8(text) &&
	       strchr(at + 1, '.') != NULL && at[strlen(at) - 1] != '.' &&
	       !evpop_address_check(at + 1, &ignored) &&
	       evpop_host_check(at + 1, &ignored);
}

void
finding_begin(
    struct finding_search *finding_r, const char *address, bool asks_list)
{
	struct evpop_result ignored;
	char *ascii = NULL;

	memset(finding_r, 0, sizeof(*finding_r));
	finding_r->address = address;
	finding_r->domain = strrchr(address, '@') + 1;
	finding_r->asks_list = asks_list;
	if (evpop_idn_to_ascii(finding_r->domain, &ascii, &ignored))
		(void)snprintf(finding_r->ascii, FINDING_TEXT, "%s", ascii);
	free(ascii);
}

/* ---- the steps ---- */

static bool
finding_take_provider(const struct config_provider *provider,
    enum finding_origin origin, struct finding_server *server)
{
	if (provider == NULL)
		return false;
	server->origin = origin;
	server->provider = provider;
	if (provider->host == NULL)
		return true;
	(void)snprintf(server->host, FINDING_TEXT, "%s", provider->host);
	server->port = provider->port;
	server->tls = (enum evpop_tls)provider->tls;
	server->is_tls_known = true;
	return true;
}

static bool
finding_look_at_exchanger(
    const struct finding_search *finding, struct finding_server *server)
{
	char host[MAILHOSTS_NAME];

	return mailhosts_exchanger(finding->ascii, host) &&
	       finding_take_provider(config_provider_of_exchanger(host),
		   FINDING_EXCHANGER, server);
}

static bool
finding_is_inside(const char *host, const char *domain)
{
	size_t length = strlen(host), end = strlen(domain);

	return length >= end && strcasecmp(host + length - end, domain) == 0 &&
	       (length == end || host[length - end - 1] == '.');
}

/* Ask once, then give one after the other. */
static bool
finding_look_at_services(struct finding_search *finding, bool is_tls,
    struct finding_server *server, bool *is_last)
{
	struct evpop_result ignored;
	const struct mailhost *host;

	if (finding->service == finding->service_count) {
		enum mailhosts_service said = mailhosts_service(
		    is_tls ? "_pop3s._tcp" : "_pop3._tcp", finding->ascii,
		    finding->services, &finding->service_count);

		finding->service = 0;
		/* A denial of STLS alone says nothing of TLS. */
		if (said == MAILHOSTS_DENIED && is_tls)
			finding->is_denied = true;
		if (said != MAILHOSTS_OFFERED)
			return false;
		finding->is_denied = false;
	}
	host = &finding->services[finding->service++];
	*is_last = finding->service == finding->service_count;
	if (!evpop_host_check(host->name, &ignored))
		return false;
	server->origin = FINDING_SERVICE;
	(void)snprintf(server->host, FINDING_TEXT, "%s", host->name);
	server->port = host->port;
	server->tls = is_tls ? EVPOP_TLS_IMPLICIT : EVPOP_TLS_STLS;
	server->is_tls_known = host->port != 0;
	server->is_foreign = !finding_is_inside(host->name, finding->ascii);
	return true;
}

static bool
finding_look_at_file(const struct finding_search *finding, bool is_list,
    struct finding_server *server)
{
	struct autoconfig found;

	if ((is_list ? autoconfig_of_list(finding->address, &found)
		     : autoconfig_of_domain(finding->address, &found)) !=
	    AUTOCONFIG_FOUND)
		return false;
	server->origin = is_list ? FINDING_LIST : FINDING_AUTOCONFIG;
	memcpy(server->host, found.host, FINDING_TEXT);
	memcpy(server->user, found.user, FINDING_TEXT);
	server->port = found.port;
	server->tls = found.tls;
	server->is_tls_known = true;
	return true;
}

static bool
finding_look_at_usual(
    struct finding_search *finding, struct finding_server *server)
{
	static const char *const usual[] = { "pop.", "pop3.", "mail.",
		"pop.mail.", "" };

	while (finding->usual < sizeof(usual) / sizeof(usual[0])) {
		server->origin = FINDING_USUAL;
		if ((size_t)snprintf(server->host, FINDING_TEXT, "%s%s",
			usual[finding->usual++],
			finding->domain) < FINDING_TEXT &&
		    mailhosts_addresses(server->host, NULL, NULL))
			return true;
	}
	return false;
}

/* Whether the step gives a server; *is_last where it gives no other. */
static bool
finding_look(struct finding_search *finding, enum step step,
    struct finding_server *server, bool *is_last)
{
	*is_last = true;
	switch (step) {
	case STEP_PROVIDER:
		return finding_take_provider(
		    config_provider_of_domain(finding->domain),
		    FINDING_PROVIDER, server);
	case STEP_EXCHANGER:
		return finding_look_at_exchanger(finding, server);
	case STEP_SERVICE_TLS:
	case STEP_SERVICE_STLS:
		return finding_look_at_services(
		    finding, step == STEP_SERVICE_TLS, server, is_last);
	case STEP_AUTOCONFIG:
	case STEP_LIST:
		return (step == STEP_AUTOCONFIG || finding->asks_list) &&
		       finding_look_at_file(finding, step == STEP_LIST, server);
	default:
		/* Where the domain says that there is none, nobody guesses. */
		if (finding->is_denied ||
		    !finding_look_at_usual(finding, server))
			return false;
		*is_last = false;
		return true;
	}
}

/* ---- all of them ---- */

static bool
finding_is_given(
    const struct finding_search *finding, const struct finding_server *server)
{
	for (size_t i = 0; i < finding->given_count; i++) {
		const struct finding_server *given = &finding->given[i];

		if (strcasecmp(given->host, server->host) == 0 &&
		    (given->port == server->port || server->port == 0) &&
		    strcmp(given->user, server->user) == 0)
			return true;
	}
	return false;
}

bool
finding_next(struct finding_search *finding, struct finding_server *server_r)
{
	while (finding->step < STEP_END && finding->given_count < GIVEN_MAX) {
		bool is_last, found;

		memset(server_r, 0, sizeof(*server_r));
		found = finding_look(
		    finding, (enum step)finding->step, server_r, &is_last);
		/* Of several one may be no host. */
		if (is_last)
			finding->step++;
		if (!found || finding_is_given(finding, server_r))
			continue;
		finding->given[finding->given_count++] = *server_r;
		return true;
	}
	return false;
}

void
finding_words(const struct finding_search *finding,
    const struct finding_server *server, char words_r[FINDING_WORDS])
{
	static const char *const forms[FINDING_COUNT] = {
		[FINDING_PROVIDER] = "evpop's table of providers",
		[FINDING_EXCHANGER] = "the MX record of %s",
		[FINDING_SERVICE] = "the SRV records of %s",
		[FINDING_AUTOCONFIG] = "the autoconfig file of %s",
		[FINDING_LIST] = "Mozilla's list of providers",
		[FINDING_USUAL] = "a usual name in %s",
	};
	const char *form = forms[server->origin];
	const char *place = strstr(form, "%s");

	if (place == NULL)
		(void)snprintf(words_r, FINDING_WORDS, "%s", form);
	else
		(void)snprintf(words_r, FINDING_WORDS, "%.*s%s",
		    (int)(place - form), form, finding->domain);
}
