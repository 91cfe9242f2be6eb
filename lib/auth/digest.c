#include "lib/auth/digest.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

/* An entry left in the thread's queue would condemn some TLS session. */
static bool
done(bool ok)
{
	if (!ok)
		ERR_clear_error();
	return ok;
}

bool
evpop_digest_md5(const void *first, size_t first_length, const void *second,
    size_t second_length, unsigned char digest[EVPOP_MD5_SIZE])
{
	EVP_MD *md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool ok;

	ok = md5 != NULL && context != NULL &&
	     EVP_DigestInit_ex2(context, md5, NULL) == 1 &&
	     EVP_DigestUpdate(context, first, first_length) == 1 &&
	     EVP_DigestUpdate(context, second, second_length) == 1 &&
	     EVP_DigestFinal_ex(context, digest, NULL) == 1;
	EVP_MD_CTX_free(context);
	EVP_MD_free(md5);
	return done(ok);
}

bool
evpop_digest_hmac_md5(const char *key, const void *bytes, size_t length,
    unsigned char digest[EVPOP_MD5_SIZE])
{
	size_t digest_length;

	return done(
	    EVP_Q_mac(NULL, "HMAC", NULL, "MD5", NULL, key, strlen(key), bytes,
		length, digest, EVPOP_MD5_SIZE, &digest_length) != NULL);
}

/* The stream is OpenSSL's context, by a name that needs none of its headers. */
static EVP_MD_CTX *
context_of(struct evpop_digest_stream *stream)
{
	return (EVP_MD_CTX *)(void *)stream;
}

struct evpop_digest_stream *
evpop_digest_stream_new(void)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	if (context != NULL &&
	    !done(EVP_DigestInit_ex2(context, EVP_sha256(), NULL) == 1)) {
		EVP_MD_CTX_free(context);
		context = NULL;
	}
	return (struct evpop_digest_stream *)(void *)context;
}

bool
evpop_digest_stream_feed(
    struct evpop_digest_stream *stream, const void *bytes, size_t length)
{
	return done(EVP_DigestUpdate(context_of(stream), bytes, length) == 1);
}

bool
evpop_digest_stream_finish(
    struct evpop_digest_stream *stream, unsigned char digest[EVPOP_SHA256_SIZE])
{
	return done(EVP_DigestFinal_ex(context_of(stream), digest, NULL) == 1);
}

void
evpop_digest_stream_free(struct evpop_digest_stream *stream)
{
	EVP_MD_CTX_free(context_of(stream));
}
