/* The journal of systemd, where it is there. */
#ifndef LOG_JOURNAL_H
#define LOG_JOURNAL_H

#include <stdbool.h>

#include "daemon/log/line.h"

/* Whether standard error is the journal. */
bool journal_hears(void);

/*
 * Write an entry with fields of its own; false if there is no journal.  Each
 * field goes with its length, so that no text can forge another one.
 */
bool journal_write(const struct log_line *);

#endif
