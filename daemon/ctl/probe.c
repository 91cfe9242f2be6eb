#include "daemon/ctl/probe.h"

#include <event2/event.h>
#include <evpop/telemetry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Who looks at a server waits for it. */
#define PATIENCE_MS 10000
#define SESSION_MS  60000

struct probe {
	const struct probe_request *request;
	struct event_base *base;
	struct evpop_client *client;
	json_t *answer;
	bool is_over;
	int64_t round_trip_us; /* the shortest that was seen; -1: none */
};

/* ---- what is seen ---- */

static void
probe_set(struct probe *probe, const char *name, json_t *value)
{
	/* Without memory a member is missing. */
	(void)json_object_set_new(probe->answer, name, value);
}

static void
probe_quirk(struct probe *probe, const char *text)
{
	(void)json_array_append_new(
	    json_object_get(probe->answer, "quirks"), json_string(text));
}

static void
probe_fail(struct probe *probe, const struct evpop_result *result)
{
	probe_set(probe, "works", json_false());
	probe_set(probe, "class", json_string(evpop_error_name(result->error)));
	probe_set(probe, "phase", json_string(evpop_phase_name(result->phase)));
	probe_set(probe, "error", json_string(result->text));
}

static void
probe_round_trip(struct probe *probe, int64_t us)
{
	if (us > 0 && (probe->round_trip_us < 0 || us < probe->round_trip_us))
		probe->round_trip_us = us;
}

static void
probe_event(const struct evpop_telemetry_event *event, void *arg)
{
	struct probe *probe = arg;
	json_t *steps = json_object_get(probe->answer, "milliseconds");

	if (event->kind == EVPOP_TELEMETRY_STEP &&
	    event->result->error == EVPOP_ERROR_NONE)
		(void)json_object_set_new(steps, evpop_phase_name(event->phase),
		    json_integer((event->duration_us + 500) / 1000));
	/* A command that a server answers from its memory. */
	if (event->kind == EVPOP_TELEMETRY_COMMAND &&
	    (event->command == EVPOP_COMMAND_CAPA ||
		event->command == EVPOP_COMMAND_NOOP))
		probe_round_trip(probe, event->duration_us);
	if (event->kind == EVPOP_TELEMETRY_STEP &&
	    event->phase == EVPOP_PHASE_CONNECT)
		probe_round_trip(probe, event->duration_us);
}

static void
probe_certificate(const struct evpop_certificate *certificate, void *arg)
{
	struct probe *probe = arg;
	json_t *shown = json_pack("{s:I,s:s,s:s,s:s,s:s,s:s?,s:I,s:I}", "depth",
	    (json_int_t)certificate->depth, "subject", certificate->subject,
	    "issuer", certificate->issuer, "names", certificate->names, "key",
	    certificate->key, "pin", certificate->pin, "begins",
	    (json_int_t)certificate->begins, "expires",
	    (json_int_t)certificate->expires);

	(void)json_array_append_new(
	    json_object_get(probe->answer, "certificates"), shown);
}

/* ---- capabilities ---- */

static json_t *
probe_capabilities(const struct evpop_capabilities *offered)
{
	const struct {
		const char *name;
		bool is_there;
	} flags[] = {
		{ "TOP", offered->top },
		{ "USER", offered->user },
		{ "UIDL", offered->uidl },
		{ "PIPELINING", offered->pipelining },
		{ "RESP-CODES", offered->resp_codes },
		{ "AUTH-RESP-CODE", offered->auth_resp_code },
		{ "STLS", offered->stls },
		{ "UTF8", offered->utf8 },
		{ "LANG", offered->lang },
	};
	json_t *list;
	char text[300];

	if (!offered->known)
		return json_null();
	list = json_array();
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i].is_there)
			(void)json_array_append_new(
			    list, json_string(flags[i].name));
	if (offered->sasl[0] != '\0') {
		snprintf(text, sizeof(text), "SASL %s", offered->sasl);
		(void)json_array_append_new(list, json_string(text));
	}
	if (offered->expire) {
		if (offered->expire_never)
			snprintf(text, sizeof(text), "EXPIRE NEVER");
		else
			snprintf(text, sizeof(text), "EXPIRE %u%s",
			    offered->expire_days,
			    offered->expire_user ? " USER" : "");
		(void)json_array_append_new(list, json_string(text));
	}
	if (offered->login_delay) {
		snprintf(text, sizeof(text), "LOGIN-DELAY %u%s",
		    offered->login_delay_s,
		    offered->login_delay_user ? " USER" : "");
		(void)json_array_append_new(list, json_string(text));
	}
	if (offered->implementation[0] != '\0') {
		snprintf(text, sizeof(text), "IMPLEMENTATION %s",
		    offered->implementation);
		(void)json_array_append_new(list, json_string(text));
	}
	return list;
}

/* The ways to log in that both sides know, strongest first. */
static json_t *
probe_mechanisms(const struct evpop_capabilities *offered)
{
	json_t *list = json_array();

	for (int i = 0; i < EVPOP_MECHANISM_COUNT; i++) {
		const char *name =
		    evpop_mechanism_name((enum evpop_mechanism)i);
		bool is_offered = i == EVPOP_MECHANISM_USER
				      ? offered->user || !offered->known
				      : evpop_capabilities_sasl(offered, name);

		if (i != EVPOP_MECHANISM_APOP && is_offered)
			(void)json_array_append_new(list, json_string(name));
	}
	return list;
}

static void
probe_judge(struct probe *probe, const struct evpop_capabilities *offered)
{
	char text[160];

	if (!offered->known) {
		probe_quirk(probe,
		    "it has no CAPA (RFC 2449): nothing is known of "
		    "what it can, and commands go one by one");
		return;
	}
	if (!offered->uidl)
		probe_quirk(probe, "it does not offer UIDL: without unique-ids "
				   "messages are told apart by their content");
	if (!offered->top)
		probe_quirk(probe,
		    "it does not offer TOP: a message that may be "
		    "known is fetched whole to find out");
	if (!offered->pipelining)
		probe_quirk(probe, "it does not offer PIPELINING: each command "
				   "costs a round trip");
	if (offered->login_delay && offered->login_delay_s > 60) {
		snprintf(text, sizeof(text),
		    "LOGIN-DELAY: no more than one log-in in %u s; set "
		    "interval to no less",
		    offered->login_delay_s);
		probe_quirk(probe, text);
	}
	if (offered->expire && !offered->expire_never) {
		snprintf(text, sizeof(text),
		    "EXPIRE: it deletes messages by itself after %u days",
		    offered->expire_days);
		probe_quirk(probe, text);
	}
}

/* ---- the session ---- */

static void
probe_ignore(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	(void)client;
	(void)reply;
	(void)arg;
}

static void
probe_quit(struct probe *probe)
{
	if (evpop_client_quit(probe->client, probe_ignore, probe) !=
	    EVPOP_ERROR_NONE)
		evpop_client_cancel(probe->client);
}

static void
probe_stat(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct probe *probe = arg;

	(void)client;
	if (reply->result.error == EVPOP_ERROR_NONE) {
		probe_set(
		    probe, "messages", json_integer((json_int_t)reply->number));
		probe_set(
		    probe, "bytes", json_integer((json_int_t)reply->octets));
	} else
		probe_quirk(probe, "it refuses STAT");
}

static void
probe_uidl(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct probe *probe = arg;

	(void)client;
	if (reply->result.error == EVPOP_ERROR_REFUSED)
		probe_quirk(probe, "it refuses UIDL");
	probe_quit(probe);
}

static void
probe_listed(
    struct evpop_client *client, const struct evpop_listed *listed, void *arg)
{
	(void)client;
	(void)listed;
	(void)arg;
}

static void
probe_capa(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct probe *probe = arg;

	(void)reply;
	probe_set(probe, "capabilities_after",
	    probe_capabilities(evpop_client_capabilities(client)));
	if (evpop_client_stat(client, probe_stat, probe) != EVPOP_ERROR_NONE ||
	    evpop_client_uidl(client, 0, probe_listed, probe_uidl, probe) !=
		EVPOP_ERROR_NONE)
		evpop_client_cancel(client);
}

static void
probe_logged_in(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct probe *probe = arg;

	if (reply->result.error != EVPOP_ERROR_NONE) {
		probe_fail(probe, &reply->result);
		probe_quit(probe);
		return;
	}
	probe_set(probe, "logged_in",
	    json_string(evpop_mechanism_name(evpop_client_mechanism(client))));
	if (evpop_client_capa(client, probe_capa, probe) != EVPOP_ERROR_NONE)
		evpop_client_cancel(client);
}

static void
probe_connected(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct probe *probe = arg;
	const struct evpop_capabilities *offered =
	    evpop_client_capabilities(client);
	const struct evpop_credentials credentials = {
		.user = probe->request->user,
		.password =
		    probe->request->is_token ? NULL : probe->request->password,
		.token =
		    probe->request->is_token ? probe->request->password : NULL,
		.mechanisms = probe->request->mechanisms,
	};

	if (evpop_client_peer(client)[0] != '\0')
		probe_set(
		    probe, "peer", json_string(evpop_client_peer(client)));
	if (evpop_client_tls_name(client) != NULL)
		probe_set(
		    probe, "tls", json_string(evpop_client_tls_name(client)));
	if (reply->result.error != EVPOP_ERROR_NONE) {
		probe_fail(probe, &reply->result);
		return;
	}
	probe_set(probe, "works", json_true());
	probe_set(probe, "capabilities", probe_capabilities(offered));
	probe_set(probe, "mechanisms", probe_mechanisms(offered));
	probe_judge(probe, offered);
	if (probe->request->password == NULL)
		probe_quit(probe);
	else if (evpop_client_login(client, &credentials, probe_logged_in,
		     probe) != EVPOP_ERROR_NONE)
		evpop_client_cancel(client);
}

static void
probe_closed(
    struct evpop_client *client, const struct evpop_result *result, void *arg)
{
	struct probe *probe = arg;

	(void)client;
	/* A session that fails behind the log-in has failed all the same. */
	if (result->error != EVPOP_ERROR_NONE &&
	    result->error != EVPOP_ERROR_CANCELLED &&
	    json_is_true(json_object_get(probe->answer, "works")))
		probe_fail(probe, result);
	probe->is_over = true;
	event_base_loopbreak(probe->base);
}

static void
probe_talk(struct probe *probe, struct evpop_names *names)
{
	const struct probe_request *request = probe->request;
	const struct evpop_telemetry telemetry = {
		.kinds = EVPOP_TELEMETRY_BIT(EVPOP_TELEMETRY_STEP) |
			 EVPOP_TELEMETRY_BIT(EVPOP_TELEMETRY_COMMAND),
		.event = probe_event,
		.arg = probe,
	};
	static const struct evpop_client_callbacks callbacks = {
		.closed = probe_closed,
	};
	const struct evpop_tls_options options = {
		.ca = request->ca,
		.cert = request->cert,
		.key = request->key,
		.pins = request->pins,
		.pin_count = request->pin_count,
		.only_version = request->tls_version,
		.certificate = probe_certificate,
		.certificate_arg = probe,
	};
	struct evpop_client_config config = {
		.host = request->host,
		.port = request->port,
		.tls = request->tls,
		.allow_cleartext = request->allow_cleartext,
		.proxy = request->proxy,
		.source_address = request->source_address,
		.one_by_one = true,
		.timeouts = { .resolve_ms = PATIENCE_MS,
		    .connect_ms = PATIENCE_MS,
		    .handshake_ms = PATIENCE_MS,
		    .greeting_ms = PATIENCE_MS,
		    .login_ms = SESSION_MS,
		    .command_ms = PATIENCE_MS,
		    .quit_ms = PATIENCE_MS,
		    .session_ms = SESSION_MS },
		.telemetry = &telemetry,
	};
	struct evpop_result result;

	if (request->tls != EVPOP_TLS_NONE) {
		config.tls_context = evpop_tls_context_new(&options, &result);
		if (config.tls_context == NULL) {
			probe_fail(probe, &result);
			return;
		}
	}
	probe->client = evpop_client_new(
	    probe->base, evpop_names_dns(names), &config, &callbacks, probe);
	evpop_tls_context_free(config.tls_context);
	if (probe->client == NULL ||
	    evpop_client_connect(probe->client, probe_connected, probe) !=
		EVPOP_ERROR_NONE) {
		evpop_result_set(&result, EVPOP_ERROR_USAGE, EVPOP_PHASE_NONE,
		    "\"%s\" is no host", request->host);
		probe_fail(probe, &result);
	} else
		while (!probe->is_over && event_base_dispatch(probe->base) == 0)
			;
	evpop_client_free(probe->client);
}

json_t *
probe_run(const struct probe_request *request)
{
	struct probe probe = { .request = request, .round_trip_us = -1 };
	struct evpop_names *names;

	probe.answer = json_pack(
	    "{s:s,s:n,s:i,s:b,s:n,s:n,s:n,s:n,s:n,s:[],s:n,s:n,s:n,s:n,s:n,s:n,"
	    "s:{},s:n,s:[]}",
	    "host", request->host, "way", "port", (int)request->port, "works",
	    0, "class", "phase", "error", "peer", "tls", "certificates",
	    "capabilities", "capabilities_after", "mechanisms", "logged_in",
	    "messages", "bytes", "milliseconds", "round_trip_milliseconds",
	    "quirks");
	probe.base = event_base_new();
	names =
	    probe.base != NULL ? evpop_names_new(probe.base, NULL, NULL) : NULL;
	if (probe.answer != NULL && names != NULL) {
		probe_talk(&probe, names);
		if (probe.round_trip_us >= 0)
			probe_set(&probe, "round_trip_milliseconds",
			    json_real((double)probe.round_trip_us / 1000));
	} else {
		json_decref(probe.answer);
		probe.answer = NULL;
	}
	evpop_names_free(names);
	if (probe.base != NULL)
		event_base_free(probe.base);
	return probe.answer;
}
