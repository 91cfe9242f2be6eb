#include "daemon/ctl/ctl.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "daemon/control/when.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/human.h"
#include "daemon/ctl/text.h"
#include "lib/base/clock.h"

/* The longest message is a configuration's list of errors. */
#define MESSAGE_SIZE 16384

/* The API speaks UTF-8, whatever the locale: widths must be known of it. */
static void
use_utf8(void)
{
	if (setlocale(LC_CTYPE, "") == NULL ||
	    strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

bool
ctl_begin(struct ctl *ctl_r)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");
	struct winsize size;

	use_utf8();
	memset(ctl_r, 0, sizeof(*ctl_r));
	ctl_r->out = stdout;
	ctl_r->err = stderr;
	ctl_r->is_terminal = isatty(STDOUT_FILENO) == 1;
	if (ctl_r->is_terminal) {
		ctl_r->colour =
		    (no_colour == NULL || *no_colour == '\0') &&
		    (terminal == NULL || strcmp(terminal, "dumb") != 0);
		ctl_r->width = 80;
		if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
		    size.ws_col > 0)
			ctl_r->width = size.ws_col;
	}
	ctl_r->http = http_new();
	return ctl_r->http != NULL;
}

/* Whether the reader of our pipe has gone, which needs no words. */
static bool
reader_is_gone(const struct ctl *ctl)
{
	struct pollfd output = { .fd = fileno(ctl->out), .events = POLLOUT };

	return poll(&output, 1, 0) == 1 &&
	       (output.revents & (POLLERR | POLLHUP)) != 0;
}

enum ctl_exit
ctl_end(struct ctl *ctl, enum ctl_exit code)
{
	int failure;

	http_free(&ctl->http);
	errno = 0;
	failure = fflush(ctl->out) != 0 ? errno : 0;
	if (failure == 0 && !ferror(ctl->out))
		return code;
	if (!reader_is_gone(ctl))
		ctl_warn(ctl, "standard output: %s",
		    failure != 0 ? strerror(failure) : "not all was written");
	return code == CTL_OK ? CTL_IO : code;
}

void
ctl_warn(const struct ctl *ctl, const char *format, ...)
{
	char message[MESSAGE_SIZE], *clean;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	clean = text_clean(message, TEXT_KEEP_LINES);
	fprintf(ctl->err, "evpopctl: %s\n",
	    clean != NULL ? clean : "out of memory");
	free(clean);
}

void
ctl_hint(const struct ctl *ctl, const char *hint)
{
	char *clean;

	if (hint == NULL || *hint == '\0')
		return;
	clean = text_clean(hint, TEXT_KEEP_LINES);
	if (clean != NULL)
		fprintf(ctl->err, "          %s\n", clean);
	free(clean);
}

enum ctl_exit
ctl_print_json(struct ctl *ctl, const json_t *json)
{
	char *text =
	    json_dumps(json, ctl->is_terminal ? JSON_INDENT(2) : JSON_COMPACT);
	char *safe = NULL;

	if (text != NULL)
		safe = text_escape_json(text);
	free(text);
	if (safe == NULL) {
		ctl_warn(ctl, "out of memory");
		return CTL_TEMPORARY;
	}
	fprintf(ctl->out, "%s\n", safe);
	free(safe);
	return CTL_OK;
}

void
ctl_print_detail(struct ctl *ctl, const char *label, const char *value)
{
	char *clean;

	if (value == NULL)
		return;
	clean = text_clean(value, TEXT_ONE_LINE);
	fprintf(ctl->out, "%s%-14s%s %s\n", ctl->colour ? "\033[1m" : "", label,
	    ctl->colour ? "\033[0m" : "",
	    clean != NULL ? clean : "(out of memory)");
	free(clean);
}

const char *
ctl_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

uint64_t
ctl_count(const json_t *object, const char *name)
{
	json_int_t count = json_integer_value(json_object_get(object, name));

	return count > 0 ? (uint64_t)count : 0;
}

const char *
ctl_time(const struct ctl *ctl, const json_t *object, const char *name,
    char text_r[CTL_TIME_SIZE])
{
	const char *text = ctl_text(object, name);
	int64_t now_ms = evpop_clock_unix_ms(), time_ms;

	if (text == NULL)
		snprintf(text_r, CTL_TIME_SIZE, "-");
	else if (ctl->is_terminal && when_parse(text, now_ms, &time_ms))
		human_age(time_ms, now_ms, text_r, CTL_TIME_SIZE);
	else
		snprintf(text_r, CTL_TIME_SIZE, "%s", text);
	return text_r;
}
