/*
 * What a person is told when TLS fails: each failure by a real peer, and the
 * words that lead to what can be done.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/err.h>

#include "lib/net/tls.h"
#include "lib/net/tls_failure.h"
#include "tests/unit/net_certificate.h"
#include "tests/unit/net_run.h"
#include "tests/unit/net_server.h"

#define DAY_S      (24L * 60 * 60)
#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))
#define WORDS_MAX  4
#define LONG_NAME  "DNS:a-name-of-a-host-that-is-long-enough.example.test"
#define LONG_NAMES LONG_NAME "," LONG_NAME "," LONG_NAME "," LONG_NAME

static struct event_base *base;
/* A root, one below it, one below that has expired, and one nobody knows. */
static struct net_certificate ca, sub_ca, old_ca, other_ca, no_ca;
static char ca_path[32];

static void
make(struct net_certificate *certificate, const char *name, bool is_ca,
    const struct net_certificate *issuer)
{
	const struct net_certificate_options options = {
		.common_name = name, .ca = is_ca, .issuer = issuer
	};

	net_certificate_make(certificate, &options);
}

static int
group_setup(void **state)
{
	const struct net_certificate_options old = { .common_name = "Old CA",
		.ca = true,
		.issuer = &ca,
		.begins_s = -9 * DAY_S,
		.ends_s = -2 * DAY_S };

	(void)state;
	base = event_base_new();
	make(&ca, "Root CA", true, NULL);
	make(&sub_ca, "Sub CA", true, &ca);
	make(&other_ca, "Nobody's CA", true, NULL);
	make(&no_ca, "mere server", false, &ca);
	net_certificate_make(&old_ca, &old);
	net_certificate_write(&ca, false, ca_path);
	return base == NULL;
}

static int
group_teardown(void **state)
{
	(void)state;
	unlink(ca_path);
	net_certificate_clear(&ca);
	net_certificate_clear(&sub_ca);
	net_certificate_clear(&old_ca);
	net_certificate_clear(&other_ca);
	net_certificate_clear(&no_ca);
	event_base_free(base);
	return 0;
}

/*
 * One session with a server, and what its end is told with; takes the context
 * over.  Whether the server was told user or password.
 */
static bool
try_context(struct evpop_tls_context *context,
    const struct net_server_options *served, enum evpop_tls tls,
    struct evpop_result *result)
{
	struct evpop_client_config config = { .tls = tls };
	struct net_server server;
	struct net_run run;
	bool has_told;

	net_server_start(&server, base, served, NULL, 0);
	config.port = server.port;
	config.timeouts.greeting_ms = 200;
	config.tls_context = context;
	net_run_start(&run, base, NULL, &config);
	evpop_tls_context_free(context);
	net_run_connect(&run);
	net_run_login(&run);
	net_run_quit(&run);
	net_run_until(&run, &run.closed);
	*result = run.closed_result;
	has_told = strstr(server.log, "USER") != NULL ||
		   strstr(server.log, "PASS") != NULL;
	net_run_finish(&run);
	net_server_stop(&server);
	return has_told;
}

static void
try_session(const struct evpop_tls_options *tls_options,
    const struct net_server_options *served, enum evpop_tls tls,
    struct evpop_result *result)
{
	struct evpop_tls_context *context =
	    evpop_tls_context_new(tls_options, result);

	assert_non_null(context);
	assert_false(try_context(context, served, tls, result));
}

static void
check_words(const char *text, const char *const words[WORDS_MAX])
{
	size_t i;

	print_message("  %s\n", text);
	for (i = 0; i < WORDS_MAX && words[i] != NULL; i++) {
		if (strstr(text, words[i]) == NULL)
			fail_msg("\"%s\" is not in \"%s\"", words[i], text);
	}
}

/* ---- Certificates ---- */

struct certificate_case {
	const char *name;
	struct net_certificate_options options;
	const struct net_certificate *sent; /* besides it; NULL: none */
	const char *words[WORDS_MAX];
};

#define SIGNED_BY(by) \
	.common_name = "x", .alt_names = "IP:127.0.0.1", .issuer = (by)

static const struct certificate_case certificate_cases[] = {
	{ "no intermediate", { SIGNED_BY(&sub_ca) }, NULL,
	    { "\"Sub CA\"", "does not send this intermediate certificate" } },
	{ "an unknown CA behind what was sent", { SIGNED_BY(&other_ca) },
	    &other_ca,
	    { "leads to an unknown CA, \"Nobody's CA\"", "tls_ca" } },
	{ "an intermediate that has expired", { SIGNED_BY(&old_ca) }, &old_ca,
	    { "is signed by \"Old CA\", whose certificate expired on 20",
		"by this machine's clock" } },
	{ "signed by what is no CA", { SIGNED_BY(&no_ca) }, &no_ca,
	    { "is signed by \"mere server\", which is not a CA" } },
	{ "a common name alone", { .common_name = "127.0.0.1", .issuer = &ca },
	    NULL,
	    { "has no subjectAltName for 127.0.0.1,",
		"common name (127.0.0.1) is not used since RFC 6125" } },
	{ "a common name beside others",
	    { .common_name = "127.0.0.1",
		.alt_names = "DNS:pop.example.test",
		.issuer = &ca },
	    NULL,
	    { "no subjectAltName for 127.0.0.1 but for pop.example.test,",
		"common name (127.0.0.1) is not used" } },
	{ "no name at all", { .common_name = "x", .issuer = &ca }, NULL,
	    { "has no subjectAltName for 127.0.0.1,",
		"common name (x) is not used" } },
	{ "several names",
	    { .common_name = "x",
		.alt_names = "DNS:a.test,DNS:b.test,IP:192.0.2.1,IP:::1,"
			     "DNS:c.test,email:me@example.test",
		.issuer = &ca },
	    NULL,
	    { "is for another name (a.test, b.test, address ",
		"and 2 more)" } },
	{ "long names",
	    { .common_name = "x", .alt_names = LONG_NAMES, .issuer = &ca },
	    NULL, { "is for another name (a-name-of" } },
	{ "a terminal's escapes in a name",
	    { .common_name = "\033[2J", .issuer = &ca }, NULL,
	    { "common name (?[2J)" } },
	{ "expired",
	    { .common_name = "x",
		.alt_names = "IP:127.0.0.1",
		.begins_s = -9 * DAY_S,
		.ends_s = -2 * DAY_S,
		.issuer = &ca },
	    NULL, { "expired on 20", "by this machine's clock" } },
	{ "not yet valid",
	    { .common_name = "x",
		.alt_names = "IP:127.0.0.1",
		.begins_s = 2 * DAY_S,
		.ends_s = 9 * DAY_S,
		.issuer = &ca },
	    NULL,
	    { "is not yet valid, but from 20",
		"by this machine's clock, which may be wrong" } },
	{ "self-signed", { SIGNED_BY(NULL) }, NULL, { "is self-signed" } },
	{ "a small key", { SIGNED_BY(&ca), .rsa_bits = 1024 }, NULL,
	    { "too small a key to be safe (1024 bits)" } },
	{ "SHA-1", { SIGNED_BY(&ca), .sha1 = true }, NULL, { "SHA-1" } },
	{ "for clients", { SIGNED_BY(&ca), .extended_usage = "clientAuth" },
	    NULL, { "is not for servers" } },
};

static void
test_certificates(void **state)
{
	const struct evpop_tls_options trust = { .ca = ca_path };
	const struct certificate_case *this;
	struct net_certificate certificate;
	struct evpop_result result;
	char pin[128];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(certificate_cases); i++) {
		struct net_server_options served = { .stls = i % 2 == 1 };

		this = &certificate_cases[i];
		print_message("%s\n", this->name);
		net_certificate_make(&certificate, &this->options);
		strcpy(pin, "set tls_pin = ");
		net_certificate_pin(&certificate, false, pin + strlen(pin));
		served.tls = SSL_CTX_new(TLS_server_method());
		SSL_CTX_set_security_level(served.tls, 0);
		assert_int_equal(
		    SSL_CTX_use_certificate(served.tls, certificate.x509), 1);
		assert_int_equal(
		    SSL_CTX_use_PrivateKey(served.tls, certificate.key), 1);
		if (this->sent != NULL)
			assert_int_equal(SSL_CTX_add1_chain_cert(
					     served.tls, this->sent->x509),
			    1);
		try_session(&trust, &served,
		    served.stls ? EVPOP_TLS_STLS : EVPOP_TLS_IMPLICIT, &result);
		check_words(result.text, this->words);
		assert_int_equal(result.error, EVPOP_ERROR_TLS);
		assert_int_equal(result.phase, EVPOP_PHASE_HANDSHAKE);
		assert_false(result.retry);
		/* What can be pasted stands at the end, and whole. */
		assert_true(strlen(result.text) > strlen(pin));
		assert_string_equal(
		    result.text + strlen(result.text) - strlen(pin), pin);
		SSL_CTX_free(served.tls);
		net_certificate_clear(&certificate);
	}
}

/* Nothing but the chain makes the difference to "no intermediate". */
static void
test_whole_chain(void **state)
{
	const struct net_certificate_options options = { SIGNED_BY(&sub_ca) };
	const struct evpop_tls_options trust = { .ca = ca_path };
	struct net_server_options served = { .stls = false };
	struct evpop_client_config config = { .tls = EVPOP_TLS_IMPLICIT };
	struct net_certificate certificate;
	struct evpop_result result;
	struct net_server server;
	struct net_run run;

	(void)state;
	net_certificate_make(&certificate, &options);
	served.tls = net_certificate_server(&certificate);
	assert_int_equal(SSL_CTX_add1_chain_cert(served.tls, sub_ca.x509), 1);
	net_server_start(&server, base, &served, NULL, 0);
	config.port = server.port;
	config.tls_context = evpop_tls_context_new(&trust, &result);
	net_run_start(&run, base, NULL, &config);
	evpop_tls_context_free(config.tls_context);
	net_run_connect(&run);
	net_run_quit(&run);
	net_run_until(&run, &run.closed);
	assert_string_equal(run.log, "connect:ok quit:ok closed:ok ");
	net_run_finish(&run);
	net_server_stop(&server);
	SSL_CTX_free(served.tls);
	net_certificate_clear(&certificate);
}

/* ---- Pins ---- */

/* A colon after each pair of digits but the last, and capitals. */
static void
as_openssl_prints(const char *pin, char *text)
{
	const char *at = strchr(pin, ':') + 1;
	size_t i;

	text += sprintf(text, "%.*s", (int)(at - pin), pin);
	for (i = 0; at[i] != '\0'; i++)
		text += sprintf(text, "%s%c", i > 0 && i % 2 == 0 ? ":" : "",
		    at[i] >= 'a' ? at[i] - 'a' + 'A' : at[i]);
}

static void
test_pins(void **state)
{
	static const char *const warning[WORDS_MAX] = {
		"WARNING: the certificate of 127.0.0.1 matches no pin",
		"it has changed, or somebody is in between",
		"if you have verified it, set tls_pin = sha256:"
	};
	const struct net_certificate_options good = { SIGNED_BY(&ca) };
	struct evpop_tls_options options = { .ca = ca_path, .pin_count = 1 };
	struct net_server_options served = { .stls = false };
	struct net_certificate certificate;
	struct evpop_result result;
	char pin[96], colons[160], wrong[160];
	const char *pins[] = { wrong };

	(void)state;
	options.pins = pins;
	net_certificate_make(&certificate, &good);
	served.tls = net_certificate_server(&certificate);
	net_certificate_pin(&certificate, false, pin);
	as_openssl_prints(pin, colons);
	snprintf(wrong, sizeof(wrong), "%s", colons);
	wrong[10] = wrong[10] == '0' ? '1' : '0';
	try_session(&options, &served, EVPOP_TLS_IMPLICIT, &result);
	check_words(result.text, warning);
	assert_int_equal(result.error, EVPOP_ERROR_TLS);
	assert_string_equal(
	    result.text + strlen(result.text) - strlen(pin), pin);
	SSL_CTX_free(served.tls);
	net_certificate_clear(&certificate);
}

#define TEN_PAIRS "00:11:22:33:44:55:66:77:88:99:"

static void
test_pin_check(void **state)
{
	static const char *const good[] = {
		"sha256:" TEN_PAIRS TEN_PAIRS TEN_PAIRS "aa:BB",
		"SHA256:" TEN_PAIRS TEN_PAIRS TEN_PAIRS "aabb",
		"spki-sha256:" TEN_PAIRS TEN_PAIRS TEN_PAIRS "aa:BB",
	};
	static const char *const bad[] = {
		TEN_PAIRS TEN_PAIRS TEN_PAIRS "aa:bb",
		"sha256:" TEN_PAIRS TEN_PAIRS TEN_PAIRS "aa",
		"sha256:" TEN_PAIRS TEN_PAIRS TEN_PAIRS "aa:bb:",
		"sha256:" TEN_PAIRS TEN_PAIRS TEN_PAIRS "a:abb",
		"sha256::" TEN_PAIRS TEN_PAIRS TEN_PAIRS "aa:bb",
		"sha256:" TEN_PAIRS TEN_PAIRS TEN_PAIRS ":aa:bb",
		"sha256:" TEN_PAIRS TEN_PAIRS TEN_PAIRS "aa:bb:cc",
		"sha256:" TEN_PAIRS TEN_PAIRS TEN_PAIRS "aa:bbcc",
		"sha256:" TEN_PAIRS TEN_PAIRS TEN_PAIRS "aa:bb ",
		"sha256:" TEN_PAIRS TEN_PAIRS TEN_PAIRS "aa:bbx",
		"spki-sha256:" TEN_PAIRS TEN_PAIRS TEN_PAIRS "aa:bb, no",
		"sha1:" TEN_PAIRS TEN_PAIRS,
		"sha256:",
		"",
	};
	struct evpop_result result;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++)
		assert_true(evpop_tls_pin_check(good[i], &result));
	for (i = 0; i < COUNT(bad); i++) {
		assert_false(evpop_tls_pin_check(bad[i], &result));
		assert_int_equal(result.error, EVPOP_ERROR_USAGE);
		assert_non_null(strstr(result.text, "64 hexadecimal digits"));
	}
}

/* ---- Servers ---- */

static void
speak_tls_1_0(SSL_CTX *ctx)
{
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(ctx, TLS1_VERSION);
}

static void
speak_tls_1_1(SSL_CTX *ctx)
{
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
}

static void
speak_tls_1_2(SSL_CTX *ctx)
{
	assert_int_equal(SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION), 1);
}

static void
use_small_dh(SSL_CTX *ctx)
{
	OSSL_PARAM params[] = { OSSL_PARAM_utf8_string(
				    OSSL_PKEY_PARAM_GROUP_NAME,
				    (char *)(uintptr_t) "dh_1024_160", 0),
		OSSL_PARAM_END };
	EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(NULL, "DHX", NULL);
	EVP_PKEY *group = NULL;

	assert_int_equal(EVP_PKEY_paramgen_init(maker), 1);
	assert_int_equal(EVP_PKEY_CTX_set_params(maker, params), 1);
	assert_int_equal(EVP_PKEY_paramgen(maker, &group), 1);
	EVP_PKEY_CTX_free(maker);
	SSL_CTX_set_security_level(ctx, 0);
	speak_tls_1_2(ctx);
	assert_int_equal(SSL_CTX_set_cipher_list(ctx, "DHE:@SECLEVEL=0"), 1);
	assert_int_equal(SSL_CTX_set0_tmp_dh_pkey(ctx, group), 1);
}

static void
share_no_cipher(SSL_CTX *ctx)
{
	speak_tls_1_2(ctx);
	assert_int_equal(SSL_CTX_set_cipher_list(ctx, "NULL:@SECLEVEL=0"), 1);
}

static int
refuse_client(X509_STORE_CTX *store, void *arg)
{
	(void)arg;
	X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_HAS_EXPIRED);
	return 0;
}

static void
demand_certificate(SSL_CTX *ctx)
{
	SSL_CTX_set_verify(
	    ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, refuse_client, NULL);
}

static void
demand_certificate_1_2(SSL_CTX *ctx)
{
	speak_tls_1_2(ctx);
	demand_certificate(ctx);
}

static int
refuse_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_length,
    const unsigned char *in, unsigned int in_length, void *arg)
{
	(void)ssl;
	(void)out;
	(void)out_length;
	(void)in;
	(void)in_length;
	(void)arg;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void
serve_other_protocol(SSL_CTX *ctx)
{
	SSL_CTX_set_alpn_select_cb(ctx, refuse_protocol, NULL);
}

static int
refuse_name(SSL *ssl, int *alert, void *arg)
{
	(void)ssl;
	(void)arg;
	*alert = SSL_AD_UNRECOGNIZED_NAME;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void
serve_other_name(SSL_CTX *ctx)
{
	SSL_CTX_set_tlsext_servername_callback(ctx, refuse_name);
}

static int
fail_inside(SSL *ssl, void *arg)
{
	(void)ssl;
	(void)arg;
	return 0;
}

static void
be_broken(SSL_CTX *ctx)
{
	SSL_CTX_set_cert_cb(ctx, fail_inside, NULL);
}

/* How often each is tried: with TLS from the first byte, and by STLS. */
static const enum evpop_tls both[] = { EVPOP_TLS_IMPLICIT, EVPOP_TLS_STLS };

static const struct peer_case {
	const char *name;
	void (*prepare)(SSL_CTX *);
	bool shows_certificate, retry;
	const char *words[WORDS_MAX];
} peer_cases[] = {
	{ "TLS 1.0", speak_tls_1_0, false, false,
	    { "speaks only an old TLS", "evpop requires TLS 1.2 or later" } },
	{ "TLS 1.1", speak_tls_1_1, false, false,
	    { "speaks only an old TLS", "evpop requires TLS 1.2 or later" } },
	{ "a small DH key", use_small_dh, false, false,
	    { "Diffie-Hellman key is too small", "2048 bits" } },
	{ "no cipher in common", share_no_cipher, false, false,
	    { "shares no cipher" } },
	{ "a certificate demanded", demand_certificate, false, false,
	    { "demands a client certificate", "set tls_cert" } },
	{ "a certificate demanded by TLS 1.2", demand_certificate_1_2, false,
	    false, { "demands a client certificate", "set tls_cert" } },
	{ "a certificate refused", demand_certificate, true, false,
	    { "refuses the client certificate (tls_cert)",
		"certificate expired" } },
	{ "a certificate refused by TLS 1.2", demand_certificate_1_2, true,
	    false,
	    { "refuses the client certificate (tls_cert)",
		"certificate expired" } },
	{ "another protocol", serve_other_protocol, false, false,
	    { "does not serve POP3 on this port" } },
	{ "another name", serve_other_name, false, false,
	    { "does not serve the name 127.0.0.1" } },
	{ "a server that is broken", be_broken, false, true,
	    { "something is wrong within it" } },
};

static void
test_peers(void **state)
{
	const struct net_certificate_options good = { SIGNED_BY(&ca),
		.rsa_bits = 2048 };
	struct net_certificate certificate;
	const struct peer_case *this;
	struct evpop_result result;
	char client_path[32];
	size_t i, j;

	(void)state;
	net_certificate_make(&certificate, &good);
	net_certificate_write(&certificate, true, client_path);
	for (i = 0; i < COUNT(peer_cases); i++) {
		this = &peer_cases[i];
		print_message("%s\n", this->name);
		for (j = 0; j < COUNT(both); j++) {
			struct evpop_tls_options options = { .ca = ca_path };
			struct net_server_options served = {
				.stls = both[j] == EVPOP_TLS_STLS
			};

			if (this->shows_certificate)
				options.cert = client_path;
			served.tls = net_certificate_server(&certificate);
			this->prepare(served.tls);
			try_session(&options, &served, both[j], &result);
			check_words(result.text, this->words);
			assert_int_equal(result.error, EVPOP_ERROR_TLS);
			assert_int_equal(result.phase, EVPOP_PHASE_HANDSHAKE);
			assert_int_equal(result.retry, this->retry);
			SSL_CTX_free(served.tls);
		}
	}
	unlink(client_path);
	net_certificate_clear(&certificate);
}

/* What the client offered, as ALPN has it: each behind its length. */
static char offered[32];

static int
note_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_length,
    const unsigned char *in, unsigned int in_length, void *arg)
{
	assert_true(in_length < sizeof(offered));
	memcpy(offered, in, in_length);
	return refuse_protocol(ssl, out, out_length, in, in_length, arg);
}

/* What is spoken is offered by its name, and what is refused called by it. */
static void
test_protocols(void **state)
{
	static const struct {
		const char *protocol, *list, *words;
	} cases[] = {
		{ "pop3", "\4pop3", "does not serve POP3 on this port" },
		{ "imap", "\4imap", "does not serve IMAP on this port" },
		{ "irc", "\3irc", "does not serve irc on this port" },
		{ NULL, "", NULL },
	};
	const struct evpop_tls_options options = { .ca = ca_path };
	const struct net_certificate_options good = { SIGNED_BY(&ca),
		.rsa_bits = 2048 };
	struct net_certificate certificate;
	struct net_server_options served = { .stls = false };
	struct evpop_result result;
	size_t i;

	(void)state;
	net_certificate_make(&certificate, &good);
	for (i = 0; i < COUNT(cases); i++) {
		struct evpop_tls_context *context =
		    evpop_tls_context_new(&options, &result);

		assert_non_null(context);
		assert_true(
		    evpop_tls_context_speak(context, cases[i].protocol));
		served.tls = net_certificate_server(&certificate);
		SSL_CTX_set_alpn_select_cb(served.tls, note_protocol, NULL);
		memset(offered, 0, sizeof(offered));
		/* What has no name is not refused: the log-in follows. */
		assert_int_equal(
		    try_context(context, &served, EVPOP_TLS_IMPLICIT, &result),
		    cases[i].words == NULL);
		assert_string_equal(offered, cases[i].list);
		if (cases[i].words != NULL)
			assert_non_null(strstr(result.text, cases[i].words));
		SSL_CTX_free(served.tls);
	}
	net_certificate_clear(&certificate);
	evpop_tls_failure(&(struct evpop_tls_seen){ .first_length = 0 },
	    ERR_PACK(ERR_LIB_SSL, 0, SSL_R_NO_APPLICATION_PROTOCOL),
	    "lmtp.example.test", &result);
	assert_non_null(strstr(result.text, "wants the protocol to be named"));
}

/* An old server that answers in its own version, instead of by an alert. */
static void
test_old_hello(void **state)
{
	static const struct {
		unsigned char minor;
		const char *name;
	} versions[] = { { 0, "(SSL 3.0)" }, { 1, "(TLS 1.0)" },
		{ 2, "(TLS 1.1)" } };
	struct evpop_tls_seen seen = { .first = { 22, 3, 1, 0, 74, 2, 0, 0, 70,
					   3, 0 },
		.first_length = 11 };
	struct evpop_result result;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(versions); i++) {
		seen.first[10] = versions[i].minor;
		evpop_tls_failure(&seen,
		    ERR_PACK(ERR_LIB_SSL, 0, SSL_R_UNSUPPORTED_PROTOCOL),
		    "pop.example.test", &result);
		assert_non_null(strstr(result.text, versions[i].name));
		assert_non_null(strstr(result.text, "requires TLS 1.2"));
	}
	/* Of another part of OpenSSL than TLS, and of none. */
	evpop_tls_failure(&seen,
	    ERR_PACK(ERR_LIB_X509, 0, X509_R_CERT_ALREADY_IN_HASH_TABLE),
	    "pop.example.test", &result);
	assert_string_equal(
	    result.text, "TLS handshake: cert already in hash table");
	evpop_tls_failure(&seen, 0, "pop.example.test", &result);
	assert_string_equal(result.text, "TLS handshake: TLS failed");
}

/* ---- Ports ---- */

static const struct port_case {
	const char *name;
	enum evpop_tls tls;
	bool server_tls; /* from the first byte */
	struct net_rule rule;
	enum evpop_error error;
	const char *words[WORDS_MAX];
} port_cases[] = {
	{ "POP3 in the clear", EVPOP_TLS_IMPLICIT, false,
	    { "", "+OK Hello there.\r\n", NET_GO_ON }, EVPOP_ERROR_TLS,
	    { "does not speak TLS on this port", "\"+OK Hello there.\"",
		"set tls = stls, or none" } },
	{ "a greeting without an end", EVPOP_TLS_IMPLICIT, false,
	    { "", "+OK a greeting of forty octets and more than these",
		NET_GO_ON },
	    EVPOP_ERROR_TLS, { "set tls = stls, or none" } },
	{ "a refusal in the clear", EVPOP_TLS_IMPLICIT, false,
	    { "", "-ERR too many\033[2J\r\n", NET_GO_ON }, EVPOP_ERROR_TLS,
	    { "\"-ERR too many?[2J\"", "begins in clear text" } },
	{ "IMAP", EVPOP_TLS_IMPLICIT, false,
	    { "", "* OK IMAP4rev1\r\n", NET_GO_ON }, EVPOP_ERROR_TLS,
	    { "does not speak TLS", "an IMAP server" } },
	{ "SMTP", EVPOP_TLS_IMPLICIT, false,
	    { "", "220 mx.example.test ESMTP\r\n", NET_GO_ON }, EVPOP_ERROR_TLS,
	    { "does not speak TLS", "an SMTP or FTP" } },
	{ "SSH", EVPOP_TLS_IMPLICIT, false,
	    { "", "SSH-2.0-OpenSSH_9\r\n", NET_GO_ON }, EVPOP_ERROR_TLS,
	    { "does not speak TLS", "an SSH server" } },
	{ "HTTP", EVPOP_TLS_IMPLICIT, false,
	    { "", "HTTP/1.1 400 Bad Request\r\n", NET_GO_ON }, EVPOP_ERROR_TLS,
	    { "does not speak TLS", "an HTTP server" } },
	{ "octets", EVPOP_TLS_IMPLICIT, false,
	    { "", "\001\002\003\004\005\006\007\001\002\003", NET_GO_ON },
	    EVPOP_ERROR_TLS, { "does not speak TLS", "\"???????" } },
	{ "closed at once", EVPOP_TLS_IMPLICIT, false, { "", "", NET_CLOSE },
	    EVPOP_ERROR_IO,
	    { "during the TLS handshake",
		"before it said anything; does it speak TLS" } },
	{ "reset at once", EVPOP_TLS_IMPLICIT, false, { "", "", NET_RESET },
	    EVPOP_ERROR_IO,
	    { "broke the connection during the TLS handshake",
		"before it said anything; does it speak TLS" } },
	{ "an alert where STLS is asked", EVPOP_TLS_STLS, false,
	    { "", "\x15\x03\x01\x01\x02\x02\x46", NET_CLOSE }, EVPOP_ERROR_TLS,
	    { "greets by a TLS alert", "set tls = implicit" } },
	{ "closed where STLS is asked", EVPOP_TLS_STLS, false,
	    { "", "", NET_CLOSE }, EVPOP_ERROR_IO,
	    { "closed the connection before its greeting",
		"set tls = implicit" } },
	{ "TLS where STLS is asked", EVPOP_TLS_STLS, true,
	    { "none", NULL, NET_GO_ON }, EVPOP_ERROR_TIMEOUT,
	    { "no greeting within 200 ms", "set tls = implicit" } },
	{ "TLS where none is", EVPOP_TLS_NONE, true,
	    { "none", NULL, NET_GO_ON }, EVPOP_ERROR_TIMEOUT,
	    { "no greeting within 200 ms", "set tls = implicit" } },
};

static void
test_ports(void **state)
{
	const struct net_certificate_options good = { SIGNED_BY(&ca) };
	const struct evpop_tls_options trust = { .ca = ca_path };
	struct net_certificate certificate;
	const struct port_case *this;
	struct evpop_result result;
	SSL_CTX *tls;
	size_t i;

	(void)state;
	net_certificate_make(&certificate, &good);
	tls = net_certificate_server(&certificate);
	for (i = 0; i < COUNT(port_cases); i++) {
		struct net_server_options served = { .rule_count = 1 };

		this = &port_cases[i];
		print_message("%s\n", this->name);
		served.rules = &this->rule;
		served.tls = this->server_tls ? tls : NULL;
		try_session(&trust, &served, this->tls, &result);
		check_words(result.text, this->words);
		assert_int_equal(result.error, this->error);
	}
	SSL_CTX_free(tls);
	net_certificate_clear(&certificate);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_certificates),
		cmocka_unit_test(test_whole_chain),
		cmocka_unit_test(test_pins),
		cmocka_unit_test(test_pin_check),
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_old_hello),
		cmocka_unit_test(test_ports),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
