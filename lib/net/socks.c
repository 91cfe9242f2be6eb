/* SOCKS 5: RFC 1928, with user and password by RFC 1929. */
#include <netinet/in.h>

#include <string.h>

#include "lib/net/address.h"
#include "lib/net/proxy.h"

#define VERSION       5
#define LOGIN_VERSION 1 /* of RFC 1929's own dialog */

/* RFC 1928 section 3. */
#define METHOD_NONE     0x00
#define METHOD_PASSWORD 0x02
#define METHOD_REFUSED  0xff

/* RFC 1928 sections 4 and 5. */
#define COMMAND_CONNECT 1
#define ADDRESS_IPV4    1
#define ADDRESS_NAME    3
#define ADDRESS_IPV6    4

#define OCTETS_255 ((size_t)255)
/* VER, CMD, RSV, ATYP, a length, a name of 255 octets, a port: RFC 1928. */
#define REQUEST_OCTETS ((size_t)4 + 1 + OCTETS_255 + 2)
/* VER, a length, a user of 255 octets, a length, a password: RFC 1929. */
#define LOGIN_OCTETS ((size_t)1 + 1 + OCTETS_255 + 1 + OCTETS_255)

/* The answer awaited: to the greeting, the log-in, the request. */
enum socks_state {
	SOCKS_METHOD = 0,
	SOCKS_STATUS,
	SOCKS_REPLY,
	SOCKS_STATES
};

struct socks {
	enum socks_state state;
	/* Messages that are sent when their turn comes. */
	unsigned char request[REQUEST_OCTETS];
	size_t request_length;
	unsigned char login[LOGIN_OCTETS];
	size_t login_length; /* 0: no log-in */
	/* The front of the message awaited: VER, REP, RSV, ATYP, length. */
	unsigned char head[5];
	size_t received;
};

/* RFC 1928 section 6, from 1. */
static const char *const refusals[] = { "general failure",
	"its rules do not allow it", "network unreachable", "host unreachable",
	"connection refused", "time to live expired", "command not supported",
	"address type not supported" };
#define REFUSALS (sizeof(refusals) / sizeof(refusals[0]))

static const char *const standings[] = { "the greeting",
	"the user and password", "the request" };
_Static_assert(sizeof(standings) / sizeof(standings[0]) == SOCKS_STATES,
    "words for each state");

static const char *
socks_standing(const void *state)
{
	const struct socks *socks = state;

	return standings[socks->state];
}

static enum evpop_proxy_status
socks_fail(struct evpop_result *result, const char *reason)
{
	evpop_result_set(result, EVPOP_ERROR_IO, EVPOP_PHASE_CONNECT,
	    "the SOCKS proxy %s", reason);
	return EVPOP_PROXY_FAILED;
}

static void
socks_write_request(struct socks *socks, const char *host, uint16_t port)
{
	unsigned char *at = socks->request;
	struct evpop_address address;
	const void *from = host;
	size_t length;

	*at++ = VERSION;
	*at++ = COMMAND_CONNECT;
	*at++ = 0;
	if (!evpop_address_parse(&address, host, port)) {
		length = strlen(host);
		*at++ = ADDRESS_NAME;
		*at++ = (unsigned char)length;
	} else if (address.storage.ss_family == AF_INET) {
		from = &((struct sockaddr_in *)&address.storage)->sin_addr;
		length = sizeof(struct in_addr);
		*at++ = ADDRESS_IPV4;
	} else {
		from = &((struct sockaddr_in6 *)&address.storage)->sin6_addr;
		length = sizeof(struct in6_addr);
		*at++ = ADDRESS_IPV6;
	}
	memcpy(at, from, length);
	at += length;
	*at++ = (unsigned char)(port >> 8);
	*at++ = (unsigned char)(port & 0xff);
	socks->request_length = (size_t)(at - socks->request);
}

static unsigned char *
socks_write_text(unsigned char *at, const char *text)
{
	size_t length = strlen(text);

	*at++ = (unsigned char)length;
	memcpy(at, text, length);
	return at + length;
}

static bool
socks_write_login(struct socks *socks, const struct evpop_proxy_config *config,
    struct evpop_result *result)
{
	unsigned char *at = socks->login;

	if (strlen(config->user) > OCTETS_255 ||
	    strlen(config->password) > OCTETS_255) {
		evpop_result_set(result, EVPOP_ERROR_USAGE, EVPOP_PHASE_CONNECT,
		    "user or password of the SOCKS proxy have more than 255 "
		    "octets");
		return false;
	}
	*at++ = LOGIN_VERSION;
	at = socks_write_text(at, config->user);
	at = socks_write_text(at, config->password);
	socks->login_length = (size_t)(at - socks->login);
	return true;
}

static bool
socks_begin(void *state, const struct evpop_proxy_config *config,
    const char *host, uint16_t port, struct evpop_secret *output,
    struct evpop_result *result)
{
	static const unsigned char plain[] = { VERSION, 1, METHOD_NONE },
				   either[] = { VERSION, 2, METHOD_NONE,
					   METHOD_PASSWORD };
	struct socks *socks = state;

	socks_write_request(socks, host, port);
	if (config->user == NULL) {
		evpop_secret_add(output, plain, sizeof(plain));
		return true;
	}
	evpop_secret_add(output, either, sizeof(either));
	return socks_write_login(socks, config, result);
}

static enum evpop_proxy_status
socks_say_request(struct socks *socks, struct evpop_secret *output)
{
	socks->state = SOCKS_REPLY;
	socks->received = 0;
	explicit_bzero(socks->login, sizeof(socks->login));
	evpop_secret_add(output, socks->request, socks->request_length);
	return EVPOP_PROXY_MORE;
}

static enum evpop_proxy_status
socks_say_login(struct socks *socks, struct evpop_secret *output)
{
	socks->state = SOCKS_STATUS;
	socks->received = 0;
	evpop_secret_add(output, socks->login, socks->login_length);
	return EVPOP_PROXY_MORE;
}

static enum evpop_proxy_status
socks_take_method(struct socks *socks, struct evpop_secret *output,
    struct evpop_result *result)
{
	if (socks->head[0] != VERSION)
		return socks_fail(result, "does not speak SOCKS 5");
	if (socks->received < 2)
		return EVPOP_PROXY_MORE;
	if (socks->head[1] == METHOD_NONE)
		return socks_say_request(socks, output);
	if (socks->head[1] == METHOD_PASSWORD && socks->login_length > 0)
		return socks_say_login(socks, output);
	if (socks->head[1] != METHOD_REFUSED)
		return socks_fail(
		    result, "chose a log-in that was not offered");
	return socks_fail(result,
	    socks->login_length > 0
		? "does not accept a log-in by user and password"
		: "asks for a log-in, and no user and password are given");
}

static enum evpop_proxy_status
socks_take_status(struct socks *socks, struct evpop_secret *output,
    struct evpop_result *result)
{
	if (socks->head[0] != LOGIN_VERSION)
		return socks_fail(
		    result, "does not speak RFC 1929 at the log-in");
	if (socks->received < 2)
		return EVPOP_PROXY_MORE;
	if (socks->head[1] != 0)
		return socks_fail(result, "refused the user and password");
	return socks_say_request(socks, output);
}

static enum evpop_proxy_status
socks_refuse(unsigned char code, struct evpop_result *result)
{
	evpop_result_set(result, EVPOP_ERROR_IO, EVPOP_PHASE_CONNECT,
	    "the SOCKS proxy did not connect to the server: %s (%u)",
	    code <= REFUSALS ? refusals[code - 1] : "reason unknown",
	    (unsigned int)code);
	return EVPOP_PROXY_FAILED;
}

static enum evpop_proxy_status
socks_take_reply(const struct socks *socks, struct evpop_result *result)
{
	size_t length = 0;

	if (socks->head[0] != VERSION)
		return socks_fail(
		    result, "answered the request in another version");
	if (socks->received < 2)
		return EVPOP_PROXY_MORE;
	/* Some close behind this, without the rest. */
	if (socks->head[1] != 0)
		return socks_refuse(socks->head[1], result);
	/* Each kind of address has an octet at least. */
	if (socks->received < sizeof(socks->head))
		return EVPOP_PROXY_MORE;
	switch (socks->head[3]) {
	case ADDRESS_IPV4:
		length = 4 + sizeof(struct in_addr) + 2;
		break;
	case ADDRESS_IPV6:
		length = 4 + sizeof(struct in6_addr) + 2;
		break;
	case ADDRESS_NAME:
		length = 4 + 1 + (size_t)socks->head[4] + 2;
		break;
	default:
		return socks_fail(
		    result, "answered with an address of unknown type");
	}
	return socks->received < length ? EVPOP_PROXY_MORE : EVPOP_PROXY_READY;
}

static enum evpop_proxy_status
socks_take_octet(struct socks *socks, unsigned char octet,
    struct evpop_secret *output, struct evpop_result *result)
{
	if (socks->received < sizeof(socks->head))
		socks->head[socks->received] = octet;
	socks->received++;
	switch (socks->state) {
	case SOCKS_METHOD:
		return socks_take_method(socks, output, result);
	case SOCKS_STATUS:
		return socks_take_status(socks, output, result);
	default:
		return socks_take_reply(socks, result);
	}
}

static enum evpop_proxy_status
socks_input(void *state, const unsigned char *octets, size_t length,
    size_t *used_r, struct evpop_secret *output, struct evpop_result *result)
{
	enum evpop_proxy_status status = EVPOP_PROXY_MORE;
	struct socks *socks = state;

	while (*used_r < length && status == EVPOP_PROXY_MORE) {
		status = socks_take_octet(
		    socks, octets[(*used_r)++], output, result);
		/* The next message was not even sent. */
		if (status == EVPOP_PROXY_MORE && socks->received == 0 &&
		    *used_r < length)
			return socks_fail(
			    result, "answered before it was asked");
	}
	return status;
}

const struct evpop_proxy_dialog evpop_socks_dialog = {
	.state_size = sizeof(struct socks),
	.begin = socks_begin,
	.input = socks_input,
	.standing = socks_standing,
};
