/*
 * Files of keys, as evpopctl's commands read them: a passphrase is asked for
 * where there is one.
 */
#ifndef CTL_KEYFILE_H
#define CTL_KEYFILE_H

#include "daemon/ctl/ctl.h"
#include "daemon/secret/key.h"
#include "daemon/secret/secret.h"

/*
 * Read the key in a file, with a passphrase from ctl->passphrase_fd.  NULL,
 * with the reason said and *code_r what to exit with.
 */
struct secret_key *keyfile_read(const struct ctl *, const char *path,
    enum ctl_exit *code_r) __attribute__((warn_unused_result));

/*
 * Ask for a secret, twice at a terminal where it is a new one; else it is a
 * line of the descriptor.  NULL, with the reason said.  keyfile_begin() comes
 * first.
 */
struct secret *keyfile_ask(const struct ctl *, int fd, const char *question,
    const char *what, bool is_new) __attribute__((warn_unused_result));

/*
 * Read the number of a descriptor, given by this option; false, with the reason
 * said.
 */
bool keyfile_descriptor(
    const struct ctl *, const char *option, const char *text, int *fd_r);

/*
 * Before any of these: memory for secrets, and no core files.  CTL_OK, or what
 * to exit with.
 */
enum ctl_exit keyfile_begin(const struct ctl *);

#endif
