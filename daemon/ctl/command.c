#include "daemon/ctl/command.h"

#include <getopt.h>
#include <string.h>

#include "daemon/config/near.h"

static const struct command_option global_options[] = {
	{ 's', "socket", "SOCKET", "the daemon's socket" },
	{ 'j', "json", NULL, "print the daemon's JSON" },
	{ 'h', "help", NULL, "show help" },
	{ 'V', "version", NULL, "show the version" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option no_options[] = {
	{ 0, NULL, NULL, NULL },
};

static const struct command_option poll_options[] = {
	{ 'a', "all", NULL,
	    "every account that is neither disabled nor "
	    "paused" },
	{ 'w', "wait", NULL, "wait until it is over and say what came of it" },
	{ 'n', "dry-run", NULL, "only look, and say what a poll would do" },
	{ 0, "baseline", NULL, "count what is there as seen, fetch nothing" },
	{ 0, "confirm", NULL, "do also what a poll has held back" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option polls_options[] = {
	{ 'A', "account", "NAME", "only of this account" },
	{ 'n', "limit", "N", "at most N, newest first (50)" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option messages_options[] = {
	{ 'A', "account", "NAME", "only of this account" },
	{ 'f', "from", "TEXT", "only from senders that contain TEXT" },
	{ 'q', "query", "WORDS", "only with these words in them" },
	{ 'S', "since", "TIME", "only stored at or after TIME" },
	{ 'B', "before", "TIME", "only stored before TIME" },
	{ 'n', "limit", "N", "at most N, newest first (50)" },
	{ 'a', "all", NULL, "all of them" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option raw_options[] = {
	{ 'o', "output", "FILE", "write to a new FILE, whole or not at all" },
	{ 0, "force", NULL, "replace FILE if it is there" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option quarantine_options[] = {
	{ 'n', "limit", "N", "list at most N, newest first (50)" },
	{ 'o', "output", "FILE", "write the raw bytes to a new FILE" },
	{ 0, "force", NULL, "replace FILE if it is there" },
	{ 'A', "account", "NAME",
	    "retry those of this account, whose name may be a number" },
	{ 'a', "all", NULL, "retry all" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option check_options[] = {
	{ 0, "store", NULL,
	    "the store: its structure, and the digest of each message" },
	{ 0, NULL, NULL, NULL },
};

static const struct command commands[] = {
	{ "status", "", "show how the daemon is", 0, 0, no_options,
	    status_run },
	{ "accounts", "", "list the accounts", 0, 0, no_options, accounts_run },
	{ "account", "NAME", "show one account", 1, 1, no_options,
	    account_run },
	{ "messages", "[OPTION...]", "list stored messages", 0, 0,
	    messages_options, messages_run },
	{ "show", "ID", "show a message's envelope", 1, 1, no_options,
	    show_run },
	{ "raw", "[-o FILE [--force]] ID", "print a message as it was received",
	    1, 1, raw_options, raw_run },
	{ "poll", "[OPTION...] NAME... | --all", "poll accounts now", 0,
	    COMMAND_ANY, poll_options, poll_run },
	{ "polls", "[OPTION...]", "list past polls", 0, 0, polls_options,
	    polls_run },
	{ "pause", "NAME...", "poll accounts no more, until resumed", 1,
	    COMMAND_ANY, no_options, pause_run },
	{ "resume", "NAME...", "poll paused or failing accounts again", 1,
	    COMMAND_ANY, no_options, resume_run },
	{ "quarantine", "[ACTION] [NAME | ID...]",
	    "messages that failed too often: list [NAME], show ID, raw ID, "
	    "retry ID... | NAME... | --all",
	    0, COMMAND_ANY, quarantine_options, quarantine_run },
	{ "check", "--store", "verify what is stored", 0, 0, check_options,
	    check_run },
	{ "reload", "", "read the configuration again", 0, 0, no_options,
	    reload_run },
	{ "help", "[COMMAND]", "show help", 0, 1, no_options, help_run },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

const struct command *
command_table(size_t *count_r)
{
	*count_r = COMMAND_COUNT;
	return commands;
}

const struct command_option *
command_global_options(void)
{
	return global_options;
}

const struct command *
command_find(const struct ctl *ctl, const char *name)
{
	struct config_near near = { NULL, 0 };

	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
		config_near_consider(&near, name, commands[i].name);
	}
	ctl_warn(ctl, "there is no command \"%s\"", name);
	if (near.word != NULL)
		fprintf(
		    ctl->err, "          did you mean \"%s\"?\n", near.word);
	else
		ctl_hint(ctl, "\"evpopctl help\" lists them");
	return NULL;
}

/* What getopt_long() wants, made from a list of ours. */
struct getopt_tables {
	char letters[2 * COMMAND_OPTIONS_MAX + 8];
	struct option longs[COMMAND_OPTIONS_MAX + 3];
};

/* Values that getopt_long() returns: an option's place, from here on. */
#define OPTION_FIRST 256
#define OPTION_JSON  (OPTION_FIRST + COMMAND_OPTIONS_MAX)
#define OPTION_HELP  (OPTION_JSON + 1)

static void
fill_tables(struct getopt_tables *tables, const struct command_option *options)
{
	size_t letters = 0, count = 0;

	memset(tables, 0, sizeof(*tables));
	/* Our own words for what is wrong; -h needs no place in the list. */
	tables->letters[letters++] = ':';
	tables->letters[letters++] = 'h';
	for (; options[count].name != NULL; count++) {
		tables->longs[count] = (struct option){
			.name = options[count].name,
			.has_arg = options[count].argument != NULL,
			.val = OPTION_FIRST + (int)count,
		};
		if (options[count].letter == 0)
			continue;
		tables->letters[letters++] = options[count].letter;
		if (options[count].argument != NULL)
			tables->letters[letters++] = ':';
	}
	tables->longs[count++] =
	    (struct option){ .name = "json", .val = OPTION_JSON };
	tables->longs[count] =
	    (struct option){ .name = "help", .val = OPTION_HELP };
}

/* The place of an option that getopt_long() gave, by letter or by name. */
static size_t
place_of(const struct command_option *options, int given)
{
	size_t place = 0;

	if (given >= OPTION_FIRST)
		return (size_t)(given - OPTION_FIRST);
	while (options[place].letter != given)
		place++;
	return place;
}

static enum ctl_exit
usage_error(struct ctl *ctl, const struct command *command)
{
	command_print_usage(ctl->err, command);
	return CTL_USAGE;
}

static enum ctl_exit
wrong_option(
    struct ctl *ctl, const struct command *command, int given, const char *word)
{
	struct config_near near = { NULL, 0 };

	if (given == ':') {
		ctl_warn(ctl, "%s: option \"%s\" needs an argument",
		    command->name, word);
		return usage_error(ctl, command);
	}
	ctl_warn(ctl, "%s: bad option \"%s\"", command->name, word);
	for (const struct command_option *option = command->options;
	     option->name != NULL && strncmp(word, "--", 2) == 0; option++)
		config_near_consider(&near, word + 2, option->name);
	if (near.word != NULL)
		fprintf(
		    ctl->err, "          did you mean \"--%s\"?\n", near.word);
	return usage_error(ctl, command);
}

enum ctl_exit
command_parse(struct ctl *ctl, const struct command *command, int argc,
    char **argv, struct invocation *invocation_r)
{
	struct getopt_tables tables;
	int given, before = 1;

	memset(invocation_r, 0, sizeof(*invocation_r));
	invocation_r->command = command;
	fill_tables(&tables, command->options);
	optind = 0; /* start over: main() has read the options before */
	while ((given = getopt_long(
		    argc, argv, tables.letters, tables.longs, NULL)) != -1) {
		if (given == '?' || given == ':')
			return wrong_option(ctl, command, given,
			    argv[optind > before ? optind - 1 : optind]);
		before = optind;
		if (given == OPTION_JSON) {
			ctl->json = true;
		} else if (given == OPTION_HELP || given == 'h') {
			command_print_help(ctl->out, command);
			invocation_r->command = NULL;
			return CTL_OK;
		} else {
			invocation_r
			    ->values[place_of(command->options, given)] =
			    optarg != NULL ? optarg : "";
		}
	}
	invocation_r->arguments = argv + optind;
	invocation_r->count = (size_t)(argc - optind);
	if (invocation_r->count < command->least ||
	    invocation_r->count > command->most) {
		ctl_warn(ctl, "%s: too %s arguments", command->name,
		    invocation_r->count < command->least ? "few" : "many");
		return usage_error(ctl, command);
	}
	return CTL_OK;
}

const char *
command_value(const struct invocation *invocation, const char *option)
{
	const struct command_option *options = invocation->command->options;

	for (size_t i = 0; options[i].name != NULL; i++) {
		if (strcmp(options[i].name, option) == 0)
			return invocation->values[i];
	}
	return NULL;
}

bool
command_given(const struct invocation *invocation, const char *option)
{
	return command_value(invocation, option) != NULL;
}
