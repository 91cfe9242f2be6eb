/* URLs of proxies, and the dialogs with them: octets in, octets out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <evpop/client.h>

#include "lib/net/proxy.h"
#include "tests/unit/failing_alloc.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* Sixty-four octets, to make long ones of. */
#define LONG_64 \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LONG_255                                                         \
	LONG_64 LONG_64 LONG_64                                          \
	    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789" \
	    "abcde"

struct good_url {
	const char *url;
	enum evpop_proxy_kind kind;
	const char *host;
	uint16_t port;
	const char *user, *password;
};

static const struct good_url good_urls[] = {
	{ "socks5://h", EVPOP_PROXY_SOCKS5, "h", 1080, NULL, NULL },
	{ "SOCKS5H://h/", EVPOP_PROXY_SOCKS5, "h", 1080, NULL, NULL },
	{ "http://proxy.example", EVPOP_PROXY_HTTP, "proxy.example", 3128, NULL,
	    NULL },
	{ "http://192.0.2.1:1/", EVPOP_PROXY_HTTP, "192.0.2.1", 1, NULL, NULL },
	{ "socks5://[::1]", EVPOP_PROXY_SOCKS5, "::1", 1080, NULL, NULL },
	{ "socks5://[2001:db8::2]:65535", EVPOP_PROXY_SOCKS5, "2001:db8::2",
	    65535, NULL, NULL },
	{ "socks5://u@h", EVPOP_PROXY_SOCKS5, "h", 1080, "u", "" },
	{ "socks5://u:@h", EVPOP_PROXY_SOCKS5, "h", 1080, "u", "" },
	{ "socks5://u:p@[::1]:9050", EVPOP_PROXY_SOCKS5, "::1", 9050, "u",
	    "p" },
	{ "http://u:p:q@h", EVPOP_PROXY_HTTP, "h", 3128, "u", "p:q" },
	{ "socks5://a%3Ab%40c:%2f%25%3A%20%ff@h", EVPOP_PROXY_SOCKS5, "h", 1080,
	    "a:b@c", "/%: \xff" },
	{ "socks5://" LONG_255 ":" LONG_255 "@" LONG_255 ":1",
	    EVPOP_PROXY_SOCKS5, LONG_255, 1, LONG_255, LONG_255 },
};

static const struct bad_url {
	const char *url, *reason;
} bad_urls[] = {
	{ "", "neither socks5://" },
	{ "h:1080", "neither socks5://" },
	{ "socks4://h", "neither socks5://" },
	{ "https://h", "neither socks5://" },
	{ "socks5:/h", "neither socks5://" },
	{ " socks5://h", "neither socks5://" },
	{ "socks5://", "no host" },
	{ "socks5:///", "no host" },
	{ "socks5://:1080", "no host" },
	{ "socks5://u:p@", "no host" },
	{ "socks5://u:p@:1", "no host" },
	{ "socks5://h h", "no host" },
	{ "socks5://h\r\n", "no host" },
	{ "socks5://h\xc3\xb6", "no host" },
	{ "socks5://u:p@q@h", "%40" },
	{ "socks5://u:p/q@h", "%2F" },
	{ "socks5://u:p#q@h", "%23" },
	{ "http://h/path", "behind host and port" },
	{ "http://h?q", "behind host and port" },
	{ "socks5://:p@h", "empty user" },
	{ "socks5://@h", "empty user" },
	{ "socks5://u:%@h", "%25" },
	{ "socks5://u:%4@h", "%25" },
	{ "socks5://u:%4g@h", "%25" },
	{ "socks5://u%:p@h", "%25" },
	{ "socks5://u:a%00@h", "CR, LF or NUL" },
	{ "socks5://u:a%0d@h", "CR, LF or NUL" },
	{ "socks5://u%0A:a@h", "CR, LF or NUL" },
	{ "socks5://u:a\r@h", "CR, LF or NUL" },
	{ "http://a%3ab:p@h", "colon" },
	{ "socks5://h:", "no port" },
	{ "socks5://h:0", "no port" },
	{ "socks5://h:65536", "no port" },
	{ "socks5://h:4294967297", "no port" },
	{ "socks5://h:1x", "no port" },
	{ "socks5://h:-1", "no port" },
	{ "socks5://h:+1", "no port" },
	{ "socks5://::1", "in [ and ]" },
	{ "socks5://[::1", "[ without its ]" },
	{ "socks5://[::1]1080", "no port" },
	{ "socks5://[]", "IPv6 address" },
	{ "socks5://[h]", "IPv6 address" },
	{ "socks5://[127.0.0.1]", "IPv6 address" },
	{ "socks5://[fe80::1%1]", "IPv6 address" },
	{ "socks5://" LONG_255 "x", "no host" },
	{ "socks5://" LONG_255 "x@h", "255" },
	{ "http://u:" LONG_255 "x@h", "255" },
};

static void
same_text(const char *is, const char *wanted)
{
	if (wanted == NULL)
		assert_null(is);
	else
		assert_string_equal(is, wanted);
}

static void
test_good_urls(void **state)
{
	struct evpop_proxy_config config;
	struct evpop_result result;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good_urls); i++) {
		assert_true(
		    evpop_proxy_parse(&config, good_urls[i].url, &result));
		assert_int_equal(config.kind, good_urls[i].kind);
		assert_string_equal(config.host, good_urls[i].host);
		assert_int_equal(config.port, good_urls[i].port);
		same_text(config.user, good_urls[i].user);
		same_text(config.password, good_urls[i].password);
		evpop_proxy_config_clear(&config);
		assert_null(config.password);
		assert_true(evpop_proxy_check(good_urls[i].url, &result));
	}
}

static void
test_bad_urls(void **state)
{
	struct evpop_proxy_config config;
	struct evpop_result result;
	char *longest;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad_urls); i++) {
		if (evpop_proxy_parse(&config, bad_urls[i].url, &result))
			fail_msg("%s was taken", bad_urls[i].url);
		assert_int_equal(result.error, EVPOP_ERROR_USAGE);
		assert_false(result.retry);
		if (strstr(result.text, bad_urls[i].reason) == NULL)
			fail_msg("%s: %s", bad_urls[i].url, result.text);
		assert_null(config.host);
		assert_null(config.password);
		if (evpop_proxy_check(bad_urls[i].url, &result))
			fail_msg("%s is good", bad_urls[i].url);
		assert_non_null(strstr(result.text, bad_urls[i].reason));
	}
	longest = malloc(4096);
	assert_non_null(longest);
	memset(longest, '%', 4095);
	memcpy(longest, "http://", 7);
	longest[4095] = '\0';
	assert_false(evpop_proxy_parse(&config, longest, &result));
	assert_non_null(strstr(result.text, "2048"));
	assert_false(evpop_proxy_check(longest, &result));
	free(longest);
}

static void
test_secrets_in_urls(void **state)
{
	static const struct {
		const char *url;
		bool secret;
	} rows[] = { { "http://h", false }, { "http://h:1", false },
		{ "http://u@h:1", false }, { "http://u:p@h", true },
		{ "ftp://u:p@h", true }, { "u:p@h", true },
		{ "http://u:p/q@h", true }, { "", false } };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		assert_int_equal(
		    evpop_proxy_has_password(rows[i].url), rows[i].secret);
}

/* What the dialog says, and what the proxy answers; with lengths for NULs. */
struct turn {
	const char *said;
	size_t said_length;
	const char *answer;
	size_t answer_length;
};
#define TURN(said, answer)                                         \
	{                                                          \
		said, sizeof(said) - 1, answer, sizeof(answer) - 1 \
	}

struct dialog {
	const char *proxy, *host;
	uint16_t port;
	struct turn turns[4];
	/* How it ends: what is left for POP3, or a word of the reason. */
	const char *left, *reason;
};

#define HELLO       "\x05\x01\x00"
#define HELLO_LOGIN "\x05\x02\x00\x02"
#define LOGIN       "\x01\x02me\x06s3cr:t"
#define BY_NAME     "\x05\x01\x00\x03\x08pop.test\x03\xe3"
#define GRANTED     "\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x34"
#define REFUSED(n)  "\x05" n "\x00\x01\x00\x00\x00\x00\x00\x00"
#define REFUSAL(n, words)                                                      \
	{                                                                      \
		"socks5://h", "pop.test", 995,                                 \
		    { TURN(HELLO, "\x05\x00"), TURN(BY_NAME, n) }, NULL, words \
	}
#define CONNECT                             \
	"CONNECT pop.test:995 HTTP/1.1\r\n" \
	"Host: pop.test:995\r\n"
#define BASIC "Proxy-Authorization: Basic bWU6czNjcjp0\r\n"
#define HTTP(answer, left, words)                                              \
	{                                                                      \
		"http://h", "pop.test", 995, { TURN(CONNECT "\r\n", answer) }, \
		    left, words                                                \
	}

static const struct dialog dialogs[] = {
	/* SOCKS: each kind of address, asked for and told. */
	{ "socks5://h", "pop.test", 995,
	    { TURN(HELLO, "\x05\x00"), TURN(BY_NAME, GRANTED) }, "", NULL },
	{ "socks5://h", "127.0.0.2", 110,
	    { TURN(HELLO, "\x05\x00"),
		TURN("\x05\x01\x00\x01\x7f\x00\x00\x02\x00\x6e",
		    GRANTED "+OK hello\r\n") },
	    "+OK hello\r\n", NULL },
	{ "socks5://h", "2001:db8::1", 1,
	    { TURN(HELLO, "\x05\x00"),
		TURN("\x05\x01\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00"
		     "\x00\x00\x00\x00\x00\x01\x00\x01",
		    "\x05\x00\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00"
		    "\x00\x00\x00\x00\x00\x01\x00\x01\x16\x03\x01") },
	    "\x16\x03\x01", NULL },
	{ "socks5://h", "pop.test", 995,
	    { TURN(HELLO, "\x05\x00"), TURN(BY_NAME, "\x05\x00\x00\x03\x03"
						     "abc\x00\x01+") },
	    "+", NULL },
	{ "socks5://h", "pop.test", 995,
	    { TURN(HELLO, "\x05\x00"),
		TURN(BY_NAME, "\x05\x00\x00\x03\x00\x00\x01+") },
	    "+", NULL },
	{ "socks5://h", LONG_255, 995,
	    { TURN(HELLO, "\x05\x00"),
		TURN("\x05\x01\x00\x03\xff" LONG_255 "\x03\xe3", GRANTED) },
	    "", NULL },
	/* SOCKS: with a log-in, wanted and not. */
	{ "socks5://me:s3cr%3At@h", "pop.test", 995,
	    { TURN(HELLO_LOGIN, "\x05\x02"), TURN(LOGIN, "\x01\x00"),
		TURN(BY_NAME, GRANTED "+OK") },
	    "+OK", NULL },
	{ "socks5://me:s3cr%3At@h", "pop.test", 995,
	    { TURN(HELLO_LOGIN, "\x05\x00"), TURN(BY_NAME, GRANTED) }, "",
	    NULL },
	{ "socks5://me@h", "pop.test", 995,
	    { TURN(HELLO_LOGIN, "\x05\x02"), TURN("\x01\x02me\x00", "\x01\x00"),
		TURN(BY_NAME, GRANTED) },
	    "", NULL },
	{ "socks5://me:s3cr%3At@h", "pop.test", 995,
	    { TURN(HELLO_LOGIN, "\x05\x02"), TURN(LOGIN, "\x01\x01") }, NULL,
	    "refused the user and password" },
	{ "socks5://me:s3cr%3At@h", "pop.test", 995,
	    { TURN(HELLO_LOGIN, "\x05\x02"), TURN(LOGIN, "\x05\x00") }, NULL,
	    "RFC 1929" },
	{ "socks5://me:s3cr%3At@h", "pop.test", 995,
	    { TURN(HELLO_LOGIN, "\x05\xff") }, NULL,
	    "does not accept a log-in by user" },
	{ "socks5://h", "pop.test", 995, { TURN(HELLO, "\x05\xff") }, NULL,
	    "no user and password are given" },
	{ "socks5://h", "pop.test", 995, { TURN(HELLO, "\x05\x02") }, NULL,
	    "not offered" },
	{ "socks5://h", "pop.test", 995, { TURN(HELLO, "\x05\x01") }, NULL,
	    "not offered" },
	/* SOCKS: something else. */
	{ "socks5://h", "pop.test", 995, { TURN(HELLO, "HTTP/1.1 400") }, NULL,
	    "does not speak SOCKS 5" },
	{ "socks5://h", "pop.test", 995, { TURN(HELLO, "\x04\x00") }, NULL,
	    "does not speak SOCKS 5" },
	{ "socks5://h", "pop.test", 995,
	    { TURN(HELLO, "\x05\x00\x05\x00\x00\x01") }, NULL,
	    "before it was asked" },
	REFUSAL("\x04\x00", "another version"),
	REFUSAL("\x05\x00\x00\x02\x00", "unknown type"),
	/* SOCKS: each refusal, even one without its address. */
	REFUSAL(REFUSED("\x01"), "general failure (1)"),
	REFUSAL(REFUSED("\x02"), "rules do not allow it (2)"),
	REFUSAL(REFUSED("\x03"), "network unreachable (3)"),
	REFUSAL("\x05\x04", "host unreachable (4)"),
	REFUSAL(REFUSED("\x05"), "connection refused (5)"),
	REFUSAL(REFUSED("\x06"), "time to live expired (6)"),
	REFUSAL(REFUSED("\x07"), "command not supported (7)"),
	REFUSAL(REFUSED("\x08"), "address type not supported (8)"),
	REFUSAL(REFUSED("\x09"), "reason unknown (9)"),
	REFUSAL(REFUSED("\xff"), "reason unknown (255)"),
	/* HTTP. */
	HTTP("HTTP/1.1 200 OK\r\n\r\n", "", NULL),
	HTTP("HTTP/1.0 200\r\n\r\n+OK hi\r\n", "+OK hi\r\n", NULL),
	HTTP("HTTP/1.1 200 OK\nA: b\n\n\r\n", "\r\n", NULL),
	HTTP("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n"
	     "Transfer-Encoding: chunked\r\n\r\n\x16\x03",
	    "\x16\x03", NULL),
	HTTP("HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n+",
	    "+", NULL),
	HTTP("HTTP/1.1 200 " LONG_255 "\r\nA: \r\n b\r\n\r\n\n", "\n", NULL),
	{ "http://me:s3cr%3At@h", "pop.test", 995,
	    { TURN(CONNECT BASIC "\r\n", "HTTP/1.1 200 OK\r\n\r\n") }, "",
	    NULL },
	{ "http://h", "::1", 110,
	    { TURN("CONNECT [::1]:110 HTTP/1.1\r\nHost: [::1]:110\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n") },
	    "", NULL },
	HTTP("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", NULL,
	    "asks for a user and password (407)"),
	{ "http://me:s3cr%3At@h", "pop.test", 995,
	    { TURN(CONNECT BASIC "\r\n", "HTTP/1.1 407 No\r\n\r\n") }, NULL,
	    "refused the user and password (407)" },
	HTTP("HTTP/1.1 403 For\x1b[31mbidden\r\n\r\nbody", NULL,
	    "did not connect to the server: 403 For?[31mbidden"),
	HTTP("HTTP/1.1 502 Bad Gateway\r\n\r\n", NULL, "502 Bad Gateway"),
	HTTP("HTTP/1.1 204 No Content\r\n\r\n", NULL, "204 No Content"),
	HTTP("HTTP/1.1 101 Switching\r\n\r\n", NULL, "101 Switching"),
	HTTP("+OK POP3 ready\r\n", NULL, "did not answer in HTTP"),
	HTTP("HTTP/2 200\r\n\r\n", NULL, "did not answer in HTTP"),
	HTTP("HTTP/1.1\r\n\r\n", NULL, "did not answer in HTTP"),
	HTTP("HTTP/1.\r\n\r\n", NULL, "did not answer in HTTP"),
	HTTP("HTTP/1.1 20\r\n\r\n", NULL, "did not answer in HTTP"),
	HTTP("HTTP/1.1 2000 OK\r\n\r\n", NULL, "did not answer in HTTP"),
	HTTP("HTTP/1.x 200 OK\r\n\r\n", NULL, "did not answer in HTTP"),
	HTTP("HTTP/1.1  200 OK\r\n\r\n", NULL, "did not answer in HTTP"),
	HTTP("HTTP/1.1 200 \0OK\r\n\r\n", NULL, "did not answer in HTTP"),
	HTTP("\r\nHTTP/1.1 200 OK\r\n\r\n", NULL, "did not answer in HTTP"),
	HTTP("\x05\x00", NULL, "did not answer in HTTP"),
};

static struct evpop_proxy *
proxy_new(const char *url, const char *host, uint16_t port)
{
	struct evpop_proxy_config config;
	struct evpop_result result;
	struct evpop_proxy *proxy;

	assert_true(evpop_proxy_parse(&config, url, &result));
	proxy = evpop_proxy_new(&config, host, port, &result);
	if (proxy == NULL)
		fail_msg("%s", result.text);
	evpop_proxy_config_clear(&config);
	return proxy;
}

/* All output must be this; it is sent octet by octet. */
static void
expect_said(struct evpop_proxy *proxy, const struct turn *turn)
{
	const unsigned char *octets;
	size_t length, at;

	for (at = 0; at < turn->said_length; at++) {
		octets = evpop_proxy_output(proxy, &length);
		assert_int_equal(length, turn->said_length - at);
		assert_memory_equal(octets, turn->said + at, length);
		evpop_proxy_sent(proxy, 1);
	}
	assert_null(evpop_proxy_output(proxy, &length));
	assert_int_equal(length, 0);
}

/*
 * Give the proxy's answer in pieces of this size, the first of them of another.
 * The octets left over are told.
 */
static enum evpop_proxy_status
hear(struct evpop_proxy *proxy, const struct turn *turn, size_t first,
    size_t piece, size_t *left_r, struct evpop_result *result)
{
	enum evpop_proxy_status status = EVPOP_PROXY_MORE;
	unsigned char *copy;
	size_t at = 0, length, used;

	while (at < turn->answer_length && status == EVPOP_PROXY_MORE) {
		length = at == 0 ? first : piece;
		if (length > turn->answer_length - at)
			length = turn->answer_length - at;
		/* Exactly so much memory: reading behind it shows. */
		copy = malloc(length);
		assert_non_null(copy);
		memcpy(copy, turn->answer + at, length);
		status = evpop_proxy_input(proxy, copy, length, &used, result);
		free(copy);
		assert_true(used <= length);
		if (status == EVPOP_PROXY_MORE)
			assert_int_equal(used, length);
		at += used;
	}
	*left_r = turn->answer_length - at;
	return status;
}

static void
play(const struct dialog *dialog, size_t first, size_t piece)
{
	enum evpop_proxy_status status = EVPOP_PROXY_MORE;
	struct evpop_result result;
	const struct turn *turn;
	struct evpop_proxy *proxy;
	size_t left = 0;

	proxy = proxy_new(dialog->proxy, dialog->host, dialog->port);
	for (turn = dialog->turns; turn->said != NULL; turn++) {
		assert_int_equal(status, EVPOP_PROXY_MORE);
		expect_said(proxy, turn);
		status = hear(proxy, turn, first, piece, &left, &result);
	}
	turn--;
	if (dialog->reason == NULL) {
		assert_int_equal(status, EVPOP_PROXY_READY);
		assert_int_equal(left, strlen(dialog->left));
		assert_memory_equal(turn->answer + turn->answer_length - left,
		    dialog->left, left);
	} else {
		assert_int_equal(status, EVPOP_PROXY_FAILED);
		assert_int_equal(result.error, EVPOP_ERROR_IO);
		assert_int_equal(result.phase, EVPOP_PHASE_CONNECT);
		if (strstr(result.text, dialog->reason) == NULL)
			fail_msg("%s, not: %s", dialog->reason, result.text);
		assert_null(strstr(result.text, "s3cr"));
	}
	evpop_proxy_free(&proxy);
	assert_null(proxy);
}

/* Whole, octet by octet, and cut at every place. */
static void
test_dialogs(void **state)
{
	const struct turn *turn;
	size_t i, cut;

	(void)state;
	for (i = 0; i < COUNT(dialogs); i++) {
		play(&dialogs[i], 4096, 4096);
		play(&dialogs[i], 1, 1);
		for (turn = dialogs[i].turns; turn->said != NULL; turn++) {
			for (cut = 1; cut < turn->answer_length; cut++)
				play(&dialogs[i], cut, 4096);
		}
	}
}

/* Hosts that no proxy could be told of. */
static void
test_bad_hosts(void **state)
{
	static const char *const urls[] = { "socks5://h", "http://h" };
	static const char *const hosts[] = { "", "a b", "a\r\nb", "a/b", "a:b",
		"a@b", "h\xc3\xb6", "fe80::1%1", LONG_255 "x", "[::1]" };
	struct evpop_proxy_config config;
	struct evpop_result result;
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(urls); i++) {
		assert_true(evpop_proxy_parse(&config, urls[i], &result));
		for (j = 0; j < COUNT(hosts); j++) {
			assert_null(
			    evpop_proxy_new(&config, hosts[j], 995, &result));
			assert_int_equal(result.error, EVPOP_ERROR_USAGE);
			assert_false(result.retry);
		}
		evpop_proxy_config_clear(&config);
	}
}

static void
test_endless_header(void **state)
{
	static const char status[] = "HTTP/1.1 200 OK\r\nA: ";
	const struct turn request = TURN(CONNECT "\r\n", "");
	size_t i, used, room = 8192 - strlen(status) - 4;
	struct evpop_result result;
	struct evpop_proxy *proxy;
	bool one_more;

	(void)state;
	for (one_more = false;; one_more = true) {
		proxy = proxy_new("http://h", "pop.test", 995);
		expect_said(proxy, &request);
		assert_int_equal(
		    evpop_proxy_input(proxy, (const unsigned char *)status,
			strlen(status), &used, &result),
		    EVPOP_PROXY_MORE);
		for (i = 0; i < room + one_more; i++)
			assert_int_equal(
			    evpop_proxy_input(proxy, (const unsigned char *)"x",
				1, &used, &result),
			    EVPOP_PROXY_MORE);
		assert_int_equal(
		    evpop_proxy_input(proxy, (const unsigned char *)"\r\n\r\n+",
			5, &used, &result),
		    one_more ? EVPOP_PROXY_FAILED : EVPOP_PROXY_READY);
		assert_int_equal(used, 4);
		evpop_proxy_free(&proxy);
		if (one_more)
			break;
	}
	assert_non_null(strstr(result.text, "endless header"));
}

/* Who answers before all is said is no proxy. */
static void
test_unasked(void **state)
{
	static const char *const urls[] = { "socks5://h", "http://h" };
	static const char *const answers[] = { "\x05", "HTTP/1.1 200\r\n\r\n" };
	struct evpop_result result;
	struct evpop_proxy *proxy;
	size_t i, used;

	(void)state;
	for (i = 0; i < COUNT(urls); i++) {
		proxy = proxy_new(urls[i], "pop.test", 995);
		evpop_proxy_sent(proxy, 1);
		assert_int_equal(
		    evpop_proxy_input(proxy, NULL, 0, &used, &result),
		    EVPOP_PROXY_MORE);
		assert_int_equal(
		    evpop_proxy_input(proxy, (const unsigned char *)answers[i],
			strlen(answers[i]), &used, &result),
		    EVPOP_PROXY_FAILED);
		assert_non_null(strstr(result.text, "before it was asked"));
		evpop_proxy_free(&proxy);
	}
}

static void
test_end(void **state)
{
	static const struct turn turns[] = { TURN(HELLO_LOGIN, "\x05\x02"),
		TURN(LOGIN, "\x01\x00"), TURN(BY_NAME, "\x05\x00\x00") };
	static const char *const standings[] = { "the greeting",
		"the user and password", "the request" };
	struct evpop_result result;
	struct evpop_proxy *proxy;
	size_t i, left;

	(void)state;
	proxy = proxy_new("socks5://me:s3cr%3At@h", "pop.test", 995);
	for (i = 0; i < COUNT(turns); i++) {
		assert_string_equal(evpop_proxy_standing(proxy), standings[i]);
		evpop_proxy_eof(proxy, &result);
		assert_int_equal(result.error, EVPOP_ERROR_IO);
		assert_non_null(strstr(result.text, standings[i]));
		expect_said(proxy, &turns[i]);
		assert_int_equal(hear(proxy, &turns[i], 1, 1, &left, &result),
		    EVPOP_PROXY_MORE);
	}
	evpop_proxy_free(&proxy);
	proxy = proxy_new("http://h", "pop.test", 995);
	evpop_proxy_eof(proxy, &result);
	assert_string_equal(result.text,
	    "the HTTP proxy closed the connection instead of answering the "
	    "request");
	evpop_proxy_free(&proxy);
}

/* No memory for what is to be said next. */
static void
test_no_memory(void **state)
{
	static const struct {
		const char *url;
		struct turn turn;
	} rows[] = {
		{ "socks5://h", TURN(HELLO, "\x05\x00") },
		{ "socks5://me:s3cr%3At@h", TURN(HELLO_LOGIN, "\x05\x02") },
		{ "socks5://me:s3cr%3At@h", TURN(HELLO_LOGIN, "\x05\x00") },
	};
	enum evpop_proxy_status status;
	struct evpop_result result;
	struct evpop_proxy *proxy;
	size_t i, used;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		proxy = proxy_new(rows[i].url, "pop.test", 995);
		expect_said(proxy, &rows[i].turn);
		result.error = EVPOP_ERROR_NONE;
		failing_alloc_arm(1);
		status = evpop_proxy_input(proxy,
		    (const unsigned char *)rows[i].turn.answer,
		    rows[i].turn.answer_length, &used, &result);
		assert_int_equal(failing_alloc_disarm(), 1);
		assert_int_equal(status, EVPOP_PROXY_FAILED);
		assert_int_equal(result.error, EVPOP_ERROR_MEMORY);
		assert_int_equal(result.phase, EVPOP_PHASE_CONNECT);
		evpop_proxy_free(&proxy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_urls),
		cmocka_unit_test(test_bad_urls),
		cmocka_unit_test(test_secrets_in_urls),
		cmocka_unit_test(test_dialogs),
		cmocka_unit_test(test_bad_hosts),
		cmocka_unit_test(test_endless_header),
		cmocka_unit_test(test_unasked),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
