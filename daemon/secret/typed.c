#include "daemon/secret/typed.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "daemon/secret/line.h"
#include "daemon/secret/secret.h"

/* Those that a person at the terminal, or its end, may send. */
static const int typed_signals[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP };
#define TYPED_SIGNALS (sizeof(typed_signals) / sizeof(typed_signals[0]))

/* The one that came; 0: none. */
static volatile sig_atomic_t typed_signal;

/* How the terminal and the signals were before. */
struct typing {
	int fd;
	bool is_terminal;
	struct termios terminal;
	struct sigaction actions[TYPED_SIGNALS];
	sigset_t mask;
};

static void
typing_on_signal(int signal)
{
	typed_signal = signal;
}

/* Signals come only while it waits, or one just before would be missed. */
static void
typing_hide(struct typing *typing)
{
	const struct sigaction action = { .sa_handler = typing_on_signal };
	struct termios silent = typing->terminal;
	sigset_t blocked;

	typed_signal = 0;
	(void)sigemptyset(&blocked);
	for (size_t i = 0; i < TYPED_SIGNALS; i++)
		(void)sigaddset(&blocked, typed_signals[i]);
	(void)sigprocmask(SIG_BLOCK, &blocked, &typing->mask);
	for (size_t i = 0; i < TYPED_SIGNALS; i++)
		(void)sigaction(typed_signals[i], &action, &typing->actions[i]);
	silent.c_lflag &= ~(tcflag_t)ECHO;
	(void)tcsetattr(typing->fd, TCSAFLUSH, &silent);
}

static void
typing_show(const struct typing *typing)
{
	(void)tcsetattr(typing->fd, TCSAFLUSH, &typing->terminal);
	for (size_t i = 0; i < TYPED_SIGNALS; i++)
		(void)sigaction(typed_signals[i], &typing->actions[i], NULL);
	(void)sigprocmask(SIG_SETMASK, &typing->mask, NULL);
	if (typed_signal != 0)
		(void)raise(typed_signal);
}

/* An octet; 0 at the end, -1 after a fault or a signal. */
static ssize_t
typing_read(const struct typing *typing, char *octet)
{
	struct pollfd input = { typing->fd, POLLIN, 0 };

	if (typing->is_terminal &&
	    (ppoll(&input, 1, NULL, &typing->mask) < 0 || typed_signal != 0))
		return -1;
	return read(typing->fd, octet, 1);
}

/* Octet by octet: what follows the line is for others.  False: a fault. */
static bool
typing_read_line(const struct typing *typing, char *bytes, size_t *length)
{
	ssize_t got;

	for (*length = 0; *length <= SECRET_INPUT_MAX; ++*length) {
		do
			got = typing_read(typing, bytes + *length);
		while (got < 0 && errno == EINTR && typed_signal == 0);
		if (got < 0)
			return false;
		if (got == 0 || bytes[*length] == '\n')
			return true;
	}
	return true;
}

struct secret *
secret_typed(int fd, const char *question, const char *what, FILE *terminal,
    char *error, size_t size)
{
	struct typing typing = { .fd = fd };
	struct secret *secret = NULL;
	char *bytes = sodium_malloc(SECRET_INPUT_MAX + 1);
	char source[32] = "standard input";
	size_t length = 0;
	bool is_read;

	if (fd != STDIN_FILENO)
		(void)snprintf(source, sizeof(source), "descriptor %d", fd);
	if (bytes == NULL) {
		(void)snprintf(error, size, "not enough memory");
		return NULL;
	}
	typing.is_terminal = tcgetattr(fd, &typing.terminal) == 0;
	if (typing.is_terminal) {
		/* First: what is typed before it is thrown away. */
		typing_hide(&typing);
		(void)fprintf(terminal, "%s: ", question);
		(void)fflush(terminal);
	}
	is_read = typing_read_line(&typing, bytes, &length);
	if (typing.is_terminal) {
		(void)fprintf(terminal, "\n");
		(void)fflush(terminal);
	}
	if (!is_read)
		(void)snprintf(error, size, "%s: cannot read: %s", source,
		    strerror(errno));
	else if (length > SECRET_INPUT_MAX)
		(void)snprintf(error, size,
		    "%s: more than %zu bytes; expected a %s", source,
		    SECRET_INPUT_MAX, what);
	else
		secret = secret_of_first_line(
		    source, what, bytes, length, error, size);
	sodium_free(bytes); /* wipes */
	if (typing.is_terminal)
		typing_show(&typing);
	return secret;
}
