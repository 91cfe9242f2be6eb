/* CONNECT of HTTP/1.1: RFC 9110 section 9.3.6, RFC 9112 section 3.2.3. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "lib/net/proxy_dialog.h"

/* What every first line of a response begins with. */
static const char version[] = "HTTP/1.";
#define VERSION_LENGTH (sizeof(version) - 1)

/* Of a whole HTTP response header; honest proxies send some hundred octets. */
#define HEADER_OCTETS ((size_t)8192)
/* Of its first line, as far as it is looked at. */
#define LINE_SIZE ((size_t)160)

struct http {
	char line[LINE_SIZE]; /* the first, NUL-terminated */
	size_t line_length;
	size_t total;     /* octets of the header so far */
	bool behind_line; /* the first line is complete */
	bool blank;       /* nothing in the present line yet */
	bool login;       /* user and password were sent */
};

/* RFC 7617 section 2: "user:password" in base64; or NULL without memory. */
static char *
http_basic_new(const struct evpop_proxy_config *config, size_t *size_r)
{
	size_t length = strlen(config->user) + 1 + strlen(config->password);
	char *plain, *encoded;

	*size_r = (length + 2) / 3 * 4 + 1;
	plain = malloc(length + 1);
	encoded = malloc(*size_r);
	if (plain != NULL && encoded != NULL) {
		snprintf(
		    plain, length + 1, "%s:%s", config->user, config->password);
		EVP_EncodeBlock((unsigned char *)encoded,
		    (const unsigned char *)plain, (int)length);
	} else {
		free(encoded);
		encoded = NULL;
	}
	if (plain != NULL)
		explicit_bzero(plain, length + 1);
	free(plain);
	return encoded;
}

/* The whole request, or -1 without memory. */
static int
http_request_new(
    char **request_r, const char *host, uint16_t port, const char *encoded)
{
	const char *open = "", *close = "";

	if (strchr(host, ':') != NULL) {
		open = "[";
		close = "]";
	}
	return asprintf(request_r,
	    "CONNECT %s%s%s:%u HTTP/1.1\r\nHost: %s%s%s:%u\r\n%s%s%s\r\n", open,
	    host, close, (unsigned int)port, open, host, close,
	    (unsigned int)port,
	    encoded == NULL ? "" : "Proxy-Authorization: Basic ",
	    encoded == NULL ? "" : encoded, encoded == NULL ? "" : "\r\n");
}

static bool
http_no_memory(struct evpop_result *result)
{
	evpop_result_set(result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_CONNECT,
	    "no memory to ask a proxy");
	return false;
}

static bool
http_begin(void *state, struct evpop_proxy *proxy,
    const struct evpop_proxy_config *config, const char *host, uint16_t port,
    struct evpop_result *result)
{
	char *encoded = NULL, *request = NULL;
	struct http *http = state;
	size_t size = 0;
	int length;
	bool said;

	http->login = config->user != NULL;
	if (http->login) {
		encoded = http_basic_new(config, &size);
		if (encoded == NULL)
			return http_no_memory(result);
	}
	length = http_request_new(&request, host, port, encoded);
	if (encoded != NULL)
		explicit_bzero(encoded, size);
	free(encoded);
	if (length < 0)
		return http_no_memory(result);
	said = evpop_proxy_say(proxy, request, (size_t)length, result);
	explicit_bzero(request, (size_t)length);
	free(request);
	return said;
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

/* What a whole header comes to. */
static enum evpop_proxy_status
http_take_header(struct http *http, struct evpop_result *result)
{
	const char *reason = http->line + VERSION_LENGTH + 2;
	unsigned int status;

	if (!http_parse_status(http->line, &status))
		return http_fail(
		    result, "answered with something else than HTTP");
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
	/* What the words say beyond this is no matter. */
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
			return http_fail(
			    result, "answered with something else than HTTP");
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
http_input(void *state, struct evpop_proxy *proxy, const unsigned char *octets,
    size_t length, size_t *used_r, struct evpop_result *result)
{
	enum evpop_proxy_status status = EVPOP_PROXY_MORE;

	(void)proxy;
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
