#include "daemon/ctl/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "daemon/ctl/text.h"

#define TO_ALTERNATE   "\033[?1049h\033[?25l"
#define FROM_ALTERNATE "\033[?25h\033[?1049l"
#define TO_TOP         "\033[H"
#define REVERSED       "\033[7m"
#define PLAIN          "\033[0m"
#define CLEAR_LINE     "\033[K"
#define CLEAR_BELOW    "\033[J"

/* How long the rest of a key may be on its way. */
#define KEY_MS 50

static const int screen_signals[] = { SIGWINCH, SIGINT, SIGTERM, SIGHUP,
	SIGTSTP, SIGCONT };

#define SIGNAL_COUNT (sizeof(screen_signals) / sizeof(screen_signals[0]))

/* What a signal has asked for, for the one screen that there is. */
static volatile sig_atomic_t signal_ended, signal_stopped;

struct screen {
	struct termios before;
	struct sigaction actions[SIGNAL_COUNT];
	sigset_t mask; /* while waiting */
	size_t columns, rows;
};

static void
screen_on_signal(int signal)
{
	if (signal == SIGTSTP)
		signal_stopped = 1;
	else if (signal != SIGWINCH && signal != SIGCONT)
		signal_ended = 1;
}

static void
screen_measure(struct screen *screen)
{
	struct winsize size;

	screen->columns = 80;
	screen->rows = 24;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
		return;
	if (size.ws_col > 0)
		screen->columns = size.ws_col;
	if (size.ws_row > 0)
		screen->rows = size.ws_row;
}

static void
screen_take(struct screen *screen)
{
	struct termios raw = screen->before;

	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	fputs(TO_ALTERNATE, stdout);
	fflush(stdout);
}

static void
screen_give_back(const struct screen *screen)
{
	fputs(FROM_ALTERNATE, stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &screen->before);
}

/* Signals come only while we wait, so that none is missed. */
static void
screen_take_signals(struct screen *screen)
{
	struct sigaction action = { .sa_handler = screen_on_signal };
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < SIGNAL_COUNT; i++) {
		sigaddset(&blocked, screen_signals[i]);
		sigaction(screen_signals[i], &action, &screen->actions[i]);
	}
	sigprocmask(SIG_BLOCK, &blocked, &screen->mask);
}

static void
screen_give_back_signals(const struct screen *screen)
{
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		sigaction(screen_signals[i], &screen->actions[i], NULL);
	sigprocmask(SIG_SETMASK, &screen->mask, NULL);
}

struct screen *
screen_open(void)
{
	struct screen *screen = calloc(1, sizeof(*screen));

	if (screen == NULL)
		return NULL;
	if (tcgetattr(STDIN_FILENO, &screen->before) != 0 ||
	    isatty(STDOUT_FILENO) != 1) {
		free(screen);
		return NULL;
	}
	signal_ended = signal_stopped = 0;
	screen_take_signals(screen);
	screen_measure(screen);
	screen_take(screen);
	return screen;
}

void
screen_close(struct screen **screen_ref)
{
	struct screen *screen = *screen_ref;

	*screen_ref = NULL;
	if (screen == NULL)
		return;
	screen_give_back(screen);
	screen_give_back_signals(screen);
	free(screen);
}

size_t
screen_columns(const struct screen *screen)
{
	return screen->columns;
}

size_t
screen_rows(const struct screen *screen)
{
	return screen->rows;
}

/* ---- drawing ---- */

/* The length of the sequence of a colour at `text`; 0 if there is none. */
static size_t
screen_colour_length(const char *text)
{
	return *text == '\033' ? strcspn(text, "m") + 1 : 0;
}

/* One line, as far as there is room. */
static void
screen_draw_line(
    const struct screen *screen, const char *line, size_t length, bool marked)
{
	size_t left = screen->columns, used = 0, taken;
	const char *end = line + length;
	char run[1024];

	if (marked)
		fputs(REVERSED, stdout);
	while (line < end) {
		length = screen_colour_length(line);
		if (length > 0) {
			if (!marked)
				fprintf(stdout, "%.*s", (int)length, line);
			line += length;
			continue;
		}
		length = strcspn(line, "\033\n");
		snprintf(run, sizeof(run), "%.*s", (int)length, line);
		taken = text_fit(run, left - used);
		fprintf(stdout, "%.*s", (int)taken, run);
		run[taken] = '\0';
		used += text_width(run);
		line += length;
	}
	if (marked)
		fprintf(stdout, "%*s", (int)(left - used), "");
	fputs(PLAIN CLEAR_LINE, stdout);
}

void
screen_draw(struct screen *screen, const char *text, size_t marked)
{
	size_t length;

	fputs(TO_TOP, stdout);
	for (size_t row = 0; row < screen->rows && *text != '\0'; row++) {
		length = strcspn(text, "\n");
		if (row > 0)
			fputc('\n', stdout);
		screen_draw_line(screen, text, length, row == marked);
		text += length;
		text += *text == '\n';
	}
	fputs(CLEAR_BELOW, stdout);
	fflush(stdout);
}

/* ---- keys ---- */

static int
screen_key_of(const char *bytes)
{
	static const struct {
		const char *bytes;
		int key;
	} keys[] = {
		{ "\033[A", SCREEN_UP },
		{ "\033OA", SCREEN_UP },
		{ "\033[B", SCREEN_DOWN },
		{ "\033OB", SCREEN_DOWN },
		{ "\033[5~", SCREEN_PAGE_UP },
		{ "\033[6~", SCREEN_PAGE_DOWN },
		{ "\033[H", SCREEN_HOME },
		{ "\033[1~", SCREEN_HOME },
		{ "\033OH", SCREEN_HOME },
		{ "\033[F", SCREEN_END },
		{ "\033[4~", SCREEN_END },
		{ "\033OF", SCREEN_END },
		{ "\033", SCREEN_ESCAPE },
		{ "\r", SCREEN_ENTER },
		{ "\n", SCREEN_ENTER },
		{ "\b", SCREEN_ERASE },
		{ "\177", SCREEN_ERASE },
		{ "\003", SCREEN_QUIT },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(bytes, keys[i].bytes) == 0)
			return keys[i].key;
	return bytes[1] == '\0' ? (unsigned char)bytes[0] : SCREEN_NONE;
}

/* The bytes of one key; some send several. */
static int
screen_read_key(void)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	char bytes[8] = "";
	size_t length = 0;

	while (length + 1 < sizeof(bytes)) {
		if (read(STDIN_FILENO, &bytes[length], 1) != 1)
			return length == 0 ? SCREEN_QUIT : screen_key_of(bytes);
		length++;
		if (bytes[0] != '\033' ||
		    (length > 2 && strchr("~ABCDFH", bytes[length - 1])) ||
		    poll(&input, 1, KEY_MS) != 1)
			break;
	}
	return screen_key_of(bytes);
}

/* Stop as the shell expects it, and go on when it says so. */
static void
screen_stop(struct screen *screen)
{
	signal_stopped = 0;
	screen_give_back(screen);
	raise(SIGSTOP);
	screen_take(screen);
}

int
screen_wait(struct screen *screen, int64_t ms)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	const struct timespec wait = { .tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000) * 1000000 };
	int ready = ppoll(&input, 1, &wait, &screen->mask);

	if (signal_ended)
		return SCREEN_QUIT;
	if (signal_stopped)
		screen_stop(screen);
	screen_measure(screen);
	if (ready < 0)
		return errno == EINTR ? SCREEN_NONE : SCREEN_QUIT;
	return ready == 1 ? screen_read_key() : SCREEN_NONE;
}
