/*
 * The POP3 protocol without I/O (RFC 1939, 2449, 2595, 5034, 6856): bytes in,
 * events and bytes out.  No socket, no clock, no event loop; so it runs on any
 * of them.
 *
 * One evpop_proto is one session.  Commands are queued with
 * evpop_proto_submit(); what is to be written is taken from
 * evpop_proto_output() and confirmed with evpop_proto_sent(); what was read is
 * given to evpop_proto_next() until it wants more.  Splitting the input
 * anywhere never changes the events, but for the cuts between spans of a body,
 * and for what follows a body unasked: where it comes together with the end of
 * the body, the message is known to be cut before it is reported done.
 *
 * Nothing here is safe to call from two threads at once on one session.
 */
#ifndef EVPOP_PROTO_H
#define EVPOP_PROTO_H

#include <stdint.h>

#include <evpop/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct evpop_proto;

/* States of RFC 1939, with the moments between them. */
enum evpop_state {
	EVPOP_STATE_GREETING,      /* the server speaks first */
	EVPOP_STATE_AUTHORIZATION, /* section 4 */
	EVPOP_STATE_HANDSHAKE,     /* STLS was accepted: TLS comes next */
	EVPOP_STATE_TRANSACTION,   /* section 5 */
	EVPOP_STATE_UPDATE,        /* section 6: QUIT was accepted */
	EVPOP_STATE_CLOSED,        /* nothing can follow */
	EVPOP_STATE_COUNT
};

enum evpop_command {
	EVPOP_COMMAND_NONE = 0, /* the greeting, which answers no command */
	EVPOP_COMMAND_USER,
	EVPOP_COMMAND_PASS,
	EVPOP_COMMAND_STAT,
	EVPOP_COMMAND_LIST,
	EVPOP_COMMAND_UIDL,
	EVPOP_COMMAND_RETR,
	EVPOP_COMMAND_TOP,
	EVPOP_COMMAND_DELE,
	EVPOP_COMMAND_NOOP,
	EVPOP_COMMAND_RSET,
	EVPOP_COMMAND_CAPA,
	EVPOP_COMMAND_STLS,
	EVPOP_COMMAND_QUIT,
	EVPOP_COMMAND_APOP, /* RFC 1939 section 7 */
	EVPOP_COMMAND_AUTH, /* RFC 5034 */
	EVPOP_COMMAND_LANG, /* RFC 6856 section 3 */
	EVPOP_COMMAND_UTF8, /* RFC 6856 section 2 */
	EVPOP_COMMAND_COUNT
};

EVPOP_API const char *evpop_state_name(enum evpop_state);
EVPOP_API const char *evpop_command_name(enum evpop_command);

/*
 * The capabilities that the server listed (CAPA, RFC 2449).  Forgotten when
 * STLS succeeds, since anybody may have written it before (RFC 2595 section 4).
 */
struct evpop_capabilities {
	bool known; /* CAPA was answered with a list */
	bool top, user, uidl, pipelining, resp_codes, stls, utf8, lang;
	bool auth_resp_code; /* RFC 3206: [AUTH] and [SYS/...] are used */
	bool utf8_user;      /* UTF8 USER: names and passwords too */
	bool login_delay_user, expire_user; /* may differ after the log-in */
	bool expire;            /* EXPIRE was there; its value is: */
	bool expire_never;      /* EXPIRE NEVER */
	uint32_t expire_days;   /* else days, 0: not kept at all */
	bool login_delay;       /* LOGIN-DELAY was there; its value is: */
	uint32_t login_delay_s; /* seconds between log-ins, at least */
	char sasl[256];         /* mechanisms, upper case, one space between */
	char implementation[128]; /* printable; empty where not said */
};

/* Whether MECHANISM (upper case) is among those the server offers by SASL. */
EVPOP_API bool evpop_capabilities_sasl(
    const struct evpop_capabilities *, const char *mechanism);

/*
 * Bounds on what a server may make us hold or read; each stops an attack.
 * Zero in any member of what evpop_proto_new() takes means the default.
 */
struct evpop_proto_limits {
	size_t line;            /* octets of a status line: endless line */
	size_t listing_line;    /* octets of a line of LIST, UIDL or CAPA */
	uint32_t listing_lines; /* lines of one listing: endless listing */
	/*
	 * Octets on the wire of one listing, each line counting
	 * EVPOP_LISTING_LINE_COST more for what is made of it.
	 */
	uint64_t listing_octets;
	uint32_t capabilities; /* lines of one CAPA response */
	uint64_t top;          /* octets of one TOP: endless header */
	/*
	 * Octets of one body: endless message.  The default is
	 * EVPOP_LIMIT_BODY, or twice what is listed where that is more:
	 * some servers do not count the CR of a line's end.
	 */
	uint64_t body;
};

#define EVPOP_LIMIT_LINE           8192
#define EVPOP_LIMIT_LISTING_LINE   2048
#define EVPOP_LIMIT_LISTING_LINES  10000000
#define EVPOP_LIMIT_LISTING_OCTETS (UINT64_C(64) << 20)
#define EVPOP_LISTING_LINE_COST    32
#define EVPOP_LIMIT_CAPABILITIES   256
/* Some servers answer TOP with the whole message. */
#define EVPOP_LIMIT_TOP  (UINT64_C(64) << 20)
#define EVPOP_LIMIT_BODY (UINT64_C(1) << 30)
/* No message is larger, whatever a server lists. */
#define EVPOP_LIMIT_LISTED     (UINT64_C(1) << 40)
#define EVPOP_LIMIT_CHALLENGES 16 /* rounds of one AUTH: endless rounds */
/* RFC 1939 allows 70 octets; some servers use more.  Beyond, no line is read.
 */
#define EVPOP_LIMIT_UNIQUE_ID 255

/*
 * A command to queue.  `text` is the argument of USER and PASS; the name and
 * the digest of APOP; the mechanism of AUTH; the language of LANG (NULL: list
 * them).  `initial` is AUTH's initial response in base64 ("=" for an empty
 * one), or NULL for none; `final` says that it is all the mechanism has to
 * say, so that commands may follow before the reply.  `number` is the message
 * of LIST, UIDL, RETR, TOP and DELE (0 with LIST and UIDL: all of them),
 * `lines` the second argument of TOP.  `octets` is what LIST said of the
 * message of a RETR, or 0 where that is not known: it helps to tell where a
 * body ends whose server breaks the rules, and is never trusted otherwise.
 * `arg` comes back with every event of this command.
 */
struct evpop_request {
	enum evpop_command command;
	const char *text;
	const char *initial;
	bool final;
	uint32_t number;
	uint32_t lines;
	uint64_t octets;
	void *arg;
};

/* The outcome of QUIT (RFC 1939 section 6). */
enum evpop_quit {
	EVPOP_QUIT_NONE = 0,  /* not asked for, or nothing could be at stake */
	EVPOP_QUIT_COMMITTED, /* +OK: what was marked is deleted */
	EVPOP_QUIT_REFUSED,   /* -ERR: some of it was not deleted */
	EVPOP_QUIT_UNKNOWN,   /* sent, but no answer came */
	EVPOP_QUIT_COUNT
};

EVPOP_API const char *evpop_quit_name(enum evpop_quit);

enum evpop_event_type {
	EVPOP_EVENT_NONE = 0, /* all input is consumed; feed more */
	EVPOP_EVENT_GREETING, /* `result`; TRANSACTION is never entered here */
	EVPOP_EVENT_BEGIN, /* +OK to a multi-line command; its lines follow */
	EVPOP_EVENT_ENTRY, /* a line of LIST or UIDL */
	EVPOP_EVENT_LINE,  /* a line of CAPA or LANG: `data`, `length` */
	/* Of AUTH, in base64: `data`, `length`; evpop_proto_respond() answers.
	 */
	EVPOP_EVENT_CHALLENGE,
	EVPOP_EVENT_BODY,   /* a span of a message: `data`, `length` */
	EVPOP_EVENT_DONE,   /* the command is finished, well or badly */
	EVPOP_EVENT_CLOSED, /* the session is over; the last event there is */
	EVPOP_EVENT_COUNT
};

/*
 * One event.  Pointers in it are borrowed: they are good until the next call
 * on the session, and a span of a body points into the caller's own input.
 */
struct evpop_event {
	enum evpop_event_type type;
	enum evpop_command command;
	void *arg;
	/*
	 * GREETING, BEGIN, DONE, CLOSED.  On success, result->text is what the
	 * server said after +OK.
	 */
	const struct evpop_result *result;
	/*
	 * BODY: octets of the message, unstuffed; LINE: without line end;
	 * GREETING: what stands behind +OK, as it came.
	 */
	const unsigned char *data;
	size_t length;
	/*
	 * ENTRY: the message; `octets` with LIST, `data` and `length` the
	 * unique-id with UIDL.  DONE of LIST n and UIDL n: the same.
	 * DONE of STAT: messages and octets.  BEGIN of RETR: `octets` is the
	 * size named in the reply, if any.  Servers lie about sizes.
	 */
	uint32_t number;
	uint64_t octets;
	bool has_octets;
	/*
	 * DONE of a listing: lines nothing could be made of, and the printable
	 * text of the first of them, or NULL.
	 */
	uint32_t ignored;
	const char *ignored_line;
	enum evpop_quit quit; /* DONE of QUIT */
	/* DONE of AUTH: it took the command behind it for an answer. */
	bool swallowed;
};

/*
 * A new session in state GREETING, or NULL without memory.  `limits` may be
 * NULL and is copied.
 */
EVPOP_API struct evpop_proto *evpop_proto_new(
    const struct evpop_proto_limits *limits) EVPOP_MUST_USE;

/* Wipes what may hold a secret and frees all; NULL is allowed. */
EVPOP_API void evpop_proto_free(struct evpop_proto *);

EVPOP_API enum evpop_state evpop_proto_state(const struct evpop_proto *);
EVPOP_API const struct evpop_capabilities *evpop_proto_capabilities(
    const struct evpop_proto *);

/*
 * How many commands, and octets of commands, may be unanswered at once.  One
 * command (the default) is right unless the server pipelines (RFC 2449 section
 * 6.6).  Zero leaves a value as it is.
 */
EVPOP_API void evpop_proto_set_window(
    struct evpop_proto *, uint32_t commands, size_t octets);

/*
 * Queue a command.  It may be queued long before its turn: commands that need
 * a log-in wait behind PASS, and are cancelled if that fails before they were
 * sent; none is sent before the greeting, nor between STLS and
 * evpop_proto_secured(), nor after QUIT.
 *
 * Returns EVPOP_ERROR_NONE; EVPOP_ERROR_USAGE where the text is missing or
 * holds CR, LF or NUL, where a message number is missing, or where QUIT is
 * queued or the session over; EVPOP_ERROR_MEMORY.  Nothing was queued then.
 */
EVPOP_API enum evpop_error evpop_proto_submit(
    struct evpop_proto *, const struct evpop_request *) EVPOP_MUST_USE;

/*
 * The same for a command whose only argument is a message number, or 0 where it
 * has none; what comes with its events is NULL.
 */
EVPOP_API enum evpop_error evpop_proto_ask(
    struct evpop_proto *, enum evpop_command, uint32_t number) EVPOP_MUST_USE;

/*
 * The same for a log-in by USER and PASS: both are queued, or neither.  The
 * password is wiped once written.
 */
EVPOP_API enum evpop_error evpop_proto_login(struct evpop_proto *,
    const char *user, const char *password) EVPOP_MUST_USE;

/*
 * Answer a challenge with this line: base64, or "*" to give up (RFC 5034
 * section 4).  `final` says that it is all the mechanism has to say, so that
 * +OK is success; no command follows before the reply.  Returns
 * EVPOP_ERROR_USAGE where no challenge waits or the line holds CR or LF, and
 * nothing is sent then.  The text is copied, and wiped once written.
 */
EVPOP_API enum evpop_error evpop_proto_respond(
    struct evpop_proto *, const char *line, bool final) EVPOP_MUST_USE;

/*
 * The fault of the body of a message, where the server does not keep to
 * the rules of multi-line responses (RFC 1939 section 3).
 */
enum evpop_body_fault {
	EVPOP_BODY_FAULT_NONE = 0,
	/*
	 * A command that had gone out ahead was answered inside it: commands
	 * must go one by one.
	 */
	EVPOP_BODY_FAULT_ANSWER_INSIDE,
	/* It ended before its time, at a line of one dot that is its own. */
	EVPOP_BODY_FAULT_CUT,
	/*
	 * All its lines so far end in LF alone, the server's status lines in
	 * CRLF, and its size is not one that was named: its end cannot be told.
	 */
	EVPOP_BODY_FAULT_LF_ALONE
};

/*
 * The fault of a body that is being read, or that ended the session; *number_r
 * is the message then, which need not be that of the command that failed.  The
 * text of the result says the same; of a session that fails with
 * EVPOP_ERROR_TIMEOUT, too.
 */
EVPOP_API enum evpop_body_fault evpop_proto_body_fault(
    const struct evpop_proto *, uint32_t *number_r);

/* Commands queued or sent whose DONE has not been given out. */
EVPOP_API size_t evpop_proto_pending(const struct evpop_proto *);

/* Of these, how many have been passed to evpop_proto_output(). */
EVPOP_API size_t evpop_proto_outstanding(const struct evpop_proto *);

/*
 * The session is over, for whatever reason, and evpop_proto_next() tells what
 * it came to, if it has not yet.  Also evpop_proto_output() may end it, where
 * there is no memory for a command.
 */
EVPOP_API bool evpop_proto_over(const struct evpop_proto *);

/*
 * The command that the next byte from the server belongs to, or
 * EVPOP_COMMAND_NONE: what a deadline depends on.
 */
EVPOP_API enum evpop_command evpop_proto_awaited(const struct evpop_proto *);

/*
 * Bytes to write now: *length_r octets at the returned address, whole
 * commands as far as the window allows; 0 if there is nothing.  Good until the
 * next call on the session.  Without memory the session fails.
 */
EVPOP_API const unsigned char *evpop_proto_output(
    struct evpop_proto *, size_t *length_r) EVPOP_MUST_USE;

/* The first `length` octets of evpop_proto_output() were written. */
EVPOP_API void evpop_proto_sent(struct evpop_proto *, size_t length);

/*
 * Consume input and report one event, whose type is returned, too.  *used_r
 * octets of data were taken; the rest is to be given again.  Call until
 * EVPOP_EVENT_NONE, then read more; to pause, stop calling.  To be called with
 * no data, too, after anything was submitted, failed or ended: a command that
 * cannot be sent any more is reported without a word from the server.  After a
 * failure every unfinished command is reported DONE with the reason, oldest
 * first, then the session CLOSED; input no longer counts.
 */
EVPOP_API enum evpop_event_type evpop_proto_next(struct evpop_proto *,
    const void *data, size_t length, size_t *used_r,
    struct evpop_event *event_r);

/*
 * The transport failed, ended or was given up, for the reason in *result:
 * the session fails with it.  A QUIT sent and not answered is `unknown`.
 */
EVPOP_API void evpop_proto_fail(
    struct evpop_proto *, const struct evpop_result *result);

/*
 * The server closed the connection.  An error unless QUIT was answered; the
 * words tell a refused log-in from a body cut short.
 */
EVPOP_API void evpop_proto_eof(struct evpop_proto *);

/*
 * TLS is established after STLS: back to AUTHORIZATION, capabilities
 * forgotten, queued commands go on.  Only in EVPOP_STATE_HANDSHAKE.
 */
EVPOP_API void evpop_proto_secured(struct evpop_proto *);

/*
 * Called with every command as it is sent and every line that is no body as it
 * is received, printable and without line end; the argument of PASS is struck
 * out, and so are the digest of APOP and all that AUTH says.  The line is
 * borrowed.  NULL turns it off.
 */
typedef void (*evpop_trace_cb)(bool from_server, const char *line, void *arg);
EVPOP_API void evpop_proto_set_trace(
    struct evpop_proto *, evpop_trace_cb, void *arg);

/* Called with every change of the state.  NULL turns it off. */
typedef void (*evpop_state_cb)(
    enum evpop_state old_state, enum evpop_state new_state, void *arg);
EVPOP_API void evpop_proto_set_state_trace(
    struct evpop_proto *, evpop_state_cb, void *arg);

#ifdef __cplusplus
}
#endif

#endif
