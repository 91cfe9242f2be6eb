/*
 * What a person is to do about an account that fails: in words that name the
 * file, the section, what to change there, and the command that tries at once.
 */
#ifndef POLL_ADVICE_H
#define POLL_ADVICE_H

#include <evpop/error.h>

#include <stdbool.h>
#include <stdint.h>

#include "daemon/config/config.h"

enum advice {
	ADVICE_WAIT = 0,    /* it may pass by itself */
	ADVICE_CREDENTIALS, /* the server refused them */
	ADVICE_LOG_IN,      /* there is no way to log in: nothing was sent */
	ADVICE_SECRET,      /* the password cannot be had */
	/* The server's words say that it wants something else: */
	ADVICE_APP_PASSWORD,
	ADVICE_POP3_OFF, /* to be turned on for the mailbox */
	ADVICE_BROWSER,  /* a log-in on its web page */
	ADVICE_SERVER,   /* somebody has to see to it there */
	/* The server's certificate is not trusted: */
	ADVICE_EXPIRED, /* it has expired */
	ADVICE_EARLY,   /* it is not yet valid */
	ADVICE_NAME,    /* it is for another host */
	ADVICE_ISSUER,  /* no CA that is trusted has signed it */
	ADVICE_PIN,     /* it matches no pin */
	ADVICE_UNFIT,   /* it is not safe, or not for servers */
	ADVICE_COUNT
};

/* By how a poll ended; `was_asked`: the server has answered to a log-in. */
enum advice advice_of(const struct evpop_result *, bool was_asked);

/*
 * In words; printable, cut where it is too long.  `once`: there is no daemon to
 * notice a change or to take a command.
 */
#define ADVICE_SIZE 900
void advice_write(char text_r[ADVICE_SIZE], enum advice,
    const struct config_account *, bool once);

/* "; next try in 2 h"; "" where it is not (-1). */
#define ADVICE_WAIT_SIZE 48
void advice_write_wait(char text_r[ADVICE_WAIT_SIZE], int64_t wait_ms);

/* ---- what a poll falls short of, in such words ---- */

/*
 * The session went well, but this many messages stay on the server, since
 * nothing identifies them; perhaps only because they have to wait.  The
 * result's scope is the message: no other mail is delayed.
 */
void shortfall_unidentified(
    struct evpop_result *result_r, uint32_t messages, bool has_to_wait);

/*
 * Likewise for what stands on lines of the listing that cannot be read.
 * `first` is the first of them, printable, or NULL.
 */
void shortfall_unreadable(
    struct evpop_result *result_r, uint32_t lines, const char *first);

/*
 * The poll holds more of the memory for listings than all polls may together.
 */
void shortfall_memory(
    struct evpop_result *result_r, uint64_t capacity, uint64_t octets_in);

/*
 * A session ended before its listing was complete.  Where that is longer than
 * one may be, add what allows for more.
 */
void shortfall_listing(struct evpop_result *result, uint64_t octets_in);

#endif
