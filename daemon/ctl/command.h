/*
 * The commands of evpopctl: how they are described, how their lines are read,
 * and the table of all (commands.c), which a test compares with the manual.
 */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/ctl/ctl.h"

struct command_option {
	char letter;          /* 0: only the long name */
	const char *name;     /* NULL ends a list */
	const char *argument; /* "NAME", or NULL where it takes none */
	const char *what;
};

#define COMMAND_OPTIONS_MAX 24
#define COMMAND_AGAIN_MAX   15
#define COMMAND_ANY         ((size_t)-1)

struct invocation;

struct command {
	const char *name;
	const char *arguments; /* as in the manual's synopsis */
	const char *what;      /* one line; others are for its own help */
	size_t least, most;    /* how many arguments */
	const struct command_option *options;
	enum ctl_exit (*run)(const struct ctl *, const struct invocation *);
};

struct invocation {
	const struct command *command;
	char **arguments;
	size_t count;
	/* By the option's place in the list; "" for one without argument. */
	const char *values[COMMAND_OPTIONS_MAX + 4];
	/* Of an option that was given again, what stood before. */
	struct {
		size_t place;
		const char *value;
	} before[COMMAND_AGAIN_MAX];
	size_t before_count;
	bool wants_json;
	bool wants_help; /* and nothing else */
};

const struct command *command_table(size_t *count_r);

/* evpopctl itself: the options before a command.  It cannot run. */
const struct command *command_of_program(void);

/* Those that a command has since it reads mail; or none. */
const struct command_option *command_mail_options(const struct command *);

/* NULL if there is none, after reporting that with a near match. */
const struct command *command_find(const struct ctl *, const char *name);

/*
 * Read a command's own line, argv[0] being its name.  CTL_OK, or CTL_USAGE with
 * the reason said.  Every line may contain --json and --help.
 */
enum ctl_exit command_parse(const struct ctl *, const struct command *,
    int argc, char **argv, struct invocation *invocation_r);

/* The value of an option, NULL where it was not given. */
const char *command_value(const struct invocation *, const char *option);
bool command_given(const struct invocation *, const char *option);
/*
 * Each value of an option that may be given more than once, counting from 0;
 * NULL behind the last one.
 */
const char *command_value_at(
    const struct invocation *, const char *option, size_t number);

/* A line of help: `left`, and behind its `width` columns what it does. */
void command_print_pair(
    FILE *, const char *left, size_t width, const char *what);
void command_print_options(FILE *, const struct command_option *);
void command_print_usage(FILE *, const struct command *);
void command_print_help(FILE *, const struct command *);

/* Print the usage on standard error; CTL_USAGE. */
enum ctl_exit command_usage(const struct ctl *, const struct command *);

/* Help on all commands. */
void command_print_all(FILE *);

/* The commands, by file. */
enum ctl_exit status_run(const struct ctl *, const struct invocation *);
enum ctl_exit reload_run(const struct ctl *, const struct invocation *);
enum ctl_exit accounts_run(const struct ctl *, const struct invocation *);
enum ctl_exit account_run(const struct ctl *, const struct invocation *);
enum ctl_exit pause_run(const struct ctl *, const struct invocation *);
enum ctl_exit resume_run(const struct ctl *, const struct invocation *);
enum ctl_exit poll_run(const struct ctl *, const struct invocation *);
/*
 * Wait for a poll of an account which the daemon begins by itself, and print
 * what came of it; `before` is its last_finished until then, or NULL.
 */
enum ctl_exit poll_wait_next(
    const struct ctl *, const char *name, const char *before);
/* See what a poll of it would do, and print that. */
enum ctl_exit poll_wait_plan(const struct ctl *, const char *name);
/* Poll an account now, and do the same. */
enum ctl_exit poll_wait(const struct ctl *, const char *name);
enum ctl_exit polls_run(const struct ctl *, const struct invocation *);
enum ctl_exit messages_run(const struct ctl *, const struct invocation *);
enum ctl_exit search_run(const struct ctl *, const struct invocation *);
enum ctl_exit show_run(const struct ctl *, const struct invocation *);
enum ctl_exit raw_run(const struct ctl *, const struct invocation *);
enum ctl_exit import_command(const struct ctl *, const struct invocation *);
enum ctl_exit backup_run(const struct ctl *, const struct invocation *);
enum ctl_exit export_command(const struct ctl *, const struct invocation *);
enum ctl_exit quarantine_run(const struct ctl *, const struct invocation *);
enum ctl_exit targets_run(const struct ctl *, const struct invocation *);
enum ctl_exit outbox_run(const struct ctl *, const struct invocation *);
enum ctl_exit deliver_run(const struct ctl *, const struct invocation *);
enum ctl_exit hold_run(const struct ctl *, const struct invocation *);
enum ctl_exit release_run(const struct ctl *, const struct invocation *);
enum ctl_exit delete_run(const struct ctl *, const struct invocation *);
enum ctl_exit deleted_run(const struct ctl *, const struct invocation *);
/* Below a list of accounts: those with mail that are no longer configured. */
void former_print(const struct ctl *);
enum ctl_exit audit_run(const struct ctl *, const struct invocation *);
enum ctl_exit events_run(const struct ctl *, const struct invocation *);
enum ctl_exit doctor_run(const struct ctl *, const struct invocation *);
enum ctl_exit add_run(const struct ctl *, const struct invocation *);
enum ctl_exit oauth_run(const struct ctl *, const struct invocation *);
enum ctl_exit remove_run(const struct ctl *, const struct invocation *);
enum ctl_exit check_run(const struct ctl *, const struct invocation *);
enum ctl_exit key_run(const struct ctl *, const struct invocation *);
enum ctl_exit seal_run(const struct ctl *, const struct invocation *);
enum ctl_exit top_run(const struct ctl *, const struct invocation *);

#endif
