/*
 * Secrets as people type them, or programs hand them over on a descriptor.
 */
#ifndef SECRET_TYPED_H
#define SECRET_TYPED_H

#include <stddef.h>
#include <stdio.h>

struct secret;

/*
 * The next line of a descriptor.  Where that is a terminal, the question
 * appears on `terminal`, and what is typed does not.  A signal that ends the
 * process finds the terminal as it was.  Nothing behind the line is read.
 * `what` is expected: "password".  NULL with the reason.
 */
struct secret *secret_typed(int fd, const char *question, const char *what,
    FILE *terminal, char *error_r, size_t error_size)
    __attribute__((warn_unused_result));

#endif
