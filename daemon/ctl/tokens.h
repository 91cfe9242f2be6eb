/* How who logs in by OAuth 2 stands with his tokens: an account, a target. */
#ifndef CTL_TOKENS_H
#define CTL_TOKENS_H

#include "daemon/ctl/ctl.h"

/* Prints a label and a value. */
typedef void (*tokens_detail)(
    const struct ctl *, const char *label, const char *value);

/*
 * Print what its "authorization" says: consent, token, what is wrong, what to
 * do.  Nothing where it is null.
 */
void tokens_print(const struct ctl *, const json_t *object, tokens_detail);

/* The same, for another object; nothing where `from` is NULL. */
void tokens_add(const json_t *from, json_t *to);

/* Whether log-ins work by them, now or by themselves later. */
enum ctl_exit tokens_exit(const json_t *object)
    __attribute__((warn_unused_result));

#endif
