/*
 * A session of the NetX facade: an evpop_easy, and what its calls promise
 * beyond it.  The control block in the program's hands only points here.
 */
#ifndef EVPOP_LIB_NETX_SESSION_H
#define EVPOP_LIB_NETX_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <evpop-netx/nxd_pop3_client.h>
#include <evpop/easy.h>

struct evpop_netx_session {
	struct evpop_easy *easy;
	NX_PACKET_POOL *pool;
	int64_t packet_timeout_ms, disconnect_timeout_ms;
	/*
	 * Messages at the log-in, once `counted`: a maildrop does not change
	 * while a session has it (RFC 1939 section 4), but STAT leaves out what
	 * was marked.
	 */
	bool counted;
	uint64_t messages;
	uint64_t marked;
	bool inside;      /* a message was begun and is not at its end */
	bool names_sizes; /* the last reply to RETR had one */
};

/* In the id of a control block with a session behind it. */
#define EVPOP_NETX_CLIENT_ID 0x504F5033UL

/* NX_SUCCESS and the session, or why there is none. */
UINT evpop_netx_session_of(
    const NX_POP3_CLIENT *, struct evpop_netx_session **session_r);

/* What the last call on the easy came to, in NetX's words. */
UINT evpop_netx_status(const struct evpop_netx_session *);

/*
 * Read over what is left of a message, if there is any.  Where it takes longer
 * than limit_ms (checked as octets come), the session is closed, and this is
 * NX_NO_PACKET.
 */
UINT evpop_netx_read_over(struct evpop_netx_session *, int64_t limit_ms);

/* NX_SUCCESS where a message may have this number, as far as is known. */
UINT evpop_netx_check_number(const struct evpop_netx_session *, UINT number);

/*
 * The status of a refused command: whether there is a message of this number
 * decides it, and the server is asked for that where it is not known.
 */
UINT evpop_netx_refused(struct evpop_netx_session *, UINT number);

/* STAT, and what follows from it; outputs may be NULL. */
UINT evpop_netx_count(
    struct evpop_netx_session *, uint32_t *messages_r, uint64_t *octets_r);

#endif
