/*
 * Where a web browser ends once a user has consented to something (RFC 8252
 * section 7.3): a port of this machine, and who is there for one answer.  Where
 * the browser is on another machine, its address is pasted instead.
 */
#ifndef CTL_REDIRECT_H
#define CTL_REDIRECT_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/ctl/ctl.h"

struct redirect;

/* Listen; a port of 0 is any.  NULL, with errno. */
struct redirect *redirect_new(uint16_t port)
    __attribute__((warn_unused_result));
/* Sets the pointer to NULL. */
void redirect_free(struct redirect **);

/* "http://localhost:PORT/" */
const char *redirect_uri(const struct redirect *);

#define REDIRECT_CODE 4096
#define REDIRECT_TEXT 512
struct redirect_answer {
	char code[REDIRECT_CODE];  /* "" where the user has not consented */
	char error[REDIRECT_TEXT]; /* in the provider's words */
};

enum redirect_end {
	REDIRECT_ANSWERED = 0,
	REDIRECT_TIMEOUT,
	REDIRECT_OTHER, /* a line that is not the address */
	REDIRECT_LEFT   /* the one at the terminal has ended the input */
};

/*
 * Wait for the answer with this state; what else comes, from whomever, is told
 * that it is not wanted.  On a terminal a line with the address does as well.
 */
enum redirect_end redirect_wait(struct redirect *, const char *state,
    int64_t timeout_ms, bool takes_lines, struct redirect_answer *answer_r)
    __attribute__((warn_unused_result));

/* Tell the browser how it went, if it is one that waits. */
void redirect_finish(struct redirect *, bool is_well);

/*
 * The value of a parameter in an address's query, decoded; false: there is
 * none, or it does not fit.
 */
bool redirect_parameter(
    const char *address, const char *name, char *value_r, size_t size);

#endif
