/*
 * The log as the configuration wants it, and what is wrong with a configuration
 * as the log shows it.
 */
#ifndef EVPOPD_LOGGING_H
#define EVPOPD_LOGGING_H

#include "daemon/config/config.h"
#include "daemon/log/log.h"

/* The level that log_level asks for. */
enum log_level logging_level(const struct config *);

/* The log is as log_format wants it from now on. */
void logging_set_format(const struct config *);

/* Warn, once, if memory for secrets could not be locked; *was_said tells. */
void logging_unlocked(bool *was_said);

/* Log every line; errors as errors. */
void logging_messages(const struct config_messages *);

#endif
