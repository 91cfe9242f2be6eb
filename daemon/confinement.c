#include "daemon/confinement.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/confine/confine.h"
#include "daemon/log/log.h"
#include "daemon/secret/starter.h"
#include "daemon/store/mail/apart.h"
#include "daemon/store/mail/serve.h"

/* A reload tells of so many paths; the rest is like them. */
#define WARNINGS_MAX 5

/* ---- commands ---- */

struct writing {
	int fd;
	bool has_failed;
};

static void
command_write(const char *command, void *arg)
{
	struct writing *writing = arg;
	size_t left = strlen(command) + 1;
	ssize_t put;

	while (left > 0 && !writing->has_failed) {
		put = write(writing->fd, command, left);
		if (put < 0 && errno == EINTR)
			continue;
		writing->has_failed = put <= 0;
		command += put > 0 ? put : 0;
		left -= put > 0 ? (size_t)put : 0;
	}
}

static bool
commands_read(int fd, const char *config_path)
{
	struct writing writing = { .fd = fd };
	struct config_messages messages;
	struct config *config = config_read(config_path, &messages);

	config_messages_free(&messages);
	if (config == NULL)
		return false;
	config_each_command(config, command_write, &writing);
	config_free(&config);
	return !writing.has_failed;
}

static void
command_count(const char *command, void *arg)
{
	size_t *count = arg;

	(void)command;
	(*count)++;
}

bool
confinement_prepare(const char *config_path)
{
	if (secret_starter_begin(commands_read, config_path, mail_serve)) {
		mail_apart_use(secret_starter_start);
		return true;
	}
	log_write(LOG_LEVEL_ERROR, NULL,
	    "the process that starts commands cannot be forked: %s",
	    strerror(errno));
	return false;
}

void
confinement_know_commands(
    const struct confine *confine, const struct config *config)
{
	size_t count = 0;

	if (confine_status(confine) != CONFINE_ON)
		return;
	config_each_command(config, command_count, &count);
	if (count > 0)
		secret_starter_renew();
}

/* ---- what is allowed ---- */

struct allowing {
	struct confine *confine;
	bool has_failed; /* for want of memory */
};

static void
allow(struct allowing *allowing, unsigned access, const char *path)
{
	if (path != NULL && !allowing->has_failed)
		allowing->has_failed =
		    !confine_allow(allowing->confine, access, path);
}

static void
allow_folder_of(struct allowing *allowing, unsigned access, const char *path)
{
	if (path != NULL && !allowing->has_failed)
		allowing->has_failed =
		    !confine_allow_folder_of(allowing->confine, access, path);
}

/*
 * Names, certificates, time zones, character sets and users; the files in /etc
 * are replaced at any time, and may be links to elsewhere.
 */
static void
allow_system(struct allowing *allowing)
{
	static const char *const folders[] = { "/etc", "/usr", "/lib", "/lib64",
		"/proc", "/sys/devices/system/cpu", "/run/systemd",
		"/var/lib/sss", "/nix/store", "/gnu/store" };
	static const char *const files[] = { "/etc/resolv.conf", "/etc/hosts",
		"/etc/nsswitch.conf", "/etc/localtime",
		"/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		allow(allowing, CONFINE_READ, folders[i]);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		allow_folder_of(allowing, CONFINE_READ, files[i]);
	allow(allowing, CONFINE_OPEN, "/dev/null");
	allow(allowing, CONFINE_READ, "/dev/urandom");
	allow(allowing, CONFINE_READ, getenv("SSL_CERT_DIR"));
	allow_folder_of(allowing, CONFINE_READ, getenv("SSL_CERT_FILE"));
	allow_folder_of(allowing, CONFINE_READ, getenv("OPENSSL_CONF"));
	allow(allowing, CONFINE_READ, getenv("CREDENTIALS_DIRECTORY"));
}

/* A folder, or a file that may be replaced. */
static void
allow_path(const char *path, void *arg)
{
	struct allowing *allowing = arg;

	allow(allowing, CONFINE_READ, path);
	allow_folder_of(allowing, CONFINE_READ, path);
}

/* A Maildir that is not there yet is made in the folder that it is to be in. */
static void
allow_place(const char *folder, bool makes_folders, void *arg)
{
	const unsigned may = makes_folders ? CONFINE_FILE : CONFINE_WRITE;
	struct allowing *allowing = arg;

	if (access(folder, F_OK) == 0)
		allow(allowing, may, folder);
	else
		allow_folder_of(allowing, may, folder);
}

static void
allow_configured(
    struct allowing *allowing, const struct config *config, bool binds_socket)
{
	const struct config_strings *includes = &config->includes;
	const struct config_strings *reads = &config->confine_read;
	const struct config_strings *writes = &config->confine_write;

	config_each_path(config, allow_path, allowing);
	config_each_place(config, allow_place, allowing);
	for (size_t i = 0; i < includes->count; i++) {
		char *folder = config_include_folder(includes->items[i]);

		allowing->has_failed |= folder == NULL;
		allow(allowing, CONFINE_READ, folder);
		free(folder);
	}
	for (size_t i = 0; i < reads->count; i++)
		allow(allowing, CONFINE_READ, reads->items[i]);
	for (size_t i = 0; i < writes->count; i++)
		allow(allowing, CONFINE_WRITE, writes->items[i]);
	allow_folder_of(allowing, CONFINE_WRITE, config->store_path);
	if (binds_socket)
		allow_folder_of(
		    allowing, CONFINE_SOCKET, config->control_socket);
}

/* As confinement_enter(). */
static int
confinement_enter_rules(
    const struct config *config, bool binds_socket, struct confine **confine_r)
{
	struct allowing allowing = { .confine = confine_new() };

	*confine_r = allowing.confine;
	if (allowing.confine == NULL)
		return EX_OSERR;
	if (config->confine == CONFIG_CONFINE_NO)
		return EX_OK;
	allow_system(&allowing);
	allow_configured(&allowing, config, binds_socket);
	if (allowing.has_failed) {
		log_write(LOG_LEVEL_ERROR, NULL,
		    "out of memory: evpopd cannot confine itself");
		return EX_OSERR;
	}
	if (confine_enter(allowing.confine) == CONFINE_ON ||
	    config->confine != CONFIG_CONFINE_REQUIRED)
		return EX_OK;
	log_write(LOG_LEVEL_ERROR, NULL,
	    "%s; \"confine = required\" in [daemon] wants it, \"confine = "
	    "auto\" does without",
	    confine_text(allowing.confine));
	return EX_OSERR;
}

int
confinement_enter(
    const struct config *config, bool binds_socket, struct confine **confine_r)
{
	int code = confinement_enter_rules(config, binds_socket, confine_r);

	if (code == EX_OK)
		confinement_know_commands(*confine_r, config);
	return code;
}

void
confinement_enter_with_store(const char *store_path)
{
	struct allowing allowing = { .confine = confine_new() };

	if (secret_starter_begin(NULL, NULL, mail_serve))
		mail_apart_use(secret_starter_start);
	if (allowing.confine == NULL)
		return;
	allow_system(&allowing);
	allow_folder_of(&allowing, CONFINE_WRITE, store_path);
	if (!allowing.has_failed)
		(void)confine_enter(allowing.confine);
	confine_free(&allowing.confine);
}

void
confinement_end(void)
{
	mail_apart_end();
	secret_starter_end();
}

/* ---- a reload ---- */

struct warning {
	const struct confine *confine;
	struct reload *reload;
	size_t count;
};

static void
warning_add(struct warning *warning, unsigned access, const char *path,
    const char *what)
{
	char text[512];

	if (confine_allows(warning->confine, access, path) ||
	    warning->count++ >= WARNINGS_MAX)
		return;
	snprintf(text, sizeof(text),
	    "%.300s is in none of the folders that evpopd confined itself to "
	    "when it started; it can be %s after a restart",
	    path, what);
	log_write(LOG_LEVEL_WARNING, NULL, "%s", text);
	reload_warning(warning->reload, text);
}

static void
warning_check(const char *path, void *arg)
{
	warning_add(arg, CONFINE_READ, path, "read");
}

static void
warning_check_place(const char *folder, bool makes_folders, void *arg)
{
	warning_add(arg, makes_folders ? CONFINE_FILE : CONFINE_WRITE, folder,
	    "written");
}

void
confinement_warn(const struct confine *confine, const struct config *config,
    const struct config_diff *diff, struct reload *reload)
{
	struct warning warning = { confine, reload, 0 };

	for (size_t i = 0; i < config->includes.count; i++) {
		char *folder = config_include_folder(config->includes.items[i]);

		if (folder != NULL)
			warning_check(folder, &warning);
		free(folder);
	}
	for (size_t i = 0; i < diff->added_count; i++)
		config_account_each_path(
		    diff->added[i], warning_check, &warning);
	for (size_t i = 0; i < diff->changed_count; i++)
		config_account_each_path(
		    diff->changed[i], warning_check, &warning);
	config_targets_each_path(config, warning_check, &warning);
	config_each_place(config, warning_check_place, &warning);
}

void
confinement_explain(
    const struct confine *confine, char *message, size_t message_size)
{
	size_t length = strlen(message);

	if (confine_status(confine) == CONFINE_ON &&
	    strstr(message, strerror(EACCES)) != NULL)
		snprintf(message + length, message_size - length,
		    "; evpopd confined itself to the folders that it knew when "
		    "it started: if this one is new, restart it");
}

void
confinement_log(const struct confine *confine)
{
	log_write(LOG_LEVEL_INFO, NULL, "%s%s",
	    confine_status(confine) == CONFINE_ON ? "confined: " : "",
	    confine_text(confine));
}
