/*
 * Passwords as they stand sealed in the configuration: "evpop-password-1:" and,
 * in base64url without padding, the id of the key (8 octets), a nonce (24) and
 * a secretbox.  In the box are the account that the password is bound to (an
 * octet of length, which is 0 where it is bound to none, and the name) and the
 * password, padded to a multiple of 64 octets, so that its length is not told.
 */
#ifndef SECRET_SEALED_H
#define SECRET_SEALED_H

#include <stdbool.h>
#include <stddef.h>

struct secret;
struct secret_key;

/* Of the name that a password is bound to. */
#define SECRET_BOUND_MAX ((size_t)255)

/* A target's is bound to its name with this before it, which no account has. */
#define SECRET_BOUND_TARGET "target:"

/*
 * Seal a password, bound to an account of this name or id, or to none (NULL).
 * For free(); NULL without memory, or for a longer name.
 */
char *secret_seal(const struct secret_key *, const struct secret *password,
    const char *account) __attribute__((warn_unused_result));

/* Whose password it is to be; `id` may be NULL. */
struct secret_bearer {
	const char *name, *id;
	bool is_target;
};

/*
 * Open a sealed password with the daemon's key, which is NULL where there is
 * none.  Returns NULL with the reason, which begins with "password_sealed".
 */
struct secret *secret_unseal(const struct secret_key *, const char *sealed,
    const struct secret_bearer *, char *error_r, size_t error_size)
    __attribute__((warn_unused_result));

/* For many passwords that are only to be tried. */
struct secret_opener;

/* The key is NULL where there is none, and must stay.  NULL without memory. */
struct secret_opener *secret_opener_new(const struct secret_key *)
    __attribute__((warn_unused_result));
/* Sets the pointer to NULL. */
void secret_opener_free(struct secret_opener **);

/* Whether secret_unseal() would open it, or the reason why not. */
bool secret_opener_try(struct secret_opener *, const char *sealed,
    const struct secret_bearer *, char *error_r, size_t error_size)
    __attribute__((warn_unused_result));

#endif
