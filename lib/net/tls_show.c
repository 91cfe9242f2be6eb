#include "lib/net/tls_show.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "lib/base/hex.h"

#define NAME_SIZE  256
#define NAMES_SIZE 1024
#define KEY_SIZE   48
#define PIN_WORD   "spki-sha256:"
#define DIGEST     ((size_t)32) /* SHA-256 */
#define PIN_SIZE   (sizeof(PIN_WORD) + 2 * DIGEST)

/* The common name, or the organization, or all of it. */
static void
show_name(const X509_NAME *name, char text_r[NAME_SIZE])
{
	static const int wanted[] = { NID_commonName,
		NID_organizationalUnitName, NID_organizationName };
	unsigned char *utf8;
	int length;

	text_r[0] = '\0';
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		int at = X509_NAME_get_index_by_NID(name, wanted[i], -1);

		if (at < 0)
			continue;
		length = ASN1_STRING_to_UTF8(&utf8,
		    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
		if (length < 0)
			continue;
		evpop_printable(text_r, NAME_SIZE, utf8, (size_t)length);
		OPENSSL_free(utf8);
		return;
	}
}

/* The names that it is for, as RFC 6125 reads them, with commas between. */
static void
show_names(const X509 *certificate, char text_r[NAMES_SIZE])
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	char name[NAME_SIZE];
	size_t used = 0;

	text_r[0] = '\0';
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *one = sk_GENERAL_NAME_value(names, i);
		const ASN1_STRING *value;
		int written;

		if (one->type != GEN_DNS)
			continue;
		value = one->d.dNSName;
		evpop_printable(name, sizeof(name),
		    ASN1_STRING_get0_data(value),
		    (size_t)ASN1_STRING_length(value));
		written = snprintf(text_r + used, NAMES_SIZE - used, "%s%s",
		    used > 0 ? ", " : "", name);
		if (written < 0 || (size_t)written >= NAMES_SIZE - used)
			break;
		used += (size_t)written;
	}
	GENERAL_NAMES_free(names);
}

static void
show_key(const X509 *certificate, char text_r[KEY_SIZE])
{
	const EVP_PKEY *key = X509_get0_pubkey(certificate);

	if (key == NULL)
		snprintf(text_r, KEY_SIZE, "unknown");
	else
		snprintf(text_r, KEY_SIZE, "%s %d bits",
		    OBJ_nid2sn(EVP_PKEY_get_base_id(key)),
		    EVP_PKEY_get_bits(key));
}

static bool
show_pin(const X509 *certificate, char text_r[PIN_SIZE])
{
	unsigned char *spki = NULL, digest[DIGEST];
	int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &spki);
	bool done = length > 0 && EVP_Digest(spki, (size_t)length, digest, NULL,
				      EVP_sha256(), NULL) == 1;

	OPENSSL_free(spki);
	if (!done)
		return false;
	memcpy(text_r, PIN_WORD, sizeof(PIN_WORD));
	evpop_hex_encode(digest, DIGEST, text_r + sizeof(PIN_WORD) - 1);
	return true;
}

static int64_t
show_time(const ASN1_TIME *time)
{
	struct tm parts;

	return ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
}

static void
show_one(const X509 *certificate, uint32_t depth, evpop_certificate_cb show,
    void *arg)
{
	char subject[NAME_SIZE], issuer[NAME_SIZE], names[NAMES_SIZE];
	char key[KEY_SIZE], pin[PIN_SIZE];
	const struct evpop_certificate shown = {
		.depth = depth,
		.subject = subject,
		.issuer = issuer,
		.names = names,
		.key = key,
		.pin = show_pin(certificate, pin) ? pin : NULL,
		.begins = show_time(X509_get0_notBefore(certificate)),
		.expires = show_time(X509_get0_notAfter(certificate)),
	};

	show_name(X509_get_subject_name(certificate), subject);
	show_name(X509_get_issuer_name(certificate), issuer);
	show_names(certificate, names);
	show_key(certificate, key);
	show(&shown, arg);
}

void
evpop_tls_show(X509_STORE_CTX *store, evpop_certificate_cb show, void *arg)
{
	const X509 *own = X509_STORE_CTX_get0_cert(store);
	STACK_OF(X509) *others = X509_STORE_CTX_get0_untrusted(store);
	uint32_t depth = 0;

	if (own != NULL)
		show_one(own, depth++, show, arg);
	for (int i = 0; i < sk_X509_num(others); i++) {
		const X509 *other = sk_X509_value(others, i);

		if (own == NULL || X509_cmp(other, own) != 0)
			show_one(other, depth++, show, arg);
	}
}
