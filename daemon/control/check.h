/*
 * The store's verification as JSON.
 */
#ifndef CONTROL_CHECK_H
#define CONTROL_CHECK_H

#include <jansson.h>

#include "daemon/store/store.h"

json_t *check_json(const struct store_check *);

#endif
