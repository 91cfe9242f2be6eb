#include "tests/fuzz/model_wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

/* RFC 9266 section 2. */
#define BINDING_LABEL  "EXPORTER-Channel-Binding"
#define BINDING_OCTETS 32

struct model_wire {
	int fd;
	SSL *tls; /* or NULL */
	BIO *come, *go;
	bool starts_tls; /* once all that waits is out */
	bool is_gone;
	char *out;
	size_t length, sent;
};

static char wire_pin[7 + 2 * 32 + 1];

static X509 *
certificate_make(EVP_PKEY *key)
{
	X509 *x509 = X509_new();
	X509_NAME *name = X509_get_subject_name(x509);
	unsigned char digest[32];
	unsigned int length, i;

	(void)X509_set_version(x509, 2);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(x509), -86400);
	(void)X509_gmtime_adj(X509_getm_notAfter(x509), 86400 * 7L);
	(void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"pop.model.example", -1, -1, 0);
	(void)X509_set_issuer_name(x509, name);
	(void)X509_set_pubkey(x509, key);
	if (X509_sign(x509, key, NULL) == 0 ||
	    X509_digest(x509, EVP_sha256(), digest, &length) != 1)
		abort();
	strcpy(wire_pin, "sha256:");
	for (i = 0; i < length; i++)
		snprintf(wire_pin + 7 + 2 * (size_t)i, 3, "%02x", digest[i]);
	return x509;
}

/* One for the whole program. */
static SSL_CTX *
wire_context(void)
{
	static SSL_CTX *context;
	EVP_PKEY *key;
	X509 *x509;

	if (context != NULL)
		return context;
	context = SSL_CTX_new(TLS_server_method());
	key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (context == NULL || key == NULL)
		abort();
	x509 = certificate_make(key);
	if (SSL_CTX_use_certificate(context, x509) != 1 ||
	    SSL_CTX_use_PrivateKey(context, key) != 1)
		abort();
	X509_free(x509);
	EVP_PKEY_free(key);
	/* Whether a session is resumed would change what is sent. */
	(void)SSL_CTX_set_num_tickets(context, 0);
	(void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	return context;
}

const char *
model_wire_pin(void)
{
	(void)wire_context();
	return wire_pin;
}

struct model_wire *
model_wire_new(int fd)
{
	struct model_wire *wire = calloc(1, sizeof *wire);

	if (wire == NULL)
		abort();
	wire->fd = fd;
	return wire;
}

void
model_wire_free(struct model_wire *wire)
{
	if (wire == NULL)
		return;
	SSL_free(wire->tls);
	close(wire->fd);
	free(wire->out);
	free(wire);
}

static void
wire_secure(struct model_wire *wire)
{
	wire->starts_tls = false;
	wire->tls = SSL_new(wire_context());
	wire->come = BIO_new(BIO_s_mem());
	wire->go = BIO_new(BIO_s_mem());
	if (wire->tls == NULL || wire->come == NULL || wire->go == NULL)
		abort();
	SSL_set_bio(wire->tls, wire->come, wire->go);
	SSL_set_accept_state(wire->tls);
}

void
model_wire_start_tls(struct model_wire *wire)
{
	wire->starts_tls = true;
	if (model_wire_pending(wire) == 0)
		wire_secure(wire);
}

static void
wire_queue(struct model_wire *wire, const void *octets, size_t length)
{
	char *out = realloc(wire->out, wire->length + length + 1);

	if (out == NULL)
		abort();
	memcpy(out + wire->length, octets, length);
	wire->out = out;
	wire->length += length;
}

bool
model_wire_is_ready(const struct model_wire *wire)
{
	return !wire->starts_tls &&
	       (wire->tls == NULL || SSL_is_init_finished(wire->tls));
}

/* What TLS has to say joins what waits. */
static void
wire_collect(struct model_wire *wire)
{
	char octets[4096];
	int n;

	while ((n = BIO_read(wire->go, octets, sizeof octets)) > 0)
		wire_queue(wire, octets, (size_t)n);
}

static ssize_t
wire_read_tls(struct model_wire *wire, void *octets, size_t size)
{
	size_t n = 0;
	int done;

	ERR_clear_error();
	done = SSL_read_ex(wire->tls, octets, size, &n);
	if (done != 1 && SSL_get_error(wire->tls, done) != SSL_ERROR_WANT_READ)
		wire->is_gone = true;
	wire_collect(wire);
	if (n > 0)
		return (ssize_t)n;
	return wire->is_gone ? -1 : 0;
}

ssize_t
model_wire_read(struct model_wire *wire, void *octets, size_t size)
{
	char raw[4096];
	ssize_t n, done;

	if (wire->tls == NULL) {
		n = recv(wire->fd, octets, size, MSG_DONTWAIT);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return 0;
		return n > 0 ? n : -1;
	}
	do {
		n = recv(wire->fd, raw, sizeof raw, MSG_DONTWAIT);
		if (n > 0)
			(void)BIO_write(wire->come, raw, (int)n);
		else if (n == 0 || errno != EAGAIN)
			wire->is_gone = true;
		done = wire_read_tls(wire, octets, size);
	} while (n > 0 && done == 0);
	return done;
}

void
model_wire_write(struct model_wire *wire, const void *octets, size_t length)
{
	size_t written;

	if (length == 0)
		return;
	if (wire->tls == NULL) {
		wire_queue(wire, octets, length);
		return;
	}
	if (SSL_write_ex(wire->tls, octets, length, &written) != 1)
		wire->is_gone = true;
	wire_collect(wire);
}

size_t
model_wire_pending(const struct model_wire *wire)
{
	return wire->length - wire->sent;
}

bool
model_wire_push(struct model_wire *wire, size_t most)
{
	size_t length = model_wire_pending(wire);
	ssize_t n;

	if (length == 0)
		return false;
	n = send(wire->fd, wire->out + wire->sent,
	    length < most ? length : most, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n == -1) {
		/* The client has gone, and takes nothing any more. */
		wire->is_gone = true;
		n = (ssize_t)length;
	}
	wire->sent += (size_t)n;
	if (wire->sent == wire->length) {
		wire->sent = wire->length = 0;
		if (wire->starts_tls)
			wire_secure(wire);
	}
	return true;
}

char *
model_wire_binding(const struct model_wire *wire)
{
	unsigned char octets[BINDING_OCTETS];
	char *text;

	if (wire->tls == NULL ||
	    SSL_export_keying_material(wire->tls, octets, sizeof octets,
		BINDING_LABEL, strlen(BINDING_LABEL), (const unsigned char *)"",
		0, 1) != 1)
		return NULL;
	text = malloc(2 * sizeof octets);
	if (text == NULL)
		abort();
	(void)EVP_EncodeBlock(
	    (unsigned char *)text, octets, (int)sizeof octets);
	return text;
}
