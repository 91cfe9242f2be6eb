/*
 * Log lines: a level, the account they are about, and words.  To the journal
 * with fields of their own where systemd listens, else to standard error.
 * Callers pass only printable text; secrets never come here.
 */
#ifndef LOG_LOG_H
#define LOG_LOG_H

enum log_level {
	LOG_LEVEL_ERROR = 0,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/*
 * Lines above this level are dropped; the one setting of the process, made by
 * the main thread before others start, or on reload.
 */
void log_set_level(enum log_level);
enum log_level log_get_level(void);

/* From any thread.  `account` may be NULL. */
void log_write(enum log_level, const char *account, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
