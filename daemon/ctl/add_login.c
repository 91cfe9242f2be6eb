#include "daemon/ctl/add_login.h"

#include <string.h>
#include <unistd.h>

#include "daemon/ctl/keyfile.h"
#include "daemon/ctl/print.h"
#include "daemon/ctl/refused.h"

/* Servers lock a mailbox after a few more. */
#define ATTEMPTS_MAX 3

enum ctl_exit
add_login_user(const struct add_login_wish *wish,
    const struct finding_server *server, struct add_login *login_r)
{
	memset(login_r, 0, sizeof(*login_r));
	(void)snprintf(login_r->user, sizeof(login_r->user), "%s",
	    wish->user != NULL        ? wish->user
	    : server->user[0] != '\0' ? server->user
				      : wish->address);
	return CTL_OK;
}

static enum ctl_exit
add_login_take_password(const struct ctl *ctl,
    const struct add_login_wish *wish, struct add_login *login)
{
	char question[ASK_LINE + 32];
	int fd = STDIN_FILENO;

	if (wish->fd != NULL &&
	    !keyfile_descriptor(ctl, "password-fd", wish->fd, &fd))
		return CTL_USAGE;
	(void)snprintf(
	    question, sizeof(question), "Password of %s", login->user);
	login->password = keyfile_ask(ctl, fd, question, "password", false);
	return login->password != NULL ? CTL_OK : CTL_USAGE;
}

static enum ctl_exit
add_login_tell(const struct ctl *ctl, const struct finding_server *server,
    const struct add_login *login, const json_t *way)
{
	const char *error = ctl_text(way, "error");
	enum config_refusal refusal = config_refusal_of(error);

	if (!ctl_is(way, "phase", "login")) {
		ctl_warn(ctl, "%s: %s", server->host, error);
		return CTL_TEMPORARY;
	}
	ctl_warn(ctl, "%s refuses the log-in: %s", server->host, error);
	if (ctl_is(way, "class", "auth") ||
	    refusal != CONFIG_REFUSAL_CREDENTIALS) {
		refused_hint(ctl, refusal, login->user, server->provider);
		return CTL_NO_PERMISSION;
	}
	ctl_hint(ctl, "it may pass by itself: try again later");
	return CTL_TEMPORARY;
}

enum ctl_exit
add_login_try(const struct ctl *ctl, const struct finding_server *server,
    const struct secret *password, struct add_login *login)
{
	enum ctl_exit code = CTL_OK;
	json_t *way =
	    add_server_try(ctl, server, login->user, secret_text(password));

	if (way == NULL)
		return ctl_no_memory(ctl);
	if (!json_is_true(ctl_member(way, "works")))
		code = add_login_tell(ctl, server, login, way);
	login->messages = ctl_count(way, "messages");
	login->bytes = ctl_count(way, "bytes");
	if (code == CTL_OK && !ctl->json) {
		struct phrase phrase;

		phrase_begin(&phrase);
		print_form(ctl,
		    "works, by {logged_in}|{messages} message{s}|{bytes:size}",
		    way, &phrase);
		print_detail(ctl, "Log-in", phrase.text);
	}
	json_decref(way);
	return code;
}

/* Some want only what stands before the "@". */
static bool
add_login_ask_user(const struct ctl *ctl, struct add_login *login)
{
	char user[ASK_LINE];

	if (!ask_line(ctl, "User name", login->user, user))
		return false;
	memcpy(login->user, user, sizeof(user));
	return true;
}

enum ctl_exit
add_login_run(const struct ctl *ctl, const struct add_login_wish *wish,
    const struct finding_server *server, struct add_login *login)
{
	enum ctl_exit code = CTL_OK;

	for (int i = 0; i < ATTEMPTS_MAX; i++) {
		code = add_login_take_password(ctl, wish, login);
		if (code == CTL_OK)
			code =
			    add_login_try(ctl, server, login->password, login);
		if (code != CTL_NO_PERMISSION)
			return code;
		secret_free(&login->password);
		if (!wish->asks || wish->fd != NULL || i + 1 == ATTEMPTS_MAX ||
		    !add_login_ask_user(ctl, login))
			return code;
	}
	return code;
}
