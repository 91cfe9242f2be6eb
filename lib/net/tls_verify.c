#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "lib/net/tls_internal.h"

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
evpop_tls_pin_parse(struct evpop_tls_pin *pin, const char *text)
{
	static const char certificate[] = "sha256:", key[] = "spki-sha256:";
	size_t i;
	int high, low;

	memset(pin, 0, sizeof(*pin));
	if (strncmp(text, certificate, sizeof(certificate) - 1) == 0) {
		text += sizeof(certificate) - 1;
	} else if (strncmp(text, key, sizeof(key) - 1) == 0) {
		text += sizeof(key) - 1;
		pin->public_key = true;
	} else {
		return false;
	}
	if (strlen(text) != 2 * EVPOP_TLS_DIGEST)
		return false;
	for (i = 0; i < EVPOP_TLS_DIGEST; i++) {
		high = hex_value(text[2 * i]);
		low = hex_value(text[2 * i + 1]);
		if (high == -1 || low == -1)
			return false;
		pin->digest[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

static bool
digest_certificate(X509 *certificate, unsigned char digest[EVPOP_TLS_DIGEST])
{
	return X509_digest(certificate, EVP_sha256(), digest, NULL) == 1;
}

static bool
digest_public_key(X509 *certificate, unsigned char digest[EVPOP_TLS_DIGEST])
{
	unsigned char *der = NULL;
	int length, done;

	length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
	if (length <= 0)
		return false;
	done =
	    EVP_Digest(der, (size_t)length, digest, NULL, EVP_sha256(), NULL);
	OPENSSL_free(der);
	return done == 1;
}

static bool
pin_matches(const struct evpop_tls_context *context, X509 *certificate)
{
	unsigned char whole[EVPOP_TLS_DIGEST], key[EVPOP_TLS_DIGEST];
	const struct evpop_tls_pin *pin;
	size_t i;

	if (!digest_certificate(certificate, whole) ||
	    !digest_public_key(certificate, key))
		return false;
	for (i = 0; i < context->pin_count; i++) {
		pin = &context->pins[i];
		if (memcmp(pin->digest, pin->public_key ? key : whole,
			EVPOP_TLS_DIGEST) == 0)
			return true;
	}
	return false;
}

static void
note_date(struct evpop_tls_verdict *verdict, const ASN1_TIME *when)
{
	struct tm tm;

	if (when != NULL && ASN1_TIME_to_tm(when, &tm) == 1)
		(void)strftime(
		    verdict->date, sizeof(verdict->date), "%Y-%m-%d", &tm);
}

/* The first DNS name of the certificate, else its common name. */
static void
note_name(struct evpop_tls_verdict *verdict, X509 *leaf)
{
	GENERAL_NAMES *names;
	const GENERAL_NAME *name;
	const ASN1_STRING *dns;
	int i;

	names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		name = sk_GENERAL_NAME_value(names, i);
		if (name->type != GEN_DNS)
			continue;
		dns = name->d.dNSName;
		evpop_printable(verdict->name, sizeof(verdict->name),
		    ASN1_STRING_get0_data(dns),
		    (size_t)ASN1_STRING_length(dns));
		break;
	}
	GENERAL_NAMES_free(names);
	if (verdict->name[0] == '\0')
		(void)X509_NAME_get_text_by_NID(X509_get_subject_name(leaf),
		    NID_commonName, verdict->name, sizeof(verdict->name));
}

static void
note_verdict(
    struct evpop_tls_verdict *verdict, X509_STORE_CTX *store, X509 *leaf)
{
	unsigned char digest[EVPOP_TLS_DIGEST];
	const X509 *culprit = X509_STORE_CTX_get_current_cert(store);
	size_t i;

	verdict->error = X509_STORE_CTX_get_error(store);
	if (verdict->error == X509_V_OK)
		return;
	if (digest_certificate(leaf, digest)) {
		for (i = 0; i < sizeof(digest); i++)
			snprintf(
			    verdict->fingerprint + 2 * i, 3, "%02x", digest[i]);
	}
	if (culprit == NULL)
		culprit = leaf;
	if (verdict->error == X509_V_ERR_CERT_HAS_EXPIRED)
		note_date(verdict, X509_get0_notAfter(culprit));
	else if (verdict->error == X509_V_ERR_CERT_NOT_YET_VALID)
		note_date(verdict, X509_get0_notBefore(culprit));
	note_name(verdict, leaf);
}

int
evpop_tls_verify(X509_STORE_CTX *store, void *arg)
{
	const struct evpop_tls_context *context = arg;
	struct evpop_tls_channel *channel;
	X509 *leaf = X509_STORE_CTX_get0_cert(store);
	SSL *ssl;
	int good;

	ssl = X509_STORE_CTX_get_ex_data(
	    store, SSL_get_ex_data_X509_STORE_CTX_idx());
	channel = SSL_get_app_data(ssl);
	if (context->pin_count == 0) {
		good = X509_verify_cert(store);
	} else {
		good = pin_matches(context, leaf);
		X509_STORE_CTX_set_error(store,
		    good ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
	}
	note_verdict(&channel->verdict, store, leaf);
	return good;
}

/* What is wrong, without saying with whose certificate. */
static void
describe(const struct evpop_tls_channel *channel, char *text, size_t size)
{
	const struct evpop_tls_verdict *verdict = &channel->verdict;

	switch (verdict->error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		snprintf(text, size, "expired on %s", verdict->date);
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		snprintf(text, size, "is not yet valid, but from %s on",
		    verdict->date);
		break;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		snprintf(text, size, "is for another name (%s)",
		    verdict->name[0] != '\0' ? verdict->name : "none at all");
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		snprintf(text, size, "is self-signed");
		break;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		snprintf(text, size, "is signed by an unknown CA");
		break;
	case X509_V_ERR_APPLICATION_VERIFICATION:
		snprintf(text, size, "matches no pin");
		break;
	default:
		snprintf(text, size, "is not valid: %s",
		    X509_verify_cert_error_string(verdict->error));
		break;
	}
}

void
evpop_tls_verify_explain(
    const struct evpop_tls_channel *channel, struct evpop_result *result)
{
	char what[80];

	describe(channel, what, sizeof(what));
	evpop_result_set(result, EVPOP_ERROR_TLS, EVPOP_PHASE_HANDSHAKE,
	    "the certificate of %.48s %s; to trust it all the same, pin "
	    "sha256:%s",
	    channel->host, what, channel->verdict.fingerprint);
}
