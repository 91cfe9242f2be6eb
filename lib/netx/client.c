/* Sessions of the NetX facade: how they begin and end. */
#include <arpa/inet.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/netx/pool.h"
#include "lib/netx/session.h"
#include "lib/netx/system.h"

/*
 * Ten years: what NetX calls forever, and how long a session may last, since
 * NetX sets it no bound.
 */
#define FOREVER_MS (INT64_C(3653) * 24 * 3600 * 1000)

static int64_t
ticks_to_ms(ULONG ticks, const struct evpop_netx_options *options)
{
	ULONG rate = options->ticks_per_second;

	if (ticks >= NX_WAIT_FOREVER || ticks / rate >= FOREVER_MS / 1000)
		return FOREVER_MS;
	return (int64_t)(ticks / rate) * 1000 +
	       (int64_t)((double)(ticks % rate) * 1000.0 / (double)rate);
}

/* Where 0 is not to mean a default. */
static int64_t
at_least_1(int64_t ms)
{
	return ms > 0 ? ms : 1;
}

/* The address as text, or false where it is none. */
static bool
address_text(const NXD_ADDRESS *address, char *text, size_t size)
{
	unsigned char octets[16];
	bool any = false;
	size_t words = 4, i;

	switch (address->nxd_ip_version) {
	case NX_IP_VERSION_V4:
		words = 1;
		break;
	case NX_IP_VERSION_V6:
		break;
	default:
		return false;
	}
	for (i = 0; i < words; i++) {
		ULONG word = words == 1 ? address->nxd_ip_address.v4
					: address->nxd_ip_address.v6[i];
		uint32_t wire = htonl((uint32_t)word);

		if (word > UINT32_MAX)
			return false;
		any = any || word != 0;
		memcpy(octets + i * sizeof(wire), &wire, sizeof(wire));
	}
	return any && inet_ntop(words == 1 ? AF_INET : AF_INET6, octets, text,
			  (socklen_t)size) != NULL;
}

/* Whether it can be sent as one argument, and is not longer than it may be. */
static bool
is_word_of(const CHAR *text, ULONG longest)
{
	return strlen(text) <= longest && strpbrk(text, "\r\n") == NULL;
}

static struct evpop_easy *
make_easy(
    const char *host, ULONG port, const struct evpop_netx_options *options)
{
	struct evpop_client_config config;
	int64_t reply_ms =
	    at_least_1(ticks_to_ms(options->reply_timeout, options));

	memset(&config, 0, sizeof(config));
	config.host = host;
	config.port = (uint16_t)port;
	config.tls = EVPOP_TLS_NONE;
	/* The vendor's protocol has no other way; the manual says so. */
	config.allow_cleartext = true;
	/* It knows no capabilities. */
	config.no_capabilities = true;
	config.timeouts.connect_ms =
	    at_least_1(ticks_to_ms(options->connection_timeout, options));
	config.timeouts.greeting_ms = reply_ms;
	config.timeouts.login_ms = reply_ms;
	config.timeouts.command_ms = reply_ms;
	config.timeouts.body_ms = reply_ms;
	config.timeouts.quit_ms = reply_ms;
	config.timeouts.send_ms =
	    at_least_1(ticks_to_ms(options->send_wait, options));
	config.timeouts.session_ms = FOREVER_MS;
	config.receive_buffer = options->window_size;
	return evpop_easy_new(&config, NULL, NULL);
}

static UINT
log_in(struct evpop_netx_session *session, bool apop, const CHAR *name,
    const CHAR *password)
{
	const struct evpop_credentials credentials = {
		.user = name,
		.password = password,
		.mechanisms = EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_USER),
	};
	enum evpop_error error = evpop_easy_connect(session->easy);

	if (error == EVPOP_ERROR_NONE && apop)
		error = evpop_easy_login_apop_or_user(
		    session->easy, name, password);
	else if (error == EVPOP_ERROR_NONE)
		error = evpop_easy_login(session->easy, &credentials);
	if (error == EVPOP_ERROR_USAGE) /* no command can be made of them */
		return NX_POP3_PARAM_ERROR;
	return error == EVPOP_ERROR_NONE ? NX_SUCCESS
					 : evpop_netx_status(session);
}

static void
session_free(struct evpop_netx_session *session)
{
	evpop_easy_free(session->easy);
	free(session);
}

/* The control block's, once it is logged in. */
static UINT
open_session(NX_POP3_CLIENT *client, const char *host, ULONG port, bool apop,
    NX_PACKET_POOL *pool, const CHAR *name, const CHAR *password,
    const struct evpop_netx_options *options)
{
	struct evpop_netx_session *session = calloc(1, sizeof(*session));
	UINT status = NX_NO_PACKET;

	if (session == NULL)
		return NX_NO_PACKET;
	session->pool = pool;
	session->packet_timeout_ms =
	    ticks_to_ms(options->packet_timeout, options);
	session->disconnect_timeout_ms =
	    ticks_to_ms(options->disconnect_timeout, options);
	session->easy = make_easy(host, port, options);
	if (session->easy != NULL)
		status = log_in(session, apop, name, password);
	if (status != NX_SUCCESS) {
		session_free(session);
		return status;
	}
	client->nx_pop3_client_session = session;
	client->nx_pop3_client_id = EVPOP_NETX_CLIENT_ID;
	return NX_SUCCESS;
}

UINT
evpop_netx_client_create(NX_POP3_CLIENT *client, UINT apop, NX_IP *ip,
    NX_PACKET_POOL *pool, const NXD_ADDRESS *address, ULONG port,
    const CHAR *name, const CHAR *password,
    const struct evpop_netx_options *options)
{
	char host[INET6_ADDRSTRLEN];

	if (client == NULL)
		return NX_PTR_ERROR;
	memset(client, 0, sizeof(*client));
	if (address == NULL || name == NULL || password == NULL ||
	    !evpop_netx_pool_is_one(pool))
		return NX_PTR_ERROR;
	if (!evpop_netx_ip_is_one(ip) || port == 0 || port > UINT16_MAX ||
	    options->ticks_per_second == 0 ||
	    !address_text(address, host, sizeof(host)) || name[0] == '\0' ||
	    !is_word_of(name, options->max_username) ||
	    !is_word_of(password, options->max_password))
		return NX_POP3_PARAM_ERROR;
	return open_session(client, host, port, apop != NX_FALSE, pool, name,
	    password, options);
}

UINT
nx_pop3_client_quit(NX_POP3_CLIENT *client)
{
	struct evpop_netx_session *session;
	UINT status = evpop_netx_session_of(client, &session);
	enum evpop_error error;

	if (status != NX_SUCCESS)
		return status;
	status = evpop_netx_read_over(session, session->disconnect_timeout_ms);
	if (status != NX_SUCCESS)
		return status;
	error = evpop_easy_quit(session->easy, NULL);
	status =
	    error == EVPOP_ERROR_NONE ? NX_SUCCESS : evpop_netx_status(session);
	session_free(session);
	client->nx_pop3_client_session = NULL;
	client->nx_pop3_client_id = 0;
	return status;
}

UINT
nx_pop3_client_delete(NX_POP3_CLIENT *client)
{
	if (client == NULL)
		return NX_PTR_ERROR;
	if (client->nx_pop3_client_id == EVPOP_NETX_CLIENT_ID)
		session_free(client->nx_pop3_client_session);
	client->nx_pop3_client_session = NULL;
	client->nx_pop3_client_id = 0;
	return NX_SUCCESS;
}
