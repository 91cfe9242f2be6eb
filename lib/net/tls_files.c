#include <string.h>

#include <openssl/err.h>

#include "lib/net/tls_files.h"

/* The oldest entry of OpenSSL's queue is the exact one. */
static const char *
files_reason(void)
{
	unsigned long error = ERR_peek_error();
	const char *reason;

	if (ERR_SYSTEM_ERROR(error))
		return strerror(ERR_GET_REASON(error));
	reason = ERR_reason_error_string(error);
	return reason != NULL ? reason : "unusable";
}

void
evpop_tls_files_fail(struct evpop_result *result, const char *what,
    const char *file, const char *reason)
{
	evpop_result_set(result, EVPOP_ERROR_TLS, EVPOP_PHASE_NONE,
	    "%s %.140s: %s", what, file,
	    reason != NULL ? reason : files_reason());
	result->scope = EVPOP_SCOPE_ACCOUNT;
	ERR_clear_error();
}

bool
evpop_tls_load_trust(SSL_CTX *ctx, const char *ca, struct evpop_result *result)
{
	if (ca != NULL) {
		if (SSL_CTX_load_verify_file(ctx, ca) == 1)
			return true;
		evpop_tls_files_fail(
		    result, "cannot read the CA certificates in", ca, NULL);
		return false;
	}
	if (SSL_CTX_set_default_verify_paths(ctx) == 1)
		return true;
	evpop_tls_files_fail(
	    result, "cannot read the CA certificates of", "the system", NULL);
	return false;
}

bool
evpop_tls_set_version(
    SSL_CTX *ctx, uint16_t version, struct evpop_result *result)
{
	if (version == 0)
		return true;
	/* What older ones have to offer is below what OpenSSL allows. */
	if (version < TLS1_2_VERSION)
		SSL_CTX_set_security_level(ctx, 0);
	if (version >= TLS1_VERSION && version <= TLS1_3_VERSION &&
	    SSL_CTX_set_min_proto_version(ctx, version) == 1 &&
	    SSL_CTX_set_max_proto_version(ctx, version) == 1 &&
	    (version >= TLS1_2_VERSION ||
		SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0") == 1))
		return true;
	evpop_result_set(result, EVPOP_ERROR_USAGE, EVPOP_PHASE_NONE,
	    "no version of TLS that can be spoken here: 0x%04x", version);
	ERR_clear_error();
	return false;
}
