/*
 * The keys of other mail collectors, and what says the same here.  People copy
 * lines from getmail, fetchmail, mpop and fdm; what is merely spelled alike may
 * mean something else, and delete.
 */
#ifndef CONFIG_FOREIGN_H
#define CONFIG_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Describe a key of another program: "of getmail; write keep = 14d".  `value`
 * is NULL where the key stood alone on its line; it is shown only where it is
 * no secret.  *ours_r is the key of ours, NULL where none is needed.  False
 * where no such key is known.
 */
bool config_foreign_describe(const char *key, const char *value, char *text_r,
    size_t size, const char **ours_r);

#endif
