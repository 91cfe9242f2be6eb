/*
 * The daemon's own key, which opens what is sealed in the configuration: from
 * key_file, or where that is not given from the credential evpopd.key.
 */
#ifndef EVPOPD_KEYS_H
#define EVPOPD_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config/config.h"
#include "daemon/secret/key.h"

/* Zeroed, there is none. */
struct keys {
	struct secret_key *key;
	char source[256]; /* the path, or "credential evpopd.key" */
	char public[SECRET_PUBLIC_TEXT];
};

/*
 * Read the key; without one it is empty.  False with the reason, and it is
 * empty then, too.
 */
bool keys_read(struct keys *keys_r, const struct config *, char *error_r,
    size_t error_size) __attribute__((warn_unused_result));
/* Wipe it; it is empty then. */
void keys_free(struct keys *);

/*
 * The public key that mail is sealed to, which is another than the daemon's;
 * false with the reason.
 */
bool keys_read_seal_to(const struct keys *, const struct config *,
    unsigned char public_r[SECRET_KEY_SIZE], char *error_r, size_t error_size)
    __attribute__((warn_unused_result));

/*
 * Open all passwords that are sealed; those that do not open are errors, and so
 * is a seal_to that cannot be.
 */
void keys_check(const struct keys *, const struct config *,
    const char *config_path, struct config_messages *messages_r);

/*
 * The same for --check: reads the key, too.  What only the daemon itself may
 * have, a credential or a file of its user's, is missed with a warning.
 */
void keys_check_config(const struct config *, const char *config_path,
    struct config_messages *messages_r);

#endif
