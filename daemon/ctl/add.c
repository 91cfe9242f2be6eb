#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/ctl/accountfile.h"
#include "daemon/ctl/add_client.h"
#include "daemon/ctl/add_login.h"
#include "daemon/ctl/add_section.h"
#include "daemon/ctl/add_server.h"
#include "daemon/ctl/ask.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/configured.h"
#include "daemon/ctl/consent.h"
#include "daemon/ctl/keyfile.h"
#include "daemon/ctl/print.h"

/* What becomes an account. */
struct adding {
	const struct ctl *ctl;
	const struct invocation *invocation;
	const char *address, *name, *config_path;
	bool is_terminal; /* there is somebody to ask for the password */
	bool asks;        /* and for the rest */
	struct config *config;
	char *path;
	struct add_server found;
	struct add_login login;
	struct add_client client;
	char keep[ASK_LINE];
	bool is_baseline;
};

static const char *
adding_value(const struct adding *adding, const char *option)
{
	return command_value(adding->invocation, option);
}

static bool
adding_given(const struct adding *adding, const char *option)
{
	return command_given(adding->invocation, option);
}

/* The daemon's key, if it has one. */
static const char *
adding_key_file(const struct adding *adding)
{
	const char *given = adding_value(adding, "key");

	return given != NULL ? given : config_key_file(adding->config);
}

/* ---- before anything is asked of anybody ---- */

/* As the configuration takes it; a file's name, too. */
static bool
adding_is_name(const char *text)
{
	return *text != '\0' && *text != '.' && strlen(text) <= 128 &&
	       text[strspn(text,
		   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		   "0123456789._-@+")] == '\0';
}

static bool
adding_is_keep(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return strcmp(text, "forever") == 0 || strcmp(text, "delete") == 0 ||
	       strcmp(text, "until-delivered") == 0 ||
	       (digits > 0 && text[digits] != '\0' &&
		   strchr("hdw", text[digits]) != NULL &&
		   text[digits + 1] == '\0');
}

/* One source of the password, or somebody to ask. */
static enum ctl_exit
adding_check_sources(const struct adding *adding)
{
	static const char *const sources[] = { "password-fd", "password-file",
		"password-command" };
	const struct ctl *ctl = adding->ctl;
	const char *first = NULL;

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		if (!adding_given(adding, sources[i]))
			continue;
		if (first != NULL) {
			ctl_warn(
			    ctl, "add: either --%s or --%s", first, sources[i]);
			return CTL_USAGE;
		}
		first = sources[i];
	}
	if (first != NULL || adding->is_terminal ||
	    adding_given(adding, "dry-run"))
		return CTL_OK;
	ctl_warn(ctl, "add: there is no terminal to ask for the password");
	ctl_hint(ctl, "--password-fd 0 reads it from standard input; "
		      "--password-file and --password-command are other ways");
	return CTL_USAGE;
}

static enum ctl_exit
adding_check_line(const struct adding *adding)
{
	const struct ctl *ctl = adding->ctl;

	if (!finding_is_address(adding->address)) {
		ctl_warn(ctl, "add: \"%s\" is no address", adding->address);
		ctl_hint(ctl, "as anna@example.org");
		return CTL_USAGE;
	}
	if (!adding_is_name(adding->name)) {
		ctl_warn(ctl,
		    "add: \"%s\" cannot be the name of an account: expected "
		    "at most 128 letters, digits and . _ - @ +",
		    adding->name);
		ctl_hint(ctl, "--name gives it another one");
		return CTL_USAGE;
	}
	if (adding_given(adding, "keep") &&
	    !adding_is_keep(adding_value(adding, "keep"))) {
		ctl_warn(ctl, "add: --keep: invalid \"%s\"",
		    adding_value(adding, "keep"));
		ctl_hint(ctl, "forever, delete, until-delivered, or an age "
			      "such as 14d");
		return CTL_USAGE;
	}
	if (adding_given(adding, "server") &&
	    adding_given(adding, "provider")) {
		ctl_warn(ctl, "add: either --server or --provider");
		return CTL_USAGE;
	}
	if (adding_given(adding, "tls") && !adding_given(adding, "server")) {
		ctl_warn(ctl, "add: --tls needs --server");
		return CTL_USAGE;
	}
	return adding_check_sources(adding);
}

static enum ctl_exit
adding_read_config(struct adding *adding)
{
	const struct ctl *ctl = adding->ctl;
	const struct config_account *account;
	enum ctl_exit code;

	adding->config = accountfile_config(ctl, adding->config_path, &code);
	if (adding->config == NULL)
		return code;
	account = config_find(adding->config, adding->name);
	if (account != NULL) {
		ctl_warn(ctl, "there is an account \"%s\" already (%s:%u)",
		    adding->name, account->file, account->line);
		ctl_hint(ctl, "--name gives this one another name; \"evpopctl "
			      "remove\" takes that one away");
		return CTL_CONFIG;
	}
	adding->path = accountfile_path(
	    ctl, adding->config, adding->config_path, adding->name, &code);
	return code;
}

/* Whose mail is fetched already would come twice. */
static enum ctl_exit
adding_check_twice(const struct adding *adding)
{
	for (size_t i = 0; i < adding->config->account_count; i++) {
		const struct config_account *account =
		    adding->config->accounts[i];

		if (strcasecmp(account->host, adding->found.server.host) != 0 ||
		    strcmp(account->user, adding->login.user) != 0)
			continue;
		ctl_warn(adding->ctl,
		    "account \"%s\" (%s:%u) fetches this mail already",
		    account->name, account->file, account->line);
		return CTL_CONFIG;
	}
	return CTL_OK;
}

/* ---- the server ---- */

static enum ctl_exit
adding_stop(const struct adding *adding)
{
	ctl_warn(adding->ctl, "nothing was added");
	return CTL_TROUBLE;
}

/* What only the name service says must be agreed to (RFC 6186, section 4). */
static enum ctl_exit
adding_agree_to_server(const struct adding *adding)
{
	const struct finding_server *server = &adding->found.server;
	const struct ctl *ctl = adding->ctl;
	char text[FINDING_TEXT + 160];

	if (server->is_foreign) {
		ctl_warn(ctl, "%s is outside of %s", server->host,
		    strrchr(adding->address, '@') + 1);
		ctl_hint(ctl, "only an SRV record names it, and nobody vouches "
			      "for that");
	}
	if (adding->asks)
		return ask_yes(ctl, "Is this the server",
			   server->is_foreign ? ASK_NO : ASK_YES) == ASK_YES
			   ? CTL_OK
			   : adding_stop(adding);
	if (!server->is_foreign)
		return CTL_OK;
	(void)snprintf(text, sizeof(text),
	    "if it is right, say so: --server %s:%u", server->host,
	    server->port);
	ctl_hint(ctl, text);
	return CTL_NO_PERMISSION;
}

static enum ctl_exit
adding_find_server(struct adding *adding)
{
	const struct ctl *ctl = adding->ctl;
	const struct add_wish wish = { .address = adding->address,
		.server = adding_value(adding, "server"),
		.tls = adding_value(adding, "tls"),
		.provider = adding_value(adding, "provider"),
		.asks_list = adding_given(adding, "list") };
	enum ctl_exit code = add_server_find(ctl, &wish, &adding->found);

	if (code != CTL_OK)
		return code;
	if (!ctl->json) {
		add_server_print(ctl, &adding->found);
		fflush(ctl->out);
	}
	return adding_agree_to_server(adding);
}

/* ---- the log-in ---- */

/* By OAuth 2, where it was asked for, or where passwords are not taken. */
static enum ctl_exit
adding_take_client(struct adding *adding)
{
	const struct add_client_wish wish = { .id = adding_value(
						  adding, "client-id"),
		.secret_fd = adding_value(adding, "client-secret-fd"),
		.flow = adding_value(adding, "flow"),
		.has_password = adding_given(adding, "password-fd") ||
				adding_given(adding, "password-file") ||
				adding_given(adding, "password-command"),
		.asks = adding->is_terminal };

	return add_client_take(
	    adding->ctl, &wish, adding->found.server.provider, &adding->client);
}

static enum ctl_exit
adding_log_in(struct adding *adding)
{
	const struct add_login_wish wish = { .address = adding->address,
		.user = adding_value(adding, "login"),
		.fd = adding_value(adding, "password-fd"),
		.asks = adding->is_terminal };
	enum ctl_exit code =
	    add_login_user(&wish, &adding->found.server, &adding->login);

	if (code == CTL_OK)
		code = adding_check_twice(adding);
	if (code == CTL_OK && !adding_given(adding, "dry-run"))
		code = adding_take_client(adding);
	if (code != CTL_OK || adding_given(adding, "dry-run") ||
	    adding->client.id[0] != '\0' ||
	    adding_given(adding, "password-file") ||
	    adding_given(adding, "password-command"))
		return code;
	code = add_login_run(
	    adding->ctl, &wish, &adding->found.server, &adding->login);
	/* The user name may be another one now. */
	return code == CTL_OK ? adding_check_twice(adding) : code;
}

/* ---- what becomes of the mail ---- */

static enum ctl_exit
adding_ask_keep(struct adding *adding)
{
	const char *given = adding_value(adding, "keep");

	(void)snprintf(adding->keep, sizeof(adding->keep), "%s",
	    given != NULL ? given : "forever");
	while (given == NULL && adding->asks) {
		if (!ask_line(adding->ctl,
			"Keep mail on the server: forever, delete, or an "
			"age such as 14d",
			"forever", adding->keep))
			return adding_stop(adding);
		if (adding_is_keep(adding->keep))
			return CTL_OK;
	}
	return CTL_OK;
}

static enum ctl_exit
adding_ask_baseline(struct adding *adding)
{
	struct phrase question;
	enum ask_answer answer;

	adding->is_baseline = adding_given(adding, "baseline");
	if (adding->is_baseline || !adding->asks || adding->login.messages == 0)
		return CTL_OK;
	phrase_begin(&question);
	phrase_add(&question, "Fetch the %llu message%s that %s there",
	    (unsigned long long)adding->login.messages,
	    adding->login.messages == 1 ? "" : "s",
	    adding->login.messages == 1 ? "is" : "are");
	answer = ask_yes(adding->ctl, question.text, ASK_YES);
	adding->is_baseline = answer == ASK_NO;
	return answer == ASK_END ? adding_stop(adding) : CTL_OK;
}

/* ---- the file ---- */

/* For free() after it is wiped; NULL, with the code. */
static char *
adding_section(
    const struct adding *adding, size_t *length_r, enum ctl_exit *code_r)
{
	const struct add_section section = { .name = adding->name,
		.server = &adding->found.server,
		.user = adding->login.user,
		.password = adding->login.password,
		.password_file = adding_value(adding, "password-file"),
		.password_command = adding_value(adding, "password-command"),
		.client = &adding->client,
		.key_file = adding_key_file(adding),
		.keep = adding->keep,
		.is_baseline = adding->is_baseline,
		.deliver = adding_value(adding, "deliver"),
		.invocation = adding->invocation };

	return add_section_text(adding->ctl, &section, length_r, code_r);
}

static void
adding_say_where(const struct adding *adding)
{
	const struct ctl *ctl = adding->ctl;
	bool is_clear =
	    adding->login.password != NULL && adding_key_file(adding) == NULL;

	if (ctl->json)
		return;
	print_detail(ctl, "Written to", adding->path);
	print_detail(ctl, "Password",
	    is_clear
		? "in that file, which only evpopd may read; with key_file "
		  "in [daemon] it is sealed"
	    : adding->login.password != NULL ? "sealed in that file"
					     : NULL);
}

/*
 * A password that comes from elsewhere is tried as the daemon will have it.
 */
static enum ctl_exit
adding_try_as_configured(struct adding *adding)
{
	struct configured configured;
	enum ctl_exit code;

	if (adding->login.password != NULL || adding->client.id[0] != '\0')
		return CTL_OK;
	code = configured_read(
	    adding->ctl, adding->config_path, adding->name, &configured);
	if (code != CTL_OK)
		return code;
	code = add_login_try(adding->ctl, &adding->found.server,
	    configured.secret, &adding->login);
	configured_free(&configured);
	return code;
}

/* ---- the daemon ---- */

static enum ctl_exit
adding_reload(const struct adding *adding, bool *is_refused_r)
{
	const struct ctl *ctl = adding->ctl;
	struct client_error error;
	struct target target;
	json_t *answer;
	enum ctl_exit code;

	target_begin(&target, "/v1/reload", NULL);
	*is_refused_r = false;
	if (client_ask(ctl, "POST", &target, &answer, &error)) {
		json_decref(answer);
		return CTL_OK;
	}
	*is_refused_r = error.exit == CTL_CONFIG;
	code = client_report(ctl, &error);
	if (code == CTL_UNAVAILABLE)
		ctl_hint(ctl, "the account is written: evpopd polls it once it "
			      "is started");
	return code;
}

static void
adding_say_how_to_go_on(const struct adding *adding)
{
	char text[2 * FINDING_TEXT];

	if (adding->ctl->json)
		return;
	(void)snprintf(text, sizeof(text),
	    "is asked for now; \"%sevpopctl oauth %s\" asks again, and "
	    "\"%sevpopctl remove %s\" takes the account away",
	    ctl_sudo(), adding->name, ctl_sudo(), adding->name);
	print_detail(adding->ctl, "Your consent", text);
	fflush(adding->ctl->out);
}

static enum ctl_exit
adding_poll(const struct adding *adding)
{
	const struct ctl *ctl = adding->ctl;
	char text[FINDING_TEXT + 64];
	const struct consent_wish wish = {
		.account = adding->name, .opens_browser = true, .polls = true
	};
	bool needs_consent = adding->client.id[0] != '\0' &&
			     !add_client_is_alone(&adding->client);
	enum ctl_exit code;

	/* Said before, for whoever is interrupted. */
	if (needs_consent)
		adding_say_how_to_go_on(adding);
	code = needs_consent ? consent_take(ctl, &wish)
			     : poll_wait_next(ctl, adding->name, NULL);
	if (needs_consent && code != CTL_OK)
		ctl_hint(ctl, "the account is there, and waits for a consent");
	if (code == CTL_NOT_FOUND) {
		ctl_hint(ctl, "the daemon reads another configuration: "
			      "--config names it");
		return code;
	}
	if (ctl->json || code != CTL_OK)
		return code;
	(void)snprintf(text, sizeof(text), "%sevpopctl messages --account %s",
	    ctl_sudo(), adding->name);
	print_detail(ctl, "Its mail", text);
	return code;
}

/* Nothing stays of an account that cannot work. */
static enum ctl_exit
adding_finish(struct adding *adding, const char *text)
{
	const struct ctl *ctl = adding->ctl;
	enum ctl_exit code = accountfile_write(
	    ctl, adding->config, adding->config_path, adding->path, text);
	bool is_refused = true;

	if (code != CTL_OK)
		return code;
	code = adding_try_as_configured(adding);
	if (code == CTL_OK && !adding_given(adding, "no-poll"))
		code = adding_reload(adding, &is_refused);
	else if (code == CTL_OK)
		is_refused = false;
	if (code != CTL_OK && is_refused) {
		ctl_keep_first(&code, accountfile_remove(ctl, adding->path));
		return code;
	}
	adding_say_where(adding);
	fflush(ctl->out);
	if (code != CTL_OK || adding_given(adding, "no-poll"))
		return code;
	return adding_poll(adding);
}

/* ---- the command ---- */

/* Only what would be written, to `out`. */
static enum ctl_exit
adding_show(const struct adding *adding, const char *text)
{
	const struct ctl *ctl = adding->ctl;
	const struct finding_server *server = &adding->found.server;
	enum ctl_exit code;
	json_t *json;

	if (!ctl->json) {
		fprintf(ctl->out, "\n%s:\n\n%s", adding->path, text);
		return CTL_OK;
	}
	json = json_pack("{s:s,s:s,s:i,s:s,s:s,s:s,s:s?,s:s,s:s}", "account",
	    adding->name, "host", server->host, "port", (int)server->port,
	    "tls", server->tls == EVPOP_TLS_STLS ? "stls" : "implicit", "user",
	    adding->login.user, "found_by", adding->found.words, "provider",
	    server->provider != NULL ? server->provider->name : NULL, "file",
	    adding->path, "section", text);
	if (json == NULL)
		return ctl_no_memory(ctl);
	code = ctl_print_json(ctl, json);
	json_decref(json);
	return code;
}

static enum ctl_exit
adding_run(struct adding *adding)
{
	enum ctl_exit code = adding_check_line(adding);
	size_t length = 0;
	char *text = NULL;

	if (code == CTL_OK)
		code = keyfile_begin(adding->ctl);
	if (code == CTL_OK)
		code = adding_read_config(adding);
	if (code == CTL_OK)
		code = adding_find_server(adding);
	if (code == CTL_OK)
		code = adding_log_in(adding);
	if (code == CTL_OK)
		code = adding_ask_keep(adding);
	if (code == CTL_OK)
		code = adding_ask_baseline(adding);
	if (code == CTL_OK)
		text = adding_section(adding, &length, &code);
	if (code == CTL_OK)
		code = adding_given(adding, "dry-run")
			   ? adding_show(adding, text)
			   : adding_finish(adding, text);
	if (text != NULL)
		explicit_bzero(text, length);
	free(text);
	return code;
}

enum ctl_exit
add_run(const struct ctl *ctl, const struct invocation *invocation)
{
	struct adding adding = { .ctl = ctl,
		.invocation = invocation,
		.address = invocation->arguments[0],
		.name = command_value(invocation, "name"),
		.config_path = command_value(invocation, "config"),
		.is_terminal = ask_is_possible(ctl) };
	enum ctl_exit code;

	adding.asks = adding.is_terminal && !command_given(invocation, "yes");
	if (adding.name == NULL)
		adding.name = adding.address;
	if (adding.config_path == NULL)
		adding.config_path = ACCOUNTFILE_CONFIG;
	code = adding_run(&adding);
	json_decref(adding.found.way);
	secret_free(&adding.login.password);
	add_client_free(&adding.client);
	config_free(&adding.config);
	free(adding.path);
	return code;
}
