#include "tests/dialog/certificates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/x509v3.h>

#include "tests/unit/net_certificate.h"

#define DAY_S (24L * 60 * 60)

/* A name that ends, for who reads C strings, before it ends. */
static const char nul_name[] = "mail.example\0.attacker.example";

static const struct {
	const char *name;
	const char *alt_names;
	long begins_s, ends_s;
	bool self_signed;
} kinds[] = {
	{ "good", "IP:127.0.0.1,DNS:mail.example", 0, 0, false },
	{ "expired", "IP:127.0.0.1", -9 * DAY_S, -2 * DAY_S, false },
	{ "wrong-name", "DNS:mail.example.org", 0, 0, false },
	{ "self-signed", "IP:127.0.0.1", 0, 0, true },
	{ "no-names", NULL, 0, 0, false },
	{ "nul-name", NULL, 0, 0, false },
};

#define KINDS (sizeof kinds / sizeof kinds[0])

struct certificates {
	struct net_certificate ca;
	char ca_path[32];
	SSL_CTX *servers[KINDS];
};

static void
need(bool well)
{
	if (!well)
		abort();
}

struct certificates *
certificates_new(void)
{
	struct net_certificate_options options = { .common_name = "test CA",
		.ca = true };
	struct certificates *certificates = calloc(1, sizeof *certificates);

	need(certificates != NULL);
	net_certificate_make(&certificates->ca, &options);
	net_certificate_write(&certificates->ca, false, certificates->ca_path);
	return certificates;
}

void
certificates_free(struct certificates *certificates)
{
	size_t i;

	if (certificates == NULL)
		return;
	for (i = 0; i < KINDS; i++)
		SSL_CTX_free(certificates->servers[i]);
	unlink(certificates->ca_path);
	net_certificate_clear(&certificates->ca);
	free(certificates);
}

const char *
certificates_ca(const struct certificates *certificates)
{
	return certificates->ca_path;
}

/* No text that OpenSSL reads can say this. */
static void
add_nul_name(struct net_certificate *certificate, EVP_PKEY *ca_key)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();

	need(names != NULL && name != NULL && text != NULL);
	need(ASN1_STRING_set(text, nul_name, (int)sizeof nul_name - 1) == 1);
	GENERAL_NAME_set0_value(name, GEN_DNS, text);
	need(sk_GENERAL_NAME_push(names, name) == 1);
	need(X509_add1_ext_i2d(certificate->x509, NID_subject_alt_name, names,
		 0, X509V3_ADD_DEFAULT) == 1);
	GENERAL_NAMES_free(names);
	need(X509_sign(certificate->x509, ca_key, EVP_sha256()) > 0);
}

static SSL_CTX *
make(struct certificates *certificates, size_t kind)
{
	struct net_certificate_options options = {
		.common_name = "mail.example",
		.alt_names = kinds[kind].alt_names,
		.begins_s = kinds[kind].begins_s,
		.ends_s = kinds[kind].ends_s,
		.issuer = kinds[kind].self_signed ? NULL : &certificates->ca,
	};
	struct net_certificate certificate;
	SSL_CTX *server;

	net_certificate_make(&certificate, &options);
	if (strcmp(kinds[kind].name, "nul-name") == 0)
		add_nul_name(&certificate, certificates->ca.key);
	server = net_certificate_server(&certificate);
	net_certificate_clear(&certificate);
	return server;
}

SSL_CTX *
certificates_server(struct certificates *certificates, const char *name)
{
	size_t i;

	if (name == NULL)
		name = "good";
	for (i = 0; i < KINDS; i++) {
		if (strcmp(kinds[i].name, name) != 0)
			continue;
		if (certificates->servers[i] == NULL)
			certificates->servers[i] = make(certificates, i);
		return certificates->servers[i];
	}
	fprintf(stderr, "no certificate is called %s\n", name);
	exit(2);
}
