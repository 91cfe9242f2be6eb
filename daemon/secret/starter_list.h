/* The commands that a starter may start, as the configuration has them. */
#ifndef SECRET_STARTER_LIST_H
#define SECRET_STARTER_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/secret/starter.h"

struct starter_list;

/* Empty; NULL without memory. */
struct starter_list *starter_list_new(void) __attribute__((warn_unused_result));

/*
 * Read anew.  A child that ends does it, so that nothing of what the
 * configuration says of passwords stays.  False leaves it as it was.
 */
bool starter_list_renew(struct starter_list *, secret_starter_reader,
    const char *config_path) __attribute__((warn_unused_result));

bool starter_list_has(const struct starter_list *, const char *command);

#endif
