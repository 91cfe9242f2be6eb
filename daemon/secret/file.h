/*
 * Secrets in files, and in systemd's credentials, which are files too.
 */
#ifndef SECRET_FILE_H
#define SECRET_FILE_H

#include <stddef.h>

struct secret;

/* NULL with the reason, which begins with the path. */
struct secret *secret_read_file(const char *path, char *error_r,
    size_t error_size) __attribute__((warn_unused_result));

/* The same for a credential's name. */
struct secret *secret_read_credential(const char *name, char *error_r,
    size_t error_size) __attribute__((warn_unused_result));

#endif
