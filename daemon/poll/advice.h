/*
 * What a person is to do about an account that fails: in words that name the
 * file, the section, what to change there, and the command that tries at once.
 */
#ifndef POLL_ADVICE_H
#define POLL_ADVICE_H

#include <evpop/error.h>

#include <stdint.h>

#include "daemon/config/config.h"

#define ADVICE_SIZE 900

/* By how its last poll ended; printable, cut where it is too long. */
void advice_write(char advice_r[ADVICE_SIZE], const struct config_account *,
    enum evpop_error, enum evpop_response_code);

/* "; tried again by itself in 2 h"; "" where it is not (-1). */
#define ADVICE_WAIT_SIZE 48
void advice_write_wait(char wait_r[ADVICE_WAIT_SIZE], int64_t wait_ms);

#endif
