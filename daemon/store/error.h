/*
 * Why something failed, in words.
 */
#ifndef STORE_ERROR_H
#define STORE_ERROR_H

#include "daemon/store/store.h"

/* Fill *error_r, cutting what is too long; returns the status. */
enum store_status store_error_set(
    struct store_error *error_r, enum store_status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
