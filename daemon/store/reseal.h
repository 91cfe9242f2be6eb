/*
 * The keys of sealed bodies, sealed anew: who holds the secret key opens them
 * and seals them to another one.  Bodies and envelopes stay as they are.
 */
#ifndef STORE_RESEAL_H
#define STORE_RESEAL_H

#include "daemon/secret/sealing.h"
#include "daemon/store/store.h"

enum store_reseal_of {
	STORE_RESEAL_MESSAGES = 0,
	STORE_RESEAL_QUARANTINE
};

/* A body's key as it is kept. */
struct store_sealed_key {
	int64_t id; /* of the message, or of what is in quarantine */
	unsigned char key[SEALING_KEY_SIZE];
};

/*
 * Those that are sealed for this recipient, from behind an id on; the rows are
 * borrowed until the callback returns.
 */
typedef void (*store_sealed_keys_cb)(enum store_status,
    const struct store_sealed_key *, size_t count, bool more, void *arg);
void store_sealed_keys(struct store *, enum store_reseal_of,
    const unsigned char recipient[SEALING_RECIPIENT_SIZE], int64_t after_id,
    unsigned limit, store_sealed_keys_cb, void *arg);

/* A key that is sealed anew, and a part of the old one that tells it apart. */
#define STORE_RESEAL_TAG_AT   SEALING_PUBLIC_SIZE
#define STORE_RESEAL_TAG_SIZE 16
struct store_resealed {
	int64_t id;
	unsigned char old[STORE_RESEAL_TAG_SIZE];
	unsigned char key[SEALING_KEY_SIZE];
};

struct store_reseal_answer {
	/* New mail is sealed for another one, or not at all: nothing is done.
	 */
	bool is_other_recipient;
	uint64_t resealed;
	uint64_t changed; /* gone, or sealed anew meanwhile: left alone */
};
typedef void (*store_reseal_cb)(
    enum store_status, const struct store_reseal_answer *, void *arg);

/* Put them in the old ones' place, for the recipient of new mail; copied. */
void store_reseal(struct store *, enum store_reseal_of,
    const unsigned char recipient[SEALING_RECIPIENT_SIZE],
    const struct store_resealed *, size_t count, store_reseal_cb, void *arg);

#endif
