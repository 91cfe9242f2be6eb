#include "daemon/supervisor.h"

#ifdef EVPOPD_SYSTEMD

#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "lib/base/clock.h"

void
supervisor_ready(void)
{
	sd_notify(0, "READY=1");
}

/* Type=notify-reload compares this with its own clock. */
void
supervisor_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)evpop_clock_monotonic_us());
}

void
supervisor_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void
supervisor_status(const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	sd_notifyf(0, "STATUS=%s", text);
}

void
supervisor_alive(void)
{
	sd_notify(0, "WATCHDOG=1");
}

int64_t
supervisor_watchdog_ms(void)
{
	uint64_t usec;

	if (sd_watchdog_enabled(0, &usec) <= 0)
		return 0;
	/* Twice in the time, as sd_watchdog_enabled(3) advises. */
	return (int64_t)(usec / 2000);
}

int
supervisor_socket(void)
{
	if (sd_listen_fds(1) < 1 || sd_is_socket_unix(SD_LISTEN_FDS_START,
					SOCK_STREAM, 1, NULL, 0) <= 0)
		return -1;
	return SD_LISTEN_FDS_START;
}

#else

void
supervisor_ready(void)
{
}

void
supervisor_reloading(void)
{
}

void
supervisor_stopping(void)
{
}

void
supervisor_status(const char *format, ...)
{
	(void)format;
}

void
supervisor_alive(void)
{
}

int64_t
supervisor_watchdog_ms(void)
{
	return 0;
}

int
supervisor_socket(void)
{
	return -1;
}

#endif
