#include "tests/unit/net_certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define DAY_S (24L * 60 * 60)

static void
add_extension(X509 *x509, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static void
set_serial(X509 *x509)
{
	static long serial;

	assert_int_equal(
	    ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial), 1);
}

/* A name that seems to end where C strings do. */
static void
add_cut_name(X509 *x509, const char *cut_name)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();
	char octets[128];
	size_t length = strlen(cut_name), i;

	assert_true(names != NULL && name != NULL && text != NULL);
	assert_true(length < sizeof(octets));
	for (i = 0; i < length; i++)
		octets[i] = cut_name[i] == '|' ? '\0' : cut_name[i];
	assert_int_equal(ASN1_STRING_set(text, octets, (int)length), 1);
	GENERAL_NAME_set0_value(name, GEN_DNS, text);
	assert_true(sk_GENERAL_NAME_push(names, name) > 0);
	assert_int_equal(
	    X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, 0), 1);
	GENERAL_NAMES_free(names);
}

void
net_certificate_make(struct net_certificate *certificate,
    const struct net_certificate_options *options)
{
	long begins_s = options->begins_s, ends_s = options->ends_s;
	const struct net_certificate *issuer = options->issuer;
	X509_NAME *name;
	X509 *x509;

	if (begins_s == 0 && ends_s == 0) {
		begins_s = -DAY_S;
		ends_s = 7 * DAY_S;
	}
	certificate->key = options->rsa_bits > 0
			       ? EVP_RSA_gen(options->rsa_bits)
			       : EVP_EC_gen("P-256");
	certificate->x509 = x509 = X509_new();
	assert_non_null(certificate->key);
	assert_non_null(x509);
	if (issuer == NULL)
		issuer = certificate;
	assert_int_equal(X509_set_version(x509, X509_VERSION_3), 1);
	set_serial(x509);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x509), begins_s));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x509), ends_s));
	name = X509_get_subject_name(x509);
	assert_int_equal(
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		(const unsigned char *)options->common_name, -1, -1, 0),
	    1);
	assert_int_equal(
	    X509_set_issuer_name(x509, X509_get_subject_name(issuer->x509)), 1);
	assert_int_equal(X509_set_pubkey(x509, certificate->key), 1);
	add_extension(x509, issuer->x509, NID_basic_constraints,
	    options->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (options->alt_names != NULL)
		add_extension(x509, issuer->x509, NID_subject_alt_name,
		    options->alt_names);
	if (options->cut_name != NULL)
		add_cut_name(x509, options->cut_name);
	if (options->extended_usage != NULL)
		add_extension(x509, issuer->x509, NID_ext_key_usage,
		    options->extended_usage);
	assert_true(X509_sign(x509, issuer->key,
			options->sha1 ? EVP_sha1() : EVP_sha256()) > 0);
}

void
net_certificate_clear(struct net_certificate *certificate)
{
	EVP_PKEY_free(certificate->key);
	X509_free(certificate->x509);
	memset(certificate, 0, sizeof(*certificate));
}

void
net_certificate_write(
    const struct net_certificate *certificate, bool with_key, char *path)
{
	FILE *file;
	int fd;

	snprintf(path, 32, "/tmp/evpop-net-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	assert_non_null(file);
	assert_int_equal(PEM_write_X509(file, certificate->x509), 1);
	if (with_key)
		assert_int_equal(PEM_write_PrivateKey(file, certificate->key,
				     NULL, NULL, 0, NULL, NULL),
		    1);
	assert_int_equal(fclose(file), 0);
}

void
net_certificate_pin(
    const struct net_certificate *certificate, bool public_key, char *pin)
{
	unsigned char digest[EVP_MAX_MD_SIZE], *der = NULL;
	unsigned int length = 0;
	int der_length;
	size_t i;

	der_length =
	    public_key
		? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate->x509), &der)
		: i2d_X509(certificate->x509, &der);
	assert_true(der_length > 0);
	assert_int_equal(EVP_Digest(der, (size_t)der_length, digest, &length,
			     EVP_sha256(), NULL),
	    1);
	OPENSSL_free(der);
	pin += sprintf(pin, "%s", public_key ? "spki-sha256:" : "sha256:");
	for (i = 0; i < length; i++)
		pin += sprintf(pin, "%02x", digest[i]);
}

SSL_CTX *
net_certificate_server(const struct net_certificate *certificate)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	assert_non_null(ctx);
	assert_int_equal(SSL_CTX_use_certificate(ctx, certificate->x509), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, certificate->key), 1);
	return ctx;
}
