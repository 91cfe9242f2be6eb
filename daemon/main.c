/* evpopd: arguments, the configuration, and the service that runs by them. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "daemon/chosen.h"
#include "daemon/config/config.h"
#include "daemon/confinement.h"
#include "daemon/keys.h"
#include "daemon/log/log.h"
#include "daemon/logging.h"
#include "daemon/secret/secret.h"
#include "daemon/secret/wiping.h"
#include "daemon/service.h"
#include "daemon/serving.h"

#define DEFAULT_CONFIG "/etc/evpopd/evpopd.conf"

struct arguments {
	const char *config_path;
	const char *store_path; /* without a daemon; NULL: there is none */
	bool fills_store;
	bool check, once, quiet;
	char **names; /* of accounts, with --once */
	size_t name_count;
};

static const char usage_text[] =
    "usage: evpopd [-c FILE] [--check]\n"
    "       evpopd [-c FILE] --once [--quiet] [NAME...]\n"
    "       evpopd --serve-store FILE | --fill-store FILE\n"
    "       evpopd --help | --version\n"
    "\n"
    "Collects mail from POP3 maildrops and stores it.\n"
    "\n"
    "  -c, --config FILE  the configuration (" DEFAULT_CONFIG ")\n"
    "      --check        report the mistakes in it, and exit\n"
    "      --once         poll every account once, or those named, and exit "
    "when\n"
    "                     all is durable; a NAME may be a pattern: 'cust0*'\n"
    "  -q, --quiet        with --once: say only what fails\n"
    "      --serve-store FILE\n"
    "                     answer the API from a store, and change nothing: "
    "what\n"
    "                     evpopctl --store starts\n"
    "      --fill-store FILE\n"
    "                     the same, and take what another program has "
    "fetched\n"
    "  -h, --help         show this text\n"
    "  -V, --version      show the version\n"
    "\n"
    "Exit codes: 0 success, 64 wrong arguments, 65 the store is damaged, 71 a\n"
    "system resource is missing, 73 the control socket cannot be created, 74\n"
    "the disk of the store fails, 75 a temporary failure (an account failed\n"
    "with --once, the disk is full, another evpopd uses the store), 77 the\n"
    "store cannot be written, 78 the configuration is wrong or the store of a\n"
    "later version.  See evpopd(8).\n";

/* Whether they go together: -1, or an exit code. */
static int
arguments_check(const struct arguments *arguments)
{
	if (arguments->name_count > 0 && !arguments->once) {
		fprintf(stderr,
		    "evpopd: unexpected argument '%s'\n"
		    "Try 'evpopd --help'.\n",
		    arguments->names[0]);
		return EX_USAGE;
	}
	if (arguments->quiet && !arguments->once) {
		fputs("evpopd: --quiet is for --once; log_level is in the "
		      "configuration\n",
		    stderr);
		return EX_USAGE;
	}
	if (arguments->check + arguments->once +
		(arguments->store_path != NULL) >
	    1) {
		fputs("evpopd: --check, --once, --serve-store and --fill-store "
		      "exclude each other\n",
		    stderr);
		return EX_USAGE;
	}
	return -1;
}

/* Returns -1 to go on, or an exit code. */
static int
parse_arguments(int argc, char **argv, struct arguments *arguments)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'C' },
		{ "once", no_argument, NULL, 'O' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "serve-store", required_argument, NULL, 'S' },
		{ "fill-store", required_argument, NULL, 'F' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while (
	    (option = getopt_long(argc, argv, "c:hqV", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			arguments->config_path = optarg;
			break;
		case 'C':
			arguments->check = true;
			break;
		case 'O':
			arguments->once = true;
			break;
		case 'q':
			arguments->quiet = true;
			break;
		case 'S':
		case 'F':
			arguments->store_path = optarg;
			arguments->fills_store = option == 'F';
			break;
		case 'h':
			fputs(usage_text, stdout);
			return EX_OK;
		case 'V':
			puts("evpopd " EVPOP_VERSION);
			return EX_OK;
		default:
			fputs("Try 'evpopd --help'.\n", stderr);
			return EX_USAGE;
		}
	}
	arguments->names = argv + optind;
	arguments->name_count = (size_t)(argc - optind);
	return arguments_check(arguments);
}

/* Returns how many are errors. */
static size_t
print_messages(const struct config_messages *messages)
{
	for (size_t i = 0; i < messages->count; i++)
		fprintf(stderr, "%s\n", messages->lines[i]);
	return messages->errors;
}

static int
check(const struct arguments *arguments, const struct config *config,
    const struct config_messages *messages)
{
	size_t errors = print_messages(messages);
	struct config_messages of_keys;

	if (config != NULL) {
		keys_check_config(config, arguments->config_path, &of_keys);
		errors += print_messages(&of_keys);
		config_messages_free(&of_keys);
	}
	if (config == NULL || errors > 0) {
		fprintf(stderr, "%s: %zu error%s\n", arguments->config_path,
		    errors, errors == 1 ? "" : "s");
		return EX_CONFIG;
	}
	printf("%s: correct, %zu account%s\n", arguments->config_path,
	    config->account_count, config->account_count == 1 ? "" : "s");
	return EX_OK;
}

static int
run(const struct arguments *arguments)
{
	const struct service_options options = {
		.config_path = arguments->config_path,
		.once = arguments->once,
		.names = (const char *const *)arguments->names,
		.name_count = arguments->name_count,
		.quiet = arguments->quiet,
	};
	struct config_messages messages;
	struct config *config;
	int code = EX_CONFIG;

	if (!arguments->check && !confinement_prepare(arguments->config_path))
		return EX_OSERR;
	config = arguments->check
		     ? config_check(arguments->config_path, &messages)
		     : config_read(arguments->config_path, &messages);
	if (arguments->check)
		code = check(arguments, config, &messages);
	else {
		if (config != NULL)
			logging_set_format(config);
		logging_messages(&messages);
	}
	config_messages_free(&messages);
	if (config != NULL && !arguments->check) {
		code = chosen_check(
		    config, arguments->names, arguments->name_count);
		if (code == EX_OK)
			return service_run(&options, config);
	}
	config_free(&config);
	return code;
}

int
main(int argc, char **argv)
{
	struct arguments arguments = { .config_path = DEFAULT_CONFIG };
	int code;

	code = parse_arguments(argc, argv, &arguments);
	if (code >= 0)
		return code;
	/* Mail and state are nobody else's, whoever starts us. */
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	/* Beyond a limit of file sizes a write fails, as on a full disk. */
	signal(SIGXFSZ, SIG_IGN);
	if (!secret_init()) {
		log_write(LOG_LEVEL_ERROR, NULL, "libsodium cannot start");
		return EX_OSERR;
	}
	if (!secret_wipe_what_is_freed()) {
		log_write(LOG_LEVEL_ERROR, NULL,
		    "OpenSSL would leave secrets in memory: it was used before "
		    "evpopd began");
		return EX_OSERR;
	}
	if (arguments.store_path != NULL)
		return serving_run(arguments.store_path, arguments.fills_store);
	return run(&arguments);
}
