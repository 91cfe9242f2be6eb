#include "lib/auth/digest.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/evp.h>

/* An entry left in the thread's queue would condemn some TLS session. */
static bool
digest_checked(bool ok)
{
	if (!ok)
		ERR_clear_error();
	return ok;
}

static const char *
digest_name(size_t size)
{
	switch (size) {
	case EVPOP_MD5_SIZE:
		return "MD5";
	case EVPOP_SHA1_SIZE:
		return "SHA1";
	default:
		assert(size == EVPOP_SHA256_SIZE);
		return "SHA256";
	}
}

bool
evpop_digest(
    size_t size, const void *bytes, size_t length, unsigned char *digest)
{
	return digest_checked(EVP_Q_digest(NULL, digest_name(size), NULL, bytes,
				  length, digest, NULL) == 1);
}

bool
evpop_hmac(size_t size, const void *key, size_t key_length, const void *bytes,
    size_t length, unsigned char *digest)
{
	size_t digest_length;

	return digest_checked(EVP_Q_mac(NULL, "HMAC", NULL, digest_name(size),
				  NULL, key, key_length, bytes, length, digest,
				  size, &digest_length) != NULL);
}

/* The stream is OpenSSL's context, by a name that needs none of its headers. */
static EVP_MD_CTX *
stream_context(struct evpop_digest_stream *stream)
{
	return (EVP_MD_CTX *)(void *)stream;
}

struct evpop_digest_stream *
evpop_digest_stream_new(void)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	if (context != NULL && !digest_checked(EVP_DigestInit_ex2(context,
						   EVP_sha256(), NULL) == 1)) {
		EVP_MD_CTX_free(context);
		context = NULL;
	}
	return (struct evpop_digest_stream *)(void *)context;
}

bool
evpop_digest_stream_feed(
    struct evpop_digest_stream *stream, const void *bytes, size_t length)
{
	return digest_checked(
	    EVP_DigestUpdate(stream_context(stream), bytes, length) == 1);
}

bool
evpop_digest_stream_finish(
    struct evpop_digest_stream *stream, unsigned char digest[EVPOP_SHA256_SIZE])
{
	return digest_checked(
	    EVP_DigestFinal_ex(stream_context(stream), digest, NULL) == 1);
}

void
evpop_digest_stream_free(struct evpop_digest_stream *stream)
{
	EVP_MD_CTX_free(stream_context(stream));
}
