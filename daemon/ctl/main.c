/* evpopctl: the command that people type. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/keyfile.h"
#include "daemon/ctl/migrate/program.h"
#include "daemon/ctl/opening.h"
#include "daemon/ctl/sealed.h"
#include "daemon/ctl/serve.h"

#define DEFAULT_SOCKET "/run/evpopd/control.sock"

/* One place that mail is in. */
static bool
main_read_place(const struct ctl *ctl, const struct invocation *program)
{
	static const char *const places[] = { "store", "in", "socket" };
	const char *first = NULL;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (!command_given(program, places[i]))
			continue;
		if (first != NULL) {
			ctl_warn(ctl, "either --%s or --%s", first, places[i]);
			return false;
		}
		first = places[i];
	}
	return true;
}

/*
 * Read the options before the command; *done_r if there is nothing else to do.
 */
static enum ctl_exit
main_read(struct ctl *ctl, int argc, char **argv, struct invocation *program_r,
    bool *done_r)
{
	const char *socket = getenv("EVPOPCTL_SOCKET");
	enum ctl_exit code;

	*done_r = true;
	code = command_parse(ctl, command_of_program(), argc, argv, program_r);
	if (code != CTL_OK)
		return code;
	if (program_r->wants_help) {
		command_print_all(ctl->out);
	} else if (command_given(program_r, "version")) {
		fprintf(ctl->out, "evpopctl %s\n", EVPOP_VERSION);
	} else if (program_r->count == 0) {
		command_print_all(ctl->err);
		return CTL_USAGE;
	} else if (!main_read_place(ctl, program_r)) {
		return CTL_USAGE;
	} else {
		ctl->socket = command_value(program_r, "socket");
		if (ctl->socket == NULL && socket != NULL && *socket != '\0')
			ctl->socket = socket;
		if (ctl->socket == NULL)
			ctl->socket = DEFAULT_SOCKET;
		*done_r = false;
	}
	return CTL_OK;
}

/* A command, what was said before it, and what was begun for it. */
struct setting {
	const struct invocation *program, *invocation;
	struct serve serve;
	struct sealed_keys *keys;
	struct opening *opening;
};

/* An option of those who read mail, before the command or behind it. */
static const char *
setting_value(const struct setting *setting, const char *option)
{
	const struct invocation *invocation = setting->invocation;
	const char *value =
	    command_mail_options(invocation->command)->name != NULL
		? command_value(invocation, option)
		: NULL;

	return value != NULL ? value : command_value(setting->program, option);
}

static enum ctl_exit
setting_add_keys(struct setting *setting, const struct ctl *ctl,
    const struct invocation *from)
{
	const char *path;
	enum ctl_exit code = CTL_OK;

	for (size_t i = 0; code == CTL_OK &&
			   (path = command_value_at(from, "key", i)) != NULL;
	     i++)
		code = sealed_keys_add(setting->keys, ctl, path);
	return code;
}

static enum ctl_exit
setting_read_keys(struct setting *setting, const struct ctl *ctl)
{
	const struct invocation *invocation = setting->invocation;
	enum ctl_exit code;

	setting->keys = sealed_keys_new();
	if (setting->keys == NULL)
		return ctl_no_memory(ctl);
	code = setting_add_keys(setting, ctl, setting->program);
	if (code == CTL_OK &&
	    command_mail_options(invocation->command)->name != NULL)
		code = setting_add_keys(setting, ctl, invocation);
	return code;
}

static bool
setting_read_passphrase_fd(const struct setting *setting, struct ctl *ctl)
{
	const char *fd = setting_value(setting, "passphrase-fd");

	return fd == NULL || keyfile_descriptor(
				 ctl, "passphrase-fd", fd, &ctl->passphrase_fd);
}

/* A store that no daemon needs to have, and keys. */
static enum ctl_exit
setting_begin(struct setting *setting, struct ctl *ctl)
{
	const char *store = command_value(setting->program, "store");
	const char *folder = command_value(setting->program, "in");
	enum ctl_exit code = CTL_OK;

	if (!setting_read_passphrase_fd(setting, ctl))
		return CTL_USAGE;
	if (setting_value(setting, "key") != NULL)
		code = setting_read_keys(setting, ctl);
	else if (folder != NULL) {
		ctl_warn(ctl, "--in needs --key: the messages are sealed");
		return CTL_USAGE;
	}
	if (code == CTL_OK && store != NULL) {
		code = serve_begin(ctl, &setting->serve, store,
		    migrate_fills(setting->invocation));
		ctl->socket = setting->serve.name;
	}
	if (code == CTL_OK && setting->keys != NULL)
		code = opening_begin(
		    &setting->opening, ctl, setting->keys, folder);
	return code;
}

static enum ctl_exit
setting_end(struct setting *setting, struct ctl *ctl, enum ctl_exit code)
{
	code = opening_end(&setting->opening, ctl, code);
	sealed_keys_free(&setting->keys);
	serve_end(&setting->serve);
	/* It may be the name of what has just ended. */
	ctl->socket = NULL;
	return code;
}

static enum ctl_exit
main_run(struct ctl *ctl, int argc, char **argv)
{
	struct invocation program, invocation;
	struct setting setting = { &program, &invocation, .keys = NULL };
	const struct command *command;
	enum ctl_exit code;
	bool done;

	code = main_read(ctl, argc, argv, &program, &done);
	if (done)
		return code;
	command = command_find(ctl, program.arguments[0]);
	if (command == NULL)
		return CTL_USAGE;
	code = command_parse(
	    ctl, command, (int)program.count, program.arguments, &invocation);
	if (code != CTL_OK)
		return code;
	ctl->json = program.wants_json || invocation.wants_json;
	if (invocation.wants_help) {
		command_print_help(ctl->out, command);
		return CTL_OK;
	}
	code = setting_begin(&setting, ctl);
	if (code == CTL_OK)
		code = command->run(ctl, &invocation);
	return setting_end(&setting, ctl, code);
}

int
main(int argc, char **argv)
{
	struct ctl ctl;
	enum ctl_exit code;

	/* A failed write shows that the reader has gone. */
	signal(SIGPIPE, SIG_IGN);
	/* Beyond a limit of file sizes a write fails, as on a full disk. */
	signal(SIGXFSZ, SIG_IGN);
	ctl_begin(&ctl);
	ctl.client = client_new();
	code = ctl.client != NULL ? main_run(&ctl, argc, argv)
				  : ctl_no_memory(&ctl);
	client_free(&ctl.client);
	return (int)ctl_end(&ctl, code);
}
