#include "daemon/log/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifdef EVPOPD_SYSTEMD
#include <systemd/sd-journal.h>
#endif

#define LINE_SIZE 1024

static atomic_int threshold = LOG_LEVEL_INFO;

/* Priorities of syslog(3), which the journal uses too. */
static const struct {
	const char *name;
	int priority;
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", 3 },
	[LOG_LEVEL_WARNING] = { "warning", 4 },
	[LOG_LEVEL_INFO] = { "info", 6 },
	[LOG_LEVEL_DEBUG] = { "debug", 7 },
};

void
log_set_level(enum log_level level)
{
	atomic_store(&threshold, (int)level);
}

enum log_level
log_get_level(void)
{
	return (enum log_level)atomic_load(&threshold);
}

#ifdef EVPOPD_SYSTEMD
/*
 * Whether standard error goes to the journal, as systemd.exec(5) says to find
 * out: the variable alone is inherited by what is started with its output
 * elsewhere.
 */
static bool
journal_hears(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char here[64];
	struct stat status;

	if (stream == NULL || fstat(STDERR_FILENO, &status) != 0)
		return false;
	snprintf(here, sizeof here, "%ju:%ju", (uintmax_t)status.st_dev,
	    (uintmax_t)status.st_ino);
	return strcmp(stream, here) == 0;
}
#endif

static bool
to_journal(enum log_level level, const char *account, const char *text)
{
#ifdef EVPOPD_SYSTEMD
	if (!journal_hears())
		return false;
	if (account == NULL)
		return sd_journal_send("MESSAGE=%s", text, "PRIORITY=%i",
			   levels[level].priority, NULL) == 0;
	return sd_journal_send("MESSAGE=%s: %s", account, text, "PRIORITY=%i",
		   levels[level].priority, "EVPOP_ACCOUNT=%s", account,
		   NULL) == 0;
#else
	(void)level;
	(void)account;
	(void)text;
	return false;
#endif
}

/* One write for a line, so that lines of threads do not mix. */
static void
to_stderr(enum log_level level, const char *account, const char *text)
{
	char line[LINE_SIZE + 256], stamp[32];
	struct timespec now;
	struct tm tm;
	int length;
	ssize_t written;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
	length = snprintf(line, sizeof line, "%s.%03ldZ %s: %s%s%s\n", stamp,
	    now.tv_nsec / 1000000, levels[level].name,
	    account != NULL ? account : "", account != NULL ? ": " : "", text);
	if (length < 0)
		return;
	if ((size_t)length >= sizeof line)
		length = (int)sizeof line - 1;
	/* Where standard error is gone there is nobody left to tell. */
	written = write(STDERR_FILENO, line, (size_t)length);
	(void)written;
}

void
log_write(enum log_level level, const char *account, const char *format, ...)
{
	char text[LINE_SIZE];
	va_list ap;

	if ((int)level > atomic_load(&threshold))
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	if (!to_journal(level, account, text))
		to_stderr(level, account, text);
}
