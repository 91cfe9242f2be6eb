/*
 * Comparison without regard to case, in all scripts; SQLite's own knows only
 * ASCII.
 */
#ifndef STORE_FOLD_H
#define STORE_FOLD_H

#include "daemon/store/db.h"

/* The text in the form that is compared; for free().  NULL without memory. */
char *store_fold(const char *text) __attribute__((warn_unused_result));

/* Whether what was folded is a part of the text. */
bool store_fold_has(const char *text, const char *folded);

/* Teach a connection fold_has(text, folded): is it a part of the text? */
enum store_status store_fold_register(struct sql_db *)
    __attribute__((warn_unused_result));

#endif
