/*
 * Log lines: a level, what they are about, and words.  To the journal with
 * fields of their own, or to standard error, plain or as JSON.  Whatever
 * servers say, a line stays one line; secrets never come here.
 */
#ifndef LOG_LOG_H
#define LOG_LOG_H

enum log_level {
	LOG_LEVEL_ERROR = 0,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

enum log_format {
	LOG_FORMAT_AUTO = 0, /* to the journal if standard error is it */
	LOG_FORMAT_JOURNAL,  /* plain where there is none */
	LOG_FORMAT_PLAIN,
	LOG_FORMAT_JSON
};

/*
 * Lines above this level are dropped; the one setting of the process, made by
 * the main thread before others start, or on reload.  So is the format.
 */
void log_set_level(enum log_level);
void log_set_format(enum log_format);

/* From any thread.  `account` may be NULL. */
void log_write(enum log_level, const char *account, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Each may be NULL. */
struct log_about {
	const char *account, *host;
	const char *failure; /* its class: the error's name */
};
void log_write_about(enum log_level, const struct log_about *,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
