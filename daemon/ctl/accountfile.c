#include "daemon/ctl/accountfile.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAEMON_USER "evpopd"

/* What the configuration's readers say, each line by itself. */
static void
accountfile_warn(const struct ctl *ctl, const struct config_messages *messages)
{
	for (size_t i = 0; i < messages->count; i++)
		ctl_warn(ctl, "%s", messages->lines[i]);
}

struct config *
accountfile_config(
    const struct ctl *ctl, const char *path, enum ctl_exit *code_r)
{
	struct config_messages messages;
	struct config *config = config_read(path, &messages);

	*code_r = CTL_OK;
	if (config == NULL) {
		accountfile_warn(ctl, &messages);
		*code_r = CTL_CONFIG;
		if (access(path, R_OK) != 0) {
			*code_r = CTL_NO_PERMISSION;
			if (errno == EACCES)
				ctl_hint_sudo(ctl);
			else
				ctl_hint(ctl,
				    "--config names another configuration");
		}
	}
	config_messages_free(&messages);
	return config;
}

/* ---- where ---- */

/* In which folder a pattern would find a file of this name; or NULL. */
static char *
accountfile_try(const char *include, const char *name)
{
	const char *slash = strrchr(include, '/');
	char *folder = config_include_folder(include), *path = NULL;
	struct stat status;

	/* Only the last part may be a pattern. */
	if (folder == NULL || slash == NULL ||
	    strlen(folder) != (size_t)(slash - include) + 1 ||
	    strpbrk(slash, "*?[") == NULL ||
	    asprintf(&path, "%s%s.conf", folder, name) < 0) {
		free(folder);
		return NULL;
	}
	if (fnmatch(slash + 1, path + strlen(folder), FNM_PERIOD) != 0 ||
	    stat(folder, &status) != 0 || !S_ISDIR(status.st_mode)) {
		free(path);
		path = NULL;
	}
	free(folder);
	return path;
}

char *
accountfile_path(const struct ctl *ctl, const struct config *config,
    const char *config_path, const char *name, enum ctl_exit *code_r)
{
	char *path = NULL;

	*code_r = CTL_OK;
	for (size_t i = 0; i < config->includes.count && path == NULL; i++)
		path = accountfile_try(config->includes.items[i], name);
	if (path == NULL) {
		*code_r = CTL_CONFIG;
		ctl_warn(ctl,
		    "%s includes no folder that a file %s.conf could go to",
		    config_path, name);
		ctl_hint(ctl, "make a folder accounts.d beside it, and put "
			      "\"include = accounts.d/*.conf\" into its "
			      "section [daemon]");
		return NULL;
	}
	if (access(path, F_OK) != 0)
		return path;
	*code_r = CTL_CONFIG;
	ctl_warn(ctl, "%s exists already", path);
	ctl_hint(ctl, "--name gives the account another name");
	free(path);
	return NULL;
}

/* ---- writing ---- */

/*
 * The user that has the store is the daemon's; before its first start it is
 * the one that the package makes.
 */
static uid_t
accountfile_owner(const struct config *config)
{
	const struct passwd *user;
	struct stat status;

	if (config->store_path != NULL &&
	    stat(config->store_path, &status) == 0)
		return status.st_uid;
	user = getpwnam(DAEMON_USER);
	return user != NULL ? user->pw_uid : geteuid();
}

static bool
accountfile_sync_folder(const char *path)
{
	char *folder = strdup(path);
	int fd = -1;
	bool is_synced = false;

	if (folder != NULL) {
		*strrchr(folder, '/') = '\0';
		fd = open(*folder != '\0' ? folder : "/",
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd >= 0) {
		is_synced = fsync(fd) == 0;
		(void)close(fd);
	}
	free(folder);
	return is_synced;
}

static bool
accountfile_write_all(int fd, const char *text)
{
	size_t length = strlen(text);

	while (length > 0) {
		ssize_t wrote = write(fd, text, length);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return false;
		text += wrote;
		length -= (size_t)wrote;
	}
	return true;
}

/*
 * A name that no include finds; then the real one, unless it has come to exist
 * meanwhile.  False, with errno.
 */
static bool
accountfile_place(
    const struct config *config, const char *path, const char *text)
{
	const char *slash = strrchr(path, '/');
	char *temporary = NULL;
	bool is_placed = false;
	int fd = -1, error;

	if (asprintf(&temporary, "%.*s/.%s.XXXXXX", (int)(slash - path), path,
		slash + 1) < 0) {
		errno = ENOMEM;
		return false;
	}
	fd = mkostemp(temporary, O_CLOEXEC); /* its mode is 0600 */
	if (fd >= 0) {
		is_placed =
		    (geteuid() != 0 || fchown(fd, accountfile_owner(config),
					   (gid_t)-1) == 0) &&
		    accountfile_write_all(fd, text) && fsync(fd) == 0 &&
		    link(temporary, path) == 0 && accountfile_sync_folder(path);
		error = errno;
		(void)unlink(temporary);
		(void)close(fd);
		errno = error;
	}
	free(temporary);
	return is_placed;
}

/* Says why, by errno. */
static enum ctl_exit
accountfile_fail(const struct ctl *ctl, const char *what, const char *path)
{
	const int failure = errno;

	ctl_warn(ctl, "cannot %s %s: %s", what, path, strerror(failure));
	if (failure != EACCES && failure != EPERM)
		return CTL_IO;
	ctl_hint_sudo(ctl);
	return CTL_NO_PERMISSION;
}

enum ctl_exit
accountfile_write(const struct ctl *ctl, const struct config *before,
    const char *config_path, const char *path, const char *text)
{
	struct config_messages messages;
	struct config *config;
	bool is_correct;

	if (!accountfile_place(before, path, text))
		return accountfile_fail(ctl, "write", path);
	config = config_read(config_path, &messages);
	is_correct = config != NULL;
	if (!is_correct)
		accountfile_warn(ctl, &messages);
	config_messages_free(&messages);
	config_free(&config);
	if (is_correct)
		return CTL_OK;
	if (accountfile_remove(ctl, path) != CTL_OK)
		ctl_hint(ctl, "remove it before evpopd reads it");
	return CTL_CONFIG;
}

enum ctl_exit
accountfile_remove(const struct ctl *ctl, const char *path)
{
	return unlink(path) == 0 && accountfile_sync_folder(path)
		   ? CTL_OK
		   : accountfile_fail(ctl, "remove", path);
}

/* ---- what else is in it ---- */

bool
accountfile_is_alone(const struct config_account *account)
{
	char *line = NULL;
	size_t room = 0, sections = 0;
	FILE *file = fopen(account->file, "re");

	if (file == NULL)
		return false;
	while (getline(&line, &room, file) >= 0) {
		const char *text = line + strspn(line, " \t");

		if (*text == '[')
			sections++;
		else if (sections == 0 && strchr("#;\r\n", *text) == NULL)
			sections = 2; /* a key of no section */
	}
	free(line);
	fclose(file);
	return sections == 1;
}
