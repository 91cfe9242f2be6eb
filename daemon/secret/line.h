/*
 * The secret in what a file holds or a command prints: the first line.
 */
#ifndef SECRET_LINE_H
#define SECRET_LINE_H

#include <stddef.h>

struct secret;

/*
 * Of what a source may give.  Tokens have been seen beyond 4,096 octets; what
 * exceeds this is no secret but some other file.
 */
#define SECRET_INPUT_MAX ((size_t)64 * 1024)
/* Of an error's words. */
#define SECRET_ERROR_SIZE 1024

/*
 * A secret of the first line, without its line end and without a byte-order
 * mark before it; NULL with the reason, which begins with `source`.  `what` is
 * expected there: "password", "token".
 */
struct secret *secret_of_first_line(const char *source, const char *what,
    const char *bytes, size_t length, char *error_r, size_t error_size)
    __attribute__((warn_unused_result));

/*
 * Lines for an error, one behind the other: "; " stands for the line ends, and
 * '?' for what is no text.  Cut to fit.
 */
void secret_printable(
    const char *bytes, size_t length, char *text_r, size_t size);

#endif
