/*
 * Sessions of the NetX facade: how they begin and end, and what they ask of a
 * maildrop but for its messages, which message.c gives.
 */
#include "lib/netx/netx.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"

/*
 * Ten years: what NetX calls forever, and how long a session may last, since
 * NetX sets it no bound.
 */
#define FOREVER_MS (INT64_C(3653) * 24 * 3600 * 1000)

/* In the id of a control block with a session behind it. */
#define CLIENT_ID 0x504F5033UL

/* Bytes read over at a time; they go nowhere. */
#define SCRATCH_SIZE 4096

/* ---- what its calls stand on ---- */

UINT
evpop_netx_session_of(
    const NX_POP3_CLIENT *client, struct evpop_netx_session **session_r)
{
	if (client == NULL)
		return NX_PTR_ERROR;
	if (client->nx_pop3_client_id != CLIENT_ID)
		return NX_NOT_CONNECTED;
	*session_r = client->nx_pop3_client_session;
	return NX_SUCCESS;
}

UINT
evpop_netx_status(const struct evpop_netx_session *session)
{
	const struct evpop_result *result = evpop_easy_result(session->easy);

	switch (result->error) {
	case EVPOP_ERROR_NONE:
		return NX_SUCCESS;
	case EVPOP_ERROR_REFUSED:
	case EVPOP_ERROR_AUTH:
	case EVPOP_ERROR_PROTOCOL:
	case EVPOP_ERROR_LIMIT:
		return NX_POP3_SERVER_ERROR_STATUS;
	case EVPOP_ERROR_TIMEOUT:
		return result->phase == EVPOP_PHASE_CONNECT ? NX_NOT_CONNECTED
							    : NX_NO_PACKET;
	case EVPOP_ERROR_MEMORY:
		return NX_NO_PACKET;
	case EVPOP_ERROR_USAGE:
		return NX_POP3_CLIENT_INVALID_STATE;
	default:
		return NX_NOT_CONNECTED;
	}
}

UINT
evpop_netx_read_over(struct evpop_netx_session *session, int64_t limit_ms)
{
	unsigned char scratch[SCRATCH_SIZE];
	int64_t begun_ms = evpop_clock_monotonic_ms();
	size_t length;

	while (session->is_reading) {
		if (evpop_easy_read(session->easy, scratch, sizeof(scratch),
			&length) != EVPOP_ERROR_NONE) {
			session->is_reading = false;
			return evpop_netx_status(session);
		}
		if (length == 0)
			session->is_reading = false;
		else if (evpop_clock_monotonic_ms() - begun_ms > limit_ms)
			break;
	}
	if (!session->is_reading)
		return NX_SUCCESS;
	session->is_reading = false;
	return evpop_easy_abandon(session->easy) == EVPOP_ERROR_NONE
		   ? NX_SUCCESS
		   : NX_NO_PACKET;
}

/* STAT, and what follows from it; outputs may be NULL. */
static UINT
client_count(struct evpop_netx_session *session, uint32_t *messages_r,
    uint64_t *octets_r)
{
	uint32_t messages;
	uint64_t octets;

	if (evpop_easy_stat(session->easy, &messages, &octets) !=
	    EVPOP_ERROR_NONE)
		return evpop_netx_status(session);
	if (!session->is_counted)
		session->messages = messages + session->marked;
	session->is_counted = true;
	if (messages_r != NULL)
		*messages_r = messages;
	if (octets_r != NULL)
		*octets_r = octets;
	return NX_SUCCESS;
}

UINT
evpop_netx_check_number(const struct evpop_netx_session *session, UINT number)
{
	if (session->is_counted && number > session->messages)
		return NX_POP3_INVALID_MAIL_ITEM;
	return NX_SUCCESS;
}

UINT
evpop_netx_refused(struct evpop_netx_session *session, UINT number)
{
	UINT status = evpop_netx_status(session);

	if (status != NX_POP3_SERVER_ERROR_STATUS ||
	    evpop_easy_result(session->easy)->error != EVPOP_ERROR_REFUSED)
		return status;
	if (!session->is_counted &&
	    client_count(session, NULL, NULL) != NX_SUCCESS)
		return status;
	return number > session->messages ? NX_POP3_INVALID_MAIL_ITEM : status;
}

/* ---- how it begins ---- */

static int64_t
client_ticks_to_ms(ULONG ticks, const struct evpop_netx_options *options)
{
	ULONG rate = options->ticks_per_second;

	if (ticks >= NX_WAIT_FOREVER || ticks / rate >= FOREVER_MS / 1000)
		return FOREVER_MS;
	return (int64_t)(ticks / rate) * 1000 +
	       (int64_t)((double)(ticks % rate) * 1000.0 / (double)rate);
}

/* A timeout of 0 would be the default one. */
static int64_t
client_at_least_1(int64_t ms)
{
	return ms > 0 ? ms : 1;
}

/*
 * A window narrower than a segment, which on Linux's loopback has 64 KiB, lets
 * a server send only when its timer for a closed window runs out.
 */
#define RECEIVE_BUFFER_MIN 65536

/* 0 lets the system choose. */
static size_t
client_receive_buffer(ULONG window_size)
{
	return window_size > 0 && window_size < RECEIVE_BUFFER_MIN
		   ? RECEIVE_BUFFER_MIN
		   : window_size;
}

/* Write the address as text; false where it is none. */
static bool
client_write_address(const NXD_ADDRESS *address, char *text, size_t size)
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

/* Whether the text fits into one argument, and into its limit. */
static bool
client_is_word(const CHAR *text, ULONG longest)
{
	return strlen(text) <= longest && strpbrk(text, "\r\n") == NULL;
}

static struct evpop_easy *
client_make_easy(
    const char *host, ULONG port, const struct evpop_netx_options *options)
{
	struct evpop_client_config config;
	int64_t reply_ms = client_at_least_1(
	    client_ticks_to_ms(options->reply_timeout, options));

	memset(&config, 0, sizeof(config));
	config.host = host;
	config.port = (uint16_t)port;
	config.tls = EVPOP_TLS_NONE;
	/* The vendor's protocol has no other way; the manual says so. */
	config.allow_cleartext = true;
	/* The vendor's protocol knows no CAPA. */
	config.no_capabilities = true;
	config.timeouts.connect_ms = client_at_least_1(
	    client_ticks_to_ms(options->connection_timeout, options));
	config.timeouts.greeting_ms = reply_ms;
	config.timeouts.login_ms = reply_ms;
	config.timeouts.command_ms = reply_ms;
	config.timeouts.body_ms = reply_ms;
	config.timeouts.quit_ms = reply_ms;
	config.timeouts.send_ms =
	    client_at_least_1(client_ticks_to_ms(options->send_wait, options));
	config.timeouts.session_ms = FOREVER_MS;
	config.receive_buffer = client_receive_buffer(options->window_size);
	return evpop_easy_new(&config, NULL, NULL);
}

static UINT
client_log_in(struct evpop_netx_session *session, bool apop, const CHAR *name,
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
	if (error == EVPOP_ERROR_USAGE) /* they cannot be sent */
		return NX_POP3_PARAM_ERROR;
	return error == EVPOP_ERROR_NONE ? NX_SUCCESS
					 : evpop_netx_status(session);
}

static void
client_free_session(struct evpop_netx_session *session)
{
	evpop_easy_free(session->easy);
	free(session);
}

/* Begin a session, log in, and put it into the control block. */
static UINT
client_open_session(NX_POP3_CLIENT *client, const char *host, ULONG port,
    bool apop, NX_PACKET_POOL *pool, const CHAR *name, const CHAR *password,
    const struct evpop_netx_options *options)
{
	struct evpop_netx_session *session = calloc(1, sizeof(*session));
	UINT status = NX_NO_PACKET;

	if (session == NULL)
		return NX_NO_PACKET;
	session->pool = pool;
	session->packet_timeout_ms =
	    client_ticks_to_ms(options->packet_timeout, options);
	session->disconnect_timeout_ms =
	    client_ticks_to_ms(options->disconnect_timeout, options);
	session->easy = client_make_easy(host, port, options);
	if (session->easy != NULL)
		status = client_log_in(session, apop, name, password);
	if (status != NX_SUCCESS) {
		client_free_session(session);
		return status;
	}
	client->nx_pop3_client_session = session;
	client->nx_pop3_client_id = CLIENT_ID;
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
	    !client_write_address(address, host, sizeof(host)) ||
	    name[0] == '\0' || !client_is_word(name, options->max_username) ||
	    !client_is_word(password, options->max_password))
		return NX_POP3_PARAM_ERROR;
	return client_open_session(client, host, port, apop != NX_FALSE, pool,
	    name, password, options);
}

/* ---- how it ends ---- */

static void
client_forget(NX_POP3_CLIENT *client)
{
	client->nx_pop3_client_session = NULL;
	client->nx_pop3_client_id = 0;
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
	client_free_session(session);
	client_forget(client);
	return status;
}

UINT
nx_pop3_client_delete(NX_POP3_CLIENT *client)
{
	if (client == NULL)
		return NX_PTR_ERROR;
	if (client->nx_pop3_client_id == CLIENT_ID)
		client_free_session(client->nx_pop3_client_session);
	client_forget(client);
	return NX_SUCCESS;
}

/* ---- the maildrop ---- */

/* The session, for a command about the message of this number. */
static UINT
client_session_for(const NX_POP3_CLIENT *client, UINT number,
    struct evpop_netx_session **session_r)
{
	UINT status;

	if (client != NULL && number == 0)
		return NX_POP3_CLIENT_INVALID_INDEX;
	status = evpop_netx_session_of(client, session_r);
	if (status != NX_SUCCESS)
		return status;
	if ((*session_r)->is_reading)
		return NX_POP3_CLIENT_INVALID_STATE;
	return evpop_netx_check_number(*session_r, number);
}

UINT
nx_pop3_client_mail_items_get(
    NX_POP3_CLIENT *client, UINT *number_mail_items, ULONG *maildrop_total_size)
{
	struct evpop_netx_session *session;
	uint32_t messages = 0;
	uint64_t octets = 0;
	UINT status;

	if (number_mail_items != NULL)
		*number_mail_items = 0;
	if (maildrop_total_size != NULL)
		*maildrop_total_size = 0;
	if (number_mail_items == NULL || maildrop_total_size == NULL)
		return NX_PTR_ERROR;
	status = evpop_netx_session_of(client, &session);
	if (status != NX_SUCCESS)
		return status;
	if (session->is_reading)
		return NX_POP3_CLIENT_INVALID_STATE;
	status = client_count(session, &messages, &octets);
	if (status != NX_SUCCESS)
		return status;
	*number_mail_items = messages;
	*maildrop_total_size = octets;
	return NX_SUCCESS;
}

UINT
nx_pop3_client_mail_item_size_get(
    NX_POP3_CLIENT *client, UINT mail_item, ULONG *size)
{
	struct evpop_netx_session *session;
	uint64_t octets;
	UINT status;

	if (size == NULL)
		return NX_PTR_ERROR;
	*size = 0;
	status = client_session_for(client, mail_item, &session);
	if (status != NX_SUCCESS)
		return status;
	if (evpop_easy_list(session->easy, mail_item, &octets) !=
	    EVPOP_ERROR_NONE)
		return evpop_netx_refused(session, mail_item);
	*size = octets;
	return NX_SUCCESS;
}

UINT
nx_pop3_client_mail_item_delete(NX_POP3_CLIENT *client, UINT mail_index)
{
	struct evpop_netx_session *session;
	UINT status = client_session_for(client, mail_index, &session);

	if (status != NX_SUCCESS)
		return status;
	if (evpop_easy_dele(session->easy, mail_index) != EVPOP_ERROR_NONE)
		return evpop_netx_refused(session, mail_index);
	session->marked++;
	return NX_SUCCESS;
}
