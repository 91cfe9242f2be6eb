/*
 * `evpopctl --key`: what is asked about messages is answered here, by who can
 * open them, as the daemon answers it of mail that is not sealed.
 */
#ifndef CTL_OPENING_H
#define CTL_OPENING_H

#include "daemon/ctl/client.h"
#include "daemon/ctl/sealed.h"

struct opening;

/*
 * Begin to answer for the client's requests with these keys, of the messages
 * in a folder or, where that is NULL, of those behind ctl->socket.  The reason
 * is said where that cannot be.
 */
enum ctl_exit opening_begin(struct opening **opening_r, const struct ctl *,
    const struct sealed_keys *, const char *folder)
    __attribute__((warn_unused_result));

/*
 * The end: what could not be opened is said.  Returns `code`, or how to exit
 * for that.  Sets the pointer to NULL, which it may be.
 */
enum ctl_exit opening_end(
    struct opening **, const struct ctl *, enum ctl_exit code);

#endif
