/*
 * The token by which a Gmail target is allowed to use a mailbox: kept while it
 * is good, and fetched anew once it is refused.
 */
#ifndef DELIVER_GMAIL_TOKEN_H
#define DELIVER_GMAIL_TOKEN_H

#include <stdbool.h>

#include "daemon/deliver/carrier.h"

struct gmail_token;

/* NULL without memory; the setup is borrowed. */
struct gmail_token *gmail_token_new(const struct carrier_setup *)
    __attribute__((warn_unused_result));

/*
 * The token, borrowed until the next call; or NULL, whether that is DOWN or
 * WRONG, and why.
 */
typedef void (*gmail_token_cb)(
    const char *token, enum carried, const char *why, void *arg);
/*
 * Ask for one; where the last one was refused, for another.  The callback runs
 * once, maybe from inside the call.
 */
void gmail_token_ask(
    struct gmail_token *, bool was_refused, gmail_token_cb, void *arg);

/* Even one that was fetched anew is refused. */
void gmail_token_note_refused(struct gmail_token *);

/* No callback any more.  Sets the pointer to NULL, which it may be. */
void gmail_token_free(struct gmail_token **);

#endif
