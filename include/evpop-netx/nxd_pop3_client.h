/*
 * The NetX and NetX Duo POP3 client: nine blocking calls, here on top of
 * evpop_easy, which is the better choice for what is written anew.  Sessions
 * are in clear text, password included, as the vendor's are.
 *
 * The options below may be defined before this header is included.  Times are
 * in ticks of NX_IP_PERIODIC_RATE.  Pointers that are NULL are answered with
 * NX_PTR_ERROR; calls for which there is no session, because none was made or
 * it is over, with NX_NOT_CONNECTED.  Outputs are 0 where a call fails.
 */
#ifndef EVPOP_NETX_NXD_POP3_CLIENT_H
#define EVPOP_NETX_NXD_POP3_CLIENT_H

#include <evpop-netx/nx_api.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NX_POP3_PARAM_ERROR                 0xB1
#define NX_POP3_INVALID_MAIL_ITEM           0xB2
#define NX_POP3_APOP_FAILED_MD5_DIGEST      0xB3
#define NX_POP3_SERVER_ERROR_STATUS         0xB4
#define NX_POP3_MAIL_BUFFER_OVERFLOW        0xB5
#define NX_POP3_INSUFFICIENT_PACKET_PAYLOAD 0xB6
#define NX_POP3_CLIENT_INVALID_STATE        0xB7
#define NX_POP3_CLIENT_INVALID_INDEX        0xB8

/* How long a call waits for a packet of the pool. */
#ifndef NX_POP3_CLIENT_PACKET_TIMEOUT
#define NX_POP3_CLIENT_PACKET_TIMEOUT (1 * NX_IP_PERIODIC_RATE)
#endif

/* How long a server may take nothing of a command, nor send anything. */
#ifndef NX_POP3_TCP_SOCKET_SEND_WAIT
#define NX_POP3_TCP_SOCKET_SEND_WAIT (10 * NX_IP_PERIODIC_RATE)
#endif

/* How long the connection may take. */
#ifndef NX_POP3_CLIENT_CONNECTION_TIMEOUT
#define NX_POP3_CLIENT_CONNECTION_TIMEOUT (30 * NX_IP_PERIODIC_RATE)
#endif

/* How long the rest of an abandoned message is read over. */
#ifndef NX_POP3_CLIENT_DISCONNECT_TIMEOUT
#define NX_POP3_CLIENT_DISCONNECT_TIMEOUT (10 * NX_IP_PERIODIC_RATE)
#endif

/* How long the server may take for a reply, or be silent inside a message. */
#ifndef NX_POP3_SERVER_REPLY_TIMEOUT
#define NX_POP3_SERVER_REPLY_TIMEOUT (10 * NX_IP_PERIODIC_RATE)
#endif

/* Octets of a user name and of a password, at most. */
#ifndef NX_POP3_MAX_USERNAME
#define NX_POP3_MAX_USERNAME 40
#endif
#ifndef NX_POP3_MAX_PASSWORD
#define NX_POP3_MAX_PASSWORD 20
#endif

/*
 * Octets of the socket's receive buffer: what a server may send ahead, of which
 * Linux allows no less than 2304.  More of them are faster on a long way; with
 * 0 the system sizes its windows itself.
 */
#ifndef NX_POP3_CLIENT_TCP_WINDOW_SIZE
#define NX_POP3_CLIENT_TCP_WINDOW_SIZE 1460
#endif

/* A POP3 client; the program looks at nothing in it. */
typedef struct NX_POP3_CLIENT_STRUCT {
	ULONG nx_pop3_client_id;
	struct evpop_netx_session *nx_pop3_client_session;
	NX_PACKET nx_pop3_client_empty;
} NX_POP3_CLIENT;

/* The options, on their way into the library. */
struct evpop_netx_options {
	ULONG size; /* of this struct */
	ULONG ticks_per_second;
	ULONG packet_timeout, connection_timeout, disconnect_timeout;
	ULONG reply_timeout, send_wait;
	ULONG max_username, max_password;
	ULONG window_size;
};

/* What both creating calls are made of; see there. */
EVPOP_NETX_API UINT evpop_netx_client_create(NX_POP3_CLIENT *client_ptr,
    UINT APOP_authentication, NX_IP *ip_ptr, NX_PACKET_POOL *packet_pool_ptr,
    const NXD_ADDRESS *server_ip_address, ULONG server_port,
    const CHAR *client_name, const CHAR *client_password,
    const struct evpop_netx_options *options);

/*
 * Connect and log in: by USER and PASS; or where asked for by APOP, and by USER
 * and PASS where the server gives no timestamp or refuses.  What the block held
 * before is not looked at.  NX_POP3_PARAM_ERROR without IP instance, address or
 * port, with an address that is none, with a name or password that is too long
 * or holds CR or LF; NX_PTR_ERROR also where the pool was not created;
 * NX_NOT_CONNECTED where there is no connection;
 * NX_POP3_SERVER_ERROR_STATUS where the server refuses or makes no sense;
 * NX_NO_PACKET where it does not answer, or take what is sent, in time.
 */
EVPOP_NETX_INLINE UINT
nxd_pop3_client_create(NX_POP3_CLIENT *client_ptr, UINT APOP_authentication,
    NX_IP *ip_ptr, NX_PACKET_POOL *packet_pool_ptr,
    NXD_ADDRESS *server_ip_address, ULONG server_port, CHAR *client_name,
    CHAR *client_password)
{
	struct evpop_netx_options options;

	options.size = (ULONG)sizeof(options);
	options.ticks_per_second = (ULONG)(NX_IP_PERIODIC_RATE);
	options.packet_timeout = (ULONG)(NX_POP3_CLIENT_PACKET_TIMEOUT);
	options.connection_timeout = (ULONG)(NX_POP3_CLIENT_CONNECTION_TIMEOUT);
	options.disconnect_timeout = (ULONG)(NX_POP3_CLIENT_DISCONNECT_TIMEOUT);
	options.reply_timeout = (ULONG)(NX_POP3_SERVER_REPLY_TIMEOUT);
	options.send_wait = (ULONG)(NX_POP3_TCP_SOCKET_SEND_WAIT);
	options.max_username = (ULONG)(NX_POP3_MAX_USERNAME);
	options.max_password = (ULONG)(NX_POP3_MAX_PASSWORD);
	options.window_size = (ULONG)(NX_POP3_CLIENT_TCP_WINDOW_SIZE);
	return evpop_netx_client_create(client_ptr, APOP_authentication, ip_ptr,
	    packet_pool_ptr, server_ip_address, server_port, client_name,
	    client_password, &options);
}

/* As nxd_pop3_client_create(), to an IPv4 address in host order. */
EVPOP_NETX_INLINE UINT
nx_pop3_client_create(NX_POP3_CLIENT *client_ptr, UINT APOP_authentication,
    NX_IP *ip_ptr, NX_PACKET_POOL *packet_pool_ptr, ULONG server_ip_address,
    ULONG server_port, CHAR *client_name, CHAR *client_password)
{
	NXD_ADDRESS address;

	address.nxd_ip_version = NX_IP_VERSION_V4;
	address.nxd_ip_address.v4 = server_ip_address;
	return nxd_pop3_client_create(client_ptr, APOP_authentication, ip_ptr,
	    packet_pool_ptr, &address, server_port, client_name,
	    client_password);
}

/* STAT: how many messages there are, and their octets in all. */
EVPOP_NETX_API UINT nx_pop3_client_mail_items_get(NX_POP3_CLIENT *client_ptr,
    UINT *number_mail_items, ULONG *maildrop_total_size);

/*
 * LIST: the octets of a message, counted from 1.  With index 0
 * NX_POP3_CLIENT_INVALID_INDEX, and past the maildrop
 * NX_POP3_INVALID_MAIL_ITEM; the maildrop is as large as it was at the log-in,
 * whatever was deleted since.  NX_POP3_CLIENT_INVALID_STATE amid a message.
 */
EVPOP_NETX_API UINT nx_pop3_client_mail_item_size_get(
    NX_POP3_CLIENT *client_ptr, UINT mail_item, ULONG *size);

/*
 * RETR: begin a message; indices as above.  What is left of an earlier one is
 * read over.  The size is the one of the reply, or of LIST where that has none.
 */
EVPOP_NETX_API UINT nx_pop3_client_mail_item_get(
    NX_POP3_CLIENT *client_ptr, UINT mail_item, ULONG *item_size);

/*
 * The next octets of the message, unstuffed, in a packet of the pool that the
 * caller releases; an empty message is a packet with none.  NX_NO_PACKET where
 * the pool had none in time: nothing is lost, and a later call goes on; the
 * server waits meanwhile.  The message is whole if and only if final_packet was
 * true.  NX_POP3_CLIENT_INVALID_STATE where none was begun, or all of it was
 * given.
 */
EVPOP_NETX_API UINT nx_pop3_client_mail_item_message_get(
    NX_POP3_CLIENT *client_ptr, NX_PACKET **recv_packet_ptr,
    ULONG *bytes_retrieved, UINT *final_packet);

/*
 * DELE: mark a message, to be deleted by QUIT; indices as above.
 * NX_POP3_CLIENT_INVALID_STATE amid a message, which goes on.
 */
EVPOP_NETX_API UINT nx_pop3_client_mail_item_delete(
    NX_POP3_CLIENT *client_ptr, UINT mail_index);

/*
 * QUIT, and close.  What is left of a message is read over.  Marked messages
 * are deleted if this is NX_SUCCESS; NX_POP3_SERVER_ERROR_STATUS: not all were.
 */
EVPOP_NETX_API UINT nx_pop3_client_quit(NX_POP3_CLIENT *client_ptr);

/*
 * Close without QUIT, if that was not done, so that nothing is deleted; and
 * free all but the packet pool.  NX_SUCCESS, also where nothing was created.
 */
EVPOP_NETX_API UINT nx_pop3_client_delete(NX_POP3_CLIENT *client_ptr);

#ifdef __cplusplus
}
#endif

#endif
