#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "lib/base/guarded.h"
#include "lib/net/tls_files.h"
#include "lib/net/tls_identity.h"

/* A key of 16384 bits, with a long chain in the same file. */
#define KEY_FILE_MAX ((size_t)128 * 1024)

/* Deeper than OpenSSL's calls go. */
#define STACK_WIPED ((size_t)32 * 1024)

struct evpop_tls_identity {
	char *pem; /* guarded */
	size_t length;
};

/* A key under a pass phrase is refused; OpenSSL would ask on the terminal. */
static int
identity_no_pass_phrase(char *buffer, int size, int writing, void *arg)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

/* NULL with OpenSSL's reason. */
static EVP_PKEY *
identity_parse(const struct evpop_tls_identity *identity)
{
	BIO *bio = BIO_new_mem_buf(identity->pem, (int)identity->length);
	EVP_PKEY *key;

	if (bio == NULL)
		return NULL;
	key = PEM_read_bio_PrivateKey(bio, NULL, identity_no_pass_phrase, NULL);
	BIO_free(bio);
	return key;
}

/* Read what there is, up to the size; -1 with errno. */
static ssize_t
identity_read(const char *file, char *buffer, size_t size)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t length = 0;
	ssize_t got = 1;

	if (fd == -1)
		return -1;
	while (length < size && got > 0) {
		got = read(fd, buffer + length, size - length);
		if (got > 0)
			length += (size_t)got;
		else if (got == -1 && errno == EINTR)
			got = 1;
	}
	close(fd);
	return got == -1 ? -1 : (ssize_t)length;
}

/* False with errno; no octet of it goes anywhere else. */
static bool
identity_read_key(struct evpop_tls_identity *identity, const char *file)
{
	char *buffer = evpop_guarded_alloc(KEY_FILE_MAX);
	ssize_t length;

	if (buffer == NULL) {
		errno = ENOMEM;
		return false;
	}
	length = identity_read(file, buffer, KEY_FILE_MAX);
	if (length == (ssize_t)KEY_FILE_MAX) {
		errno = EFBIG;
		length = -1;
	}
	if (length >= 0) {
		identity->length = (size_t)length;
		identity->pem = evpop_guarded_copy(buffer, identity->length);
		errno = ENOMEM;
	}
	evpop_guarded_free(buffer);
	return identity->pem != NULL;
}

static bool
identity_load_key(struct evpop_tls_identity *identity, SSL_CTX *ctx,
    const char *file, struct evpop_result *result)
{
	static const char what[] = "cannot use the client key in";
	EVP_PKEY *key;
	bool fits;

	if (!identity_read_key(identity, file)) {
		evpop_tls_files_fail(result, what, file, strerror(errno));
		return false;
	}
	key = identity_parse(identity);
	fits = key != NULL &&
	       X509_check_private_key(SSL_CTX_get0_certificate(ctx), key) == 1;
	EVP_PKEY_free(key);
	evpop_tls_identity_wipe_stack();
	if (!fits)
		evpop_tls_files_fail(result, what, file, NULL);
	return fits;
}

bool
evpop_tls_identity_load(struct evpop_tls_identity **identity_r, SSL_CTX *ctx,
    const char *certificate, const char *key, struct evpop_result *result)
{
	struct evpop_tls_identity *identity;

	*identity_r = NULL;
	if (certificate == NULL) {
		if (key == NULL)
			return true;
		evpop_result_set(result, EVPOP_ERROR_USAGE, EVPOP_PHASE_NONE,
		    "a client key without a client certificate");
		return false;
	}
	if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1) {
		evpop_tls_files_fail(result,
		    "cannot read the client certificate in", certificate, NULL);
		return false;
	}
	identity = calloc(1, sizeof(*identity));
	if (identity == NULL) {
		evpop_result_set(result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_NONE,
		    "cannot set up TLS: out of memory");
		return false;
	}
	if (!identity_load_key(
		identity, ctx, key != NULL ? key : certificate, result)) {
		evpop_tls_identity_free(identity);
		return false;
	}
	*identity_r = identity;
	return true;
}

void
evpop_tls_identity_free(struct evpop_tls_identity *identity)
{
	if (identity == NULL)
		return;
	evpop_guarded_free(identity->pem);
	free(identity);
}

bool
evpop_tls_identity_use(const struct evpop_tls_identity *identity, SSL *ssl)
{
	EVP_PKEY *key = identity_parse(identity);
	bool is_used = key != NULL && SSL_use_PrivateKey(ssl, key) == 1;

	EVP_PKEY_free(key);
	return is_used;
}

/* Not inline: its frame lies where those of the calls before it were. */
__attribute__((noinline)) void
evpop_tls_identity_wipe_stack(void)
{
	unsigned char below[STACK_WIPED];

	explicit_bzero(below, sizeof(below));
}
