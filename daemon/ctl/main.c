/* evpopctl: the command that people type. */
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/command.h"
#include "daemon/ctl/ctl.h"

#define DEFAULT_SOCKET "/run/evpopd/control.sock"

/* Options before the command; *done_r where they leave nothing to do. */
static enum ctl_exit
read_globals(struct ctl *ctl, int argc, char **argv, bool *done_r)
{
	static const struct option longs[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int given;

	*done_r = true;
	/* "+": the first word that is no option is the command. */
	while ((given = getopt_long(argc, argv, "+s:jhV", longs, NULL)) != -1) {
		switch (given) {
		case 's':
			ctl->socket = optarg;
			break;
		case 'j':
			ctl->json = true;
			break;
		case 'h':
			command_print_help(ctl->out, NULL);
			return CTL_OK;
		case 'V':
			fprintf(ctl->out, "evpopctl %s\n", EVPOP_VERSION);
			return CTL_OK;
		default:
			command_print_usage(ctl->err, NULL);
			return CTL_USAGE;
		}
	}
	if (optind == argc) {
		command_print_help(ctl->err, NULL);
		return CTL_USAGE;
	}
	*done_r = false;
	return CTL_OK;
}

static enum ctl_exit
run(struct ctl *ctl, int argc, char **argv)
{
	const struct command *command;
	struct invocation invocation;
	enum ctl_exit code;
	bool done;
	int first;

	code = read_globals(ctl, argc, argv, &done);
	if (done)
		return code;
	first = optind;
	command = command_find(ctl, argv[first]);
	if (command == NULL)
		return CTL_USAGE;
	code = command_parse(
	    ctl, command, argc - first, argv + first, &invocation);
	if (code != CTL_OK || invocation.command == NULL)
		return code;
	return command->run(ctl, &invocation);
}

int
main(int argc, char **argv)
{
	const char *socket = getenv("EVPOPCTL_SOCKET");
	struct ctl ctl;

	/* A reader that goes away is seen in the write that fails. */
	signal(SIGPIPE, SIG_IGN);
	if (!ctl_begin(&ctl)) {
		fprintf(stderr, "evpopctl: out of memory\n");
		return CTL_TEMPORARY;
	}
	ctl.socket =
	    socket != NULL && *socket != '\0' ? socket : DEFAULT_SOCKET;
	return (int)ctl_end(&ctl, run(&ctl, argc, argv));
}
