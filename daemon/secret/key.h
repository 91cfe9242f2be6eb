/*
 * Keys: 32 random octets in a text file of their own, alone or under a
 * passphrase.  One key serves all uses, each with a key derived from it: it
 * opens sealed passwords, it keys digests, and it is the secret half of the
 * pair that mail is sealed to.  The public half is safe to show.
 *
 * The file holds comments, which begin with '#', and one line:
 *
 *     evpop-secret-1:KEY
 *     evpop-secret-argon2id-1:PASSES:KIBIBYTES:SEALED
 *
 * KEY is the 32 octets, SEALED a salt of 16 octets, a nonce of 24 and the
 * secretbox of the key, under what Argon2id makes of the passphrase; both in
 * base64url without padding (RFC 4648 section 5).
 */
#ifndef SECRET_KEY_H
#define SECRET_KEY_H

#include <stdbool.h>
#include <stddef.h>

struct secret;
struct secret_key; /* in guarded memory */

#define SECRET_KEY_SIZE ((size_t)32)
/* "evpop-public-1:", 43 characters, and a NUL. */
#define SECRET_PUBLIC_TEXT ((size_t)59)
/* Of a reason. */
#define SECRET_KEY_ERROR ((size_t)512)

/* A new one; NULL without memory. */
struct secret_key *secret_key_generate(void)
    __attribute__((warn_unused_result));
/* Wipes, frees, sets the pointer to NULL, which it may be. */
void secret_key_free(struct secret_key **);
/*
 * For who needs it longer than its owner, of one thread: it is wiped when each
 * has called secret_key_free().  NULL is no key, and stays that.
 */
struct secret_key *secret_key_hold(const struct secret_key *);

/*
 * Read a key from a file, which must be as secret_file_safe() wants it, or from
 * a credential of systemd's.  `passphrase` is NULL where there is none. Returns
 * NULL with the reason, which begins with the path; *needs_passphrase_r tells
 * whether the key has a passphrase and none was given.  A passphrase takes
 * about a second and 256 MiB of memory.
 */
struct secret_key *secret_key_read(const char *path,
    const struct secret *passphrase, bool *needs_passphrase_r, char *error_r,
    size_t error_size) __attribute__((warn_unused_result));
struct secret_key *secret_key_read_credential(const char *name, char *error_r,
    size_t error_size) __attribute__((warn_unused_result));

/* What its file holds; NULL with the reason. */
struct secret *secret_key_text(const struct secret_key *,
    const struct secret *passphrase, char *error_r, size_t error_size)
    __attribute__((warn_unused_result));

/*
 * Write a key to a new file of mode 0600, durably.  Where there is such a file,
 * or a fault, nothing is left behind, and the reason begins with the path.
 */
bool secret_key_write(const struct secret_key *, const char *path,
    const struct secret *passphrase, char *error_r, size_t error_size)
    __attribute__((warn_unused_result));

enum secret_key_use {
	SECRET_KEY_PASSWORDS = 1,
	SECRET_KEY_DIGESTS,
	SECRET_KEY_MAIL /* the seed of an X25519 pair */
};
/* The key for one use.  The caller wipes it. */
void secret_key_derive(const struct secret_key *, enum secret_key_use,
    unsigned char derived_r[SECRET_KEY_SIZE]);

/* The X25519 pair that mail is sealed to.  The caller wipes the secret half. */
void secret_key_pair(const struct secret_key *,
    unsigned char public_r[SECRET_KEY_SIZE],
    unsigned char secret_r[SECRET_KEY_SIZE]);

/* Its public half alone. */
void secret_key_public(
    const struct secret_key *, unsigned char public_r[SECRET_KEY_SIZE]);

/*
 * What tells a key from others, as sealed mail names it too: the first octets
 * of its public half's BLAKE2b-256.  People see it in hexadecimal.
 */
#define SECRET_KEY_ID_SIZE ((size_t)8)
void secret_key_id(
    const struct secret_key *, unsigned char id_r[SECRET_KEY_ID_SIZE]);

/* The public half as people see it: "evpop-public-1:" and base64url. */
void secret_public_text(const unsigned char public[SECRET_KEY_SIZE],
    char text_r[SECRET_PUBLIC_TEXT]);
/* The same taken back; false if the text is no public half. */
bool secret_public_parse(
    const char *text, unsigned char public_r[SECRET_KEY_SIZE]);

#endif
