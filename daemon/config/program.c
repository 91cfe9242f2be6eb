#include "daemon/config/program.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where systemd and sh look, if the environment does not say. */
#define DEFAULT_PATH \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#define PROGRAM_SIZE 4096

/* A word that a shell may take for more than a name. */
static bool
program_needs_shell(const char *word, size_t length)
{
	static const char special[] = "\"'$`\\;|&<>()*?[]{}~=#!";

	for (size_t i = 0; i < length; i++)
		if (strchr(special, word[i]) != NULL)
			return true;
	return false;
}

static bool
program_is_of_shell(const char *word)
{
	static const char *const words[] = { ".", ":", "case", "cd", "command",
		"eval", "exec", "exit", "export", "for", "if", "read", "set",
		"shift", "trap", "type", "ulimit", "umask", "unset", "until",
		"wait", "while", NULL };

	for (size_t i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

/* 0, or an errno. */
static int
program_look_at(const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return errno;
	if (!S_ISREG(status.st_mode))
		return EACCES;
	return access(path, X_OK) == 0 ? 0 : errno;
}

static int
program_search(const char *word)
{
	const char *folders = getenv("PATH");
	char *path;
	int error, worst = ENOENT;

	if (folders == NULL)
		folders = DEFAULT_PATH;
	for (size_t length; *folders != '\0'; folders += length) {
		folders += *folders == ':';
		length = strcspn(folders, ":");
		if (asprintf(&path, "%.*s/%s", (int)length, folders, word) < 0)
			return ENOMEM;
		error = program_look_at(path);
		free(path);
		if (error == 0)
			return 0;
		if (error == EACCES)
			worst = error;
	}
	return worst;
}

void
config_program_check(struct config_report *report, const char *file,
    unsigned line, const struct config_option *option, const char *command)
{
	size_t length;
	char word[PROGRAM_SIZE];
	int error;

	command += strspn(command, " \t");
	length = strcspn(command, " \t");
	if (length == 0 || length >= sizeof(word) ||
	    program_needs_shell(command, length))
		return;
	memcpy(word, command, length);
	word[length] = '\0';
	if (program_is_of_shell(word))
		return;
	error = strchr(word, '/') != NULL ? program_look_at(word)
					  : program_search(word);
	if (error != 0)
		config_report_warning(report, file, line, "%s: %s: %s",
		    option->key, word,
		    error == ENOENT ? "there is no such program"
				    : strerror(error));
}
