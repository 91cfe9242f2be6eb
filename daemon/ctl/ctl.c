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

#include "daemon/ctl/text.h"

/* The longest message is a configuration's list of errors. */
#define MESSAGE_SIZE 16384

/* How a command that somebody may type begins. */
#define COMMAND "evpopctl "

/* Names of members are short. */
#define NAME_SIZE 64

/*
 * The API uses UTF-8 in every locale; the width of its characters must be
 * known.
 */
static void
ctl_use_utf8(void)
{
	if (setlocale(LC_CTYPE, "") == NULL ||
	    strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

void
ctl_begin(struct ctl *ctl_r)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");
	struct winsize size;

	ctl_use_utf8();
	memset(ctl_r, 0, sizeof(*ctl_r));
	ctl_r->out = stdout;
	ctl_r->err = stderr;
	ctl_r->is_terminal = isatty(STDOUT_FILENO) == 1;
	if (!ctl_r->is_terminal)
		return;
	ctl_r->colour = (no_colour == NULL || *no_colour == '\0') &&
			(terminal == NULL || strcmp(terminal, "dumb") != 0);
	ctl_r->width = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		ctl_r->width = size.ws_col;
}

bool
ctl_reader_is_gone(const struct ctl *ctl)
{
	struct pollfd output = { .fd = fileno(ctl->out), .events = POLLOUT };

	return poll(&output, 1, 0) == 1 &&
	       (output.revents & (POLLERR | POLLHUP)) != 0;
}

enum ctl_exit
ctl_end(const struct ctl *ctl, enum ctl_exit code)
{
	int failure;

	errno = 0;
	failure = fflush(ctl->out) != 0 ? errno : 0;
	if (failure == 0 && !ferror(ctl->out))
		return code;
	if (!ctl_reader_is_gone(ctl))
		ctl_warn(ctl, "standard output: %s",
		    failure != 0 ? strerror(failure) : "not all was written");
	return code == CTL_OK || code == CTL_TROUBLE ? CTL_IO : code;
}

struct ctl
ctl_with_output(const struct ctl *ctl, FILE *out)
{
	struct ctl other = *ctl;

	other.out = out;
	return other;
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

const char *
ctl_sudo(void)
{
	return geteuid() == 0 && getenv("SUDO_USER") != NULL ? "sudo " : "";
}

const char *
ctl_sudo_before(const char *text)
{
	return strncmp(text, COMMAND, strlen(COMMAND)) == 0 ? ctl_sudo() : "";
}

void
ctl_hint(const struct ctl *ctl, const char *hint)
{
	const char *at, *next;
	char *clean;

	if (hint == NULL || *hint == '\0')
		return;
	clean = text_clean(hint, TEXT_KEEP_LINES);
	if (clean == NULL)
		return;
	fprintf(ctl->err, "          ");
	for (at = clean; (next = strstr(at, COMMAND)) != NULL;
	     at = next + strlen(COMMAND))
		fprintf(ctl->err, "%.*s%s" COMMAND, (int)(next - at), at,
		    ctl_sudo());
	fprintf(ctl->err, "%s\n", at);
	free(clean);
}

void
ctl_hint_sudo(const struct ctl *ctl)
{
	if (geteuid() != 0)
		ctl_hint(ctl, "root and the daemon's user may: try sudo");
}

enum ctl_exit
ctl_no_memory(const struct ctl *ctl)
{
	ctl_warn(ctl, "out of memory");
	return CTL_TEMPORARY;
}

void
ctl_keep_first(enum ctl_exit *first, enum ctl_exit code)
{
	if (*first == CTL_OK)
		*first = code;
}

static enum ctl_exit
ctl_dump_json(const struct ctl *ctl, const json_t *json, size_t flags)
{
	char *text = json_dumps(json, flags);
	char *safe = text != NULL ? text_escape_json(text) : NULL;

	free(text);
	if (safe == NULL)
		return ctl_no_memory(ctl);
	fprintf(ctl->out, "%s\n", safe);
	free(safe);
	return CTL_OK;
}

enum ctl_exit
ctl_print_json(const struct ctl *ctl, const json_t *json)
{
	return ctl_dump_json(
	    ctl, json, ctl->is_terminal ? JSON_INDENT(2) : JSON_COMPACT);
}

enum ctl_exit
ctl_print_json_line(const struct ctl *ctl, const json_t *json)
{
	return ctl_dump_json(ctl, json, JSON_COMPACT);
}

const json_t *
ctl_member(const json_t *object, const char *name)
{
	const char *point = strchr(name, '.');
	char outer[NAME_SIZE];

	if (point == NULL)
		return json_object_get(object, name);
	snprintf(outer, sizeof(outer), "%.*s", (int)(point - name), name);
	return ctl_member(json_object_get(object, outer), point + 1);
}

const char *
ctl_text(const json_t *object, const char *name)
{
	return json_string_value(ctl_member(object, name));
}

uint64_t
ctl_count(const json_t *object, const char *name)
{
	json_int_t count = json_integer_value(ctl_member(object, name));

	return count > 0 ? (uint64_t)count : 0;
}

bool
ctl_is(const json_t *object, const char *name, const char *text)
{
	const char *value = ctl_text(object, name);

	return value != NULL && strcmp(value, text) == 0;
}
