#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "Usage: maildropd [option]...\n"
    "Serve maildrops by POP3, for tests, demonstrations and load.\n"
    "\n"
    "Where to listen (at least one; port 0 takes any free one):\n"
    "  --listen HOST:PORT        plain POP3; offers STLS when given --cert\n"
    "  --tls-listen HOST:PORT    POP3 inside TLS from the first byte\n"
    "  --cert FILE --key FILE    certificate chain and key, PEM\n"
    "  --client-ca FILE          demand a client certificate of this CA\n"
    "\n"
    "What to serve (each may repeat):\n"
    "  --maildrop USER:PASSWORD:FOLDER\n"
    "                            every regular file in FOLDER is a message, "
    "in\n"
    "                            the order of names; names that begin with a\n"
    "                            dot are passed over\n"
    "  --synthetic PREFIX:PASSWORD:ACCOUNTS:MESSAGES:SIZE\n"
    "                            users PREFIX1 to PREFIXn with made-up "
    "messages\n"
    "                            of about SIZE octets, always the same\n"
    "  --crlf                    send every line of a file with CRLF\n"
    "  --uid-prefix TEXT         put TEXT before every unique-id\n"
    "\n"
    "How to behave:\n"
    "  --delay-ms N              what arrives is acted on N ms later\n"
    "  --octets-per-second N     what each client is sent in a second\n"
    "  --stall-after N           say nothing more after N octets of an answer "
    "to\n"
    "                            RETR, and leave the client waiting\n"
    "  --hold-after N            answer nothing once N messages are sent, "
    "until\n"
    "                            SIGUSR2\n"
    "  --no-pipelining           do not advertise PIPELINING\n"
    "  --no-uidl                 do not know UIDL, nor offer it\n"
    "  --no-top                  do not know TOP, nor offer it\n"
    "  --no-empty-line           synthetic messages are all header\n"
    "  --cut-bodies PERCENT      break off in so many answers to RETR, "
    "anywhere\n"
    "  --empty-bodies PERCENT    answer so many RETRs with nothing but +OK\n"
    "  --drop-quits PERCENT      obey so many QUITs without an answer\n"
    "  --fault-seed N            which ones\n"
    "\n"
    "Supervision:\n"
    "  --port-file FILE          once ready, write a line for each listener:\n"
    "                            plain HOST PORT, or tls HOST PORT\n"
    "  --stats-file FILE         write counters as JSON at the end, and on\n"
    "                            SIGUSR1\n"
    "  --log FILE                append every command, without its secrets\n"
    "  --exit-with PID           end when that process has ended\n"
    "  --die-with-parent         end when the parent has ended\n"
    "  --help                    show this text\n";

__attribute__((noreturn, format(printf, 1, 2))) static void
usage_error(const char *format, ...)
{
	va_list arguments;

	fputs("maildropd: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputs("\nTry 'maildropd --help'.\n", stderr);
	exit(EXIT_USAGE);
}

/* Returns ARRAY with room for one element after its COUNT, zeroed. */
static void *
grow(void *array, size_t count, size_t size)
{
	char *grown = reallocarray(array, count + 1, size);

	if (grown == NULL) {
		perror("maildropd");
		exit(EXIT_FAILURE);
	}
	memset(grown + size * count, 0, size);
	return grown;
}

static char *
copy(const char *text, size_t size)
{
	char *copied = strndup(text, size);

	if (copied == NULL) {
		perror("maildropd");
		exit(EXIT_FAILURE);
	}
	return copied;
}

/* Takes the text before the next colon and moves *at_r behind it. */
static char *
take_field(const char **at_r, const char *option, const char *form)
{
	const char *colon = strchr(*at_r, ':');
	char *field;

	if (colon == NULL)
		usage_error("--%s wants %s", option, form);
	field = copy(*at_r, (size_t)(colon - *at_r));
	*at_r = colon + 1;
	return field;
}

static uint64_t
parse_number(
    const char *text, const char *option, uint64_t least, uint64_t most)
{
	char *end;
	unsigned long long number;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' ||
	    number < least || number > most)
		usage_error("--%s: '%s' is not a number from %llu to %llu",
		    option, text, (unsigned long long)least,
		    (unsigned long long)most);
	return number;
}

static void
add_listen(struct options *options, const char *text, bool tls)
{
	const char *option = tls ? "tls-listen" : "listen";
	const char *colon = strrchr(text, ':');
	struct listen_option *listen;

	if (colon == NULL || colon == text)
		usage_error("--%s: '%s' is not HOST:PORT", option, text);
	(void)parse_number(colon + 1, option, 0, 65535);
	options->listens =
	    grow(options->listens, options->listen_count, sizeof *listen);
	listen = &options->listens[options->listen_count++];
	if (text[0] == '[' && colon[-1] == ']')
		listen->host = copy(text + 1, (size_t)(colon - text) - 2);
	else
		listen->host = copy(text, (size_t)(colon - text));
	listen->port = copy(colon + 1, strlen(colon + 1));
	listen->tls = tls;
}

static void
add_folder(struct options *options, const char *text)
{
	static const char form[] = "USER:PASSWORD:FOLDER";
	struct folder_option *folder;

	options->folders =
	    grow(options->folders, options->folder_count, sizeof *folder);
	folder = &options->folders[options->folder_count++];
	folder->user = take_field(&text, "maildrop", form);
	folder->password = take_field(&text, "maildrop", form);
	folder->folder = copy(text, strlen(text));
	if (*folder->user == '\0' || *folder->folder == '\0')
		usage_error("--maildrop wants %s", form);
}

static void
add_synthetic(struct options *options, const char *text)
{
	static const char form[] = "PREFIX:PASSWORD:ACCOUNTS:MESSAGES:SIZE";
	static const char option[] = "synthetic";
	struct synthetic_option *synthetic;
	char *accounts, *messages;

	options->synthetics = grow(
	    options->synthetics, options->synthetic_count, sizeof *synthetic);
	synthetic = &options->synthetics[options->synthetic_count++];
	synthetic->prefix = take_field(&text, option, form);
	synthetic->password = take_field(&text, option, form);
	accounts = take_field(&text, option, form);
	messages = take_field(&text, option, form);
	synthetic->accounts =
	    (uint32_t)parse_number(accounts, option, 1, 10000000);
	synthetic->messages =
	    (uint32_t)parse_number(messages, option, 0, 10000000);
	synthetic->mean_size =
	    (size_t)parse_number(text, option, 0, UINT32_C(1) << 31);
	free(accounts);
	free(messages);
}

enum long_option {
	OPTION_LISTEN = 256,
	OPTION_TLS_LISTEN,
	OPTION_CERT,
	OPTION_KEY,
	OPTION_CLIENT_CA,
	OPTION_MAILDROP,
	OPTION_SYNTHETIC,
	OPTION_CRLF,
	OPTION_UID_PREFIX,
	OPTION_DELAY_MS,
	OPTION_OCTETS_PER_SECOND,
	OPTION_STALL_AFTER,
	OPTION_HOLD_AFTER,
	OPTION_NO_PIPELINING,
	OPTION_NO_UIDL,
	OPTION_NO_TOP,
	OPTION_NO_EMPTY_LINE,
	OPTION_CUT_BODIES,
	OPTION_DROP_QUITS,
	OPTION_EMPTY_BODIES,
	OPTION_FAULT_SEED,
	OPTION_PORT_FILE,
	OPTION_STATS_FILE,
	OPTION_LOG,
	OPTION_EXIT_WITH,
	OPTION_DIE_WITH_PARENT,
	OPTION_HELP
};

static const struct option long_options[] = { { "listen", required_argument,
						  NULL, OPTION_LISTEN },
	{ "tls-listen", required_argument, NULL, OPTION_TLS_LISTEN },
	{ "cert", required_argument, NULL, OPTION_CERT },
	{ "key", required_argument, NULL, OPTION_KEY },
	{ "client-ca", required_argument, NULL, OPTION_CLIENT_CA },
	{ "maildrop", required_argument, NULL, OPTION_MAILDROP },
	{ "synthetic", required_argument, NULL, OPTION_SYNTHETIC },
	{ "crlf", no_argument, NULL, OPTION_CRLF },
	{ "uid-prefix", required_argument, NULL, OPTION_UID_PREFIX },
	{ "delay-ms", required_argument, NULL, OPTION_DELAY_MS },
	{ "octets-per-second", required_argument, NULL,
	    OPTION_OCTETS_PER_SECOND },
	{ "stall-after", required_argument, NULL, OPTION_STALL_AFTER },
	{ "hold-after", required_argument, NULL, OPTION_HOLD_AFTER },
	{ "no-pipelining", no_argument, NULL, OPTION_NO_PIPELINING },
	{ "no-uidl", no_argument, NULL, OPTION_NO_UIDL },
	{ "no-top", no_argument, NULL, OPTION_NO_TOP },
	{ "no-empty-line", no_argument, NULL, OPTION_NO_EMPTY_LINE },
	{ "cut-bodies", required_argument, NULL, OPTION_CUT_BODIES },
	{ "empty-bodies", required_argument, NULL, OPTION_EMPTY_BODIES },
	{ "drop-quits", required_argument, NULL, OPTION_DROP_QUITS },
	{ "fault-seed", required_argument, NULL, OPTION_FAULT_SEED },
	{ "port-file", required_argument, NULL, OPTION_PORT_FILE },
	{ "stats-file", required_argument, NULL, OPTION_STATS_FILE },
	{ "log", required_argument, NULL, OPTION_LOG },
	{ "exit-with", required_argument, NULL, OPTION_EXIT_WITH },
	{ "die-with-parent", no_argument, NULL, OPTION_DIE_WITH_PARENT },
	{ "help", no_argument, NULL, OPTION_HELP }, { NULL, 0, NULL, 0 } };

/* How to behave; false for what is about something else. */
static bool
apply_behaviour(struct options *options, int option)
{
	switch (option) {
	case OPTION_DELAY_MS:
		options->delay_ms =
		    (int64_t)parse_number(optarg, "delay-ms", 0, 3600000);
		break;
	case OPTION_OCTETS_PER_SECOND:
		options->octets_per_second = (size_t)parse_number(
		    optarg, "octets-per-second", 1, UINT32_MAX);
		break;
	case OPTION_STALL_AFTER:
		options->stalls = true;
		options->stall_after =
		    parse_number(optarg, "stall-after", 0, UINT32_MAX);
		break;
	case OPTION_HOLD_AFTER:
		options->hold_after =
		    parse_number(optarg, "hold-after", 1, UINT32_MAX);
		break;
	case OPTION_NO_PIPELINING:
		options->no_pipelining = true;
		break;
	case OPTION_NO_UIDL:
		options->no_uidl = true;
		break;
	case OPTION_NO_TOP:
		options->no_top = true;
		break;
	case OPTION_NO_EMPTY_LINE:
		options->no_empty_line = true;
		break;
	case OPTION_CUT_BODIES:
		options->cut_bodies =
		    (unsigned)parse_number(optarg, "cut-bodies", 0, 100);
		break;
	case OPTION_EMPTY_BODIES:
		options->empty_bodies =
		    (unsigned)parse_number(optarg, "empty-bodies", 0, 100);
		break;
	case OPTION_DROP_QUITS:
		options->drop_quits =
		    (unsigned)parse_number(optarg, "drop-quits", 0, 100);
		break;
	case OPTION_FAULT_SEED:
		options->fault_seed =
		    parse_number(optarg, "fault-seed", 0, INT64_MAX);
		break;
	default:
		return false;
	}
	return true;
}

static void
apply_option(struct options *options, int option)
{
	switch (option) {
	case OPTION_LISTEN:
		add_listen(options, optarg, false);
		break;
	case OPTION_TLS_LISTEN:
		add_listen(options, optarg, true);
		break;
	case OPTION_CERT:
		options->cert_file = optarg;
		break;
	case OPTION_KEY:
		options->key_file = optarg;
		break;
	case OPTION_CLIENT_CA:
		options->client_ca_file = optarg;
		break;
	case OPTION_MAILDROP:
		add_folder(options, optarg);
		break;
	case OPTION_SYNTHETIC:
		add_synthetic(options, optarg);
		break;
	case OPTION_CRLF:
		options->crlf = true;
		break;
	case OPTION_UID_PREFIX:
		options->uid_prefix = optarg;
		break;
	case OPTION_PORT_FILE:
		options->port_file = optarg;
		break;
	case OPTION_STATS_FILE:
		options->stats_file = optarg;
		break;
	case OPTION_LOG:
		options->log_file = optarg;
		break;
	case OPTION_EXIT_WITH:
		options->exit_with =
		    (pid_t)parse_number(optarg, "exit-with", 1, INT32_MAX);
		break;
	case OPTION_DIE_WITH_PARENT:
		options->die_with_parent = true;
		break;
	case OPTION_HELP:
		fputs(help, stdout);
		exit(EXIT_SUCCESS);
	default:
		if (apply_behaviour(options, option))
			break;
		fputs("Try 'maildropd --help'.\n", stderr);
		exit(EXIT_USAGE);
	}
}

/* Refuses options that make no sense together. */
static void
check_options(const struct options *options)
{
	if (options->listen_count == 0)
		usage_error("give --listen or --tls-listen");
	if ((options->cert_file == NULL) != (options->key_file == NULL))
		usage_error("--cert and --key go together");
	if (options->client_ca_file != NULL && options->cert_file == NULL)
		usage_error("--client-ca wants --cert and --key");
	for (size_t i = 0; i < options->listen_count; i++) {
		if (options->listens[i].tls && options->cert_file == NULL)
			usage_error("--tls-listen wants --cert and --key");
	}
	if (options->stalls && options->cut_bodies > 0)
		usage_error(
		    "--stall-after and --cut-bodies exclude each other");
	if (options->folder_count == 0 && options->synthetic_count == 0)
		usage_error("give --maildrop or --synthetic");
	if (strlen(options->uid_prefix) > 48)
		usage_error("--uid-prefix is longer than 48 characters");
}

void
options_read(struct options *options, int argc, char **argv)
{
	int option;

	memset(options, 0, sizeof *options);
	options->uid_prefix = "";
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		apply_option(options, option);
	if (optind < argc)
		usage_error("'%s' is not an option", argv[optind]);
	check_options(options);
}

void
options_free(struct options *options)
{
	for (size_t i = 0; i < options->listen_count; i++) {
		free(options->listens[i].host);
		free(options->listens[i].port);
	}
	for (size_t i = 0; i < options->folder_count; i++) {
		free(options->folders[i].user);
		free(options->folders[i].password);
		free(options->folders[i].folder);
	}
	for (size_t i = 0; i < options->synthetic_count; i++) {
		free(options->synthetics[i].prefix);
		free(options->synthetics[i].password);
	}
	free(options->listens);
	free(options->folders);
	free(options->synthetics);
}
