#include "daemon/log/libevent.h"

#include <event2/event.h>
#include <string.h>

#include "daemon/log/log.h"
#include "lib/base/text.h"

/* Names of hosts may stand in it as somebody else chose them. */
static void
libevent_write(enum log_level level, const char *text)
{
	char printable[256];

	(void)evpop_text_printable(
	    printable, sizeof printable, text, strlen(text));
	log_write(level, NULL, "libevent: %s", printable);
}

static void
libevent_on_line(int severity, const char *text)
{
	switch (severity) {
	case EVENT_LOG_ERR:
		libevent_write(LOG_LEVEL_ERROR, text);
		break;
	case EVENT_LOG_WARN:
		libevent_write(LOG_LEVEL_WARNING, text);
		break;
	case EVENT_LOG_MSG:
		libevent_write(LOG_LEVEL_INFO, text);
		break;
	default:
		libevent_write(LOG_LEVEL_DEBUG, text);
		break;
	}
}

void
log_take_libevent(void)
{
	/*
	 * evdns says things this way, too, as long as it is given no other,
	 * which would hide how severe they are.
	 */
	event_set_log_callback(libevent_on_line);
}
