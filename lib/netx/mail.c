/* What the NetX facade asks of a maildrop; messages are in netx_message.c. */
#include "lib/netx/session.h"

/* The session, for a command about a message, which there may be. */
static UINT
session_for(const NX_POP3_CLIENT *client, UINT number,
    struct evpop_netx_session **session_r)
{
	UINT status;

	if (client != NULL && number == 0)
		return NX_POP3_CLIENT_INVALID_INDEX;
	status = evpop_netx_session_of(client, session_r);
	if (status != NX_SUCCESS)
		return status;
	if ((*session_r)->inside)
		return NX_POP3_CLIENT_INVALID_STATE;
	return evpop_netx_check_number(*session_r, number);
}

UINT
nx_pop3_client_mail_items_get(
    NX_POP3_CLIENT *client, UINT *number_mail_items, ULONG *maildrop_total_size)
{
	struct evpop_netx_session *session;
	uint32_t messages;
	uint64_t octets;
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
	if (session->inside)
		return NX_POP3_CLIENT_INVALID_STATE;
	status = evpop_netx_count(session, &messages, &octets);
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
	status = session_for(client, mail_item, &session);
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
	UINT status = session_for(client, mail_index, &session);

	if (status != NX_SUCCESS)
		return status;
	if (evpop_easy_dele(session->easy, mail_index) != EVPOP_ERROR_NONE)
		return evpop_netx_refused(session, mail_index);
	session->marked++;
	return NX_SUCCESS;
}
