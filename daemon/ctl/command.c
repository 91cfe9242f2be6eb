#include "daemon/ctl/command.h"

#include <getopt.h>
#include <string.h>

#include "daemon/ctl/wrap.h"
#include "lib/base/near.h"

/* Help is as wide as that, whatever the terminal. */
#define HELP_WIDTH 79

/* Width of the left half of a list. */
#define LEFT_WIDTH 28

/* Values that getopt_long() returns: an option's place, from here on. */
#define OPTION_FIRST 256

/* The arguments of getopt_long(), made from a list of options. */
struct getopt_tables {
	char letters[2 * COMMAND_OPTIONS_MAX + 10];
	struct option longs[COMMAND_OPTIONS_MAX + 5];
};

/* ---- help ---- */

void
command_print_pair(FILE *out, const char *left, size_t width, const char *what)
{
	size_t indent = 2 + width + 1;

	if (strlen(left) > width)
		fprintf(out, "  %s\n%*s", left, (int)indent, "");
	else
		fprintf(out, "  %-*s ", (int)width, left);
	wrap_print_behind(out, what, indent, indent, HELP_WIDTH);
}

void
command_print_options(FILE *out, const struct command_option *options)
{
	char left[64];

	for (; options->name != NULL; options++) {
		snprintf(left, sizeof(left), "%c%c%c --%s%s%s",
		    options->letter != 0 ? '-' : ' ',
		    options->letter != 0 ? options->letter : ' ',
		    options->letter != 0 ? ',' : ' ', options->name,
		    options->argument != NULL ? " " : "",
		    options->argument != NULL ? options->argument : "");
		command_print_pair(out, left, LEFT_WIDTH, options->what);
	}
}

void
command_print_usage(FILE *out, const struct command *command)
{
	static const char begin[] = "usage: evpopctl ";
	char text[256];

	snprintf(text, sizeof(text), "%s%s%s", command->name,
	    *command->name != '\0' && *command->arguments != '\0' ? " " : "",
	    command->arguments);
	fputs(begin, out);
	wrap_print_behind(
	    out, text, sizeof(begin) - 1, sizeof(begin) - 1, HELP_WIDTH);
}

void
command_print_help(FILE *out, const struct command *command)
{
	command_print_usage(out, command);
	fprintf(out, "\n");
	for (const char *line = command->what; *line != '\0';) {
		size_t length = strcspn(line, "\n");

		wrap_print(out, line, length, HELP_WIDTH);
		line += length + (line[length] == '\n');
	}
	if (command->options->name != NULL ||
	    command_mail_options(command)->name != NULL)
		fprintf(out, "\n");
	command_print_options(out, command->options);
	command_print_options(out, command_mail_options(command));
}

enum ctl_exit
command_usage(const struct ctl *ctl, const struct command *command)
{
	command_print_usage(ctl->err, command);
	return CTL_USAGE;
}

/* ---- options ---- */

/* "--json" and "--help" may follow every command; no list contains them. */
static const struct command_option common_options[] = {
	{ 0, "json", NULL, "" },
	{ 'h', "help", NULL, "" },
};

#define COMMON_COUNT (sizeof(common_options) / sizeof(common_options[0]))

/* Those of who reads mail, before the command or behind it. */
static const struct command_option mail_options[] = {
	{ 'k', "key", "FILE", "open sealed mail with this secret key" },
	{ 0, "passphrase-fd", "N",
	    "read the key's passphrase from this descriptor" },
	{ 0, NULL, NULL, NULL },
};

const struct command_option *
command_mail_options(const struct command *command)
{
	static const char *const names[] = { "messages", "search", "show",
		"raw", "export", "quarantine" };
	static const struct command_option none = { 0, NULL, NULL, NULL };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(command->name, names[i]) == 0)
			return mail_options;
	return &none;
}

static size_t
option_count(const struct command_option *options)
{
	size_t count = 0;

	while (options[count].name != NULL)
		count++;
	return count;
}

static size_t
option_total(const struct command *command)
{
	return option_count(command->options) + COMMON_COUNT +
	       option_count(command_mail_options(command));
}

/* The option at a place: first the command's, then those of several. */
static const struct command_option *
option_at(const struct command *command, size_t place)
{
	size_t count = option_count(command->options);

	if (place < count)
		return &command->options[place];
	place -= count;
	return place < COMMON_COUNT
		   ? &common_options[place]
		   : &command_mail_options(command)[place - COMMON_COUNT];
}

static void
getopt_tables_fill(
    struct getopt_tables *tables_r, const struct command *command)
{
	size_t total = option_total(command);
	char *letters = tables_r->letters;

	memset(tables_r, 0, sizeof(*tables_r));
	/* "+": what follows the command's name is the command's. */
	if (*command->name == '\0')
		*letters++ = '+';
	*letters++ = ':'; /* the caller reports errors */
	for (size_t i = 0; i < total; i++) {
		const struct command_option *option = option_at(command, i);

		tables_r->longs[i] = (struct option){
			.name = option->name,
			.has_arg = option->argument != NULL,
			.val = OPTION_FIRST + (int)i,
		};
		if (option->letter == 0)
			continue;
		*letters++ = option->letter;
		if (option->argument != NULL)
			*letters++ = ':';
	}
}

/* The place of an option that getopt_long() gave, by letter or by name. */
static size_t
option_place(const struct command *command, int given)
{
	size_t place = 0;

	if (given >= OPTION_FIRST)
		return (size_t)(given - OPTION_FIRST);
	while (option_at(command, place)->letter != given)
		place++;
	return place;
}

/* The word that getopt_long() did not take, wherever that has put it. */
static const char *
option_word(char **argv, int before)
{
	const char *word = argv[optind > before ? optind - 1 : optind];

	for (int i = 1; word[0] != '-' && argv[i] != NULL; i++)
		if (argv[i][0] == '-' && argv[i][1] == optopt)
			return argv[i];
	return word;
}

static enum ctl_exit
option_report(const struct ctl *ctl, const struct command *command, int given,
    const char *word)
{
	const char *colon = *command->name != '\0' ? ": " : "";
	struct evpop_near near = { NULL, 0 };

	if (given == ':') {
		ctl_warn(ctl, "%s%soption \"%s\" needs an argument",
		    command->name, colon, word);
		return command_usage(ctl, command);
	}
	ctl_warn(ctl, "%s%sbad option \"%s\"", command->name, colon, word);
	for (size_t i = 0;
	     i < option_total(command) && strncmp(word, "--", 2) == 0; i++)
		evpop_near_consider(
		    &near, word + 2, option_at(command, i)->name);
	if (near.word != NULL)
		fprintf(
		    ctl->err, "          did you mean \"--%s\"?\n", near.word);
	else if (strstr(command->arguments, "[--]") != NULL)
		ctl_hint(ctl,
		    "what begins with a minus and is no option goes behind "
		    "\"--\"");
	return command_usage(ctl, command);
}

/* False where there is no room for what stood before. */
static bool
invocation_keep_before(struct invocation *invocation, size_t place)
{
	if (invocation->values[place] == NULL)
		return true;
	if (invocation->before_count == COMMAND_AGAIN_MAX)
		return false;
	invocation->before[invocation->before_count].place = place;
	invocation->before[invocation->before_count++].value =
	    invocation->values[place];
	return true;
}

enum ctl_exit
command_parse(const struct ctl *ctl, const struct command *command, int argc,
    char **argv, struct invocation *invocation_r)
{
	struct getopt_tables tables;
	int given, before = 1;

	memset(invocation_r, 0, sizeof(*invocation_r));
	invocation_r->command = command;
	getopt_tables_fill(&tables, command);
	optind = 0; /* start over: this is called twice */
	while ((given = getopt_long(
		    argc, argv, tables.letters, tables.longs, NULL)) != -1) {
		const char *name;
		size_t place;

		if (given == '?' || given == ':')
			return option_report(
			    ctl, command, given, option_word(argv, before));
		before = optind;
		place = option_place(command, given);
		name = option_at(command, place)->name;
		if (!invocation_keep_before(invocation_r, place)) {
			ctl_warn(ctl,
			    "--%s is given too often: at most %d options may "
			    "be given again",
			    name, COMMAND_AGAIN_MAX);
			return command_usage(ctl, command);
		}
		invocation_r->values[place] = optarg != NULL ? optarg : "";
		if (strcmp(name, "json") == 0)
			invocation_r->wants_json = true;
		/* Ignore the rest of the line, which may be wrong. */
		invocation_r->wants_help = strcmp(name, "help") == 0;
		if (invocation_r->wants_help)
			return CTL_OK;
	}
	invocation_r->arguments = argv + optind;
	invocation_r->count = (size_t)(argc - optind);
	if (invocation_r->count >= command->least &&
	    invocation_r->count <= command->most)
		return CTL_OK;
	ctl_warn(ctl, "%s: too %s arguments", command->name,
	    invocation_r->count < command->least ? "few" : "many");
	return command_usage(ctl, command);
}

const char *
command_value(const struct invocation *invocation, const char *option)
{
	size_t total = option_total(invocation->command);

	for (size_t i = 0; i < total; i++) {
		if (strcmp(option_at(invocation->command, i)->name, option) ==
		    0)
			return invocation->values[i];
	}
	return NULL;
}

bool
command_given(const struct invocation *invocation, const char *option)
{
	return command_value(invocation, option) != NULL;
}

const char *
command_value_at(
    const struct invocation *invocation, const char *option, size_t number)
{
	for (size_t i = 0; i < invocation->before_count; i++) {
		size_t place = invocation->before[i].place;

		if (strcmp(option_at(invocation->command, place)->name,
			option) != 0)
			continue;
		if (number-- == 0)
			return invocation->before[i].value;
	}
	return number == 0 ? command_value(invocation, option) : NULL;
}
