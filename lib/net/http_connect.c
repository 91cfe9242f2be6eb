/* CONNECT of HTTP/1.1: RFC 9110 section 9.3.6, RFC 9112 section 3.2.3. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "lib/auth/base64.h"
#include "lib/net/proxy.h"

/* The beginning of the first line of a response. */
static const char version[] = "HTTP/1.";
#define VERSION_LENGTH (sizeof(version) - 1)

/*
 * The limit of a whole response header; honest proxies send some hundred
 * octets.
 */
#define HEADER_OCTETS ((size_t)8192)
/* The part of the first line that is read. */
#define LINE_SIZE ((size_t)160)
/* A host that a proxy may be told, brackets and a port. */
#define HOST_ROOM 270

struct http {
	char line[LINE_SIZE]; /* the first, NUL-terminated */
	size_t line_length;
	size_t total;     /* octets of the header so far */
	bool behind_line; /* the first line is complete */
	bool blank;       /* nothing in the present line yet */
	bool login;       /* user and password were sent */
};

/* "Proxy-Authorization": RFC 7617 section 2. */
static void
http_say_login(
    const struct evpop_proxy_config *config, struct evpop_secret *output)
{
	struct evpop_secret plain = { .bytes = NULL };
	struct evpop_secret encoded = { .bytes = NULL };

	evpop_secret_add_text(output, "Proxy-Authorization: Basic ");
	evpop_secret_add_text(&plain, config->user);
	evpop_secret_add_text(&plain, ":");
	evpop_secret_add_text(&plain, config->password);
	evpop_base64_encode(plain.bytes, plain.length, &encoded);
	encoded.failed = encoded.failed || plain.failed;
	evpop_secret_add_secret(output, &encoded);
	evpop_secret_clear(&plain);
	evpop_secret_clear(&encoded);
	evpop_secret_add_text(output, "\r\n");
}

static bool
http_begin(void *state, const struct evpop_proxy_config *config,
    const char *host, uint16_t port, struct evpop_secret *output,
    struct evpop_result *result)
{
	const bool is_ipv6 = strchr(host, ':') != NULL;
	struct http *http = state;
	char target[HOST_ROOM];

	(void)result;
	snprintf(target, sizeof(target), "%s%s%s:%u", is_ipv6 ? "[" : "", host,
	    is_ipv6 ? "]" : "", (unsigned int)port);
	evpop_secret_add_text(output, "CONNECT ");
	evpop_secret_add_text(output, target);
	evpop_secret_add_text(output, " HTTP/1.1\r\nHost: ");
	evpop_secret_add_text(output, target);
	evpop_secret_add_text(output, "\r\n");
	http->login = config->user != NULL;
	if (http->login)
		http_say_login(config, output);
	evpop_secret_add_text(output, "\r\n");
	return true;
}

static enum evpop_proxy_status
http_fail(struct evpop_result *result, const char *reason)
{
	evpop_result_set(result, EVPOP_ERROR_IO, EVPOP_PHASE_CONNECT,
	    "the HTTP proxy %s", reason);
	return EVPOP_PROXY_FAILED;
}

/* "HTTP/1.1 200", and a blank or nothing behind it: RFC 9112 section 4. */
static bool
http_parse_status(const char *line, unsigned int *status_r)
{
	const char *digits = line + VERSION_LENGTH + 2;
	int i;

	if (!isdigit((unsigned char)line[VERSION_LENGTH]) ||
	    line[VERSION_LENGTH + 1] != ' ')
		return false;
	*status_r = 0;
	for (i = 0; i < 3; i++) {
		if (!isdigit((unsigned char)digits[i]))
			return false;
		*status_r = *status_r * 10 + (unsigned int)(digits[i] - '0');
	}
	return digits[3] == '\0' || digits[3] == ' ';
}

/* The header is complete. */
static enum evpop_proxy_status
http_take_header(struct http *http, struct evpop_result *result)
{
	const char *reason = http->line + VERSION_LENGTH + 2;
	unsigned int status;

	if (!http_parse_status(http->line, &status))
		return http_fail(result, "did not answer in HTTP");
	switch (status) {
	case 200:
		return EVPOP_PROXY_READY;
	case 407:
		return http_fail(
		    result, http->login ? "refused the user and password (407)"
					: "asks for a user and password (407)");
	default:
		break;
	}
	/* Interim responses, before the real one: RFC 9110 section 15.2. */
	if (status >= 100 && status < 200 && status != 101) {
		http->line_length = 0;
		http->behind_line = false;
		return EVPOP_PROXY_MORE;
	}
	evpop_result_set(result, EVPOP_ERROR_IO, EVPOP_PHASE_CONNECT,
	    "the HTTP proxy did not connect to the server: %s", reason);
	return EVPOP_PROXY_FAILED;
}

/* False where this cannot be HTTP any more. */
static bool
http_keep_octet(struct http *http, unsigned char octet)
{
	size_t at = http->line_length;

	if (at < VERSION_LENGTH && octet != (unsigned char)version[at])
		return false;
	/* The rest of the words does not matter. */
	if (octet == '\r' || at == sizeof(http->line) - 1)
		return true;
	http->line[at] = (char)octet;
	http->line[at + 1] = '\0';
	http->line_length++;
	return octet != '\0';
}

static enum evpop_proxy_status
http_take_octet(
    struct http *http, unsigned char octet, struct evpop_result *result)
{
	if (++http->total > HEADER_OCTETS)
		return http_fail(result, "answered with an endless header");
	if (!http->behind_line) {
		if (octet == '\n' && http->line_length >= VERSION_LENGTH)
			http->behind_line = http->blank = true;
		else if (!http_keep_octet(http, octet))
			return http_fail(result, "did not answer in HTTP");
		return EVPOP_PROXY_MORE;
	}
	if (octet == '\n') {
		if (http->blank)
			return http_take_header(http, result);
		http->blank = true;
	} else if (octet != '\r') {
		http->blank = false;
	}
	return EVPOP_PROXY_MORE;
}

static enum evpop_proxy_status
http_input(void *state, const unsigned char *octets, size_t length,
    size_t *used_r, struct evpop_secret *output, struct evpop_result *result)
{
	enum evpop_proxy_status status = EVPOP_PROXY_MORE;

	(void)output;
	while (*used_r < length && status == EVPOP_PROXY_MORE)
		status = http_take_octet(state, octets[(*used_r)++], result);
	return status;
}

static const char *
http_standing(const void *state)
{
	(void)state;
	return "the request";
}

const struct evpop_proxy_dialog evpop_http_dialog = {
	.state_size = sizeof(struct http),
	.begin = http_begin,
	.input = http_input,
	.standing = http_standing,
};
