/* How the NetX facade gives a message: packet by packet. */
#include "lib/netx/netx.h"

/* Ask LIST for the size, which the server's reply to RETR does not name. */
static UINT
message_ask_size(
    struct evpop_netx_session *session, UINT number, uint64_t *octets_r)
{
	enum evpop_error error =
	    evpop_easy_list(session->easy, number, octets_r);

	/* RETR says what is wrong with the message. */
	if (error == EVPOP_ERROR_NONE || error == EVPOP_ERROR_REFUSED)
		return NX_SUCCESS;
	return evpop_netx_status(session);
}

static UINT
message_retrieve(
    struct evpop_netx_session *session, UINT number, uint64_t *octets_r)
{
	if (evpop_easy_retr(session->easy, number, octets_r) !=
	    EVPOP_ERROR_NONE)
		return evpop_netx_refused(session, number);
	session->is_reading = true;
	return NX_SUCCESS;
}

/*
 * RETR, and the size.  LIST cannot interrupt a message, so it is asked before,
 * unless the server named a size the last time.  If it names none this time,
 * the message is begun again.
 */
static UINT
message_begin(
    struct evpop_netx_session *session, UINT number, uint64_t *octets_r)
{
	uint64_t listed = 0, named = 0;
	bool ask = !session->names_sizes;
	UINT status = NX_SUCCESS;

	if (ask)
		status = message_ask_size(session, number, &listed);
	if (status == NX_SUCCESS)
		status = message_retrieve(session, number, &named);
	if (status == NX_SUCCESS && !ask && named == 0) {
		status = evpop_netx_read_over(session, INT64_MAX);
		if (status == NX_SUCCESS)
			status = message_ask_size(session, number, &listed);
		if (status == NX_SUCCESS)
			status = message_retrieve(session, number, &named);
	}
	if (status != NX_SUCCESS)
		return status;
	session->names_sizes = named != 0;
	*octets_r = named != 0 ? named : listed;
	return NX_SUCCESS;
}

UINT
nx_pop3_client_mail_item_get(
    NX_POP3_CLIENT *client, UINT mail_item, ULONG *item_size)
{
	struct evpop_netx_session *session;
	uint64_t octets;
	UINT status;

	if (item_size == NULL)
		return NX_PTR_ERROR;
	*item_size = 0;
	if (client != NULL && mail_item == 0)
		return NX_POP3_CLIENT_INVALID_INDEX;
	status = evpop_netx_session_of(client, &session);
	if (status == NX_SUCCESS)
		status = evpop_netx_check_number(session, mail_item);
	if (status == NX_SUCCESS)
		status = evpop_netx_read_over(
		    session, session->disconnect_timeout_ms);
	if (status == NX_SUCCESS)
		status = message_begin(session, mail_item, &octets);
	if (status == NX_SUCCESS)
		*item_size = octets;
	return status;
}

/* Fill the packet, or as much of it as the message has, with a NUL behind. */
static enum evpop_error
message_fill(struct evpop_netx_session *session, NX_PACKET *packet)
{
	enum evpop_error error = EVPOP_ERROR_NONE;
	size_t room, length;

	do {
		room = (size_t)(packet->nx_packet_data_end -
				packet->nx_packet_append_ptr);
		error = evpop_easy_read(
		    session->easy, packet->nx_packet_append_ptr, room, &length);
		if (error == EVPOP_ERROR_NONE)
			packet->nx_packet_append_ptr += length;
	} while (error == EVPOP_ERROR_NONE && length > 0 && length < room);
	packet->nx_packet_length = (ULONG)(packet->nx_packet_append_ptr -
					   packet->nx_packet_prepend_ptr);
	*packet->nx_packet_append_ptr = '\0';
	return error;
}

/*
 * Whether more follows.  The end of the message is taken, so that other calls
 * are allowed.
 */
static enum evpop_error
message_look_ahead(struct evpop_netx_session *session, bool *more_r)
{
	enum evpop_error error = evpop_easy_more(session->easy, more_r);
	unsigned char none;
	size_t length;

	if (error == EVPOP_ERROR_NONE && !*more_r)
		error = evpop_easy_read(
		    session->easy, &none, sizeof(none), &length);
	session->is_reading = error == EVPOP_ERROR_NONE && *more_r;
	return error;
}

static UINT
message_give(struct evpop_netx_session *session, NX_POP3_CLIENT *client,
    NX_PACKET **packet_r, bool *final_r)
{
	NX_PACKET *packet;
	enum evpop_error error;
	bool more = false;

	/* A session that has ended must not wait for a packet. */
	error = message_look_ahead(session, &more);
	if (error != EVPOP_ERROR_NONE)
		return evpop_netx_status(session);
	if (!more) {
		evpop_netx_packet_empty(
		    &client->nx_pop3_client_empty, session->pool);
		*packet_r = &client->nx_pop3_client_empty;
		*final_r = true;
		return NX_SUCCESS;
	}
	packet =
	    evpop_netx_pool_take(session->pool, session->packet_timeout_ms);
	if (packet == NULL)
		return NX_NO_PACKET;
	error = message_fill(session, packet);
	if (error == EVPOP_ERROR_NONE)
		error = message_look_ahead(session, &more);
	if (error != EVPOP_ERROR_NONE) {
		session->is_reading = false;
		(void)nx_packet_release(packet);
		return evpop_netx_status(session);
	}
	*packet_r = packet;
	*final_r = !more;
	return NX_SUCCESS;
}

UINT
nx_pop3_client_mail_item_message_get(NX_POP3_CLIENT *client,
    NX_PACKET **recv_packet_ptr, ULONG *bytes_retrieved, UINT *final_packet)
{
	struct evpop_netx_session *session;
	bool final = false;
	UINT status;

	if (recv_packet_ptr != NULL)
		*recv_packet_ptr = NULL;
	if (bytes_retrieved != NULL)
		*bytes_retrieved = 0;
	if (final_packet != NULL)
		*final_packet = NX_FALSE;
	if (recv_packet_ptr == NULL || bytes_retrieved == NULL ||
	    final_packet == NULL)
		return NX_PTR_ERROR;
	status = evpop_netx_session_of(client, &session);
	if (status != NX_SUCCESS)
		return status;
	if (!session->is_reading)
		return NX_POP3_CLIENT_INVALID_STATE;
	status = message_give(session, client, recv_packet_ptr, &final);
	if (status != NX_SUCCESS)
		return status;
	*bytes_retrieved = (*recv_packet_ptr)->nx_packet_length;
	*final_packet = final ? NX_TRUE : NX_FALSE;
	return NX_SUCCESS;
}
