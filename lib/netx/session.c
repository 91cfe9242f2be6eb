#include "lib/netx/session.h"

#include <time.h>

/* Octets read over at a time; they go nowhere. */
#define SCRATCH_SIZE 4096

UINT
evpop_netx_session_of(
    const NX_POP3_CLIENT *client, struct evpop_netx_session **session_r)
{
	if (client == NULL)
		return NX_PTR_ERROR;
	if (client->nx_pop3_client_id != EVPOP_NETX_CLIENT_ID)
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

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

UINT
evpop_netx_read_over(struct evpop_netx_session *session, int64_t limit_ms)
{
	unsigned char scratch[SCRATCH_SIZE];
	int64_t begun_ms = now_ms();
	size_t length;

	while (session->inside) {
		if (evpop_easy_read(session->easy, scratch, sizeof(scratch),
			&length) != EVPOP_ERROR_NONE) {
			session->inside = false;
			return evpop_netx_status(session);
		}
		if (length == 0)
			session->inside = false;
		else if (now_ms() - begun_ms > limit_ms)
			break;
	}
	if (!session->inside)
		return NX_SUCCESS;
	session->inside = false;
	return evpop_easy_abandon(session->easy) == EVPOP_ERROR_NONE
		   ? NX_SUCCESS
		   : NX_NO_PACKET;
}

UINT
evpop_netx_count(struct evpop_netx_session *session, uint32_t *messages_r,
    uint64_t *octets_r)
{
	uint32_t messages;
	uint64_t octets;

	if (evpop_easy_stat(session->easy, &messages, &octets) !=
	    EVPOP_ERROR_NONE)
		return evpop_netx_status(session);
	if (!session->counted)
		session->messages = messages + session->marked;
	session->counted = true;
	if (messages_r != NULL)
		*messages_r = messages;
	if (octets_r != NULL)
		*octets_r = octets;
	return NX_SUCCESS;
}

UINT
evpop_netx_check_number(const struct evpop_netx_session *session, UINT number)
{
	if (session->counted && number > session->messages)
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
	if (!session->counted &&
	    evpop_netx_count(session, NULL, NULL) != NX_SUCCESS)
		return status;
	return number > session->messages ? NX_POP3_INVALID_MAIL_ITEM : status;
}
