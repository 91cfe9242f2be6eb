#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "lib/net/tls.h"
#include "lib/net/tls_failure.h"

/* RFC 8446 sections 5.1 and 4. */
#define RECORD_ALERT     21
#define RECORD_HANDSHAKE 22
#define SERVER_HELLO     2
/* A record: type, version, length; in it a hello: type, length, version. */
#define HELLO_TYPE    5
#define HELLO_VERSION 9

/* OpenSSL's reason for an alert that the server sent. */
#define ALERT(code) (SSL_AD_REASON_OFFSET + (code))
/* RFC 7301 section 3.2; OpenSSL 3.0 has no name for the reason. */
#define ALERT_NO_PROTOCOL ALERT(120)

/* Other servers at a port, by the beginning of their greeting. */
static const struct greeting {
	const char *begin, *words;
} greetings[] = {
	{ "+OK", "a POP3 server that begins in clear text: set tls = stls, or "
		 "none, or try port 995" },
	{ "-ERR", "a POP3 server that begins in clear text" },
	{ "* OK", "an IMAP server" },
	{ "* BYE", "an IMAP server" },
	{ "220", "an SMTP or FTP server" },
	{ "554", "an SMTP server" },
	{ "HTTP/", "an HTTP server" },
	{ "SSH-", "an SSH server" },
};
#define GREETINGS (sizeof(greetings) / sizeof(greetings[0]))

/* Alerts and reasons, and what they mean for a person. */
static const struct meaning {
	int reason;
	bool retry; /* it may pass by itself */
	const char *words;
} meanings[] = {
	{ SSL_R_DH_KEY_TOO_SMALL, false,
	    "the server's Diffie-Hellman key is too small to be safe; its "
	    "operator must give it 2048 bits, or elliptic curves" },
	{ SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, false,
	    "the server shares no cipher, curve or signature algorithm that "
	    "evpop takes for safe" },
	{ SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY, false,
	    "the server takes none of evpop's ciphers for safe" },
	{ SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED, false,
	    "the server is too old to be safe: it cannot renegotiate as RFC "
	    "5746 says" },
	{ SSL_R_TLSV1_ALERT_INTERNAL_ERROR, true,
	    "the server says that something is wrong within it" },
	{ SSL_R_TLSV1_ALERT_USER_CANCELLED, true,
	    "the server gave the handshake up" },
	{ SSL_R_TLSV1_ALERT_INAPPROPRIATE_FALLBACK, false,
	    "the server says that somebody tried to talk TLS down to an old "
	    "version" },
	{ SSL_R_BAD_SIGNATURE, false,
	    "the server cannot prove that the certificate is its own" },
};
#define MEANINGS (sizeof(meanings) / sizeof(meanings[0]))

/* The reason, if it is one of OpenSSL's TLS; otherwise 0. */
static int
reason_of(unsigned long code)
{
	return ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
}

static void
failure_set(struct evpop_result *result, const char *words)
{
	evpop_result_set(result, EVPOP_ERROR_TLS, EVPOP_PHASE_HANDSHAKE,
	    "TLS handshake: %s", words);
}

bool
evpop_tls_is_record(const unsigned char *octets, size_t length)
{
	return length >= 2 && octets[1] == 3 &&
	       (octets[0] == RECORD_ALERT || octets[0] == RECORD_HANDSHAKE);
}

/* The version of a ServerHello, or 0. */
static int
seen_hello_version(const struct evpop_tls_seen *seen)
{
	const unsigned char *first = seen->first;

	if (seen->first_length < HELLO_VERSION + 2 ||
	    first[0] != RECORD_HANDSHAKE || first[HELLO_TYPE] != SERVER_HELLO)
		return 0;
	return first[HELLO_VERSION] << 8 | first[HELLO_VERSION + 1];
}

static void
failure_say_old_version(
    const struct evpop_tls_seen *seen, struct evpop_result *result)
{
	const char *name = "";

	switch (seen_hello_version(seen)) {
	case SSL3_VERSION:
		name = " (SSL 3.0)";
		break;
	case TLS1_VERSION:
		name = " (TLS 1.0)";
		break;
	case TLS1_1_VERSION:
		name = " (TLS 1.1)";
		break;
	default:
		break;
	}
	evpop_result_set(result, EVPOP_ERROR_TLS, EVPOP_PHASE_HANDSHAKE,
	    "TLS handshake: the server speaks only an old TLS%s, which is not "
	    "safe; evpop requires TLS 1.2 or later",
	    name);
}

/* The server's words end with its line. */
static void
failure_say_no_tls(
    const struct evpop_tls_seen *seen, struct evpop_result *result)
{
	const char *first = (const char *)seen->first;
	char said[2 * EVPOP_TLS_FIRST];
	size_t i, length = 0;

	while (length < seen->first_length && first[length] != '\r' &&
	       first[length] != '\n')
		length++;
	evpop_printable(said, sizeof(said), first, length);
	for (i = 0; i < GREETINGS; i++) {
		if (strncmp(said, greetings[i].begin,
			strlen(greetings[i].begin)) == 0)
			break;
	}
	evpop_result_set(result, EVPOP_ERROR_TLS, EVPOP_PHASE_HANDSHAKE,
	    "TLS handshake: the server does not speak TLS on this port; it "
	    "says \"%s\"%s%s",
	    said, i < GREETINGS ? ", as does " : "",
	    i < GREETINGS ? greetings[i].words : "");
}

static bool
reason_is_about_client(int reason)
{
	switch (reason) {
	case ALERT(SSL_AD_BAD_CERTIFICATE):
	case ALERT(SSL_AD_UNSUPPORTED_CERTIFICATE):
	case ALERT(SSL_AD_CERTIFICATE_REVOKED):
	case ALERT(SSL_AD_CERTIFICATE_EXPIRED):
	case ALERT(SSL_AD_CERTIFICATE_UNKNOWN):
	case ALERT(SSL_AD_UNKNOWN_CA):
	case ALERT(SSL_AD_ACCESS_DENIED):
	case ALERT(SSL_AD_CERTIFICATE_REQUIRED):
	case ALERT(SSL_AD_HANDSHAKE_FAILURE):
	case ALERT(SSL_AD_DECRYPT_ERROR):
		return true;
	default:
		return false;
	}
}

static const char *
alert_text(int reason)
{
	return SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET);
}

static void
failure_say_client_certificate(
    const struct evpop_tls_seen *seen, int reason, struct evpop_result *result)
{
	if (!seen->certificate_shown)
		failure_set(result,
		    "the server demands a client certificate, and there is "
		    "none: set tls_cert");
	else
		evpop_result_set(result, EVPOP_ERROR_TLS, EVPOP_PHASE_HANDSHAKE,
		    "TLS handshake: the server refuses the client certificate "
		    "(tls_cert): %s",
		    alert_text(reason));
}

static void
failure_say_no_protocol(
    const struct evpop_tls_seen *seen, struct evpop_result *result)
{
	const char *offered = seen->protocol_offered;

	if (offered == NULL)
		failure_set(result,
		    "the server wants the protocol to be named (ALPN), and "
		    "this one has no name there");
	else
		evpop_result_set(result, EVPOP_ERROR_TLS, EVPOP_PHASE_HANDSHAKE,
		    "TLS handshake: the server does not serve %s on this port "
		    "(it refuses the protocol, ALPN)",
		    strcmp(offered, "pop3") == 0   ? "POP3"
		    : strcmp(offered, "imap") == 0 ? "IMAP"
						   : offered);
}

static void
failure_say_other(unsigned long code, struct evpop_result *result)
{
	const char *words = ERR_reason_error_string(code);
	int reason = reason_of(code);
	size_t i;

	for (i = 0; i < MEANINGS; i++) {
		if (meanings[i].reason != reason)
			continue;
		failure_set(result, meanings[i].words);
		result->retry = meanings[i].retry;
		return;
	}
	if (reason >= SSL_AD_REASON_OFFSET)
		evpop_result_set(result, EVPOP_ERROR_TLS, EVPOP_PHASE_HANDSHAKE,
		    "TLS handshake: the server ended it by the alert \"%s\"",
		    alert_text(reason));
	else
		failure_set(result, words != NULL ? words : "TLS failed");
}

bool
evpop_tls_failure_is_late(const struct evpop_tls_seen *seen, unsigned long code)
{
	return seen->certificate_wanted &&
	       reason_is_about_client(reason_of(code));
}

void
evpop_tls_failure(const struct evpop_tls_seen *seen, unsigned long code,
    const char *host, struct evpop_result *result)
{
	int reason = reason_of(code);

	if (seen->first_length > 0 &&
	    !evpop_tls_is_record(seen->first, seen->first_length))
		failure_say_no_tls(seen, result);
	else if (reason == SSL_R_UNSUPPORTED_PROTOCOL ||
		 reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION)
		failure_say_old_version(seen, result);
	else if (evpop_tls_failure_is_late(seen, code))
		failure_say_client_certificate(seen, reason, result);
	else if (reason == SSL_R_TLSV1_UNRECOGNIZED_NAME)
		evpop_result_set(result, EVPOP_ERROR_TLS, EVPOP_PHASE_HANDSHAKE,
		    "TLS handshake: the server says that it does not serve the "
		    "name %.100s",
		    host);
	else if (reason == ALERT_NO_PROTOCOL ||
		 reason == SSL_R_NO_APPLICATION_PROTOCOL)
		failure_say_no_protocol(seen, result);
	else
		failure_say_other(code, result);
}

void
evpop_tls_failure_lost(
    const struct evpop_tls_seen *seen, int error, struct evpop_result *result)
{
	const char *hint = "";

	if (seen->certificate_wanted && !seen->certificate_shown)
		hint = "; it had asked for a client certificate, and there is "
		       "none (tls_cert)";
	else if (seen->first_length == 0)
		hint = " before it said anything; does it speak TLS on this "
		       "port?";
	evpop_result_set(result, EVPOP_ERROR_IO, EVPOP_PHASE_HANDSHAKE,
	    "the server %s the connection during the TLS handshake%s%.40s%s%s",
	    error == 0 ? "closed" : "broke", error == 0 ? "" : " (",
	    error == 0 ? "" : strerror(error), error == 0 ? "" : ")", hint);
}
