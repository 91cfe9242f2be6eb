#include "daemon/store/digest.h"

#include <assert.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct store_digest {
	crypto_generichash_state state;
};

bool
store_digest_init(void)
{
	return sodium_init() >= 0;
}

struct store_digest *
store_digest_new(void)
{
	void *memory;
	struct store_digest *digest;
	int failed;

	if (posix_memalign(&memory, _Alignof(struct store_digest),
		sizeof(struct store_digest)) != 0)
		return NULL;
	digest = memory;
	failed =
	    crypto_generichash_init(&digest->state, NULL, 0, STORE_DIGEST_SIZE);
	assert(failed == 0);
	return digest;
}

void
store_digest_update(
    struct store_digest *digest, const void *bytes, size_t length)
{
	int failed = crypto_generichash_update(&digest->state, bytes, length);

	assert(failed == 0);
}

void
store_digest_final(
    struct store_digest *digest, unsigned char digest_r[STORE_DIGEST_SIZE])
{
	int failed = crypto_generichash_final(
	    &digest->state, digest_r, STORE_DIGEST_SIZE);

	assert(failed == 0);
}

void
store_digest_free(struct store_digest *digest)
{
	free(digest);
}

struct store_digest_key {
	unsigned char bytes[STORE_DIGEST_KEY_SIZE];
};

struct store_digest_key *
store_digest_key_new(const unsigned char key[STORE_DIGEST_KEY_SIZE])
{
	struct store_digest_key *own = sodium_malloc(sizeof(*own));

	if (own != NULL)
		memcpy(own->bytes, key, sizeof(own->bytes));
	return own;
}

void
store_digest_key_free(struct store_digest_key *key)
{
	sodium_free(key);
}

void
store_digest_apply_key(
    const struct store_digest_key *key, unsigned char digest[STORE_DIGEST_SIZE])
{
	unsigned char keyed[STORE_DIGEST_SIZE];
	int failed;

	if (key == NULL)
		return;
	failed = crypto_generichash(keyed, sizeof(keyed), digest,
	    STORE_DIGEST_SIZE, key->bytes, sizeof(key->bytes));
	assert(failed == 0);
	memcpy(digest, keyed, sizeof(keyed));
}

/*
 * OpenSSL uses the instructions that the processor has for it; libsodium does
 * not.
 */
bool
store_digest_sha256(const void *bytes, size_t length,
    unsigned char digest_r[STORE_DIGEST_SHA256_SIZE])
{
	_Static_assert(
	    STORE_DIGEST_SHA256_SIZE == SHA256_DIGEST_LENGTH, "its size");
	return SHA256(bytes, length, digest_r) != NULL;
}
