#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <evpop/client.h>

#include "lib/base/hex.h"
#include "lib/net/tls_verify.h"

#define DIGEST_OCTETS ((size_t)32) /* SHA-256 */

/*
 * The most that is shown of a host, of a CA's name, of the names in a
 * certificate, and of the whole sentence, so that the pin behind it is never
 * cut.
 */
#define HOST_SHOWN  64
#define WORDS_SHOWN 180
#define NAME_SIZE   48
#define NAMES_SIZE  112
#define WORDS_SIZE  352
#define DATE_SIZE   16
#define NAMES_SHOWN 3

struct pin {
	bool is_of_key; /* the SPKI, not the certificate */
	unsigned char digest[DIGEST_OCTETS];
};

struct evpop_tls_pins {
	size_t count;
	struct pin pins[];
};

/*
 * The text behind a word, in any case of letters; NULL if it begins with
 * another.
 */
static const char *
pin_behind_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	return strncasecmp(text, word, length) == 0 ? text + length : NULL;
}

/* Octets may have colons between them, as openssl-x509(1) prints them. */
static bool
pin_parse(struct pin *pin, const char *text)
{
	const char *at = pin_behind_word(text, "sha256:");
	size_t i;
	int octet;

	pin->is_of_key = at == NULL;
	if (at == NULL)
		at = pin_behind_word(text, "spki-sha256:");
	if (at == NULL)
		return false;
	for (i = 0; i < DIGEST_OCTETS; i++) {
		if (i > 0 && *at == ':')
			at++;
		octet = evpop_hex_octet(at);
		if (octet == -1)
			return false;
		pin->digest[i] = (unsigned char)octet;
		at += 2;
	}
	return *at == '\0';
}

bool
evpop_tls_pin_check(const char *text, struct evpop_result *result)
{
	struct pin pin;

	if (pin_parse(&pin, text))
		return true;
	evpop_result_set(result, EVPOP_ERROR_USAGE, EVPOP_PHASE_NONE,
	    "\"%.100s\" is not a pin: expected sha256: or spki-sha256: and 64 "
	    "hexadecimal digits",
	    text);
	return false;
}

bool
evpop_tls_pins_new(struct evpop_tls_pins **pins_r, const char *const *texts,
    size_t count, struct evpop_result *result)
{
	struct evpop_tls_pins *pins;

	*pins_r = NULL;
	if (count == 0)
		return true;
	pins = calloc(1, sizeof(*pins) + count * sizeof(pins->pins[0]));
	if (pins == NULL) {
		evpop_result_set(result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_NONE,
		    "no memory for pins");
		return false;
	}
	for (; pins->count < count; pins->count++) {
		if (!evpop_tls_pin_check(texts[pins->count], result) ||
		    !pin_parse(&pins->pins[pins->count], texts[pins->count])) {
			free(pins);
			return false;
		}
	}
	*pins_r = pins;
	return true;
}

void
evpop_tls_pins_free(struct evpop_tls_pins *pins)
{
	free(pins);
}

static bool
certificate_digest(X509 *certificate, unsigned char digest[DIGEST_OCTETS])
{
	return X509_digest(certificate, EVP_sha256(), digest, NULL) == 1;
}

static bool
certificate_key_digest(X509 *certificate, unsigned char digest[DIGEST_OCTETS])
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
pins_match(const struct evpop_tls_pins *pins, X509 *certificate)
{
	unsigned char whole[DIGEST_OCTETS], key[DIGEST_OCTETS];
	const struct pin *pin;
	size_t i;

	if (!certificate_digest(certificate, whole) ||
	    !certificate_key_digest(certificate, key))
		return false;
	for (i = 0; i < pins->count; i++) {
		pin = &pins->pins[i];
		if (memcmp(pin->digest, pin->is_of_key ? key : whole,
			DIGEST_OCTETS) == 0)
			return true;
	}
	return false;
}

/* ---- What a certificate says ---- */

static void
certificate_fingerprint(X509 *leaf, char text[2 * DIGEST_OCTETS + 1])
{
	unsigned char digest[DIGEST_OCTETS];

	text[0] = '\0';
	if (certificate_digest(leaf, digest))
		evpop_hex_encode(digest, sizeof(digest), text);
}

static void
date_text(const ASN1_TIME *when, char text[DATE_SIZE])
{
	struct tm tm;

	if (when == NULL || ASN1_TIME_to_tm(when, &tm) != 1 ||
	    strftime(text, DATE_SIZE, "%Y-%m-%d", &tm) == 0)
		snprintf(text, DATE_SIZE, "an unknown day");
}

static void
today_text(char text[DATE_SIZE])
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	if (strftime(text, DATE_SIZE, "%Y-%m-%d", &tm) == 0)
		text[0] = '\0';
}

/* The common name, else the organization, else "?". */
static void
name_text(const X509_NAME *name, char text[NAME_SIZE])
{
	static const int kinds[] = { NID_commonName, NID_organizationName };
	const ASN1_STRING *octets;
	size_t i;
	int at;

	snprintf(text, NAME_SIZE, "?");
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		at = X509_NAME_get_index_by_NID(name, kinds[i], -1);
		if (at < 0)
			continue;
		octets =
		    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
		evpop_printable(text, NAME_SIZE, ASN1_STRING_get0_data(octets),
		    (size_t)ASN1_STRING_length(octets));
		return;
	}
}

/* One name of a host or address; false where it is of another kind. */
static bool
alt_name_text(const GENERAL_NAME *name, char text[NAME_SIZE])
{
	const ASN1_STRING *octets;
	char *address;

	if (name->type == GEN_DNS) {
		octets = name->d.dNSName;
		evpop_printable(text, NAME_SIZE, ASN1_STRING_get0_data(octets),
		    (size_t)ASN1_STRING_length(octets));
		return true;
	}
	if (name->type != GEN_IPADD)
		return false;
	octets = name->d.iPAddress;
	address = i2s_ASN1_OCTET_STRING(NULL, octets);
	snprintf(
	    text, NAME_SIZE, "address %.36s", address != NULL ? address : "?");
	OPENSSL_free(address);
	return true;
}

/* "a.example, b.example and 2 more"; how many names there are. */
static size_t
certificate_names_text(X509 *leaf, char text[NAMES_SIZE])
{
	char one[NAME_SIZE], more[24];
	GENERAL_NAMES *names;
	size_t count = 0, used = 0;
	int i;

	text[0] = '\0';
	names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		if (!alt_name_text(sk_GENERAL_NAME_value(names, i), one))
			continue;
		if (++count > NAMES_SHOWN ||
		    used + strlen(one) + sizeof(more) >= NAMES_SIZE)
			continue;
		snprintf(text + used, NAMES_SIZE - used, "%s%s",
		    used > 0 ? ", " : "", one);
		used = strlen(text);
	}
	if (count > NAMES_SHOWN)
		snprintf(text + used, NAMES_SIZE - used, " and %zu more",
		    count - NAMES_SHOWN);
	GENERAL_NAMES_free(names);
	return count;
}

static bool
certificate_common_name_is(X509 *leaf, const char *host)
{
	char name[NAME_SIZE];

	name_text(X509_get_subject_name(leaf), name);
	return strcasecmp(name, host) == 0;
}

/* ---- Words ---- */

static void
verify_say_other_name(X509 *leaf, const char *host, char *text, size_t size)
{
	char names[NAMES_SIZE], common[NAME_SIZE];
	size_t count = certificate_names_text(leaf, names);

	name_text(X509_get_subject_name(leaf), common);
	if (count > 0 && !certificate_common_name_is(leaf, host))
		snprintf(text, size, "is for another name (%s)", names);
	else
		snprintf(text, size,
		    "has no subjectAltName for %.*s%s%s, and its common name "
		    "(%s) is not used since RFC 6125",
		    HOST_SHOWN, host, count > 0 ? " but for " : "", names,
		    common);
}

/*
 * The chain ends without a CA that is trusted.  A server that leaves out its
 * intermediate certificate looks the same as one of a CA nobody knows; which
 * certificate is looked for is certain.
 */
static void
verify_say_unknown_issuer(const X509 *last, int depth, char *text, size_t size)
{
	char issuer[NAME_SIZE];

	name_text(X509_get_issuer_name(last), issuer);
	snprintf(text, size,
	    depth == 0 ? "is signed by an unknown CA, \"%s\", or the server "
			 "does not send this intermediate certificate as it "
			 "should"
		       : "leads to an unknown CA, \"%s\", which is not among "
			 "those in tls_ca or of the system",
	    issuer);
}

static void
verify_say_key_too_small(X509 *certificate, char *text, size_t size)
{
	EVP_PKEY *key = X509_get0_pubkey(certificate);

	snprintf(text, size, "has too small a key to be safe (%d bits)",
	    key != NULL ? EVP_PKEY_get_bits(key) : 0);
}

/* "expired on ...", or the same of a CA in its chain. */
static void
verify_say_dates(
    const X509 *culprit, int depth, bool expired, char *text, size_t size)
{
	char date[DATE_SIZE], today[DATE_SIZE], name[NAME_SIZE], of_ca[96] = "";

	date_text(expired ? X509_get0_notAfter(culprit)
			  : X509_get0_notBefore(culprit),
	    date);
	today_text(today);
	name_text(X509_get_subject_name(culprit), name);
	if (depth > 0)
		snprintf(of_ca, sizeof(of_ca),
		    "is signed by \"%s\", whose certificate ", name);
	if (expired)
		snprintf(text, size,
		    "%sexpired on %s; it is %s by this machine's clock", of_ca,
		    date, today);
	else
		snprintf(text, size,
		    "%sis not yet valid, but from %s on; it is %s by this "
		    "machine's clock, which may be wrong",
		    of_ca, date, today);
}

/* The fault, as a phrase whose subject is the certificate. */
static void
verify_say_what(X509_STORE_CTX *store, X509 *leaf, const char *host, char *text,
    size_t size)
{
	X509 *culprit = X509_STORE_CTX_get_current_cert(store);
	int depth = X509_STORE_CTX_get_error_depth(store);
	int error = X509_STORE_CTX_get_error(store);
	char name[NAME_SIZE];

	if (culprit == NULL)
		culprit = leaf;
	name_text(X509_get_subject_name(culprit), name);
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		verify_say_dates(culprit, depth,
		    error == X509_V_ERR_CERT_HAS_EXPIRED, text, size);
		break;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		verify_say_other_name(leaf, host, text, size);
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		snprintf(text, size, "is self-signed");
		break;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		verify_say_unknown_issuer(culprit, depth, text, size);
		break;
	case X509_V_ERR_INVALID_CA:
	case X509_V_ERR_INVALID_NON_CA:
		snprintf(
		    text, size, "is signed by \"%s\", which is not a CA", name);
		break;
	case X509_V_ERR_INVALID_PURPOSE:
		snprintf(text, size,
		    "is not for servers (its key usage "
		    "excludes them)");
		break;
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		snprintf(text, size, "has a signature that is wrong");
		break;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
		verify_say_key_too_small(leaf, text, size);
		break;
	case X509_V_ERR_CA_KEY_TOO_SMALL:
		snprintf(text, size,
		    "is signed by \"%s\", whose key is too small to be safe",
		    name);
		break;
	case X509_V_ERR_CA_MD_TOO_WEAK:
		snprintf(text, size,
		    "is signed by way of a digest that is too weak, such as "
		    "SHA-1");
		break;
	default:
		snprintf(text, size, "is not valid: %s",
		    X509_verify_cert_error_string(error));
		break;
	}
}

static enum evpop_distrust
verify_distrust(int error)
{
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return EVPOP_DISTRUST_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return EVPOP_DISTRUST_EARLY;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return EVPOP_DISTRUST_NAME;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return EVPOP_DISTRUST_ISSUER;
	default:
		return EVPOP_DISTRUST_UNFIT;
	}
}

/*
 * A pin that no longer matches is a warning first of all: who asks for the
 * next password may be somebody else.
 */
static void
verify_explain(X509_STORE_CTX *store, bool pinned, const char *host,
    struct evpop_result *result)
{
	X509 *leaf = X509_STORE_CTX_get0_cert(store);
	char fingerprint[2 * DIGEST_OCTETS + 1], what[WORDS_SIZE];

	certificate_fingerprint(leaf, fingerprint);
	if (pinned) {
		evpop_result_set(result, EVPOP_ERROR_TLS, EVPOP_PHASE_HANDSHAKE,
		    "WARNING: the certificate of %.*s matches no pin: it has "
		    "changed, or somebody is in between; if you have verified "
		    "it, set tls_pin = sha256:%s",
		    HOST_SHOWN, host, fingerprint);
		result->distrust = EVPOP_DISTRUST_PIN;
		return;
	}
	verify_say_what(store, leaf, host, what, sizeof(what));
	evpop_result_set(result, EVPOP_ERROR_TLS, EVPOP_PHASE_HANDSHAKE,
	    "the certificate of %.*s %.*s; if you have verified it, set "
	    "tls_pin = sha256:%s",
	    HOST_SHOWN, host, WORDS_SHOWN, what, fingerprint);
	result->distrust = verify_distrust(X509_STORE_CTX_get_error(store));
}

bool
evpop_tls_verify(X509_STORE_CTX *store, const struct evpop_tls_pins *pins,
    const char *host, struct evpop_result *result)
{
	bool good;

	if (pins == NULL) {
		good = X509_verify_cert(store) == 1;
	} else {
		good = pins_match(pins, X509_STORE_CTX_get0_cert(store));
		X509_STORE_CTX_set_error(store,
		    good ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
	}
	if (!good)
		verify_explain(store, pins != NULL, host, result);
	return good;
}

int64_t
evpop_tls_expires(const X509 *certificate)
{
	struct tm expires;

	if (certificate == NULL ||
	    ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &expires) != 1)
		return 0;
	return timegm(&expires);
}
