/*
 * Secrets in files, and in systemd's credentials, which are files too.
 */
#ifndef SECRET_FILE_H
#define SECRET_FILE_H

#include <stddef.h>

struct secret;

/*
 * All that a file holds, which must be as secret_file_safe() wants it.  NULL
 * with the reason, which begins with the path; `what` is expected there:
 * "key".
 */
struct secret *secret_file_contents(const char *path, const char *what,
    char *error_r, size_t error_size) __attribute__((warn_unused_result));

/* The same for a credential's name. */
struct secret *secret_credential_contents(const char *name, const char *what,
    char *error_r, size_t error_size) __attribute__((warn_unused_result));

/* The password in a file, NULL with the reason, which begins with the path. */
struct secret *secret_read_file(const char *path, char *error_r,
    size_t error_size) __attribute__((warn_unused_result));

/* The same for a credential's name. */
struct secret *secret_read_credential(const char *name, char *error_r,
    size_t error_size) __attribute__((warn_unused_result));

#endif
