/*
 * The history of polls as JSON.
 */
#ifndef CONTROL_POLLS_H
#define CONTROL_POLLS_H

#include <jansson.h>

#include "daemon/store/store.h"

json_t *poll_json(const struct store_poll_row *);

#endif
