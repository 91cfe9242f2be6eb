/* evpopctl import fetchmail | getmail | mpop | fdm. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/config/target.h"
#include "daemon/ctl/accountfile.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/migrate/program.h"
#include "daemon/ctl/print.h"

/* What the daemon takes at once, less the longest unique-id. */
#define BATCH_SIZE (65536 - 512)

/* For the daemon to know what the store does; ten seconds. */
#define WAITS_MOST 200

struct migrate {
	const struct ctl *ctl;
	const struct invocation *invocation;
	const struct migrate_program *program;
	const char *config_path, *path;
	struct config *config; /* the daemon's; NULL: nothing goes there */
	struct migration migration;
	/* Files that were written, to be taken away where a later one fails. */
	char **files;
	size_t file_count;
};

static const struct migrate_program programs[] = {
	{ "fdm", { "~/.fdm.conf" }, fdm_read },
	{ "fetchmail", { "~/.fetchmailrc" }, fetchmail_read },
	{ "getmail", { "~/.config/getmail", "~/.getmail" }, getmail_read },
	{ "mpop", { "~/.mpoprc", "~/.config/mpop/config" }, mpop_read },
};

const struct migrate_program *
migrate_find(const char *name)
{
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (strcmp(programs[i].name, name) == 0)
			return &programs[i];
	return NULL;
}

bool
migrate_fills(const struct invocation *invocation)
{
	return strcmp(invocation->command->name, "import") == 0 &&
	       invocation->count > 0 &&
	       migrate_find(invocation->arguments[0]) != NULL &&
	       !command_given(invocation, "dry-run");
}

/* ---- where its files are ---- */

/*
 * Whose files they are: what was said; with sudo, whoever typed it; the owner
 * of the file that was named, where that is somebody else.
 */
static const char *
migrate_home(const struct migrate *migrate, const char *path)
{
	const char *home = command_value(migrate->invocation, "home"),
		   *sudo = getenv("SUDO_USER");
	const struct passwd *user = NULL;
	struct stat status;

	if (home != NULL)
		return home;
	if (path != NULL && stat(path, &status) == 0 &&
	    status.st_uid != geteuid())
		user = getpwuid(status.st_uid);
	else if (geteuid() == 0 && path == NULL && sudo != NULL)
		user = getpwnam(sudo);
	if (user != NULL)
		return user->pw_dir;
	home = getenv("HOME");
	return home != NULL ? home : "/";
}

static enum ctl_exit
migrate_find_file(struct migrate *migrate)
{
	const struct invocation *invocation = migrate->invocation;
	const struct migrate_program *program = migrate->program;
	const char *path =
	    invocation->count > 1 ? invocation->arguments[1] : NULL;

	migration_begin(
	    &migrate->migration, program->name, migrate_home(migrate, path));
	migrate->migration.only = command_value(invocation, "account");
	migrate->path =
	    path != NULL ? migration_path(&migrate->migration, path) : NULL;
	for (size_t i = 0;
	     migrate->path == NULL && i < 4 && program->places[i] != NULL;
	     i++) {
		path = migration_path(&migrate->migration, program->places[i]);
		if (access(path, F_OK) == 0)
			migrate->path = path;
	}
	if (migrate->path != NULL)
		return CTL_OK;
	ctl_warn(migrate->ctl, "there is no configuration of %s at %s",
	    program->name,
	    migration_path(&migrate->migration, program->places[0]));
	ctl_hint(migrate->ctl, "name it behind the program, or say --home");
	return CTL_NOT_FOUND;
}

/* ---- names ---- */

/* The port where none is said makes no difference here. */
static bool
migrate_is_same(const struct config_account *account,
    const struct migration_section *section)
{
	const char *port = migration_get(section, "port");

	return strcasecmp(account->host, migration_get(section, "host")) == 0 &&
	       strcmp(account->user, migration_get(section, "user")) == 0 &&
	       (port == NULL || account->port == 0 ||
		   atoi(port) == account->port);
}

static enum migration_taken
migrate_taken(
    const void *arg, const struct migration_section *section, bool is_target)
{
	const struct config *config = arg;
	const struct config_account *account;

	if (is_target)
		return config_target_find(config, section->name) != NULL
			   ? MIGRATION_TAKEN
			   : MIGRATION_FREE;
	account = config_find(config, section->name);
	if (account == NULL)
		return MIGRATION_FREE;
	return migrate_is_same(account, section) ? MIGRATION_SAME
						 : MIGRATION_TAKEN;
}

/* ---- what people see ---- */

static void
migrate_say(const struct migrate *migrate, FILE *out)
{
	const struct migration_section *account;

	fprintf(out, "%s: %zu account%s in %s\n", migrate->program->name,
	    migrate->migration.account_count,
	    migrate->migration.account_count == 1 ? "" : "s", migrate->path);
	STAILQ_FOREACH(account, &migrate->migration.accounts, next) {
		fprintf(out, "  %s: %s at %s", account->name,
		    migration_get(account, "user"),
		    migration_get(account, "host"));
		if (account->ids_file != NULL)
			fprintf(out, ", %zu unique-id%s in %s",
			    account->id_count - account->other_count,
			    account->id_count - account->other_count == 1 ? ""
									  : "s",
			    account->ids_file);
		fprintf(out, "%s\n",
		    account->is_known ? " (is configured already)" : "");
	}
	if (!STAILQ_EMPTY(&migrate->migration.notes))
		fprintf(out, "Please check:\n");
	migration_write_notes(&migrate->migration, "  ", out);
}

/* ---- unique-ids ---- */

static enum ctl_exit
migrate_send(const struct migrate *migrate,
    const struct migration_section *account, const char *bytes, size_t length)
{
	struct client_error error;
	struct target target;
	json_t *json;

	target_begin(&target, "/v1/accounts/*/seen", account->name);
	if (!account->is_known)
		target_parameter(&target, "pause", "yes");
	if (!client_send(migrate->ctl, &target, "text/plain", bytes, length,
		&json, &error))
		return client_report(migrate->ctl, &error);
	json_decref(json);
	return CTL_OK;
}

/* One that runs at another maildrop would lose what it knows. */
static enum ctl_exit
migrate_check_free(
    const struct migrate *migrate, const struct migration_section *account)
{
	struct client_error error;
	struct target target;
	const char *host, *user;
	json_t *json;
	bool is_free;

	target_begin(&target, "/v1/accounts/*", account->name);
	if (!client_ask(migrate->ctl, "GET", &target, &json, &error))
		return error.exit == CTL_NOT_FOUND
			   ? CTL_OK
			   : client_report(migrate->ctl, &error);
	host = ctl_text(json, "host");
	user = ctl_text(json, "user");
	is_free = host == NULL || user == NULL ||
		  (strcasecmp(host, migration_get(account, "host")) == 0 &&
		      strcmp(user, migration_get(account, "user")) == 0);
	if (!is_free) {
		ctl_warn(migrate->ctl,
		    "the daemon has an account \"%s\" already, of %s at %s",
		    account->name, user, host);
		ctl_hint(migrate->ctl, "rename one of the two");
	}
	json_decref(json);
	return is_free ? CTL_OK : CTL_CONFIG;
}

static enum ctl_exit
migrate_see(
    const struct migrate *migrate, const struct migration_section *account)
{
	char batch[BATCH_SIZE + 512];
	enum ctl_exit code = migrate_check_free(migrate, account);
	size_t length, i = 0;

	/* One without any is paused all the same. */
	do {
		for (length = 0; i < account->id_count && length < BATCH_SIZE;
		     i++) {
			const struct migration_id *id = &account->ids[i];

			if (id->length == 0 || id->length > 255)
				continue;
			memcpy(batch + length, id->bytes, id->length);
			length += id->length;
			batch[length++] = '\n';
		}
		if (code == CTL_OK)
			code = migrate_send(migrate, account, batch, length);
	} while (code == CTL_OK && i < account->id_count);
	return code;
}

static enum ctl_exit
migrate_see_all(const struct migrate *migrate)
{
	const struct migration_section *account;
	enum ctl_exit code = CTL_OK;

	STAILQ_FOREACH(account, &migrate->migration.accounts, next)
		if (code == CTL_OK)
			code = migrate_see(migrate, account);
	return code;
}

/* ---- files ---- */

static enum ctl_exit
migrate_write_section(struct migrate *migrate,
    const struct migration_section *section, const char *kind)
{
	enum ctl_exit code = CTL_OK;
	char *text = NULL, *path, **files;
	size_t length;
	FILE *out;

	path = accountfile_path(migrate->ctl, migrate->config,
	    migrate->config_path, section->name, &code);
	if (path == NULL)
		return code;
	files =
	    realloc(migrate->files, (migrate->file_count + 1) * sizeof(*files));
	out = files != NULL ? open_memstream(&text, &length) : NULL;
	if (files != NULL)
		migrate->files = files;
	if (out == NULL) {
		free(path);
		return ctl_no_memory(migrate->ctl);
	}
	fprintf(out, "# Imported from %s: %s\n", migrate->program->name,
	    migrate->path);
	migration_write_section(section, kind, out);
	if (fclose(out) != 0)
		code = ctl_no_memory(migrate->ctl);
	else
		code = accountfile_write(migrate->ctl, migrate->config,
		    migrate->config_path, path, text);
	if (text != NULL)
		explicit_bzero(text, length);
	free(text);
	if (code == CTL_OK)
		migrate->files[migrate->file_count++] = path;
	else
		free(path);
	return code;
}

/* What refers to a target comes after it. */
static enum ctl_exit
migrate_write_all(struct migrate *migrate)
{
	const struct migration *migration = &migrate->migration;
	const struct migration_section *section;
	enum ctl_exit code = CTL_OK;

	STAILQ_FOREACH(section, &migration->targets, next)
		if (code == CTL_OK && !section->is_known)
			code =
			    migrate_write_section(migrate, section, "target");
	STAILQ_FOREACH(section, &migration->accounts, next)
		if (code == CTL_OK && !section->is_known)
			code =
			    migrate_write_section(migrate, section, "account");
	while (code != CTL_OK && migrate->file_count > 0) {
		char *path = migrate->files[--migrate->file_count];

		(void)!accountfile_remove(migrate->ctl, path);
		free(path);
	}
	for (size_t i = 0; i < migrate->file_count; i++)
		fprintf(migrate->ctl->out, "written: %s\n", migrate->files[i]);
	return code;
}

/* A file of its own, for whoever puts it where it belongs. */
static enum ctl_exit
migrate_write_output(const struct migrate *migrate, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	bool is_written;

	if (out == NULL) {
		ctl_warn(
		    migrate->ctl, "cannot write %s: %s", path, strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return CTL_IO;
	}
	migration_write(&migrate->migration, migrate->path, out);
	is_written = fflush(out) == 0 && fsync(fd) == 0;
	if (fclose(out) != 0 || !is_written) {
		ctl_warn(
		    migrate->ctl, "cannot write %s: %s", path, strerror(errno));
		(void)unlink(path);
		return CTL_IO;
	}
	fprintf(migrate->ctl->out,
	    "written: %s\nInclude it in evpopd.conf, and type: %sevpopctl "
	    "reload\n",
	    path, ctl_sudo());
	return CTL_OK;
}

/* ---- the first poll ---- */

/* One that the other program skips is not polled here, either. */
static bool
migrate_is_polled(const struct migration_section *account)
{
	return migration_get(account, "enabled") == NULL;
}

/* They are paused, so that two programs do not fetch from one maildrop. */
static void
migrate_say_next(const struct migrate *migrate)
{
	const struct migration_section *account;
	bool is_begun = false;

	STAILQ_FOREACH(account, &migrate->migration.accounts, next) {
		if (account->is_known || !migrate_is_polled(account))
			continue;
		if (!is_begun)
			fprintf(migrate->ctl->out,
			    "The accounts are paused.  Stop %s, and then type: "
			    "%sevpopctl resume",
			    migrate->program->name, ctl_sudo());
		fprintf(migrate->ctl->out, " %s", account->name);
		is_begun = true;
	}
	if (is_begun)
		fputc('\n', migrate->ctl->out);
}

/* After a reload the daemon asks its store who is paused, and polls nobody. */
static bool
migrate_is_paused(
    const struct migrate *migrate, const struct migration_section *account)
{
	struct client_error error;
	struct target target;
	json_t *json;
	bool is_paused;

	target_begin(&target, "/v1/accounts/*", account->name);
	if (!client_ask(migrate->ctl, "GET", &target, &json, &error))
		return true; /* what follows says why */
	is_paused = ctl_text(json, "paused_since") != NULL;
	json_decref(json);
	return is_paused;
}

static void
migrate_wait(const struct migrate *migrate)
{
	static const struct timespec interval = { 0, 50000000 };
	const struct migration_section *account;

	STAILQ_FOREACH(account, &migrate->migration.accounts, next)
		for (int i = 0; i < WAITS_MOST && !account->is_known &&
				migrate_is_polled(account) &&
				!migrate_is_paused(migrate, account);
		     i++)
			nanosleep(&interval, NULL);
}

static enum ctl_exit
migrate_resume(
    const struct migrate *migrate, const struct migration_section *account)
{
	struct client_error error;
	struct target target;
	json_t *json;

	target_begin(&target, "/v1/accounts/*/resume", account->name);
	if (!client_ask(migrate->ctl, "POST", &target, &json, &error))
		return client_report(migrate->ctl, &error);
	json_decref(json);
	return CTL_OK;
}

static enum ctl_exit
migrate_look(const struct migrate *migrate)
{
	const struct migration_section *account;
	enum ctl_exit code = CTL_OK;

	migrate_wait(migrate);
	fprintf(migrate->ctl->out, "What the first poll would do:\n");
	STAILQ_FOREACH(account, &migrate->migration.accounts, next)
		if (migrate_is_polled(account))
			ctl_keep_first(
			    &code, poll_wait_plan(migrate->ctl, account->name));
	if (migrate->file_count == 0)
		return code;
	if (code != CTL_OK || !command_given(migrate->invocation, "resume")) {
		migrate_say_next(migrate);
		return code;
	}
	STAILQ_FOREACH(account, &migrate->migration.accounts, next)
		if (code == CTL_OK && !account->is_known &&
		    migrate_is_polled(account))
			code = migrate_resume(migrate, account);
	return code;
}

/* ---- the command ---- */

/* Where a store is filled that no daemon has. */
static bool
migrate_has_no_daemon(const struct migrate *migrate)
{
	struct client_error error;
	struct target target;
	json_t *json;

	target_begin(&target, "/v1/status", NULL);
	if (!client_ask(migrate->ctl, "GET", &target, &json, &error))
		return strcmp(error.code, "no_daemon") == 0;
	json_decref(json);
	return false;
}

static enum ctl_exit
migrate_apply(struct migrate *migrate)
{
	const char *output = command_value(migrate->invocation, "output");
	enum ctl_exit code = migrate_see_all(migrate);

	if (code != CTL_OK)
		return code;
	if (output != NULL)
		return migrate_write_output(migrate, output);
	code = migrate_write_all(migrate);
	if (code == CTL_OK && migrate_has_no_daemon(migrate)) {
		migrate_say_next(migrate);
		return CTL_OK;
	}
	if (code == CTL_OK && migrate->file_count > 0)
		code = reload_run(migrate->ctl, migrate->invocation);
	return code == CTL_OK ? migrate_look(migrate) : code;
}

static enum ctl_exit
migrate_read(struct migrate *migrate)
{
	struct migration *migration = &migrate->migration;
	enum ctl_exit code = CTL_OK;

	if (!command_given(migrate->invocation, "output") &&
	    !command_given(migrate->invocation, "dry-run")) {
		migrate->config = accountfile_config(
		    migrate->ctl, migrate->config_path, &code);
		migration->taken = migrate_taken;
		migration->taken_arg = migrate->config;
	}
	if (code == CTL_OK)
		code = migrate->program->read(
		    migrate->ctl, migration, migrate->path);
	if (code == CTL_OK && migration->has_no_memory)
		return ctl_no_memory(migrate->ctl);
	if (code == CTL_OK && migration->account_count == 0) {
		ctl_warn(migrate->ctl, "%s has no account%s%s", migrate->path,
		    migration->only != NULL ? " " : "",
		    migration->only != NULL ? migration->only : "");
		return CTL_DATA;
	}
	return code;
}

static enum ctl_exit
migrate_run(struct migrate *migrate)
{
	enum ctl_exit code = migrate_find_file(migrate);

	if (code == CTL_OK)
		code = migrate_read(migrate);
	if (code != CTL_OK)
		return code;
	if (!command_given(migrate->invocation, "dry-run")) {
		migrate_say(migrate, migrate->ctl->out);
		return migrate_apply(migrate);
	}
	/* The file goes where one wants it, and the words do not. */
	migrate_say(migrate, migrate->ctl->err);
	migration_write(&migrate->migration, migrate->path, migrate->ctl->out);
	return CTL_OK;
}

enum ctl_exit
migrate_command(const struct ctl *ctl, const struct invocation *invocation)
{
	const char *config = command_value(invocation, "config");
	struct migrate migrate = { .ctl = ctl,
		.invocation = invocation,
		.program = migrate_find(invocation->arguments[0]),
		.config_path = config != NULL ? config : ACCOUNTFILE_CONFIG };
	enum ctl_exit code;

	if (invocation->count > 2) {
		ctl_warn(ctl, "import: one file of %s at a time",
		    migrate.program->name);
		return command_usage(ctl, invocation->command);
	}
	code = migrate_run(&migrate);
	for (size_t i = 0; i < migrate.file_count; i++)
		free(migrate.files[i]);
	free(migrate.files);
	config_free(&migrate.config);
	migration_end(&migrate.migration);
	return code;
}
