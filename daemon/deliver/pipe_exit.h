/*
 * What the end of a command says of the message that it was given, as
 * sysexits.h has it.
 */
#ifndef DELIVER_PIPE_EXIT_H
#define DELIVER_PIPE_EXIT_H

#include "daemon/deliver/carrier.h"

struct secret_child_result;

/* Of an answer. */
#define PIPE_TEXT 512

/*
 * The outcome, with words in text_r, which the result borrows.  Where it was
 * cut short, it may have done what it was to do.
 */
struct carried_result pipe_exit_read(const struct secret_child_result *,
    int64_t timeout_ms, char text_r[PIPE_TEXT]);

#endif
