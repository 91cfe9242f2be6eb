#include "daemon/ctl/consent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/ctl/ask.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/print.h"
#include "daemon/ctl/redirect.h"

extern char **environ;

/* Nobody takes longer to log in by a browser. */
#define BROWSER_MS 900000

static const struct timespec look_interval = { 1, 0 };

/* ---- the daemon ---- */

/* Of an account, or of "target:NAME". */
static void
consent_aim(struct target *target, bool authorizes, const char *name)
{
	static const char prefix[] = "target:";

	if (strncmp(name, prefix, strlen(prefix)) == 0)
		target_begin(target,
		    authorizes ? "/v1/targets/*/authorize" : "/v1/targets/*",
		    name + strlen(prefix));
	else
		target_begin(target,
		    authorizes ? "/v1/accounts/*/authorize" : "/v1/accounts/*",
		    name);
}

/* POST .../authorize with these members, which are released. */
static bool
consent_post(const struct ctl *ctl, const char *account, json_t *members,
    json_t **answer_r, struct client_error *error_r)
{
	char *text = members != NULL ? json_dumps(members, JSON_COMPACT) : NULL;
	struct target target;
	bool is_done = false;

	json_decref(members);
	if (text == NULL) {
		client_fail(error_r, CTL_TEMPORARY, NULL, "out of memory");
		return false;
	}
	consent_aim(&target, true, account);
	is_done = client_send(ctl, &target, "application/json", text,
	    strlen(text), answer_r, error_r);
	/* A code is as good as a password for a minute. */
	explicit_bzero(text, strlen(text));
	free(text);
	return is_done;
}

/* What the provider refuses is no error in the configuration. */
static enum ctl_exit
consent_report(const struct ctl *ctl, const struct client_error *error)
{
	enum ctl_exit code = client_report(ctl, error);

	return strcmp(error->code, "authorization_failed") == 0
		   ? CTL_NO_PERMISSION
		   : code;
}

static bool
consent_ask_account(const struct ctl *ctl, const char *account, json_t **json_r,
    struct client_error *error_r)
{
	struct target target;

	consent_aim(&target, false, account);
	return client_ask(ctl, "GET", &target, json_r, error_r);
}

/* ---- a device ---- */

static void
consent_print_device(const struct ctl *ctl, const json_t *answer)
{
	if (ctl->json) {
		(void)ctl_print_json(ctl, answer);
	} else {
		print_detail(ctl, "Open", ctl_text(answer, "verification_uri"));
		print_detail(ctl, "Type", ctl_text(answer, "user_code"));
		print_detail(ctl, "Or open",
		    ctl_text(answer, "verification_uri_complete"));
	}
	fflush(ctl->out);
}

/* CTL_TEMPORARY: the user is still asked. */
static enum ctl_exit
consent_look(const struct ctl *ctl, const char *account)
{
	struct client_error error;
	enum ctl_exit code = CTL_OK;
	const json_t *authorization;
	json_t *shown;

	if (!consent_ask_account(ctl, account, &shown, &error))
		return client_report(ctl, &error);
	authorization = ctl_member(shown, "authorization");
	if (ctl_is(authorization, "state", "pending")) {
		code = CTL_TEMPORARY;
	} else if (!ctl_is(authorization, "state", "ready") &&
		   !ctl_is(authorization, "state", "fresh") &&
		   !ctl_is(authorization, "state", "near-expiry")) {
		const char *text = ctl_text(authorization, "text");

		ctl_warn(ctl, "%s: %s", account,
		    text != NULL ? text : "there is no consent");
		ctl_hint(ctl, ctl_text(authorization, "advice"));
		code = CTL_NO_PERMISSION;
	}
	json_decref(shown);
	return code;
}

static enum ctl_exit
consent_by_device(const struct ctl *ctl, const char *account)
{
	struct client_error error;
	enum ctl_exit code;
	json_t *answer;

	if (!consent_post(ctl, account, json_pack("{s:s}", "flow", "device"),
		&answer, &error))
		return consent_report(ctl, &error);
	consent_print_device(ctl, answer);
	json_decref(answer);
	/* The daemon knows how long the user may take. */
	do {
		progress_show(ctl, "Waiting for your consent", 0, 0, "");
		nanosleep(&look_interval, NULL);
		progress_clear(ctl);
		code = consent_look(ctl, account);
	} while (code == CTL_TEMPORARY);
	return code;
}

/* ---- a browser ---- */

static void
consent_open_browser(const char *url)
{
	char program[] = "xdg-open", address[4096];
	char *const words[] = { program, address, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t signals;
	pid_t pid;

	/* No web page is read as root. */
	if (geteuid() == 0 ||
	    (getenv("DISPLAY") == NULL && getenv("WAYLAND_DISPLAY") == NULL) ||
	    strncmp(url, "http", 4) != 0 ||
	    (size_t)snprintf(address, sizeof(address), "%s", url) >=
		sizeof(address) ||
	    posix_spawn_file_actions_init(&actions) != 0)
		return;
	if (posix_spawnattr_init(&attributes) == 0) {
		(void)sigemptyset(&signals);
		(void)sigaddset(&signals, SIGPIPE);
		(void)sigaddset(&signals, SIGXFSZ);
		(void)posix_spawnattr_setsigdefault(&attributes, &signals);
		(void)posix_spawnattr_setflags(
		    &attributes, POSIX_SPAWN_SETSIGDEF);
		/* What it says is not for here. */
		for (int fd = 0; fd <= STDERR_FILENO; fd++)
			(void)posix_spawn_file_actions_addopen(
			    &actions, fd, "/dev/null", O_RDWR, 0);
		/* The address stands there for whom this does not work. */
		(void)posix_spawnp(
		    &pid, program, &actions, &attributes, words, environ);
		(void)posix_spawnattr_destroy(&attributes);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
}

static enum ctl_exit
consent_wait_for_browser(const struct ctl *ctl, struct redirect *redirect,
    const char *state, struct redirect_answer *answer_r)
{
	bool takes_lines = ask_is_possible(ctl);
	enum redirect_end end;

	do {
		end = redirect_wait(
		    redirect, state, BROWSER_MS, takes_lines, answer_r);
		if (end == REDIRECT_OTHER)
			ctl_hint(ctl, "that is not the address at which the "
				      "browser ended");
	} while (end == REDIRECT_OTHER);
	if (end == REDIRECT_ANSWERED && answer_r->code[0] != '\0')
		return CTL_OK;
	if (end == REDIRECT_ANSWERED)
		ctl_warn(ctl, "there is no consent: %s", answer_r->error);
	else
		ctl_warn(ctl, "nobody has consented%s",
		    end == REDIRECT_TIMEOUT ? " in time" : "");
	return CTL_NO_PERMISSION;
}

static enum ctl_exit
consent_finish_code(const struct ctl *ctl, const char *account,
    struct redirect *redirect, const char *state)
{
	struct redirect_answer *answer = calloc(1, sizeof(*answer));
	struct client_error error;
	enum ctl_exit code;
	json_t *done;

	if (answer == NULL)
		return ctl_no_memory(ctl);
	code = consent_wait_for_browser(ctl, redirect, state, answer);
	if (code == CTL_OK &&
	    !consent_post(ctl, account,
		json_pack("{s:s,s:s}", "code", answer->code, "state", state),
		&done, &error))
		code = consent_report(ctl, &error);
	else if (code == CTL_OK)
		json_decref(done);
	redirect_finish(redirect, code == CTL_OK);
	explicit_bzero(answer, sizeof(*answer));
	free(answer);
	return code;
}

static void
consent_print_url(const struct ctl *ctl, const json_t *answer)
{
	if (ctl->json)
		(void)ctl_print_json(ctl, answer);
	else
		print_detail(
		    ctl, "Open", ctl_text(answer, "authorization_url"));
	if (ask_is_possible(ctl))
		print_detail(ctl, "",
		    "or where the browser runs on another machine: when it "
		    "ends at a page that does not open, paste its address "
		    "here");
	fflush(ctl->out);
}

static enum ctl_exit
consent_by_code(const struct ctl *ctl, const struct consent_wish *wish)
{
	char state[REDIRECT_TEXT];
	unsigned long port = 0;
	struct client_error error;
	struct redirect *redirect;
	enum ctl_exit code;
	const char *url;
	json_t *answer;

	if (wish->port != NULL) {
		char *end;

		port = strtoul(wish->port, &end, 10);
		if (*wish->port < '0' || *wish->port > '9' || *end != '\0' ||
		    port > 65535) {
			ctl_warn(ctl, "invalid --port \"%s\"", wish->port);
			return CTL_USAGE;
		}
	}
	redirect = redirect_new((uint16_t)port);
	if (redirect == NULL) {
		ctl_warn(
		    ctl, "cannot listen for the browser: %s", strerror(errno));
		return CTL_IO;
	}
	if (!consent_post(ctl, wish->account,
		json_pack("{s:s,s:s}", "flow", "code", "redirect_uri",
		    redirect_uri(redirect)),
		&answer, &error)) {
		redirect_free(&redirect);
		return consent_report(ctl, &error);
	}
	url = ctl_text(answer, "authorization_url");
	if (url == NULL ||
	    !redirect_parameter(url, "state", state, sizeof(state))) {
		ctl_warn(ctl, "the daemon's answer cannot be understood");
		code = CTL_SOFTWARE;
	} else {
		consent_print_url(ctl, answer);
		if (wish->opens_browser)
			consent_open_browser(url);
		code = consent_finish_code(ctl, wish->account, redirect, state);
	}
	json_decref(answer);
	redirect_free(&redirect);
	return code;
}

/* ---- both ---- */

/* How an account stands before. */
struct consent_standing {
	char flow[32];
	char finished[64]; /* its last poll; "": none */
};

static enum ctl_exit
consent_read_standing(const struct ctl *ctl, const char *account,
    struct consent_standing *standing_r)
{
	struct client_error error;
	const char *flow, *finished;
	json_t *shown;

	if (!consent_ask_account(ctl, account, &shown, &error))
		return client_report(ctl, &error);
	flow = ctl_text(ctl_member(shown, "authorization"), "flow");
	finished = ctl_text(shown, "last_finished");
	(void)snprintf(standing_r->flow, sizeof(standing_r->flow), "%s",
	    flow != NULL ? flow : "");
	(void)snprintf(standing_r->finished, sizeof(standing_r->finished), "%s",
	    finished != NULL ? finished : "");
	json_decref(shown);
	if (standing_r->flow[0] != '\0')
		return CTL_OK;
	ctl_warn(ctl, "account \"%s\" does not log in by OAuth 2", account);
	ctl_hint(ctl, "give it an oauth2_client_id: see evpopd.conf(5)");
	return CTL_CONFIG;
}

static enum ctl_exit
consent_run(const struct ctl *ctl, const struct consent_wish *wish,
    const struct consent_standing *standing)
{
	const char *flow = wish->flow != NULL ? wish->flow : standing->flow;
	const char *before =
	    standing->finished[0] != '\0' ? standing->finished : NULL;
	enum ctl_exit code;

	if (strcmp(flow, "client-credentials") == 0) {
		if (!ctl->json)
			print_detail(ctl, wish->account,
			    "needs nobody's consent: the client has its own");
		return wish->polls ? poll_wait(ctl, wish->account) : CTL_OK;
	}
	if (strcmp(flow, "device") == 0) {
		code = consent_by_device(ctl, wish->account);
	} else if (strcmp(flow, "code") == 0) {
		code = consent_by_code(ctl, wish);
	} else {
		ctl_warn(ctl, "oauth: --flow: expected device or code");
		return CTL_USAGE;
	}
	if (code != CTL_OK)
		return code;
	if (!ctl->json)
		print_detail(ctl, wish->account, "has your consent");
	/* The daemon polls at once. */
	return wish->polls ? poll_wait_next(ctl, wish->account, before)
			   : CTL_OK;
}

enum ctl_exit
consent_take(const struct ctl *ctl, const struct consent_wish *wish)
{
	struct consent_standing standing = { .flow = "" };
	enum ctl_exit code =
	    consent_read_standing(ctl, wish->account, &standing);

	return code == CTL_OK ? consent_run(ctl, wish, &standing) : code;
}

enum ctl_exit
consent_forget(const struct ctl *ctl, const char *account)
{
	struct client_error error;
	struct target target;
	json_t *answer;

	consent_aim(&target, true, account);
	if (!client_ask(ctl, "DELETE", &target, &answer, &error))
		return client_report(ctl, &error);
	json_decref(answer);
	if (!ctl->json)
		print_detail(ctl, account,
		    "its consent is forgotten here; the provider's web page "
		    "revokes it there");
	return CTL_OK;
}

enum ctl_exit
oauth_run(const struct ctl *ctl, const struct invocation *invocation)
{
	const struct consent_wish wish = { .account = invocation->arguments[0],
		.flow = command_value(invocation, "flow"),
		.port = command_value(invocation, "port"),
		.opens_browser = !command_given(invocation, "no-browser"),
		.polls = !command_given(invocation, "no-poll") };

	return command_given(invocation, "forget")
		   ? consent_forget(ctl, wish.account)
		   : consent_take(ctl, &wish);
}
