#include "daemon/ctl/completion.h"

#include <string.h>

#include "daemon/config/provider.h"
#include "daemon/ctl/client.h"

/* The scripts of the shells, in the order of `shells`; made by the build. */
extern const char *const completion_scripts[];

static const char *const shells[] = { "bash", "zsh", "fish" };

#define SHELL_COUNT (sizeof(shells) / sizeof(shells[0]))

/* The longest word of a usage, "NAME" or "resume". */
#define USAGE_WORD 32

/* Longer than any account's name. */
#define NAME_SIZE 256

/* Asked before a shell's next prompt: more names would be too many. */
#define NAMES_SHOWN "1000"

/* What can stand at the end of a line that is being typed. */
struct completion {
	const struct ctl *ctl;
	const struct completion_table *table;
	const struct command *command; /* NULL: its name is what is typed */
	const char *typed;             /* the beginning of the word */
	/* To bash ":" is a word: it is the one before what is typed. */
	bool is_behind_colon;
	bool wants_accounts, wants_targets, wants_files, wants_commands;
	bool wants_marked_targets, wants_providers;
};

/* ---- words ---- */

/* A word and what it means, if it begins as what was typed. */
static void
completion_offer(
    const struct completion *completion, const char *word, const char *what)
{
	if (strncmp(word, completion->typed, strlen(completion->typed)) == 0)
		fprintf(completion->ctl->out, "%s\t%.*s\n", word,
		    (int)strcspn(what, "\n"), what);
}

static void
completion_offer_commands(const struct completion *completion)
{
	const struct command *commands = completion->table->commands;

	for (size_t i = 0; i < completion->table->count; i++)
		completion_offer(
		    completion, commands[i].name, commands[i].what);
}

static void
completion_offer_options(
    const struct completion *completion, const struct command_option *options)
{
	char word[USAGE_WORD];

	for (; options->name != NULL; options++) {
		snprintf(word, sizeof(word), "--%s", options->name);
		completion_offer(completion, word, options->what);
	}
}

/*
 * The names in a list of the daemon's, whose rows have them as `what`, behind a
 * mark.  Nothing is said where the daemon does not answer: a prompt is no
 * place.
 */
static void
completion_offer_names(const struct completion *completion,
    const struct target *target, const char *list, const char *what,
    const char *mark)
{
	char word[NAME_SIZE];
	struct client_error error;
	const json_t *row;
	json_t *page;
	size_t i;

	if (!client_ask(completion->ctl, "GET", target, &page, &error))
		return;
	json_array_foreach(json_object_get(page, list), i, row)
	{
		const char *name = ctl_text(row, what);

		if (name == NULL || strpbrk(name, "\t\n") != NULL)
			continue;
		snprintf(word, sizeof(word), "%s%s", mark, name);
		completion_offer(completion, word, what);
	}
	json_decref(page);
}

static void
completion_offer_accounts(const struct completion *completion)
{
	struct target target;
	char pattern[NAME_SIZE];

	snprintf(pattern, sizeof(pattern), "%s*", completion->typed);
	target_begin(&target, "/v1/accounts", NULL);
	target_parameter(&target, "name", pattern);
	target_parameter(&target, "limit", NAMES_SHOWN);
	completion_offer_names(completion, &target, "accounts", "account", "");
}

static void
completion_offer_targets(const struct completion *completion, const char *mark)
{
	struct target target;

	target_begin(&target, "/v1/targets", NULL);
	target_parameter(&target, "limit", NAMES_SHOWN);
	completion_offer_names(completion, &target, "targets", "target", mark);
}

static void
completion_offer_providers(const struct completion *completion)
{
	for (size_t i = 0; i < config_provider_count; i++)
		completion_offer(completion, config_providers[i].name,
		    config_providers[i].title);
}

/* ---- what is wanted ---- */

/* A word of a usage: a placeholder in capitals, or one to be typed so. */
static void
completion_take_word(struct completion *completion, const char *word)
{
	if (strcmp(word, "NAME") == 0 || strcmp(word, "PATTERN") == 0 ||
	    strcmp(word, "ACCOUNT") == 0)
		completion->wants_accounts = true;
	else if (strcmp(word, "TARGET") == 0)
		completion->wants_targets = true;
	else if (strcmp(word, "target:TARGET") == 0)
		completion->wants_marked_targets = true;
	else if (strcmp(word, "PROVIDER") == 0)
		completion->wants_providers = true;
	else if (strcmp(word, "FILE") == 0 || strcmp(word, "DIR") == 0 ||
		 strcmp(word, "FOLDER") == 0 || strcmp(word, "SOCKET") == 0)
		completion->wants_files = true;
	else if (strcmp(word, "COMMAND") == 0)
		completion->wants_commands = true;
	else if (*word >= 'a' && *word <= 'z')
		completion_offer(completion, word, "");
}

/* "[list | show] [NAME | ID...]": what may stand there. */
static void
completion_take_usage(struct completion *completion, const char *usage)
{
	static const char between[] = "[]| .";
	char word[USAGE_WORD];
	size_t length;

	for (; *usage != '\0'; usage += length) {
		usage += strspn(usage, between);
		length = strcspn(usage, between);
		snprintf(word, sizeof(word), "%.*s", (int)length, usage);
		if (word[0] != '-')
			completion_take_word(completion, word);
	}
}

static void
completion_offer_wanted(struct completion *completion)
{
	if (completion->is_behind_colon) {
		if (completion->wants_marked_targets)
			completion_offer_targets(completion, "");
		return;
	}
	if (completion->wants_commands)
		completion_offer_commands(completion);
	if (completion->wants_accounts)
		completion_offer_accounts(completion);
	if (completion->wants_targets)
		completion_offer_targets(completion, "");
	if (completion->wants_marked_targets)
		completion_offer_targets(completion, "target:");
	if (completion->wants_providers)
		completion_offer_providers(completion);
	if (completion->wants_files)
		fprintf(completion->ctl->out, ":files\n");
}

/* ---- the line ---- */

static const struct command *
completion_command(const struct completion_table *table, const char *name)
{
	for (size_t i = 0; i < table->count; i++)
		if (strcmp(table->commands[i].name, name) == 0)
			return &table->commands[i];
	return NULL;
}

static const struct command *
completion_of(const struct completion *completion)
{
	return completion->command != NULL ? completion->command
					   : completion->table->program;
}

static const char *
completion_argument_of(const struct command_option *option, const char *word)
{
	for (; word[0] == '-' && option->name != NULL; option++)
		if (word[1] == '-'
			? strcmp(word + 2, option->name) == 0
			: word[1] != '\0' && word[1] == option->letter &&
			      word[2] == '\0')
			return option->argument;
	return NULL;
}

/* What the option takes, "NAME"; NULL: nothing, or the word is no option. */
static const char *
completion_argument(const struct completion *completion, const char *word)
{
	const struct command *command = completion_of(completion);
	const char *argument = completion_argument_of(command->options, word);

	return argument != NULL ? argument
				: completion_argument_of(
				      command_mail_options(command), word);
}

/* The value of an option, in a word of its own or behind "=". */
static void
completion_offer_value(struct completion *completion, const char *argument)
{
	completion_take_usage(completion, argument);
	completion_offer_wanted(completion);
}

static void
completion_offer_word(struct completion *completion)
{
	const struct command *command = completion->command;

	if (completion->typed[0] == '-') {
		completion_offer_options(
		    completion, completion_of(completion)->options);
		completion_offer_options(completion,
		    command_mail_options(completion_of(completion)));
		if (command != NULL)
			completion_offer(
			    completion, "--json", "print the daemon's JSON");
		completion_offer(completion, "--help", "show help");
		return;
	}
	if (command == NULL)
		completion->wants_commands = true;
	else
		completion_take_usage(completion, command->arguments);
	completion_offer_wanted(completion);
}

/*
 * The words behind "evpopctl", of which the last is being typed.  To bash "="
 * and ":" are words.
 */
static enum ctl_exit
completion_words(const struct ctl *ctl, const struct completion_table *table,
    char **words, size_t count)
{
	struct completion completion = { .ctl = ctl, .table = table };
	const char *argument = NULL;

	for (size_t i = 0; i + 1 < count; i++) {
		if (argument != NULL && strcmp(words[i], "=") == 0)
			continue;
		if (argument != NULL) {
			argument = NULL;
			continue;
		}
		argument = completion_argument(&completion, words[i]);
		if (words[i][0] == '-' || completion.command != NULL)
			continue;
		completion.command = completion_command(table, words[i]);
		if (completion.command == NULL)
			return CTL_OK;
	}
	completion.typed = count > 0 ? words[count - 1] : "";
	if (argument != NULL && strcmp(completion.typed, "=") == 0)
		completion.typed = "";
	completion.is_behind_colon =
	    strcmp(completion.typed, ":") == 0 ||
	    (count > 1 && strcmp(words[count - 2], ":") == 0);
	if (strcmp(completion.typed, ":") == 0)
		completion.typed = "";
	if (argument != NULL)
		completion_offer_value(&completion, argument);
	else
		completion_offer_word(&completion);
	return CTL_OK;
}

enum ctl_exit
completion_print(const struct ctl *ctl, const struct invocation *invocation,
    const struct completion_table *table)
{
	const char *wanted = invocation->arguments[0];

	if (strcmp(wanted, "words") == 0)
		return completion_words(ctl, table, invocation->arguments + 1,
		    invocation->count - 1);
	for (size_t i = 0; invocation->count == 1 && i < SHELL_COUNT; i++) {
		if (strcmp(wanted, shells[i]) != 0)
			continue;
		fputs(completion_scripts[i], ctl->out);
		return CTL_OK;
	}
	ctl_warn(ctl, "completion: expected bash, zsh or fish");
	return command_usage(ctl, invocation->command);
}
