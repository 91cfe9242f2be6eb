#include "daemon/logging.h"

#include <string.h>
#include <sys/resource.h>

#include "lib/base/guarded.h"

/* The level says already that it is a warning. */
static void
logging_message(enum log_level level, const char *line)
{
	const char *mark = strstr(line, ": warning: ");

	if (level == LOG_LEVEL_WARNING && mark != NULL)
		log_write(level, NULL, "%.*s%s", (int)(mark - line), line,
		    mark + strlen(": warning"));
	else
		log_write(level, NULL, "%s", line);
}

void
logging_messages(const struct config_messages *messages)
{
	enum log_level level;
	size_t i;

	level = messages->errors > 0 ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING;
	for (i = 0; i < messages->count; i++)
		logging_message(level, messages->lines[i]);
}

void
logging_unlocked(bool *was_said)
{
	const struct evpop_guarded_status status = evpop_guarded_status();
	struct rlimit limit = { .rlim_cur = 0 };

	if (*was_said || status.unlocked_most == 0)
		return;
	*was_said = true;
	(void)getrlimit(RLIMIT_MEMLOCK, &limit);
	log_write(LOG_LEVEL_WARNING, NULL,
	    "%zu KiB of passwords cannot be locked in memory, and may reach "
	    "the swap device: RLIMIT_MEMLOCK allows %llu KiB; raise it "
	    "(LimitMEMLOCK= of the service), or encrypt the swap",
	    status.unlocked_most / 1024,
	    (unsigned long long)limit.rlim_cur / 1024);
}

enum log_level
logging_level(const struct config *config)
{
	static const enum log_level levels[] = {
		[CONFIG_LOG_ERROR] = LOG_LEVEL_ERROR,
		[CONFIG_LOG_WARNING] = LOG_LEVEL_WARNING,
		[CONFIG_LOG_INFO] = LOG_LEVEL_INFO,
		[CONFIG_LOG_DEBUG] = LOG_LEVEL_DEBUG,
	};

	return levels[config->log_level];
}

void
logging_set_format(const struct config *config)
{
	static const enum log_format formats[] = {
		[CONFIG_LOG_AUTO] = LOG_FORMAT_AUTO,
		[CONFIG_LOG_JOURNAL] = LOG_FORMAT_JOURNAL,
		[CONFIG_LOG_PLAIN] = LOG_FORMAT_PLAIN,
		[CONFIG_LOG_JSON] = LOG_FORMAT_JSON,
	};

	log_set_format(formats[config->log_format]);
}
