/*
 * What the files of the NetX facade know of each other.  A session is an
 * evpop_easy, and what its calls promise beyond it; the control block in the
 * program's hands only points to it.
 */
#ifndef EVPOP_LIB_NETX_NETX_H
#define EVPOP_LIB_NETX_NETX_H

#include <stdbool.h>
#include <stdint.h>

#include <evpop-netx/nx_api.h>
#include <evpop-netx/nxd_pop3_client.h>
#include <evpop/easy.h>

/* ---- the system ---- */

/* Whether the program created this IP instance, and has not deleted it. */
bool evpop_netx_ip_is_one(const NX_IP *);

/* ---- packets ---- */

/* Whether the program created this pool, and has not deleted it. */
bool evpop_netx_pool_is_one(const NX_PACKET_POOL *);

/*
 * A packet without bytes, or NULL where none was given back for so long, or the
 * pool was deleted meanwhile.
 */
NX_PACKET *evpop_netx_pool_take(NX_PACKET_POOL *, int64_t wait_ms);

/*
 * A packet that says it belongs to the pool but takes nothing of it, for what
 * holds no bytes; giving it back does nothing, and so does keeping it.
 */
void evpop_netx_packet_empty(NX_PACKET *, NX_PACKET_POOL *);

/* ---- sessions ---- */

struct evpop_netx_session {
	struct evpop_easy *easy;
	NX_PACKET_POOL *pool;
	int64_t packet_timeout_ms, disconnect_timeout_ms;
	/*
	 * Messages at the log-in, once `is_counted`: a maildrop does not change
	 * while a session has it (RFC 1939 section 4), but STAT leaves out what
	 * was marked.
	 */
	bool is_counted;
	uint64_t messages;
	uint64_t marked;
	bool is_reading;  /* a message was begun and is not at its end */
	bool names_sizes; /* the last reply to RETR had one */
};

/* NX_SUCCESS and the session, or why there is none. */
UINT evpop_netx_session_of(
    const NX_POP3_CLIENT *, struct evpop_netx_session **session_r);

/* NX_SUCCESS where a message may have this number, as far as is known. */
UINT evpop_netx_check_number(const struct evpop_netx_session *, UINT number);

/*
 * Read over what is left of a message, if there is any.  Where it takes longer
 * than limit_ms (checked as bytes come), the session is closed, and this is
 * NX_NO_PACKET.
 */
UINT evpop_netx_read_over(struct evpop_netx_session *, int64_t limit_ms);

/* The result of the last call on the easy, as a status of NetX. */
UINT evpop_netx_status(const struct evpop_netx_session *);

/*
 * The status of a refused command: whether there is a message of this number
 * decides it, and the server is asked for that where it is not known.
 */
UINT evpop_netx_refused(struct evpop_netx_session *, UINT number);

#endif
