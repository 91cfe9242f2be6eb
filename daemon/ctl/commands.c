#include <string.h>

#include "daemon/ctl/command.h"
#include "daemon/ctl/completion.h"
#include "lib/base/near.h"

/* Width of a command and its arguments in a list. */
#define LEFT_WIDTH 34

static enum ctl_exit help_run(const struct ctl *, const struct invocation *);
static enum ctl_exit completion_run(
    const struct ctl *, const struct invocation *);

static const struct command_option global_options[] = {
	{ 's', "socket", "SOCKET", "the daemon's socket" },
	{ 0, "store", "FILE", "read a store's file, without a daemon" },
	{ 0, "in", "FOLDER", "read exported sealed messages; needs --key" },
	{ 'k', "key", "FILE", "open sealed mail with this secret key" },
	{ 0, "passphrase-fd", "N",
	    "read the key's passphrase from this descriptor" },
	{ 'j', "json", NULL, "print the daemon's JSON" },
	{ 'h', "help", NULL, "show help" },
	{ 'V', "version", NULL, "show the version" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option no_options[] = {
	{ 0, NULL, NULL, NULL },
};

static const struct command_option accounts_options[] = {
	{ 'F', "failing", NULL, "only those that fail" },
	{ 'S', "state", "STATE",
	    "only those in this state: refused, waiting, queued, polling, "
	    "paused, disabled" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option pause_options[] = {
	{ 'a', "all", NULL, "all accounts that are not disabled" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option resume_options[] = {
	{ 'a', "all", NULL, "all accounts that are paused or fail" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option top_options[] = {
	{ 'd', "delay", "SECONDS", "look again after so long (1)" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option poll_options[] = {
	{ 'a', "all", NULL,
	    "all accounts that are neither disabled nor paused" },
	{ 'w', "wait", NULL,
	    "wait until they are polled and print the results" },
	{ 'n', "dry-run", NULL, "only look, and print what a poll would do" },
	{ 0, "baseline", NULL,
	    "count all messages there as seen, fetch nothing" },
	{ 0, "confirm", NULL, "also delete what a poll has held back" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option polls_options[] = {
	{ 'A', "account", "NAME", "only of this account" },
	{ 'n', "limit", "N", "at most N, newest first (50)" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option events_options[] = {
	{ 's', "since", "ID", "first what came after ID; 0: all that is kept" },
	{ 'A', "account", "NAME", "only of this account" },
	{ 'k', "kind", "KIND,...", "only of these kinds" },
	{ 'n', "count", "N", "end after N events" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option messages_options[] = {
	{ 'A', "account", "NAME", "only of this account" },
	{ 'f', "from", "TEXT", "only from senders that contain TEXT" },
	{ 'q', "query", "WORDS", "only what a search for WORDS finds" },
	{ 'S', "since", "TIME", "only stored at or after TIME" },
	{ 'B', "before", "TIME", "only stored before TIME" },
	{ 0, "after-id", "ID", "only with higher ids, oldest first" },
	{ 'n', "limit", "N", "at most N, newest first (50)" },
	{ 'a', "all", NULL, "all of them" },
	{ 't', "thread", "ID", "the conversation of this message, by date" },
	{ 0, "stored", NULL, "show when they were stored, too" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option search_options[] = {
	{ 'A', "account", "NAME", "only of this account" },
	{ 'S', "since", "TIME", "only stored at or after TIME" },
	{ 'B', "before", "TIME", "only stored before TIME" },
	{ 'n', "limit", "N", "at most N (50)" },
	{ 'r', "rank", NULL, "those first that fit the words best" },
	{ 0, "newest", NULL, "the newest first, as is usual" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option export_options[] = {
	{ 0, "maildir", "DIR", "write a Maildir" },
	{ 0, "mbox", "FILE", "write an mbox (mboxrd)" },
	{ 0, "eml", "DIR", "write a file for each message, as received" },
	{ 0, "sealed", "DIR", "the same, sealed ones as they are, for --in" },
	{ 'A', "account", "NAME", "only of this account, or of a pattern" },
	{ 'f', "from", "TEXT", "only from senders that contain TEXT" },
	{ 'q', "query", "WORDS", "only with all of these words" },
	{ 'S', "since", "TIME", "only stored at or after TIME" },
	{ 'B', "before", "TIME", "only stored before TIME" },
	{ 0, "after-id", "ID", "only those stored after message ID" },
	{ 0, "folders", "HOW",
	    "a folder an account: plain, maildir++, or none" },
	{ 0, "seen", NULL, "Maildir: messages count as read" },
	{ 0, "crlf", NULL, "Maildir, mbox: keep line ends as received" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option show_options[] = {
	{ 'H', "headers", NULL, "all fields of its header, decoded" },
	{ 'd', "details", NULL, "what the store knows of it, and all parts" },
	{ 'r', "raw", NULL, "as it was received" },
	{ 'p', "part", "N", "print part N" },
	{ 'a', "attachment", "N", "save part N, or \"all\" that is attached" },
	{ 'o', "output", "FILE", "save to a new FILE, or in a folder" },
	{ 0, "force", NULL, "replace a file that exists" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option import_options[] = {
	{ 'A', "account", "NAME",
	    "messages: into this account; from a program: only this one" },
	{ 'n', "dry-run", NULL,
	    "from a program: print evpopd.conf, and change nothing" },
	{ 'o', "output", "FILE",
	    "from a program: write evpopd.conf to a new FILE" },
	{ 'c', "config", "FILE",
	    "from a program: the daemon's (/etc/evpopd/evpopd.conf)" },
	{ 0, "home", "FOLDER", "from a program: what \"~\" is in its files" },
	{ 0, "resume", NULL, "from a program: do not leave accounts paused" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option raw_options[] = {
	{ 'o', "output", "FILE", "write to a new FILE, whole or not at all" },
	{ 0, "force", NULL, "replace FILE if it exists" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option quarantine_options[] = {
	{ 'n', "limit", "N", "list at most N, newest first (50)" },
	{ 'o', "output", "FILE", "write the raw bytes to a new FILE" },
	{ 0, "force", NULL, "replace FILE if it exists" },
	{ 'A', "account", "NAME",
	    "retry those of this account, whose name may be a number" },
	{ 'a', "all", NULL, "retry all" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option outbox_options[] = {
	{ 'A', "account", "NAME", "only of this account" },
	{ 't', "target", "TARGET", "only to this target" },
	{ 'S', "state", "STATE",
	    "only in this state: waiting, refused, delivered, dropped, all" },
	{ 'm', "message", "ID", "list those of this message" },
	{ 'n', "limit", "N", "list at most N (50)" },
	{ 'a', "all", NULL,
	    "list all; retry or drop all that were refused, or are in "
	    "--state" },
	{ 'y', "yes", NULL, "drop --all: do not ask" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option targets_options[] = {
	{ 'a', "all", NULL,
	    "all: pause those that are not, resume those that are or fail" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option deliver_options[] = {
	{ 't', "to", "TARGET", "to this target" },
	{ 'A', "account", "NAME", "what is stored of this account" },
	{ 'S', "since", "TIME", "what was stored at or after TIME" },
	{ 'B', "before", "TIME", "what was stored before TIME" },
	{ 'a', "all", NULL, "all that is stored" },
	{ 'n', "dry-run", NULL, "only say what would go where" },
	{ 0, "again", NULL, "also what the target was given before" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option hold_options[] = {
	{ 'r', "reason", "TEXT", "why, for the record" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option delete_options[] = {
	{ 'r', "reason", "TEXT", "why, for the record" },
	{ 'A', "account", "NAME",
	    "the mail of this account; needs --all or --before" },
	{ 'a', "all", NULL, "all of it, but for what is held" },
	{ 'B', "before", "TIME", "what of it was stored before TIME" },
	{ 'y', "yes", NULL, "do not ask" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option deleted_options[] = {
	{ 'A', "account", "NAME", "only of this account" },
	{ 'n', "limit", "N", "at most N, the newest messages first (50)" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option audit_options[] = {
	{ 'w', "who", "USER", "only what this user did" },
	{ 0, "action", "WORD", "only this, for example read" },
	{ 'n', "limit", "N", "at most N, newest first (50)" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option add_options[] = {
	{ 'c', "config", "FILE",
	    "the daemon's configuration (/etc/evpopd/evpopd.conf)" },
	{ 0, "name", "NAME", "what the account is called (ADDRESS)" },
	{ 0, "server", "HOST[:PORT]", "use this server, and look no further" },
	{ 0, "tls", "HOW", "of that server: implicit or stls" },
	{ 0, "provider", "PROVIDER", "use this provider, and look no further" },
	{ 0, "list", NULL,
	    "look in Mozilla's list, too, which learns the domain" },
	{ 'l', "login", "USER", "the user name" },
	{ 0, "password-fd", "N", "read the password from this descriptor" },
	{ 0, "password-file", "FILE", "the daemon reads it from this file" },
	{ 0, "password-command", "COMMAND",
	    "the daemon gets it from this command" },
	{ 0, "client-id", "ID", "log in by OAuth 2, as this client" },
	{ 0, "client-secret-fd", "N",
	    "read the client's secret from this descriptor" },
	{ 0, "flow", "FLOW",
	    "how to consent: device, code, client-credentials" },
	{ 'k', "key", "FILE", "seal what is secret with this key of evpopd" },
	{ 0, "keep", "HOW", "keep mail on the server: forever, delete, 14d" },
	{ 0, "baseline", NULL, "what is there counts as seen" },
	{ 0, "deliver", "TARGET", "deliver new mail there" },
	{ 0, "set", "KEY=VALUE", "another key of evpopd.conf(5)" },
	{ 0, "no-poll", NULL, "only write the file" },
	{ 'n', "dry-run", NULL, "only look, and print what would be written" },
	{ 'y', "yes", NULL, "take what is found, and ask nothing" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option oauth_options[] = {
	{ 0, "flow", "FLOW", "device or code (as it is configured)" },
	{ 0, "port", "N", "the browser comes back to this port (any)" },
	{ 0, "forget", NULL, "forget the consent instead" },
	{ 0, "no-browser", NULL, "only print the address" },
	{ 0, "no-poll", NULL, "do not poll then" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option remove_options[] = {
	{ 'c', "config", "FILE",
	    "the daemon's configuration (/etc/evpopd/evpopd.conf)" },
	{ 'y', "yes", NULL, "do not ask" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option doctor_options[] = {
	{ 't', "target", NULL, "the argument is the name of a target" },
	{ 'l', "login", "USER",
	    "log in, too, with the password that standard input has" },
	{ 'c', "config", "FILE",
	    "an ACCOUNT as FILE has it, with its password" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option check_options[] = {
	{ 0, "store", NULL,
	    "the store: its structure, and the digest of each message" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option key_options[] = {
	{ 'p', "passphrase", NULL, "put the new key under a passphrase" },
	{ 'k', "key", "FILE", "rotate: the secret key of the sealed mail" },
	{ 't', "to", "PUBLIC", "rotate: the public key to seal it to" },
	{ 0, NULL, NULL, NULL },
};

static const struct command_option seal_options[] = {
	{ 'k', "key", "FILE", "the daemon's key (/etc/evpopd/evpopd.key)" },
	{ 'A', "account", "NAME", "bind it to the account of this name or id" },
	{ 'T', "target", "TARGET", "bind it to the target of this name" },
	{ 0, NULL, NULL, NULL },
};

/* What stands before a command. */
static const struct command program = { "",
	"[-s SOCKET | --store FILE | --in FOLDER] [--key FILE] [--json] "
	"COMMAND [ARGUMENT...]",
	"", 0, COMMAND_ANY, global_options, NULL };

static const struct command commands[] = {
	{ "status", "", "the state of the daemon, and what needs attention", 0,
	    0, no_options, status_run },
	{ "accounts", "[OPTION...] [PATTERN]",
	    "list the accounts, those that fail first", 0, 1, accounts_options,
	    accounts_run },
	{ "account", "NAME...", "show accounts in full", 1, COMMAND_ANY,
	    no_options, account_run },
	{ "top", "[OPTION...] [PATTERN]",
	    "watch them, on a full screen\n"
	    "The key ? shows the keys.",
	    0, 1, top_options, top_run },
	{ "polls", "[OPTION...]", "list past polls", 0, 0, polls_options,
	    polls_run },
	{ "events", "[OPTION...]", "print what happens, as it happens", 0, 0,
	    events_options, events_run },
	{ "audit", "[OPTION...]", "list who did what", 0, 0, audit_options,
	    audit_run },

	{ "messages", "[OPTION...]", "list stored messages", 0, 0,
	    messages_options, messages_run },
	{ "search", "[OPTION...] [--] WORD...",
	    "find messages\n"
	    "Words, \"phrases\", beginnings*, -without, OR, and the "
	    "fields from: to: cc: subject: body: filename: account: "
	    "since: before: larger: smaller: id: has:attachment.",
	    1, COMMAND_ANY, search_options, search_run },
	{ "show", "[OPTION...] ID", "read a message", 1, 1, show_options,
	    show_run },
	{ "raw", "[-o FILE [--force]] ID", "a message, byte for byte", 1, 1,
	    raw_options, raw_run },
	{ "export",
	    "[OPTION...] --maildir DIR | --mbox FILE | --eml DIR | --sealed "
	    "DIR",
	    "write stored messages to files\n"
	    "What is there already is not written again.",
	    0, 0, export_options, export_command },
	{ "import",
	    "--account NAME FILE | DIR... | "
	    "fetchmail | getmail | mpop | fdm [PATH]",
	    "store messages that are in files, or leave another program\n"
	    "An mbox, a Maildir, or a file or folder of messages.  "
	    "What is stored already is not stored again.  From fetchmail, "
	    "getmail, mpop or fdm: its accounts, where their mail goes, and "
	    "which messages it has fetched.  (Write ./mpop for a file of that "
	    "name.)",
	    1, COMMAND_ANY, import_options, import_command },
	{ "hold", "--reason TEXT ID...", "keep messages from being deleted", 1,
	    COMMAND_ANY, hold_options, hold_run },
	{ "release", "[--reason TEXT] ID...", "end holds", 1, COMMAND_ANY,
	    hold_options, release_run },
	{ "delete",
	    "--reason TEXT [--yes] ID... | --account NAME --all | --before "
	    "TIME",
	    "delete stored messages for good", 0, COMMAND_ANY, delete_options,
	    delete_run },
	{ "deleted", "[OPTION...]", "list what was deleted, by whom, and why",
	    0, 0, deleted_options, deleted_run },

	{ "add", "[OPTION...] ADDRESS",
	    "add an account: find its server, log in, poll it\n"
	    "On a terminal it asks what no option says.  The account gets a "
	    "file of its own, in a folder that evpopd.conf includes.",
	    1, 1, add_options, add_run },
	{ "remove", "[OPTION...] NAME",
	    "remove an account\n"
	    "Its file goes, its stored mail stays.",
	    1, 1, remove_options, remove_run },
	{ "oauth", "[OPTION...] NAME | target:TARGET",
	    "give an account your consent by OAuth 2, and poll it\n"
	    "By a code for any device's browser, or by a browser here.",
	    1, 1, oauth_options, oauth_run },
	{ "poll", "[OPTION...] NAME... | --all", "poll accounts now", 0,
	    COMMAND_ANY, poll_options, poll_run },
	{ "pause", "NAME... | --all", "stop polling until resumed", 0,
	    COMMAND_ANY, pause_options, pause_run },
	{ "resume", "NAME... | --all", "poll paused or failing accounts again",
	    0, COMMAND_ANY, resume_options, resume_run },
	{ "quarantine", "[list | show | raw | retry] [NAME | ID...]",
	    "messages that failed too often\n"
	    "list [NAME], show ID, raw ID, retry ID... | NAME... | "
	    "--all.",
	    0, COMMAND_ANY, quarantine_options, quarantine_run },
	{ "doctor", "[OPTION...] HOST[:PORT] | ACCOUNT | ADDRESS | TARGET",
	    "look at a POP3 server, or try a target\n"
	    "How it can be reached, what it can do, and what to write "
	    "into evpopd.conf; or whether a target takes mail.",
	    1, 1, doctor_options, doctor_run },

	{ "targets", "[show | pause | resume] [TARGET...]",
	    "targets that mail is delivered to\n"
	    "Without an argument they are listed; a target's name shows it "
	    "in full.",
	    0, COMMAND_ANY, targets_options, targets_run },
	{ "outbox", "[list | show | retry | drop] [ID...]",
	    "what waits to be delivered, and what was refused\n"
	    "list, show ID..., retry ID... | --all, drop ID... | --all.",
	    0, COMMAND_ANY, outbox_options, outbox_run },
	{ "deliver", "--to TARGET [OPTION...] [ID...]",
	    "deliver messages that are stored already\n"
	    "What the target was given before is passed over.",
	    0, COMMAND_ANY, deliver_options, deliver_run },

	{ "key",
	    "generate [--passphrase] FILE | public FILE | "
	    "rotate --key FILE --to PUBLIC",
	    "make a key, show its public half, or change it\n"
	    "The FILE - is standard output.  \"rotate\" seals the mail that is "
	    "sealed to one key to another.",
	    1, 2, key_options, key_run },
	{ "seal", "[OPTION...]",
	    "seal a password for evpopd.conf\n"
	    "The password is asked for, or is the line of standard input.",
	    0, 0, seal_options, seal_run },

	{ "backup", "FILE",
	    "let the daemon copy the store\n"
	    "Beside the store, or to a whole path.",
	    1, 1, no_options, backup_run },
	{ "check", "--store", "verify what is stored", 0, 0, check_options,
	    check_run },
	{ "reload", "", "read the configuration again", 0, 0, no_options,
	    reload_run },
	{ "completion", "bash | zsh | fish",
	    "a shell's completion of all this\n"
	    "To be read by the shell: source <(evpopctl completion "
	    "bash).",
	    1, COMMAND_ANY, no_options, completion_run },
	{ "help", "[COMMAND]", "show help", 0, 1, no_options, help_run },
};

/* Above the command in the list of all. */
static const struct {
	const char *first, *heading;
} headings[] = {
	{ "status", "See" },
	{ "messages", "Mail" },
	{ "add", "Servers" },
	{ "targets", "Delivery" },
	{ "key", "Keys" },
	{ "backup", "The daemon" },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

const struct command *
command_table(size_t *count_r)
{
	*count_r = COMMAND_COUNT;
	return commands;
}

const struct command *
command_of_program(void)
{
	return &program;
}

const struct command *
command_find(const struct ctl *ctl, const char *name)
{
	struct evpop_near near = { NULL, 0 };

	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
		evpop_near_consider(&near, name, commands[i].name);
	}
	ctl_warn(ctl, "there is no command \"%s\"", name);
	if (near.word != NULL)
		fprintf(
		    ctl->err, "          did you mean \"%s\"?\n", near.word);
	else
		ctl_hint(ctl, "\"evpopctl help\" lists them");
	return NULL;
}

static void
command_print_heading(FILE *out, const char *first)
{
	for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); i++)
		if (strcmp(headings[i].first, first) == 0)
			fprintf(out, "\n%s:\n", headings[i].heading);
}

void
command_print_all(FILE *out)
{
	char left[128], what[64];

	command_print_usage(out, &program);
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		command_print_heading(out, commands[i].name);
		snprintf(left, sizeof(left), "%s %s", commands[i].name,
		    commands[i].arguments);
		snprintf(what, sizeof(what), "%.*s",
		    (int)strcspn(commands[i].what, "\n"), commands[i].what);
		command_print_pair(out, left, LEFT_WIDTH, what);
	}
	fprintf(out, "\n");
	command_print_options(out, program.options);
	fprintf(out, "\nNAME may be a pattern such as 'cust0*'.\nTIME is "
		     "2024-02-29, 2024-02-29T12:34Z, or how long ago: 30m, "
		     "24h, 7d.\nevpopctl(1) has the rest.\n");
}

static enum ctl_exit
help_run(const struct ctl *ctl, const struct invocation *invocation)
{
	const struct command *command;

	if (invocation->count == 0) {
		command_print_all(ctl->out);
		return CTL_OK;
	}
	command = command_find(ctl, invocation->arguments[0]);
	if (command == NULL)
		return CTL_USAGE;
	command_print_help(ctl->out, command);
	return CTL_OK;
}

static enum ctl_exit
completion_run(const struct ctl *ctl, const struct invocation *invocation)
{
	const struct completion_table table = { &program, commands,
		COMMAND_COUNT };

	return completion_print(ctl, invocation, &table);
}
