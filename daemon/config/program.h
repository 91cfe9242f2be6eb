/*
 * Whether a command that a key gives to sh(1) begins with a program that
 * exists.
 */
#ifndef CONFIG_PROGRAM_H
#define CONFIG_PROGRAM_H

#include "daemon/config/option.h"
#include "daemon/config/report.h"

/*
 * Warn if there is no such program, or this user may not run it.  What only a
 * shell understands is not judged.
 */
void config_program_check(struct config_report *, const char *file,
    unsigned line, const struct config_option *, const char *command);

#endif
