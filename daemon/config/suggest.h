/*
 * What somebody meant by an unknown section or key, and by a value that is
 * valid but probably a mistake.  People copy lines from getmail, fetchmail,
 * mpop and fdm, so their keys are known.  A key that is only spelled alike may
 * mean something else, and delete mail: a key that deletes is suggested only if
 * it does what the key of the other program does.
 */
#ifndef CONFIG_SUGGEST_H
#define CONFIG_SUGGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config/option.h"
#include "daemon/config/report.h"

/* Report a section that is unknown. */
void config_suggest_section(
    const struct config_report_place *, const char *name);

/* The section that a key is in, and how it is given. */
struct config_suggest_key {
	enum config_scope scope;
	bool in_defaults;
	const char *key, *value;
};

/* Report a key that is unknown.  Returns the key that was meant, or NULL. */
const char *config_suggest_key(
    const struct config_report_place *, const struct config_suggest_key *);

/*
 * Report a line that has no "=" between key and value.  Returns the key that
 * was meant, or NULL.
 */
const char *config_suggest_words(
    const struct config_report_place *, enum config_scope, const char *text);

/*
 * Describe a key of another program: "of getmail; write keep = 14d".  `value`
 * is NULL if the key stood alone on its line; it is shown only if it is not a
 * secret.  *ours_r is our key, or NULL if none is needed.  Returns false if no
 * other program has the key.
 */
bool config_foreign_describe(const char *key, const char *value, char *text_r,
    size_t size, const char **ours_r);

/*
 * Warn of quotes, comments and invisible characters that are part of the value.
 * Returns false if they make it invalid, which is reported.
 */
bool config_suggest_value(const struct config_report_place *,
    const struct config_option *, const char *value, bool quoted);

/*
 * What may be wrong with a value that was refused: text to append to the
 * report, which begins with "; ", or "".
 */
const char *config_suggest_hint(const char *value, bool quoted);

#endif
