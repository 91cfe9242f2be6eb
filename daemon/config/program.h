/* Whether a command that a key gives begins with a program that exists. */
#ifndef CONFIG_PROGRAM_H
#define CONFIG_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config/report.h"

/*
 * Warn if there is no such program, or this user may not run it.  What only a
 * shell understands is not judged.
 */
void config_program_check(struct config_report *, const char *file,
    unsigned line, const char *key, const char *command, bool for_shell);

/*
 * The same, of the program that a command begins with, which goes to word_r:
 * 0 or an errno.  It is "" where only a shell understands it.
 */
int config_program_look(const char *command, bool for_shell, char *word_r,
    size_t size) __attribute__((warn_unused_result));

#endif
