#include "daemon/ctl/diagnosis.h"

#include <string.h>

#include "daemon/ctl/mailhosts.h"
#include "daemon/ctl/print.h"
#include "daemon/ctl/probe.h"
#include "lib/base/clock.h"

/* Authorities give 90 days and renew after 60. */
#define DAYS_LEFT_LEAST 14
#define TEXT_SIZE       1024

static const char *const way_names[] = { [EVPOP_TLS_IMPLICIT] = "implicit",
	[EVPOP_TLS_STLS] = "stls",
	[EVPOP_TLS_NONE] = "none" };

static void
diagnosis_add_address(const char *address, void *arg)
{
	(void)json_array_append_new(arg, json_string(address));
}

static void
diagnosis_warn(json_t *diagnosis, const char *text)
{
	json_t *warnings = json_object_get(diagnosis, "warnings");

	for (size_t i = 0; i < json_array_size(warnings); i++)
		if (strcmp(json_string_value(json_array_get(warnings, i)),
			text) == 0)
			return;
	(void)json_array_append_new(warnings, json_string(text));
}

/* ---- one way ---- */

/*
 * A server whose certificate is not trusted is asked again by its pin, so that
 * the rest is seen, too; but it is told no password.
 */
static json_t *
diagnosis_look_again(const struct probe_request *request, json_t *first)
{
	const json_t *own =
	    json_array_get(ctl_member(first, "certificates"), 0);
	struct probe_request again = *request;
	const char *pin = ctl_text(own, "pin");
	json_t *second;

	if (!ctl_is(first, "class", "tls") || own == NULL || pin == NULL)
		return first;
	again.pins = &pin;
	again.pin_count = 1;
	again.password = NULL;
	second = probe_run(&again);
	if (second != NULL && json_is_true(ctl_member(second, "works"))) {
		(void)json_object_set(second, "certificate_error",
		    json_object_get(first, "error"));
		json_decref(first);
		return second;
	}
	json_decref(second);
	return first;
}

/* ---- versions of TLS ---- */

static const struct {
	const char *name;
	uint16_t version;
} tls_versions[] = { { "1.0", 0x0301 }, { "1.1", 0x0302 }, { "1.2", 0x0303 },
	{ "1.3", 0x0304 } };
#define TLS_VERSIONS   (sizeof(tls_versions) / sizeof(tls_versions[0]))
#define TLS_1_2        0x0303
#define TLS_NAME_START "TLSv"

/*
 * Null where it cannot be told: nobody answers any more, or OpenSSL is built
 * without this version.
 */
static json_t *
diagnosis_takes_version(
    const struct probe_request *request, const json_t *way, size_t which)
{
	const char *seen = ctl_text(way, "tls");
	struct probe_request again = *request;
	json_t *probe, *takes = NULL;

	if (seen != NULL && strncmp(seen, TLS_NAME_START, 4) == 0 &&
	    strncmp(seen + 4, tls_versions[which].name, 3) == 0)
		return json_true();
	again.password = NULL;
	again.tls_version = tls_versions[which].version;
	probe = probe_run(&again);
	/* Whose certificate is seen has taken it, trusted or not. */
	if (json_is_true(ctl_member(probe, "works")) ||
	    json_array_size(ctl_member(probe, "certificates")) > 0)
		takes = json_true();
	else if (ctl_is(probe, "phase", "handshake"))
		takes = json_false();
	json_decref(probe);
	return takes != NULL ? takes : json_null();
}

static void
diagnosis_add_versions(const struct probe_request *request, json_t *way)
{
	json_t *versions = json_object(), *takes;
	struct phrase old;
	char text[PHRASE_SIZE + TEXT_SIZE];

	phrase_begin(&old);
	for (size_t i = 0; i < TLS_VERSIONS; i++) {
		takes = diagnosis_takes_version(request, way, i);
		if (json_is_true(takes) && tls_versions[i].version < TLS_1_2)
			phrase_add(&old, "%s", tls_versions[i].name);
		(void)json_object_set_new(
		    versions, tls_versions[i].name, takes);
	}
	(void)json_object_set_new(way, "tls_versions", versions);
	if (old.length == 0)
		return;
	snprintf(text, sizeof(text),
	    "it still takes TLS %s, which protects nobody (RFC 8996); evpopd "
	    "never uses it",
	    old.text);
	(void)json_array_append_new(
	    json_object_get(way, "quirks"), json_string(text));
}

/* ---- a way, with all that is seen there ---- */

static const json_t *
diagnosis_try(const struct ctl *ctl, const struct diagnosis_request *request,
    json_t *diagnosis, enum evpop_tls tls, uint16_t port)
{
	static const struct diagnosis_account none = { .name = NULL };
	const struct diagnosis_account *account =
	    request->account != NULL ? request->account : &none;
	const struct probe_request probe = {
		.host = request->host,
		.port = port,
		.tls = tls,
		.user = request->user,
		/* Whoever would send it in clear text must say so there. */
		.password = tls == EVPOP_TLS_NONE &&
				    !account->allow_cleartext &&
				    !evpop_host_is_loopback(request->host)
				? NULL
				: request->password,
		.is_token = account->is_by_token,
		.mechanisms = account->mechanisms,
		.allow_cleartext = account->allow_cleartext,
		.proxy = account->proxy,
		.source_address = account->source_address,
		.ca = account->ca,
		.cert = account->cert,
		.key = account->key,
		.pins = account->pins,
		.pin_count = account->pin_count,
	};
	char what[TEXT_SIZE];
	json_t *way;

	snprintf(
	    what, sizeof(what), "Trying port %u of %s", port, request->host);
	progress_show(ctl, what, 0, 0, "");
	way = probe_run(&probe);
	if (way != NULL)
		way = diagnosis_look_again(&probe, way);
	if (ctl_text(way, "tls") != NULL)
		diagnosis_add_versions(&probe, way);
	progress_clear(ctl);
	if (way == NULL)
		return NULL;
	(void)json_object_set_new(way, "way", json_string(way_names[tls]));
	if (json_object_get(way, "certificate_error") == NULL)
		(void)json_object_set_new(
		    way, "certificate_error", json_null());
	(void)json_array_append_new(json_object_get(diagnosis, "ways"), way);
	return way;
}

static bool
diagnosis_works(const json_t *way)
{
	return way != NULL && json_is_true(ctl_member(way, "works"));
}

/* Whether there is somebody at the port, who may speak otherwise. */
static bool
diagnosis_is_there(const json_t *way)
{
	return way != NULL && !ctl_is(way, "phase", "resolve") &&
	       !ctl_is(way, "phase", "connect") &&
	       !(ctl_is(way, "phase", "greeting") &&
		   ctl_is(way, "class", "timeout"));
}

/* Nothing else at this port can tell more. */
static bool
diagnosis_is_over(const json_t *way)
{
	return diagnosis_works(way) || !diagnosis_is_there(way) ||
	       ctl_is(way, "class", "auth");
}

static void
diagnosis_try_all(const struct ctl *ctl,
    const struct diagnosis_request *request, json_t *diagnosis)
{
	const enum evpop_tls order[] = { EVPOP_TLS_IMPLICIT, EVPOP_TLS_STLS,
		EVPOP_TLS_NONE };
	const struct diagnosis_account *account = request->account;
	const json_t *way = NULL;
	/* At the port of STLS that is what is most likely. */
	size_t first = request->port == EVPOP_PORT;

	/* As it is configured; the others only show what would work instead. */
	if (account != NULL) {
		way = diagnosis_try(
		    ctl, request, diagnosis, account->tls, request->port);
		if (diagnosis_is_over(way))
			return;
		first = 0;
	}
	if (request->port == 0) {
		(void)diagnosis_try(ctl, request, diagnosis, EVPOP_TLS_IMPLICIT,
		    EVPOP_PORT_TLS);
		way = diagnosis_try(
		    ctl, request, diagnosis, EVPOP_TLS_STLS, EVPOP_PORT);
		if (!diagnosis_works(way) && diagnosis_is_there(way))
			(void)diagnosis_try(ctl, request, diagnosis,
			    EVPOP_TLS_NONE, EVPOP_PORT);
		return;
	}
	for (size_t i = first; i < sizeof(order) / sizeof(order[0]); i++) {
		if (account != NULL && order[i] == account->tls)
			continue;
		way = diagnosis_try(
		    ctl, request, diagnosis, order[i], request->port);
		if (diagnosis_is_over(way))
			return;
	}
}

/* ---- all of them ---- */

static void
diagnosis_judge_way(json_t *diagnosis, const json_t *way)
{
	const json_t *own = json_array_get(ctl_member(way, "certificates"), 0);
	int64_t expires = json_integer_value(ctl_member(own, "expires"));
	int64_t days = (expires - evpop_clock_unix_ms() / 1000) / 86400;
	char text[TEXT_SIZE];

	if (!diagnosis_works(way))
		return;
	if (ctl_text(way, "certificate_error") != NULL) {
		diagnosis_warn(diagnosis,
		    "the certificate is not trusted: somebody else may answer "
		    "in the server's place; ask its operator for the pin "
		    "before you set tls_pin");
	} else if (own != NULL && days < DAYS_LEFT_LEAST) {
		snprintf(text, sizeof(text),
		    "the certificate expires in %lld days", (long long)days);
		diagnosis_warn(diagnosis, text);
	}
}

/* How good a way is; 0: it does not work. */
static int
diagnosis_rank(const json_t *way)
{
	if (!diagnosis_works(way))
		return 0;
	if (ctl_is(way, "way", "none"))
		return 1;
	if (ctl_text(way, "certificate_error") != NULL)
		return 2;
	return ctl_is(way, "way", "stls") ? 3 : 4;
}

static const json_t *
diagnosis_best(const json_t *diagnosis)
{
	const json_t *ways = ctl_member(diagnosis, "ways"), *best = NULL;

	for (size_t i = 0; i < json_array_size(ways); i++) {
		const json_t *way = json_array_get(ways, i);

		if (diagnosis_rank(way) >
		    (best != NULL ? diagnosis_rank(best) : 0))
			best = way;
	}
	return best;
}

static void
diagnosis_write(json_t *diagnosis, const struct diagnosis_request *request,
    const json_t *best)
{
	const char *way = ctl_text(best, "way");
	uint64_t port = ctl_count(best, "port");
	uint16_t usual =
	    strcmp(way, "implicit") == 0 ? EVPOP_PORT_TLS : EVPOP_PORT;
	char text[TEXT_SIZE], number[32] = "", pin[160] = "";

	if (port != usual)
		snprintf(number, sizeof(number), "port = %llu\n",
		    (unsigned long long)port);
	if (ctl_text(best, "certificate_error") != NULL)
		snprintf(pin, sizeof(pin),
		    "# Only if its operator has confirmed it:\n# tls_pin = "
		    "%s\n",
		    ctl_text(
			json_array_get(ctl_member(best, "certificates"), 0),
			"pin"));
	snprintf(text, sizeof(text),
	    "[account %s]\nhost = %s\n%s%s%s%s%suser = %s\n%s",
	    request->account != NULL ? request->account->name : "NAME",
	    request->host, number, strcmp(way, "implicit") == 0 ? "" : "tls = ",
	    strcmp(way, "implicit") == 0 ? "" : way,
	    strcmp(way, "implicit") == 0 ? ""
	    : strcmp(way, "none") == 0 && !evpop_host_is_loopback(request->host)
		? "\n# The password can be read by all on the way:\n"
		  "allow_cleartext = yes\n"
		: "\n",
	    pin, request->user != NULL ? request->user : "USER",
	    request->account != NULL
		? ""
		: "password_file = /etc/evpopd/NAME.password\n");
	(void)json_object_set_new(
	    diagnosis, "configuration", json_string(text));
}

/* There is nothing to write. */
static bool
diagnosis_is_as_configured(
    const struct diagnosis_request *request, const json_t *best)
{
	return request->account != NULL &&
	       ctl_is(best, "way", way_names[request->account->tls]) &&
	       ctl_text(best, "certificate_error") == NULL;
}

static const char *
diagnosis_verdict(json_t *diagnosis, const json_t *best)
{
	const json_t *ways = ctl_member(diagnosis, "ways");

	for (size_t i = 0; i < json_array_size(ways) && best == NULL; i++)
		if (ctl_is(json_array_get(ways, i), "phase", "login"))
			return "refused";
	if (best == NULL)
		return "fails";
	if (ctl_is(best, "way", "none"))
		diagnosis_warn(diagnosis,
		    "it works without TLS only: all on the way can read the "
		    "password and the mail");
	return json_array_size(ctl_member(diagnosis, "warnings")) > 0
		   ? "warnings"
		   : "works";
}

json_t *
diagnosis_make(const struct ctl *ctl, const struct diagnosis_request *request)
{
	json_t *diagnosis = json_pack("{s:s,s:s,s:[],s:[],s:[],s:n}", "asked",
	    request->asked, "host", request->host, "addresses", "ways",
	    "warnings", "configuration");
	const json_t *ways, *best;

	if (diagnosis == NULL)
		return NULL;
	(void)mailhosts_addresses(request->host, diagnosis_add_address,
	    json_object_get(diagnosis, "addresses"));
	diagnosis_try_all(ctl, request, diagnosis);
	ways = ctl_member(diagnosis, "ways");
	for (size_t i = 0; i < json_array_size(ways); i++)
		diagnosis_judge_way(diagnosis, json_array_get(ways, i));
	best = diagnosis_best(diagnosis);
	if (best != NULL && !diagnosis_is_as_configured(request, best))
		diagnosis_write(diagnosis, request, best);
	(void)json_object_set_new(diagnosis, "verdict",
	    json_string(diagnosis_verdict(diagnosis, best)));
	return diagnosis;
}

enum ctl_exit
diagnosis_exit(const json_t *diagnosis)
{
	if (ctl_is(diagnosis, "verdict", "works"))
		return CTL_OK;
	if (ctl_is(diagnosis, "verdict", "warnings"))
		return CTL_TROUBLE;
	if (ctl_is(diagnosis, "verdict", "refused"))
		return CTL_NO_PERMISSION;
	return CTL_UNAVAILABLE;
}
