/*
 * Telemetry: what a program may want to measure of its sessions, or see of
 * them when something is wrong.  How long each step, each command and each
 * session took and how it ended, what was read and written, which states were
 * gone through, and every line with its secrets struck out.
 *
 * A program names the kinds of events that it wants; what it does not want
 * costs nothing.  No event allocates memory.
 */
#ifndef EVPOP_TELEMETRY_H
#define EVPOP_TELEMETRY_H

#include <evpop/auth.h>
#include <evpop/error.h>
#include <evpop/proto.h>

#ifdef __cplusplus
extern "C" {
#endif

enum evpop_telemetry_kind {
	/*
	 * A step of a session is over, well or not: its phase is RESOLVE,
	 * CONNECT (through a proxy, too), HANDSHAKE, GREETING or LOGIN.
	 */
	EVPOP_TELEMETRY_STEP = 0,
	/* A command was answered, or its session ended before. */
	EVPOP_TELEMETRY_COMMAND,
	/* A session is over.  Once for each that was begun. */
	EVPOP_TELEMETRY_SESSION,
	/* A state machine of the session's changes its state. */
	EVPOP_TELEMETRY_STATE,
	/* A line was sent or received; bodies have none. */
	EVPOP_TELEMETRY_LINE,
	EVPOP_TELEMETRY_KIND_COUNT
};

#define EVPOP_TELEMETRY_BIT(kind) (1u << (kind))
#define EVPOP_TELEMETRY_ALL       ((1u << EVPOP_TELEMETRY_KIND_COUNT) - 1)

/* "step". */
EVPOP_API const char *evpop_telemetry_kind_name(enum evpop_telemetry_kind);

/* What is known of a session by now. */
struct evpop_telemetry_session {
	const char *host; /* as configured */
	uint16_t port;
	const char *peer;     /* its address and port, or "" */
	const char *tls_name; /* "TLSv1.3 TLS_AES_256_GCM_SHA384", or NULL */
	/* When the server's certificate expires: Unix time; 0: not known. */
	int64_t certificate_expires;
	bool logged_in;
	enum evpop_mechanism mechanism; /* of the log-in, tried last */
	uint64_t commands;              /* that were answered */
	uint64_t octets_in, octets_out; /* TLS not counted */
};

/* Members that a kind does not name are zero. */
struct evpop_telemetry_event {
	enum evpop_telemetry_kind kind;
	const struct evpop_telemetry_session *session;

	/*
	 * STEP, COMMAND, SESSION: how long it took, in microseconds.  Of a
	 * command: from when it was sent, or when the one before it was
	 * answered, if that was later.
	 */
	int64_t duration_us;
	/* Likewise: how it ended. */
	const struct evpop_result *result;

	enum evpop_phase phase;     /* STEP */
	enum evpop_command command; /* COMMAND */
	/*
	 * COMMAND: until its reply began, where that has more than one line;
	 * else -1.
	 */
	int64_t first_us;
	uint64_t octets; /* COMMAND: of the message, so far as it came */

	/*
	 * STATE: whose, "protocol" (as evpop_state_name() names its states) or
	 * "connection"; from and to which.
	 */
	const char *machine, *old_state, *new_state;

	bool from_server; /* LINE: or from here */
	const char *line; /* LINE: printable, without its end */
};

/* What a program wants to be told, in evpop_client_config. */
struct evpop_telemetry {
	unsigned int kinds; /* of EVPOP_TELEMETRY_BIT() */
	/*
	 * Runs inside the library's calls and on its loop.  The event is
	 * borrowed until it returns.  It must not block, and of the library's
	 * functions it may call only those that name things.
	 */
	void (*event)(const struct evpop_telemetry_event *, void *arg);
	void *arg;
};

#ifdef __cplusplus
}
#endif

#endif
