#include "daemon/config/named_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/secret/exposure.h"

bool
config_named_file_needs_shell(const char *text)
{
	if (*text == '~')
		return text[1] == '\0' || strchr(text, '/') != NULL;
	return *text == '$';
}

/* Why the daemon could not read it; NULL where it can. */
static const char *
named_file_find_fault(const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return strerror(errno);
	if (S_ISDIR(status.st_mode))
		return "expected a file, but it is a folder";
	if (!S_ISREG(status.st_mode))
		return "expected a regular file";
	if (access(path, R_OK) != 0)
		return strerror(errno);
	return NULL;
}

/* Why the daemon would not take a secret from there; NULL where it would. */
static const char *
named_file_find_exposure(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat status;
	bool is_exposed;

	if (fd < 0)
		return strerror(errno);
	is_exposed = fstat(fd, &status) == 0 &&
		     secret_is_exposed(fd, &status, S_IRWXG | S_IRWXO);
	(void)close(fd);
	return is_exposed ? "open to other users; run chmod 600 on it, or give "
			    "it to root and let nobody write it"
			  : NULL;
}

/* What the daemon makes itself needs a folder to be in. */
static const char *
named_file_find_fault_of_folder(const char *path)
{
	struct stat status;
	const char *slash = strrchr(path, '/');
	char folder[4096];
	size_t length;

	if (stat(path, &status) == 0)
		return S_ISDIR(status.st_mode)
			   ? "expected a file, but it is a folder"
			   : NULL;
	/* What is in /run may be made just before the daemon starts. */
	if (strncmp(path, "/run/", 5) == 0)
		return NULL;
	length = slash == NULL ? 0 : (size_t)(slash - path);
	if (length == 0 || length >= sizeof(folder))
		return NULL;
	memcpy(folder, path, length);
	folder[length] = '\0';
	if (stat(folder, &status) != 0)
		return errno == ENOENT ? "its folder does not exist"
				       : strerror(errno);
	return S_ISDIR(status.st_mode) ? NULL : "its folder is a file";
}

void
config_named_file_check(struct config_report *report, const char *file,
    unsigned line, const struct config_option *option, const char *path)
{
	const char *fault = option->scope == CONFIG_SCOPE_ACCOUNT
				? named_file_find_fault(path)
				: named_file_find_fault_of_folder(path);

	if (fault == NULL && strcmp(option->key, "password_file") == 0)
		fault = named_file_find_exposure(path);
	if (fault != NULL)
		config_report_warning(
		    report, file, line, "%s: %s: %s", option->key, path, fault);
}
