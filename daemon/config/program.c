#include "daemon/config/program.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/words.h"

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

/* The first word of a command for a shell, where it is a name; or "". */
static void
program_read_shell(const char *command, char *word, size_t size)
{
	size_t length;

	*word = '\0';
	command += strspn(command, " \t");
	length = strcspn(command, " \t");
	if (length == 0 || length >= size ||
	    program_needs_shell(command, length))
		return;
	memcpy(word, command, length);
	word[length] = '\0';
	if (program_is_of_shell(word))
		*word = '\0';
}

static void
program_read_words(const char *command, char *word, size_t size)
{
	size_t count;
	char **words = evpop_words_split(command, &count);

	(void)snprintf(
	    word, size, "%s", words != NULL && count > 0 ? words[0] : "");
	free(words);
}

int
config_program_look(
    const char *command, bool for_shell, char *word, size_t size)
{
	if (for_shell)
		program_read_shell(command, word, size);
	else
		program_read_words(command, word, size);
	if (*word == '\0')
		return 0;
	return strchr(word, '/') != NULL ? program_look_at(word)
					 : program_search(word);
}

void
config_program_check(struct config_report *report, const char *file,
    unsigned line, const char *key, const char *command, bool for_shell)
{
	char word[PROGRAM_SIZE];
	int error = config_program_look(command, for_shell, word, sizeof(word));

	if (error != 0)
		config_report_warning(report, file, line, "%s: %s: %s", key,
		    word,
		    error == ENOENT ? "there is no such program"
				    : strerror(error));
}
