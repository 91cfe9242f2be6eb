#include <errno.h>
#include <evpop/client.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/configured.h"
#include "daemon/ctl/diagnosis.h"
#include "daemon/ctl/finding.h"
#include "daemon/ctl/keyfile.h"
#include "daemon/ctl/mailhosts.h"
#include "daemon/ctl/print.h"
#include "daemon/ctl/refused.h"
#include "daemon/ctl/text.h"
#include "daemon/ctl/tokens.h"
#include "daemon/ctl/trial.h"
#include "daemon/ctl/wrap.h"
#include "lib/base/clock.h"

#define NAME_SIZE   MAILHOSTS_NAME
#define LABEL_WIDTH 16

struct subject {
	const char *host;
	char name[NAME_SIZE];             /* where it is not borrowed */
	json_t *section;                  /* of an account; or NULL */
	struct diagnosis_account account; /* likewise */
	uint16_t port;                    /* 0: the usual ones */
	const char *user;
	const struct config_provider *provider; /* NULL: none that is known */
	bool logs_in;
	bool is_target;               /* that mail is delivered to */
	struct secret *password;      /* NULL: no log-in */
	struct configured configured; /* likewise, where a file tells */
};

/* ---- whom to look at ---- */

static unsigned
doctor_mechanisms(const json_t *names)
{
	unsigned mechanisms = 0;

	for (size_t i = 0; i < json_array_size(names); i++)
		for (int k = 0; k < EVPOP_MECHANISM_COUNT; k++)
			if (strcmp(json_string_value(json_array_get(names, i)),
				evpop_mechanism_name(
				    (enum evpop_mechanism)k)) == 0)
				mechanisms |= EVPOP_MECHANISM_BIT(k);
	return mechanisms;
}

/* What the daemon would do; a store without one does not know that. */
static void
doctor_read_section(const char *name, struct subject *subject)
{
	struct diagnosis_account *account = &subject->account;
	const json_t *section = subject->section;
	const json_t *pins = ctl_member(section, "tls_pins");

	account->name = name;
	account->tls = ctl_is(section, "tls", "none")   ? EVPOP_TLS_NONE
		       : ctl_is(section, "tls", "stls") ? EVPOP_TLS_STLS
							: EVPOP_TLS_IMPLICIT;
	account->ca = ctl_text(section, "tls_ca");
	account->cert = ctl_text(section, "tls_cert");
	account->key = ctl_text(section, "tls_key");
	account->proxy = ctl_text(section, "proxy");
	account->source_address = ctl_text(section, "source_address");
	account->mechanisms = doctor_mechanisms(ctl_member(section, "auth"));
	account->allow_cleartext =
	    json_is_true(ctl_member(section, "allow_cleartext"));
	for (size_t i = 0; i < json_array_size(pins) && i < DIAGNOSIS_PINS_MAX;
	     i++)
		account->pins[account->pin_count++] =
		    json_string_value(json_array_get(pins, i));
}

/* What the daemon tells of, but not of what is in it. */
static enum ctl_exit
doctor_check_section(const struct ctl *ctl, const struct subject *subject)
{
	const struct diagnosis_account *account = &subject->account;
	/* Pins stand in for authorities. */
	const char *files[] = { account->pin_count > 0 ? NULL : account->ca,
		account->cert, account->key };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (files[i] == NULL || access(files[i], R_OK) == 0)
			continue;
		ctl_warn(ctl, "%s: %s", files[i], strerror(errno));
		ctl_hint(ctl, "the account needs it: ask as a user who may "
			      "read it, or try sudo");
		return CTL_NO_PERMISSION;
	}
	if (!json_is_true(ctl_member(subject->section, "proxy_has_password")))
		return CTL_OK;
	ctl_warn(ctl, "the account's proxy has a password, which the daemon "
		      "does not tell");
	ctl_hint(ctl, "with --config FILE it is read from the configuration");
	return CTL_NO_PERMISSION;
}

/* As a file has it, with the password. */
static enum ctl_exit
doctor_read_configured(const struct ctl *ctl, const char *path,
    const char *name, struct subject *subject)
{
	struct diagnosis_account *account = &subject->account;
	const struct config_account *section;
	enum ctl_exit code =
	    configured_read(ctl, path, name, &subject->configured);

	if (code != CTL_OK)
		return code;
	section = subject->configured.account;
	subject->host = section->host;
	subject->port = config_account_port(section);
	if (subject->user == NULL)
		subject->user = section->user;
	if (section->provider != NULL)
		subject->provider = config_provider_find(section->provider);
	*account = (struct diagnosis_account){ .name = name,
		.tls = (enum evpop_tls)section->tls,
		.ca = section->tls_ca,
		.cert = section->tls_cert,
		.key = section->tls_key,
		.proxy = section->proxy,
		.source_address = section->source_address,
		.mechanisms = section->auth,
		.allow_cleartext = section->allow_cleartext,
		.is_by_token = section->token_command != NULL };
	while (account->pin_count < section->tls_pin.count &&
	       account->pin_count < DIAGNOSIS_PINS_MAX) {
		account->pins[account->pin_count] =
		    section->tls_pin.items[account->pin_count];
		account->pin_count++;
	}
	return CTL_OK;
}

static enum ctl_exit
doctor_read_account(
    const struct ctl *ctl, const char *name, struct subject *subject)
{
	struct client_error error;
	struct target target;
	json_t *account;

	target_begin(&target, "/v1/accounts/*", name);
	if (!client_ask(ctl, "GET", &target, &account, &error)) {
		enum ctl_exit code;

		subject->is_target =
		    strcmp(error.code, "no_such_account") == 0 &&
		    trial_knows_target(ctl, name);
		if (subject->is_target)
			return CTL_OK;
		code = client_report(ctl, &error);
		if (code == CTL_UNAVAILABLE)
			ctl_hint(ctl, "without a daemon name the host, as "
				      "pop.example.org or localhost:110, or a "
				      "configuration by --config FILE");
		return code;
	}
	snprintf(subject->name, NAME_SIZE, "%s", ctl_text(account, "host"));
	subject->host = subject->name;
	subject->port = (uint16_t)ctl_count(account, "port");
	if (subject->user == NULL)
		subject->user = ctl_text(account, "user");
	subject->section = account;
	if (ctl_text(account, "tls") == NULL)
		return CTL_OK;
	doctor_read_section(name, subject);
	return doctor_check_section(ctl, subject);
}

static bool
doctor_read_password(const struct ctl *ctl, struct subject *subject)
{
	char question[NAME_SIZE];

	(void)snprintf(
	    question, sizeof(question), "Password of %s", subject->user);
	if (keyfile_begin(ctl) == CTL_OK)
		subject->password =
		    keyfile_ask(ctl, STDIN_FILENO, question, "password", false);
	return subject->password != NULL;
}

/* ---- what is said of it ---- */

/* "Label          value", in as many lines as it takes. */
static void
doctor_detail(const struct ctl *ctl, const char *label, const char *value)
{
	char *clean = value != NULL ? text_clean(value, TEXT_ONE_LINE) : NULL;
	size_t taken =
	    strlen(label) > LABEL_WIDTH ? strlen(label) : LABEL_WIDTH;

	if (clean == NULL)
		return;
	fprintf(ctl->out, "%s%-*s%s ", ctl->colour ? "\033[1m" : "",
	    LABEL_WIDTH, label, ctl->colour ? "\033[0m" : "");
	wrap_print_behind(
	    ctl->out, clean, taken + 1, LABEL_WIDTH + 1, ctl->width);
	free(clean);
}

static void
doctor_print_list(const struct ctl *ctl, const char *label, const json_t *list)
{
	struct phrase phrase;

	phrase_begin(&phrase);
	for (size_t i = 0; i < json_array_size(list); i++)
		phrase_add(
		    &phrase, "%s", json_string_value(json_array_get(list, i)));
	if (phrase.length > 0)
		doctor_detail(ctl, label, phrase.text);
}

static void
doctor_print_each(const struct ctl *ctl, const char *label, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		doctor_detail(ctl, i == 0 ? label : "",
		    json_string_value(json_array_get(list, i)));
}

static void
doctor_print_certificate(const struct ctl *ctl, const json_t *certificate)
{
	bool is_own = ctl_count(certificate, "depth") == 0;
	int64_t expires =
	    json_integer_value(ctl_member(certificate, "expires"));
	int64_t days = (expires - evpop_clock_unix_ms() / 1000) / 86400;
	const char *names = ctl_text(certificate, "names");
	struct phrase phrase;
	struct tm parts;
	time_t when = (time_t)expires;
	char date[32] = "?";

	if (gmtime_r(&when, &parts) != NULL)
		strftime(date, sizeof(date), "%Y-%m-%d", &parts);
	phrase_begin(&phrase);
	phrase_add(&phrase, "%s", ctl_text(certificate, "subject"));
	if (days >= 0)
		phrase_add(
		    &phrase, "%lld days left, until %s", (long long)days, date);
	else
		phrase_add(&phrase, "expired %lld days ago, on %s",
		    (long long)-days, date);
	phrase_add(&phrase, "issued by %s", ctl_text(certificate, "issuer"));
	phrase_add(&phrase, "%s", ctl_text(certificate, "key"));
	doctor_detail(ctl, is_own ? "Certificate" : "  above it", phrase.text);
	if (is_own && names != NULL && names[0] != '\0')
		doctor_detail(ctl, "  for", names);
}

static void
doctor_print_times(const struct ctl *ctl, const json_t *way)
{
	static const struct {
		const char *step, *words;
	} steps[] = { { "resolve", "name" }, { "connect", "connection" },
		{ "handshake", "TLS" }, { "greeting", "greeting" },
		{ "login", "log-in" } };
	const json_t *trip = ctl_member(way, "round_trip_milliseconds");
	struct phrase phrase;

	phrase_begin(&phrase);
	if (json_is_real(trip))
		phrase_add(
		    &phrase, "round trip %.1f ms", json_real_value(trip));
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const json_t *took = json_object_get(
		    ctl_member(way, "milliseconds"), steps[i].step);

		if (json_is_integer(took))
			phrase_add(&phrase, "%s %lld ms", steps[i].words,
			    (long long)json_integer_value(took));
	}
	if (phrase.length > 0)
		doctor_detail(ctl, "Times", phrase.text);
}

static void
doctor_print_versions(const struct ctl *ctl, const json_t *versions)
{
	const char *name;
	json_t *takes;
	struct phrase phrase;

	phrase_begin(&phrase);
	json_object_foreach((json_t *)(uintptr_t)versions, name,
	    takes) if (json_is_true(takes)) phrase_add(&phrase, "%s", name);
	if (phrase.length > 0)
		doctor_detail(ctl, "TLS versions", phrase.text);
}

static void
doctor_print_way(const struct ctl *ctl, const json_t *way)
{
	static const char *const words[] = { "TLS", "STLS", "without TLS" };
	const json_t *certificates = ctl_member(way, "certificates");
	const char *error = ctl_text(way, "error");
	const char *reason = ctl_text(way, "certificate_error");
	char heading[64];

	fprintf(ctl->out, "\n");
	snprintf(heading, sizeof(heading), "port %llu, %s",
	    (unsigned long long)ctl_count(way, "port"),
	    words[ctl_is(way, "way", "stls")   ? 1
		  : ctl_is(way, "way", "none") ? 2
					       : 0]);
	doctor_detail(ctl, heading,
	    error != NULL    ? error
	    : reason != NULL ? "works, but its certificate is not trusted"
			     : "works");
	doctor_detail(ctl, "Server", ctl_text(way, "peer"));
	doctor_detail(ctl, "TLS", ctl_text(way, "tls"));
	doctor_print_versions(ctl, ctl_member(way, "tls_versions"));
	for (size_t i = 0; i < json_array_size(certificates); i++)
		doctor_print_certificate(ctl, json_array_get(certificates, i));
	if (json_array_size(certificates) > 0) {
		doctor_detail(ctl, "Verified", reason != NULL ? reason : "yes");
		doctor_detail(ctl, "Pin",
		    ctl_text(json_array_get(certificates, 0), "pin"));
	}
	doctor_print_list(ctl, "Capabilities", ctl_member(way, "capabilities"));
	doctor_print_list(
	    ctl, "  logged in", ctl_member(way, "capabilities_after"));
	doctor_print_list(ctl, "Mechanisms", ctl_member(way, "mechanisms"));
	doctor_detail(ctl, "Log-in by", ctl_text(way, "logged_in"));
	if (json_is_integer(ctl_member(way, "messages"))) {
		struct phrase phrase;

		phrase_begin(&phrase);
		print_form(
		    ctl, "{messages} message{s}|{bytes:size}", way, &phrase);
		doctor_detail(ctl, "Maildrop", phrase.text);
	}
	doctor_print_each(ctl, "Note", ctl_member(way, "quirks"));
	doctor_print_times(ctl, way);
}

static void
doctor_print(const struct ctl *ctl, const json_t *diagnosis)
{
	const json_t *ways = ctl_member(diagnosis, "ways");
	const char *lines = ctl_text(diagnosis, "configuration");

	doctor_detail(ctl, "Host", ctl_text(diagnosis, "host"));
	doctor_print_list(ctl, "Addresses", ctl_member(diagnosis, "addresses"));
	for (size_t i = 0; i < json_array_size(ways); i++)
		doctor_print_way(ctl, json_array_get(ways, i));
	if (json_array_size(ctl_member(diagnosis, "warnings")) > 0)
		fprintf(ctl->out, "\n");
	doctor_print_each(ctl, "Warning", ctl_member(diagnosis, "warnings"));
	if (ctl_text(diagnosis, "authorization.state") != NULL)
		fprintf(ctl->out, "\n");
	tokens_print(ctl, diagnosis, doctor_detail);
	if (lines != NULL)
		fprintf(ctl->out, "\nFor evpopd.conf:\n\n%s", lines);
}

/* What it means that the log-in is refused, and what to do. */
static void
doctor_tell_refusal(const struct ctl *ctl, const struct subject *subject,
    const json_t *diagnosis)
{
	const json_t *ways = ctl_member(diagnosis, "ways");

	for (size_t i = 0; i < json_array_size(ways); i++) {
		const json_t *way = json_array_get(ways, i);

		if (!ctl_is(way, "phase", "login"))
			continue;
		fflush(ctl->out);
		ctl_warn(ctl, "%s refuses the log-in", subject->host);
		refused_hint(ctl, config_refusal_of(ctl_text(way, "error")),
		    subject->user, subject->provider);
		return;
	}
}

/* ---- the command ---- */

/* Why no log-in was tried, and what one could do. */
static void
doctor_tell_of_no_login(
    const struct ctl *ctl, const struct subject *subject, const char *asked)
{
	const struct config_account *configured = subject->configured.account;

	if (subject->logs_in)
		return;
	if (configured != NULL && configured->oauth2 != NULL)
		fprintf(ctl->out,
		    "\nNo log-in was tried: it is by OAuth 2, and the daemon "
		    "has the tokens; %sevpopctl doctor %s, without --config, "
		    "looks at them.\n",
		    ctl_sudo(), asked);
	else if (subject->section != NULL &&
		 ctl_text(subject->section, "authorization.state") == NULL)
		fprintf(ctl->out,
		    "\nNo log-in was tried: %sevpopctl doctor "
		    "--config FILE %s takes the password from the "
		    "configuration, and --login %s asks for it.\n",
		    ctl_sudo(), asked, subject->user);
}

static enum ctl_exit
doctor_look(const struct ctl *ctl, const struct subject *subject,
    const char *asked, enum diagnosis_say say)
{
	const struct secret *secret = subject->password != NULL
					  ? subject->password
					  : subject->configured.secret;
	json_t *diagnosis;
	enum ctl_exit code;

	diagnosis = diagnosis_make(ctl,
	    &(struct diagnosis_request){ .host = subject->host,
		.port = subject->port,
		.user = subject->user,
		.password = secret != NULL ? secret_text(secret) : NULL,
		.asked = asked,
		.account =
		    subject->account.name != NULL ? &subject->account : NULL });
	if (diagnosis == NULL)
		return ctl_no_memory(ctl);
	code = diagnosis_exit(diagnosis);
	/* No log-in was tried: tokens may be what is wrong. */
	if (code == CTL_OK || code == CTL_TROUBLE)
		code = tokens_exit(subject->section) != CTL_OK
			   ? tokens_exit(subject->section)
			   : code;
	if (say == DIAGNOSIS_SAY_ALWAYS || code != CTL_UNAVAILABLE) {
		tokens_add(subject->section, diagnosis);
		if (ctl->json)
			(void)ctl_print_json(ctl, diagnosis);
		else
			doctor_print(ctl, diagnosis);
		if (!ctl->json && code == CTL_NO_PERMISSION)
			doctor_tell_refusal(ctl, subject, diagnosis);
		if (!ctl->json)
			doctor_tell_of_no_login(ctl, subject, asked);
	}
	json_decref(diagnosis);
	return code;
}

/* A provider that has no POP3 at all. */
static enum ctl_exit
doctor_tell_of_none(
    const struct ctl *ctl, const struct config_provider *provider)
{
	ctl_warn(ctl, "%s has no POP3", provider->title);
	ctl_hint(ctl, provider->advice);
	return CTL_UNAVAILABLE;
}

static enum ctl_exit
doctor_tell_of_tried(
    const struct ctl *ctl, const struct finding_search *finding)
{
	if (finding->is_denied)
		ctl_warn(ctl, "%s: the domain says that it has no POP3",
		    finding->domain);
	else if (finding->given_count == 0)
		ctl_warn(ctl,
		    "%s: neither the domain nor a usual name in it has an "
		    "address",
		    finding->domain);
	else
		ctl_warn(
		    ctl, "%s: no POP3 server answers; tried:", finding->domain);
	for (size_t i = 0; i < finding->given_count; i++)
		ctl_hint(ctl, finding->given[i].host);
	if (finding->given_count == 0)
		ctl_hint(ctl, "ask the provider for the name of its POP3 "
			      "server");
	return CTL_UNAVAILABLE;
}

/* The first host that answers, or else what was tried. */
static enum ctl_exit
doctor_look_at_domain(
    const struct ctl *ctl, const char *address, const struct subject *subject)
{
	enum ctl_exit code = CTL_UNAVAILABLE;
	struct subject found = *subject;
	struct finding_server server;
	struct finding_search finding;

	finding_begin(&finding, address, false);
	while (code == CTL_UNAVAILABLE && finding_next(&finding, &server)) {
		if (server.host[0] == '\0')
			return doctor_tell_of_none(ctl, server.provider);
		found.host = server.host;
		found.port = server.port;
		found.provider = server.provider;
		found.user = subject->user != NULL    ? subject->user
			     : server.user[0] != '\0' ? server.user
						      : address;
		code = doctor_look(
		    ctl, &found, address, DIAGNOSIS_SAY_WHEN_REACHED);
	}
	return code != CTL_UNAVAILABLE ? code
				       : doctor_tell_of_tried(ctl, &finding);
}

static enum ctl_exit
doctor_read_subject(const struct ctl *ctl, const struct invocation *invocation,
    struct subject *subject)
{
	const char *asked = invocation->arguments[0];
	const char *file = command_value(invocation, "config");
	struct mailhost host;

	if (file != NULL)
		return doctor_read_configured(ctl, file, asked, subject);
	if (strchr(asked, '@') != NULL)
		return CTL_OK;
	if (strpbrk(asked, ".:") == NULL && strcmp(asked, "localhost") != 0)
		return doctor_read_account(ctl, asked, subject);
	if (mailhosts_read(asked, &host)) {
		memcpy(subject->name, host.name, sizeof(host.name));
		subject->host = subject->name;
		subject->port = host.port;
		return CTL_OK;
	}
	ctl_warn(ctl, "doctor: \"%s\" is no host", asked);
	ctl_hint(ctl, "as pop.example.org, pop.example.org:995 or "
		      "[2001:db8::1]:110");
	return CTL_USAGE;
}

/* The daemon tries it, with what the configuration says. */
static enum ctl_exit
doctor_run_on_target(const struct ctl *ctl, const struct invocation *invocation)
{
	const char *wrong = command_given(invocation, "login")    ? "login"
			    : command_given(invocation, "config") ? "config"
								  : NULL;

	if (wrong == NULL)
		return trial_run(ctl, invocation->arguments[0]);
	ctl_warn(ctl, "doctor: --%s is not for targets", wrong);
	ctl_hint(ctl, "the daemon tries a target, as its configuration says");
	return CTL_USAGE;
}

enum ctl_exit
doctor_run(const struct ctl *ctl, const struct invocation *invocation)
{
	const char *asked = invocation->arguments[0];
	struct subject subject = { .user = command_value(invocation, "login"),
		.logs_in = command_value(invocation, "login") != NULL };
	enum ctl_exit code;
	bool is_address = strchr(asked, '@') != NULL &&
			  command_value(invocation, "config") == NULL;

	if (command_given(invocation, "target") || trial_is_of_target(asked))
		return doctor_run_on_target(ctl, invocation);
	if (is_address && !finding_is_address(asked)) {
		ctl_warn(ctl, "doctor: \"%s\" is no address", asked);
		return CTL_USAGE;
	}
	code = doctor_read_subject(ctl, invocation, &subject);
	if (code == CTL_OK && subject.is_target)
		return doctor_run_on_target(ctl, invocation);
	if (code == CTL_OK && subject.logs_in &&
	    !doctor_read_password(ctl, &subject))
		code = CTL_USAGE;
	if (code == CTL_OK)
		code = is_address ? doctor_look_at_domain(ctl, asked, &subject)
				  : doctor_look(ctl, &subject, asked,
					DIAGNOSIS_SAY_ALWAYS);
	secret_free(&subject.password);
	configured_free(&subject.configured);
	json_decref(subject.section);
	return code;
}
