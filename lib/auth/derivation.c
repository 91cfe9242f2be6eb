#include "lib/auth/derivation.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "lib/auth/secret.h"
#include "lib/base/guarded.h"

#define BLOCK_SIZE 64 /* of SHA-1 and of SHA-256 */

/* RFC 2104 */
#define INNER_PAD 0x36
#define OUTER_PAD 0x5c

/*
 * OpenSSL's own PBKDF2 cannot be given up in the middle.  Its HMAC takes the
 * padded password in anew for each message; here that is done once, and copied.
 */
struct evpop_pbkdf2 {
	EVP_MD_CTX *inner, *outer; /* have taken the padded password in */
	EVP_MD_CTX *work;
	size_t size;
	unsigned int left; /* iterations */
	unsigned char last[EVPOP_KEY_MAX], key[EVPOP_KEY_MAX];
};

/* A failure may leave an entry in the thread's queue of errors. */
static bool
derivation_checked(bool ok)
{
	if (!ok)
		ERR_clear_error();
	return ok;
}

/* A length before each part keeps the parts apart. */
static void
derivation_add(struct evpop_secret *all, const void *bytes, size_t length)
{
	evpop_secret_add(all, &length, sizeof length);
	evpop_secret_add(all, bytes, length);
}

bool
evpop_derivation_digest(const struct evpop_derivation *derivation,
    unsigned char digest[EVPOP_SHA256_SIZE])
{
	struct evpop_secret all = { .bytes = NULL };
	bool ok;

	derivation_add(&all, &derivation->key_size, sizeof(size_t));
	derivation_add(&all, &derivation->iterations, sizeof(unsigned int));
	derivation_add(&all, derivation->user, strlen(derivation->user));
	derivation_add(
	    &all, derivation->password, strlen(derivation->password));
	derivation_add(&all, derivation->salt, derivation->salt_length);
	ok = !all.failed &&
	     evpop_digest(EVPOP_SHA256_SIZE, all.bytes, all.length, digest);
	evpop_secret_clear(&all);
	return ok;
}

/* Take a padded password of one block in. */
static bool
pbkdf2_pad(EVP_MD_CTX *context, const EVP_MD *hash,
    const unsigned char password[BLOCK_SIZE], unsigned char pad)
{
	unsigned char block[BLOCK_SIZE];
	bool ok;
	size_t i;

	for (i = 0; i < sizeof block; i++)
		block[i] = password[i] ^ pad;
	ok = context != NULL && EVP_DigestInit_ex2(context, hash, NULL) == 1 &&
	     EVP_DigestUpdate(context, block, sizeof block) == 1;
	OPENSSL_cleanse(block, sizeof block);
	return ok;
}

static bool
pbkdf2_take_password(
    struct evpop_pbkdf2 *pbkdf2, const EVP_MD *hash, const char *password)
{
	const size_t length = strlen(password);
	unsigned char block[BLOCK_SIZE] = { 0 };
	bool ok = true;

	if (length > sizeof block)
		ok = EVP_Digest(password, length, block, NULL, hash, NULL) == 1;
	else
		memcpy(block, password, length);
	ok = ok && pbkdf2_pad(pbkdf2->inner, hash, block, INNER_PAD) &&
	     pbkdf2_pad(pbkdf2->outer, hash, block, OUTER_PAD);
	OPENSSL_cleanse(block, sizeof block);
	return ok;
}

/* HMAC of what `work`, a copy of `inner`, has taken in; becomes the last. */
static bool
pbkdf2_finish_hmac(struct evpop_pbkdf2 *pbkdf2)
{
	unsigned char *last = pbkdf2->last;

	return EVP_DigestFinal_ex(pbkdf2->work, last, NULL) == 1 &&
	       EVP_MD_CTX_copy_ex(pbkdf2->work, pbkdf2->outer) == 1 &&
	       EVP_DigestUpdate(pbkdf2->work, last, pbkdf2->size) == 1 &&
	       EVP_DigestFinal_ex(pbkdf2->work, last, NULL) == 1;
}

/* The first iteration, which takes the salt; a key has one block only. */
static bool
pbkdf2_take_salt(
    struct evpop_pbkdf2 *pbkdf2, const struct evpop_derivation *derivation)
{
	static const unsigned char first_block[4] = { 0, 0, 0, 1 };

	if (EVP_MD_CTX_copy_ex(pbkdf2->work, pbkdf2->inner) != 1 ||
	    EVP_DigestUpdate(
		pbkdf2->work, derivation->salt, derivation->salt_length) != 1 ||
	    EVP_DigestUpdate(pbkdf2->work, first_block, sizeof first_block) !=
		1 ||
	    !pbkdf2_finish_hmac(pbkdf2))
		return false;
	memcpy(pbkdf2->key, pbkdf2->last, pbkdf2->size);
	return true;
}

struct evpop_pbkdf2 *
evpop_pbkdf2_new(const struct evpop_derivation *derivation)
{
	struct evpop_pbkdf2 *pbkdf2;
	EVP_MD *hash;
	bool ok;

	assert(derivation->key_size == EVPOP_SHA1_SIZE ||
	       derivation->key_size == EVPOP_SHA256_SIZE);
	assert(derivation->iterations > 0 &&
	       derivation->iterations <= EVPOP_ITERATIONS_MAX);
	pbkdf2 = evpop_guarded_alloc(sizeof *pbkdf2);
	if (pbkdf2 == NULL)
		return NULL;
	hash = EVP_MD_fetch(NULL,
	    derivation->key_size == EVPOP_SHA1_SIZE ? "SHA1" : "SHA256", NULL);
	pbkdf2->inner = EVP_MD_CTX_new();
	pbkdf2->outer = EVP_MD_CTX_new();
	pbkdf2->work = EVP_MD_CTX_new();
	pbkdf2->size = derivation->key_size;
	pbkdf2->left = derivation->iterations - 1;
	ok = hash != NULL && pbkdf2->work != NULL &&
	     pbkdf2_take_password(pbkdf2, hash, derivation->password) &&
	     pbkdf2_take_salt(pbkdf2, derivation);
	EVP_MD_free(hash);
	if (!derivation_checked(ok)) {
		evpop_pbkdf2_free(pbkdf2);
		return NULL;
	}
	return pbkdf2;
}

void
evpop_pbkdf2_free(struct evpop_pbkdf2 *pbkdf2)
{
	if (pbkdf2 == NULL)
		return;
	EVP_MD_CTX_free(pbkdf2->inner);
	EVP_MD_CTX_free(pbkdf2->outer);
	EVP_MD_CTX_free(pbkdf2->work);
	evpop_guarded_free(pbkdf2);
}

static bool
pbkdf2_iterate(struct evpop_pbkdf2 *pbkdf2)
{
	size_t i;

	if (EVP_MD_CTX_copy_ex(pbkdf2->work, pbkdf2->inner) != 1 ||
	    EVP_DigestUpdate(pbkdf2->work, pbkdf2->last, pbkdf2->size) != 1 ||
	    !pbkdf2_finish_hmac(pbkdf2))
		return false;
	for (i = 0; i < pbkdf2->size; i++)
		pbkdf2->key[i] ^= pbkdf2->last[i];
	return true;
}

bool
evpop_pbkdf2_run(struct evpop_pbkdf2 *pbkdf2, unsigned int iterations,
    const unsigned char **key_r)
{
	*key_r = NULL;
	for (; iterations > 0 && pbkdf2->left > 0; iterations--) {
		if (!derivation_checked(pbkdf2_iterate(pbkdf2)))
			return false;
		pbkdf2->left--;
	}
	if (pbkdf2->left == 0)
		*key_r = pbkdf2->key;
	return true;
}
