/*
 * What somebody meant by a name that is none here.  A key that deletes is never
 * guessed: only where another program has the very same by another name.
 */
#ifndef CONFIG_SUGGEST_H
#define CONFIG_SUGGEST_H

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

#endif
