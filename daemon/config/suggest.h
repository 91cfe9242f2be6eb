/*
 * What somebody meant by a name that is none here, and by a value that is
 * correct and hardly meant.  People copy lines from getmail, fetchmail, mpop
 * and fdm, whose keys are known; what is merely spelled alike may mean
 * something else, and delete.  So a key that deletes is never guessed: it is
 * named only where another program has the very same by another name.
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
 * Report a line of words, without a sign between key and value.  Returns the
 * key that was meant, or NULL.
 */
const char *config_suggest_words(
    const struct config_report_place *, enum config_scope, const char *text);

/*
 * Describe a key of another program: "of getmail; write keep = 14d".  `value`
 * is NULL where the key stood alone on its line; it is shown only where it is
 * no secret.  *ours_r is the key of ours, NULL where none is needed.  False
 * where no such key is known.
 */
bool config_foreign_describe(const char *key, const char *value, char *text_r,
    size_t size, const char **ours_r);

/*
 * Warn of what will be part of the value.  False where the value cannot be
 * good, which was reported then.
 */
bool config_suggest_value(const struct config_report_place *,
    const struct config_option *, const char *value, bool quoted);

/*
 * What may be wrong with a value that was refused, to be appended: begins with
 * "; ", or is empty.
 */
const char *config_suggest_hint(const char *value, bool quoted);

#endif
