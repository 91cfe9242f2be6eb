#include <evpop/client.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/diagnosis.h"
#include "daemon/ctl/mailhosts.h"
#include "daemon/ctl/print.h"
#include "daemon/ctl/text.h"
#include "daemon/ctl/wrap.h"
#include "lib/base/clock.h"

#define NAME_SIZE     256
#define PASSWORD_SIZE 1024
#define LABEL_WIDTH   16

struct subject {
	const char *host;
	char name[NAME_SIZE];             /* where it is not borrowed */
	json_t *section;                  /* of an account; or NULL */
	struct diagnosis_account account; /* likewise */
	uint16_t port;                    /* 0: the usual ones */
	const char *user;
	bool logs_in;
	char password[PASSWORD_SIZE]; /* "": no log-in */
};

/* ---- whom to look at ---- */

/* "HOST", "HOST:PORT", "ADDRESS" or "[ADDRESS]:PORT". */
static bool
doctor_read_host(const char *text, struct subject *subject)
{
	struct evpop_result ignored;
	const char *colon = strrchr(text, ':');
	size_t length = strlen(text);
	char *end;
	unsigned long port;

	if (colon != NULL && !evpop_address_check(text, &ignored)) {
		port = strtoul(colon + 1, &end, 10);
		if (end == colon + 1 || *end != '\0' || port < 1 ||
		    port > 65535)
			return false;
		subject->port = (uint16_t)port;
		length = (size_t)(colon - text);
	}
	if (length > 1 && text[0] == '[' && text[length - 1] == ']') {
		text++;
		length -= 2;
	}
	if (length == 0 || length >= NAME_SIZE)
		return false;
	memcpy(subject->name, text, length);
	subject->name[length] = '\0';
	subject->host = subject->name;
	return evpop_host_check(subject->host, &ignored);
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
	for (size_t i = 0; i < json_array_size(pins) && i < DIAGNOSIS_PINS_MAX;
	     i++)
		account->pins[account->pin_count++] =
		    json_string_value(json_array_get(pins, i));
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
		enum ctl_exit code = client_report(ctl, &error);

		if (code == CTL_UNAVAILABLE)
			ctl_hint(ctl, "without a daemon name the host, as "
				      "pop.example.org or localhost:110");
		return code;
	}
	snprintf(subject->name, NAME_SIZE, "%s", ctl_text(account, "host"));
	subject->host = subject->name;
	subject->port = (uint16_t)ctl_count(account, "port");
	if (subject->user == NULL)
		subject->user = ctl_text(account, "user");
	subject->section = account;
	if (ctl_text(account, "tls") != NULL)
		doctor_read_section(name, subject);
	return CTL_OK;
}

/* The line of standard input, without an echo where that is a terminal. */
static bool
doctor_read_password(const struct ctl *ctl, struct subject *subject)
{
	struct termios before, silent;
	bool is_terminal = tcgetattr(STDIN_FILENO, &before) == 0;
	bool done;

	if (is_terminal) {
		fprintf(ctl->err, "Password of %s: ", subject->user);
		fflush(ctl->err);
		silent = before;
		silent.c_lflag &= ~(tcflag_t)ECHO;
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	}
	done = fgets(subject->password, PASSWORD_SIZE, stdin) != NULL;
	if (is_terminal) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		fprintf(ctl->err, "\n");
	}
	subject->password[strcspn(subject->password, "\r\n")] = '\0';
	if (done && subject->password[0] != '\0')
		return true;
	ctl_warn(ctl, "doctor: no password on standard input");
	return false;
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
	if (lines != NULL)
		fprintf(ctl->out, "\nFor evpopd.conf:\n\n%s", lines);
}

/* ---- the command ---- */

static enum ctl_exit
doctor_look(const struct ctl *ctl, const struct subject *subject,
    const char *asked, enum diagnosis_say say)
{
	json_t *diagnosis;
	enum ctl_exit code;

	diagnosis = diagnosis_make(ctl,
	    &(struct diagnosis_request){ .host = subject->host,
		.port = subject->port,
		.user = subject->user,
		.password =
		    subject->password[0] != '\0' ? subject->password : NULL,
		.asked = asked,
		.account =
		    subject->account.name != NULL ? &subject->account : NULL });
	if (diagnosis == NULL)
		return ctl_no_memory(ctl);
	code = diagnosis_exit(diagnosis);
	if (say == DIAGNOSIS_SAY_ALWAYS || code != CTL_UNAVAILABLE) {
		if (ctl->json)
			(void)ctl_print_json(ctl, diagnosis);
		else
			doctor_print(ctl, diagnosis);
		if (!ctl->json && subject->section != NULL && !subject->logs_in)
			fprintf(ctl->out,
			    "\nNo log-in was tried: evpopctl doctor %s "
			    "--login %s asks for the password.\n",
			    asked, subject->user);
	}
	json_decref(diagnosis);
	return code;
}

/* The first host that answers, or else what is wrong with the first. */
static enum ctl_exit
doctor_look_at_domain(
    const struct ctl *ctl, const char *address, struct subject *subject)
{
	const char *domain = strrchr(address, '@') + 1;
	struct mailhost hosts[MAILHOSTS_MAX];
	size_t count = mailhosts_find(domain, hosts);
	enum ctl_exit code = CTL_UNAVAILABLE;

	if (count == 0) {
		ctl_warn(ctl,
		    "%s: neither the domain nor a usual name in it "
		    "has an address",
		    domain);
		ctl_hint(ctl, "ask the provider for the name of its POP3 "
			      "server");
		return CTL_UNAVAILABLE;
	}
	if (subject->user == NULL)
		subject->user = address;
	for (size_t i = 0; code == CTL_UNAVAILABLE && i < count; i++) {
		subject->host = hosts[i].name;
		subject->port = hosts[i].port;
		code = doctor_look(
		    ctl, subject, address, DIAGNOSIS_SAY_WHEN_REACHED);
	}
	subject->host = NULL; /* they are ours */
	if (code != CTL_UNAVAILABLE)
		return code;
	ctl_warn(ctl, "%s: no POP3 server answers; tried:", domain);
	for (size_t i = 0; i < count; i++)
		ctl_hint(ctl, hosts[i].name);
	return CTL_UNAVAILABLE;
}

enum ctl_exit
doctor_run(const struct ctl *ctl, const struct invocation *invocation)
{
	const char *asked = invocation->arguments[0];
	struct subject subject = { .user = command_value(invocation, "login"),
		.logs_in = command_value(invocation, "login") != NULL };
	enum ctl_exit code = CTL_OK;
	bool is_address = strchr(asked, '@') != NULL;

	if (is_address && strrchr(asked, '@')[1] == '\0') {
		ctl_warn(ctl, "doctor: \"%s\" is no address", asked);
		return CTL_USAGE;
	}
	if (!is_address && strpbrk(asked, ".:") == NULL &&
	    strcmp(asked, "localhost") != 0)
		code = doctor_read_account(ctl, asked, &subject);
	else if (!is_address && !doctor_read_host(asked, &subject)) {
		ctl_warn(ctl, "doctor: \"%s\" is no host", asked);
		ctl_hint(ctl, "as pop.example.org, pop.example.org:995 or "
			      "[2001:db8::1]:110");
		code = CTL_USAGE;
	}
	if (code != CTL_OK)
		return code;
	if (subject.logs_in && !doctor_read_password(ctl, &subject)) {
		json_decref(subject.section);
		return CTL_USAGE;
	}
	code = is_address
		   ? doctor_look_at_domain(ctl, asked, &subject)
		   : doctor_look(ctl, &subject, asked, DIAGNOSIS_SAY_ALWAYS);
	explicit_bzero(subject.password, sizeof(subject.password));
	json_decref(subject.section);
	return code;
}
