#include <stdio.h>

#include "daemon/ctl/command.h"

/* Columns that the left half of a list takes. */
#define LEFT_WIDTH 28

static void
print_options(FILE *out, const struct command_option *options)
{
	char left[64];

	for (; options->name != NULL; options++) {
		if (options->letter != 0)
			snprintf(left, sizeof(left), "-%c, --%s%s%s",
			    options->letter, options->name,
			    options->argument != NULL ? " " : "",
			    options->argument != NULL ? options->argument : "");
		else
			snprintf(left, sizeof(left), "    --%s%s%s",
			    options->name, options->argument != NULL ? " " : "",
			    options->argument != NULL ? options->argument : "");
		fprintf(out, "  %-*s %s\n", LEFT_WIDTH, left, options->what);
	}
}

void
command_print_usage(FILE *out, const struct command *command)
{
	if (command == NULL)
		fprintf(out, "usage: evpopctl [-s SOCKET] [--json] COMMAND "
			     "[ARGUMENT...]\n");
	else
		fprintf(out, "usage: evpopctl %s%s%s\n", command->name,
		    command->arguments[0] != '\0' ? " " : "",
		    command->arguments);
}

void
command_print_help(FILE *out, const struct command *command)
{
	size_t count;
	const struct command *commands = command_table(&count);
	char left[64];

	command_print_usage(out, command);
	if (command != NULL) {
		fprintf(out, "\n%s\n", command->what);
		if (command->options[0].name != NULL)
			fprintf(out, "\n");
		print_options(out, command->options);
		return;
	}
	fprintf(out, "\n");
	for (size_t i = 0; i < count; i++) {
		snprintf(left, sizeof(left), "%s %s", commands[i].name,
		    commands[i].arguments);
		fprintf(
		    out, "  %-*s %s\n", LEFT_WIDTH + 6, left, commands[i].what);
	}
	fprintf(out, "\n");
	print_options(out, command_global_options());
	fprintf(out,
	    "\nTIME is 2024-02-29, 2024-02-29T12:34Z, or how long ago: 30m, "
	    "24h, 7d.\nevpopctl(1) has the rest.\n");
}

enum ctl_exit
help_run(struct ctl *ctl, const struct invocation *invocation)
{
	const struct command *command = NULL;

	if (invocation->count > 0) {
		command = command_find(ctl, invocation->arguments[0]);
		if (command == NULL)
			return CTL_USAGE;
	}
	command_print_help(ctl->out, command);
	return CTL_OK;
}
