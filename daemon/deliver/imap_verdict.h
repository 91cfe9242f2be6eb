/*
 * What a refusal of an IMAP server means for the message and for its target:
 * response codes stand above words, and words that large providers use are
 * known.
 */
#ifndef DELIVER_IMAP_VERDICT_H
#define DELIVER_IMAP_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include <evpop/error.h>

#include "daemon/deliver/carrier.h"
#include "daemon/deliver/imap_reply.h"

struct imap_verdict {
	enum carried outcome;
	int64_t retry_after_ms;       /* as the server asks; 0: it does not */
	char answer[EVPOP_TEXT_SIZE]; /* what the server said, printable */
};

/* NO, BAD or BYE as the answer to APPEND. */
void imap_verdict_message(
    const struct imap_reply *, struct imap_verdict *verdict_r);

/*
 * The same where a folder was asked for or made: `is_only`, all messages of the
 * target go there, so that a person is needed.
 */
void imap_verdict_folder(const struct imap_reply *, const char *folder,
    bool is_only, struct imap_verdict *verdict_r);

/* NO or BAD as the answer to a log-in: whether it says nothing about it. */
bool imap_verdict_login_passes(const struct imap_reply *);

/* Whether the folder is not there, as far as the server has a code for it. */
bool imap_verdict_is_missing(const struct imap_reply *);

/* "[OVERQUOTA] Over quota", printable. */
void imap_verdict_words(
    const struct imap_reply *, char words_r[EVPOP_TEXT_SIZE]);

#endif
