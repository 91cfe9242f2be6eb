#include "daemon/secret/starter_list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/array.h"

struct starter_list {
	char *bytes; /* of all, each with a NUL behind it */
	char **commands;
	size_t count;
};

struct starter_list *
starter_list_new(void)
{
	return calloc(1, sizeof(struct starter_list));
}

static int
list_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool
starter_list_has(const struct starter_list *list, const char *command)
{
	return list->count > 0 &&
	       bsearch(&command, list->commands, list->count,
		   sizeof(*list->commands), list_compare) != NULL;
}

/* Takes what was listed. */
static bool
list_take(struct starter_list *list, char *listed, size_t length)
{
	char **commands = NULL, **grown;
	size_t count = 0, room = 0;

	for (char *at = listed; at < listed + length; at += strlen(at) + 1) {
		grown =
		    evpop_array_grow(commands, count, &room, sizeof(*grown));
		if (grown == NULL) {
			free(commands);
			free(listed);
			return false;
		}
		commands = grown;
		commands[count++] = at;
	}
	if (count > 0)
		qsort(commands, count, sizeof(*commands), list_compare);
	free(list->commands);
	free(list->bytes);
	list->commands = commands;
	list->count = count;
	list->bytes = listed;
	return true;
}

/* All that comes, with a NUL behind it; NULL without memory. */
static char *
list_read(int fd, size_t *length_r)
{
	size_t length = 0, room = 0;
	char *bytes = NULL, *grown;
	ssize_t got;

	for (;;) {
		if (length + 1 >= room) {
			room = room == 0 ? 4096 : 2 * room;
			grown = realloc(bytes, room);
			if (grown == NULL)
				break;
			bytes = grown;
		}
		got = read(fd, bytes + length, room - length - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			bytes[length] = '\0';
			*length_r = length;
			return bytes;
		}
		length += (size_t)got;
	}
	free(bytes);
	return NULL;
}

bool
starter_list_renew(struct starter_list *list,
    secret_starter_reader read_commands, const char *config_path)
{
	int pipe_fds[2], status = -1;
	char *listed;
	size_t length;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) != 0)
		return false;
	pid = fork();
	if (pid == 0)
		_exit(read_commands(pipe_fds[1], config_path) ? 0 : 1);
	(void)close(pipe_fds[1]);
	listed = pid < 0 ? NULL : list_read(pipe_fds[0], &length);
	(void)close(pipe_fds[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (listed != NULL && status == 0)
		return list_take(list, listed, length);
	free(listed);
	return false;
}
