/* evpopctl: the command that people type. */
#include <signal.h>
#include <stdlib.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/serve.h"

#define DEFAULT_SOCKET "/run/evpopd/control.sock"

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
	} else if (command_given(program_r, "store") &&
		   command_given(program_r, "socket")) {
		ctl_warn(ctl, "either --store or --socket");
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

/* Run a command on a store that no daemon needs to have. */
static enum ctl_exit
main_run_on_store(struct ctl *ctl, const char *store_path,
    const struct command *command, const struct invocation *invocation)
{
	struct serve serve;
	enum ctl_exit code = serve_begin(ctl, &serve, store_path);

	if (code != CTL_OK)
		return code;
	ctl->socket = serve.name;
	code = command->run(ctl, invocation);
	serve_end(&serve);
	return code;
}

static enum ctl_exit
main_run(struct ctl *ctl, int argc, char **argv)
{
	struct invocation program, invocation;
	const struct command *command;
	const char *store_path;
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
	store_path = command_value(&program, "store");
	return store_path == NULL
		   ? command->run(ctl, &invocation)
		   : main_run_on_store(ctl, store_path, command, &invocation);
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
