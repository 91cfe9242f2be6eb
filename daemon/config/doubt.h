/*
 * Values that are correct and hardly meant: a comment behind one, quotes that
 * mean nothing here, characters that nobody sees.
 */
#ifndef CONFIG_DOUBT_H
#define CONFIG_DOUBT_H

#include <stdbool.h>

#include "daemon/config/option.h"
#include "daemon/config/report.h"

/*
 * Warn of what will be part of the value.  False where the value cannot be
 * good, which was reported then.
 */
bool config_doubt_check(const struct config_report_place *,
    const struct config_option *, const char *value, bool quoted);

/*
 * What may be wrong with a value that was refused, to be appended: begins with
 * "; ", or is empty.
 */
const char *config_doubt_hint(const char *value, bool quoted);

#endif
