/* Certificates, pins, STLS under attack, resumption. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/dns.h>

#include "tests/unit/net_certificate.h"
#include "tests/unit/net_run.h"
#include "tests/unit/net_server.h"

#define DAY_S (24L * 60 * 60)

static struct event_base *base;
static struct net_certificate ca, other_ca;
static char ca_path[32];

static int
group_setup(void **state)
{
	struct net_certificate_options options = { .common_name = "test CA",
		.ca = true };

	(void)state;
	base = event_base_new();
	net_certificate_make(&ca, &options);
	options.common_name = "another CA";
	net_certificate_make(&other_ca, &options);
	net_certificate_write(&ca, false, ca_path);
	return base == NULL;
}

static int
group_teardown(void **state)
{
	(void)state;
	unlink(ca_path);
	net_certificate_clear(&ca);
	net_certificate_clear(&other_ca);
	event_base_free(base);
	return 0;
}

enum pinned {
	NO_PIN = 0,
	PIN_CERTIFICATE,
	PIN_KEY,
	PIN_WRONG, /* in its first octet */
	PIN_WRONG_LAST,
	PIN_WRONG_KEY_LAST
};

struct trust_case {
	const char *name;
	struct net_certificate_options options;
	enum pinned pinned;
	const char *words; /* NULL: trusted */
};

#define NAMED(names, by)                                                 \
	{                                                                \
		.common_name = "x", .alt_names = (names), .issuer = (by) \
	}
#define DATED(begins_days, ends_days, by)                                     \
	{                                                                     \
		.common_name = "x", .alt_names = "IP:127.0.0.1",              \
		.begins_s = (begins_days)*DAY_S, .ends_s = (ends_days)*DAY_S, \
		.issuer = (by)                                                \
	}

static const struct trust_case trust_cases[] = {
	{ "good", NAMED("IP:127.0.0.1", &ca), NO_PIN, NULL },
	{ "expired", DATED(-9, -2, &ca), NO_PIN, "expired on 20" },
	{ "not yet valid", DATED(2, 9, &ca), NO_PIN, "not yet valid" },
	{ "wrong name", NAMED("DNS:mail.example.org", &ca), NO_PIN,
	    "for another name (mail.example.org)" },
	{ "address as a name", NAMED("DNS:127.0.0.1", &ca), NO_PIN,
	    "for another name" },
	{ "self-signed", NAMED("IP:127.0.0.1", NULL), NO_PIN, "self-signed" },
	{ "unknown CA", NAMED("IP:127.0.0.1", &other_ca), NO_PIN,
	    "unknown CA" },
	{ "pinned", NAMED(NULL, NULL), PIN_CERTIFICATE, NULL },
	{ "pinned key", NAMED(NULL, NULL), PIN_KEY, NULL },
	{ "pinned, expired", DATED(-9, -2, NULL), PIN_CERTIFICATE, NULL },
	{ "pin mismatch", NAMED("IP:127.0.0.1", &ca), PIN_WRONG,
	    "matches no pin" },
	{ "pin mismatch in the last octet", NAMED("IP:127.0.0.1", &ca),
	    PIN_WRONG_LAST, "matches no pin" },
	{ "pin mismatch in the last octet of a key", NAMED("IP:127.0.0.1", &ca),
	    PIN_WRONG_KEY_LAST, "matches no pin" },
};

static struct evpop_tls_context *
context_for(const struct net_certificate *certificate, enum pinned pinned)
{
	struct evpop_tls_options options = { .ca = ca_path };
	struct evpop_tls_context *context;
	struct evpop_result result;
	char pin[96], *changed = NULL;
	const char *pins[] = { pin };

	if (pinned != NO_PIN) {
		net_certificate_pin(certificate,
		    pinned == PIN_KEY || pinned == PIN_WRONG_KEY_LAST, pin);
		if (pinned == PIN_WRONG)
			changed = &pin[strlen("sha256:")];
		else if (pinned == PIN_WRONG_LAST ||
			 pinned == PIN_WRONG_KEY_LAST)
			changed = &pin[strlen(pin) - 1];
		if (changed != NULL)
			*changed = *changed == '0' ? '1' : '0';
		options.pins = pins;
		options.pin_count = 1;
	}
	context = evpop_tls_context_new(&options, &result);
	assert_non_null(context);
	return context;
}

/* One session: connect, log in, QUIT. */
static void
run_config(struct net_run *run, const struct evpop_client_config *config)
{
	net_run_start(run, base, NULL, config);
	net_run_connect(run);
	net_run_login(run);
	net_run_quit(run);
	net_run_until(run, &run->closed);
}

static void
run_session(struct net_run *run, struct net_server *server,
    struct evpop_tls_context *context, enum evpop_tls tls, const char *host)
{
	run_config(run, &(struct evpop_client_config){ .tls = tls,
			    .tls_context = context,
			    .host = host,
			    .port = server->port });
}

static void
test_trust(void **state)
{
	const struct trust_case *this;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(trust_cases) / sizeof(trust_cases[0]); i++) {
		struct net_certificate certificate;
		struct net_server_options options = { .stls = i % 2 == 1 };
		struct evpop_tls_context *context;
		struct net_server server;
		struct net_run run;
		char pin[96];

		this = &trust_cases[i];
		print_message("%s\n", this->name);
		net_certificate_make(&certificate, &this->options);
		net_certificate_pin(&certificate, false, pin);
		context = context_for(&certificate, this->pinned);
		options.tls = net_certificate_server(&certificate);
		net_server_start(&server, base, &options, NULL, 0);
		run_session(&run, &server, context,
		    options.stls ? EVPOP_TLS_STLS : EVPOP_TLS_IMPLICIT, NULL);
		if (this->words == NULL) {
			assert_string_equal(
			    run.log, "connect:ok login:ok quit:ok closed:ok ");
		} else {
			assert_string_equal(run.log,
			    "connect:tls login:cancelled quit:cancelled "
			    "closed:tls ");
			assert_non_null(
			    strstr(run.closed_result.text, this->words));
			assert_non_null(strstr(run.closed_result.text, pin));
			assert_int_equal(
			    run.closed_result.phase, EVPOP_PHASE_HANDSHAKE);
			assert_false(run.closed_result.retry);
			assert_null(strstr(server.log, "USER"));
		}
		net_run_finish(&run);
		net_server_stop(&server);
		SSL_CTX_free(options.tls);
		evpop_tls_context_free(context);
		net_certificate_clear(&certificate);
	}
}

struct name_case {
	const char *alt_names;
	bool good;
	const char *cut_name;
};

/* For the host pop.example.test. */
static const struct name_case name_cases[] = {
	{ "DNS:pop.example.test", true, NULL },
	{ "DNS:POP.Example.test", true, NULL },
	{ "DNS:a.test,DNS:pop.example.test", true, NULL },
	{ "DNS:*.example.test", true, NULL },
	{ "DNS:pop.example.org", false, NULL },
	{ "DNS:example.test", false, NULL },
	{ "DNS:*.test", false, NULL },
	{ "DNS:p*.example.test", false, NULL },
	{ "IP:127.0.0.1", false, NULL },
	{ NULL, false, "pop.example.test|.example.org" },
	{ NULL, false, "pop.example.test|" },
	{ NULL, true, "pop.example.test" },
};

static int
note_name(SSL *ssl, int *alert, void *arg)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	snprintf(arg, 64, "%s", name == NULL ? "none" : name);
	return SSL_TLSEXT_ERR_OK;
}

static struct evdns_base *
dns_from_hosts_file(void)
{
	char path[] = "/tmp/evpop-net-XXXXXX";
	static const char hosts[] = "127.0.0.1 pop.example.test\n";
	struct evdns_base *dns = evdns_base_new(base, 0);
	int fd = mkstemp(path);

	assert_non_null(dns);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, hosts, strlen(hosts)), strlen(hosts));
	close(fd);
	assert_int_equal(evdns_base_load_hosts(dns, path), 0);
	unlink(path);
	return dns;
}

static void
test_names(void **state)
{
	struct evdns_base *dns = dns_from_hosts_file();
	const struct name_case *this;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(name_cases) / sizeof(name_cases[0]); i++) {
		struct net_certificate_options options = { .common_name = "x",
			.issuer = &ca };
		struct evpop_client_config config = {
			.host = "pop.example.test", .tls = EVPOP_TLS_IMPLICIT
		};
		struct net_server_options served = { .stls = false };
		struct net_certificate certificate;
		struct net_server server;
		struct net_run run;
		char sni[64] = "";

		this = &name_cases[i];
		print_message("%s\n",
		    this->alt_names != NULL ? this->alt_names : this->cut_name);
		options.alt_names = this->alt_names;
		options.cut_name = this->cut_name;
		net_certificate_make(&certificate, &options);
		served.tls = net_certificate_server(&certificate);
		SSL_CTX_set_tlsext_servername_callback(served.tls, note_name);
		SSL_CTX_set_tlsext_servername_arg(served.tls, sni);
		net_server_start(&server, base, &served, NULL, 0);
		config.port = server.port;
		config.tls_context = context_for(&certificate, NO_PIN);
		net_run_start(&run, base, dns, &config);
		evpop_tls_context_free(config.tls_context);
		net_run_connect(&run);
		net_run_quit(&run);
		net_run_until(&run, &run.closed);
		assert_string_equal(run.log,
		    this->good ? "connect:ok quit:ok closed:ok "
			       : "connect:tls quit:cancelled closed:tls ");
		if (!this->good)
			assert_non_null(
			    strstr(run.closed_result.text, "for another name"));
		assert_string_equal(sni, "pop.example.test");
		net_run_finish(&run);
		net_server_stop(&server);
		SSL_CTX_free(served.tls);
		net_certificate_clear(&certificate);
	}
	evdns_base_free(dns, 1);
}

/* Only what stands before the handshake can be injected: a good certificate. */
struct server_case {
	const char *name;
	enum evpop_tls tls;
	bool server_tls;
	struct net_rule rules[1];
	enum evpop_error error;
	const char *words;
};

static const struct server_case server_cases[] = {
	{ "injection", EVPOP_TLS_STLS, true,
	    { { "STLS", "+OK go\r\n+OK injected\r\n", NET_TLS } },
	    EVPOP_ERROR_PROTOCOL, "before the handshake" },
	{ "injection of half a line", EVPOP_TLS_STLS, true,
	    { { "STLS", "+OK go\r\n+", NET_TLS } }, EVPOP_ERROR_PROTOCOL,
	    "before the handshake" },
	{ "STLS refused", EVPOP_TLS_STLS, true,
	    { { "STLS", "-ERR unknown\r\n", NET_GO_ON } }, EVPOP_ERROR_TLS,
	    "refuses STLS" },
	{ "no handshake after STLS", EVPOP_TLS_STLS, false,
	    { { "STLS", "+OK\r\n", NET_CLOSE } }, EVPOP_ERROR_IO,
	    "during the TLS handshake" },
	{ "no TLS at all", EVPOP_TLS_IMPLICIT, false,
	    { { "none", NULL, NET_GO_ON } }, EVPOP_ERROR_TLS,
	    "does not speak TLS" },
	{ "closed", EVPOP_TLS_IMPLICIT, false, { { "", "", NET_CLOSE } },
	    EVPOP_ERROR_IO, "" },
};

/* With and without CAPA behind STLS, for which a connect would wait anyway. */
static void
run_server_case(const struct server_case *this, SSL_CTX *tls,
    struct evpop_tls_context *context, bool no_capabilities)
{
	const struct net_server_options options = { .rules = this->rules,
		.rule_count = 1,
		.tls = this->server_tls ? tls : NULL,
		.stls = true };
	struct net_server server;
	struct net_run run;

	net_server_start(&server, base, &options, NULL, 0);
	run_config(&run, &(struct evpop_client_config){ .tls = this->tls,
			     .tls_context = context,
			     .no_capabilities = no_capabilities,
			     .port = server.port });
	assert_int_equal(run.closed_result.error, this->error);
	assert_non_null(strstr(run.closed_result.text, this->words));
	assert_non_null(
	    strstr(run.log, " login:cancelled quit:cancelled closed"));
	assert_null(strstr(run.log, "connect:ok"));
	assert_null(strstr(server.log, "USER"));
	assert_null(strstr(server.log, "PASS"));
	net_run_finish(&run);
	net_server_stop(&server);
}

static void
test_servers(void **state)
{
	const struct net_certificate_options good = {
		.common_name = "x", .alt_names = "IP:127.0.0.1", .issuer = &ca
	};
	struct net_certificate certificate;
	struct evpop_tls_context *context;
	SSL_CTX *tls;
	size_t i;

	(void)state;
	net_certificate_make(&certificate, &good);
	context = context_for(&certificate, NO_PIN);
	tls = net_certificate_server(&certificate);
	for (i = 0; i < sizeof(server_cases) / sizeof(server_cases[0]); i++) {
		print_message("%s\n", server_cases[i].name);
		run_server_case(&server_cases[i], tls, context, false);
		run_server_case(&server_cases[i], tls, context, true);
	}
	SSL_CTX_free(tls);
	evpop_tls_context_free(context);
	net_certificate_clear(&certificate);
}

static void
test_handshake_deadline(void **state)
{
	static const struct net_rule rules[] = { { "", NULL, NET_HALT } };
	struct net_server_options options = { .rules = rules, .rule_count = 1 };
	struct net_certificate none = { NULL, NULL };
	struct evpop_client_config config = { .tls = EVPOP_TLS_IMPLICIT };
	struct net_server server;
	struct net_run run;

	(void)state;
	net_server_start(&server, base, &options, NULL, 0);
	config.port = server.port;
	config.timeouts.handshake_ms = 100;
	config.tls_context = context_for(&none, NO_PIN);
	net_run_start(&run, base, NULL, &config);
	/* The client holds a reference. */
	evpop_tls_context_free(config.tls_context);
	net_run_connect(&run);
	net_run_until(&run, &run.closed);
	assert_int_equal(run.closed_result.error, EVPOP_ERROR_TIMEOUT);
	assert_int_equal(run.closed_result.phase, EVPOP_PHASE_HANDSHAKE);
	net_run_finish(&run);
	net_server_stop(&server);
}

/*
 * Session after session with one context: the later ones are resumed, until
 * another context, or another host of the same server, begins afresh.
 */
static void
resume_sessions(int version)
{
	const struct net_certificate_options good = { .common_name = "x",
		.alt_names = "IP:127.0.0.1,IP:127.0.0.2",
		.issuer = &ca };
	struct net_certificate certificate;
	struct evpop_tls_context *context, *other;
	struct net_server_options options = { .stls = false };
	struct net_server server;
	struct net_run run;
	size_t i;

	net_certificate_make(&certificate, &good);
	context = context_for(&certificate, NO_PIN);
	other = context_for(&certificate, NO_PIN);
	options.tls = net_certificate_server(&certificate);
	assert_int_equal(
	    SSL_CTX_set_max_proto_version(options.tls, version), 1);
	assert_int_equal(SSL_CTX_set_session_id_context(
			     options.tls, (const unsigned char *)"test", 4),
	    1);
	net_server_start(&server, base, &options, "0.0.0.0", 0);
	for (i = 0; i < 5; i++) {
		run_session(&run, &server, context, EVPOP_TLS_IMPLICIT, NULL);
		assert_string_equal(
		    run.log, "connect:ok login:ok quit:ok closed:ok ");
		assert_int_equal(server.resumed, i);
		net_run_finish(&run);
	}
	run_session(&run, &server, other, EVPOP_TLS_IMPLICIT, NULL);
	assert_int_equal(server.resumed, i - 1);
	net_run_finish(&run);
	run_session(&run, &server, context, EVPOP_TLS_IMPLICIT, "127.0.0.2");
	assert_string_equal(run.log, "connect:ok login:ok quit:ok closed:ok ");
	assert_int_equal(server.resumed, i - 1);
	net_run_finish(&run);
	net_server_stop(&server);
	SSL_CTX_free(options.tls);
	evpop_tls_context_free(context);
	evpop_tls_context_free(other);
	net_certificate_clear(&certificate);
}

static void
test_resumption(void **state)
{
	(void)state;
	resume_sessions(TLS1_3_VERSION);
	resume_sessions(TLS1_2_VERSION);
}

/* TLS 1.1 is not spoken, however much the server would like to. */
static void
test_version(void **state)
{
	const struct net_certificate_options good = {
		.common_name = "x", .alt_names = "IP:127.0.0.1", .issuer = &ca
	};
	struct net_server_options options = { .stls = false };
	struct net_certificate certificate;
	struct evpop_tls_context *context;
	struct net_server server;
	struct net_run run;

	(void)state;
	net_certificate_make(&certificate, &good);
	context = context_for(&certificate, NO_PIN);
	options.tls = net_certificate_server(&certificate);
	SSL_CTX_set_security_level(options.tls, 0);
	assert_int_equal(
	    SSL_CTX_set_min_proto_version(options.tls, TLS1_1_VERSION), 1);
	assert_int_equal(
	    SSL_CTX_set_max_proto_version(options.tls, TLS1_1_VERSION), 1);
	net_server_start(&server, base, &options, NULL, 0);
	run_session(&run, &server, context, EVPOP_TLS_IMPLICIT, NULL);
	assert_int_equal(run.closed_result.error, EVPOP_ERROR_TLS);
	net_run_finish(&run);
	net_server_stop(&server);
	SSL_CTX_free(options.tls);
	evpop_tls_context_free(context);
	net_certificate_clear(&certificate);
}

static int
see_client(X509_STORE_CTX *store, void *arg)
{
	X509 *expected = arg;

	return X509_cmp(X509_STORE_CTX_get0_cert(store), expected) == 0;
}

static void
test_client_certificate(void **state)
{
	const struct net_certificate_options good = {
		.common_name = "x", .alt_names = "IP:127.0.0.1", .issuer = &ca
	};
	const struct net_certificate_options client = { .common_name = "anna" };
	struct evpop_tls_options tls = { .ca = ca_path };
	struct net_server_options options = { .stls = false };
	struct net_certificate certificate, anna;
	struct evpop_tls_context *context;
	struct evpop_result result;
	struct net_server server;
	struct net_run run;
	char path[32];

	(void)state;
	net_certificate_make(&certificate, &good);
	net_certificate_make(&anna, &client);
	net_certificate_write(&anna, true, path);
	tls.cert = path;
	context = evpop_tls_context_new(&tls, &result);
	assert_non_null(context);
	options.tls = net_certificate_server(&certificate);
	SSL_CTX_set_verify(options.tls,
	    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(options.tls, see_client, anna.x509);
	net_server_start(&server, base, &options, NULL, 0);
	run_session(&run, &server, context, EVPOP_TLS_IMPLICIT, NULL);
	assert_string_equal(run.log, "connect:ok login:ok quit:ok closed:ok ");
	net_run_finish(&run);
	evpop_tls_context_free(context);

	context = context_for(&certificate, NO_PIN);
	run_session(&run, &server, context, EVPOP_TLS_IMPLICIT, NULL);
	assert_int_not_equal(run.closed_result.error, EVPOP_ERROR_NONE);
	net_run_finish(&run);
	evpop_tls_context_free(context);
	net_server_stop(&server);
	SSL_CTX_free(options.tls);
	unlink(path);
	net_certificate_clear(&anna);
	net_certificate_clear(&certificate);
}

#define ZEROS "00000000000000000000"

static void
test_context_errors(void **state)
{
	static const char *const bad_pins[] = { "sha256:abc", "sha1:00",
		"sha256:" ZEROS ZEROS ZEROS "000g",
		"sha256:" ZEROS ZEROS ZEROS "00000", "" };
	struct evpop_tls_options options = { .ca = "/nonexistent/ca.pem" };
	struct evpop_result result;
	size_t i;

	(void)state;
	assert_null(evpop_tls_context_new(&options, &result));
	assert_int_equal(result.error, EVPOP_ERROR_TLS);
	assert_non_null(strstr(
	    result.text, "/nonexistent/ca.pem: No such file or directory"));
	options.ca = NULL;
	options.cert = "/nonexistent/cert.pem";
	assert_null(evpop_tls_context_new(&options, &result));
	assert_non_null(strstr(result.text, "/nonexistent/cert.pem"));
	/* The CA's file holds a certificate and no key. */
	options.cert = ca_path;
	assert_null(evpop_tls_context_new(&options, &result));
	assert_non_null(strstr(result.text, "client key"));
	options.cert = NULL;
	options.key = ca_path;
	assert_null(evpop_tls_context_new(&options, &result));
	assert_int_equal(result.error, EVPOP_ERROR_USAGE);
	options.key = NULL;
	for (i = 0; i < sizeof(bad_pins) / sizeof(bad_pins[0]); i++) {
		options.pins = &bad_pins[i];
		options.pin_count = 1;
		assert_null(evpop_tls_context_new(&options, &result));
		assert_int_equal(result.error, EVPOP_ERROR_USAGE);
		assert_non_null(strstr(result.text, bad_pins[i]));
	}
}

/* Which of them a server is found to take, integration.doctor shows. */
static void
test_only_version(void **state)
{
	static const uint16_t versions[] = { 0x0300, 0x0305, 0x0304, 0x0303, 1,
		0xffff };
	struct evpop_tls_options options = { .ca = ca_path };
	struct evpop_tls_context *context;
	struct evpop_result result;

	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		bool good = versions[i] == 0x0304 || versions[i] == 0x0303;

		options.only_version = versions[i];
		context = evpop_tls_context_new(&options, &result);
		assert_int_equal(context != NULL, good);
		evpop_tls_context_free(context);
		if (good)
			continue;
		assert_int_equal(result.error, EVPOP_ERROR_USAGE);
		assert_non_null(strstr(result.text, "no version of TLS"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trust),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_servers),
		cmocka_unit_test(test_handshake_deadline),
		cmocka_unit_test(test_resumption),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_only_version),
		cmocka_unit_test(test_client_certificate),
		cmocka_unit_test(test_context_errors),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
