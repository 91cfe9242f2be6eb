/*
 * Passwords: where they come from, and that they are wiped.  The bytes of a
 * struct secret lie in guarded memory (lib/base/guarded.h), and so does each
 * copy in the configuration and of a session under way.
 */
#ifndef SECRET_SECRET_H
#define SECRET_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/secret/sealed.h"

struct event_base;
struct secret;
struct secret_request;

/*
 * Once, before any other call here; false if libsodium cannot start.  From then
 * on the process leaves no core dump, and only root may look into it.
 */
bool secret_init(void) __attribute__((warn_unused_result));

/*
 * A secret of `length` bytes, copied, NUL-terminated behind them; NULL without
 * memory.
 */
struct secret *secret_new(const void *bytes, size_t length)
    __attribute__((warn_unused_result));
const char *secret_text(const struct secret *);
size_t secret_length(const struct secret *);
/* Wipes, frees, sets the pointer to NULL. */
void secret_free(struct secret **);

enum secret_kind {
	SECRET_LITERAL,    /* the value itself, from the INI file */
	SECRET_FILE,       /* first line of a file that only its owner reads */
	SECRET_COMMAND,    /* first line of what /bin/sh -c prints */
	SECRET_CREDENTIAL, /* of systemd: a file in $CREDENTIALS_DIRECTORY */
	SECRET_SEALED,     /* as secret_seal() gave it */
	SECRET_TOKEN_COMMAND /* as SECRET_COMMAND, of an access token */
};
struct secret_source {
	enum secret_kind kind;
	const char *value;
	/* Of SECRET_SEALED: what opens it, or NULL, and whose it is. */
	const struct secret_key *key;
	struct secret_bearer bearer;
};

/*
 * What the callback gets: a secret that it owns, or NULL and why (borrowed;
 * never holds the secret).  Runs once, on the loop, unless cancelled.
 */
typedef void (*secret_cb)(struct secret *, const char *error, void *arg);

/*
 * Fetch a secret.  A command runs as a child with no terminal, in a process
 * group of its own, and is killed at the deadline; its standard error is shown
 * in the error's words, made printable.  A file must be as
 * secret_file_safe() wants it.  NULL without memory, and the callback will not
 * run.
 */
struct secret_request *secret_fetch(struct event_base *,
    const struct secret_source *, int64_t timeout_ms, secret_cb, void *arg)
    __attribute__((warn_unused_result));

/* No callback any more; kills the command. Sets the pointer to NULL. */
void secret_cancel(struct secret_request **);

/*
 * Check a file that holds a secret: regular, owned by root or this user, no
 * access for group and others.  They may read what is root's on a file system
 * that is mounted read-only, as containers are given their secrets.  Returns
 * true, or false with the reason.
 */
bool secret_file_safe(const char *path, char *reason_r, size_t reason_size)
    __attribute__((warn_unused_result));

/*
 * A file with a secret counts only for root and for its owner.  The daemon's
 * files are its user's: root reads them as that user.  Become the file's owner,
 * where that can be (NULL: no), and return who to become again afterwards.
 */
uid_t secret_become_owner(const char *path) __attribute__((warn_unused_result));
void secret_become(uid_t);

#endif
