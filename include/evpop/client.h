/*
 * The POP3 client on libevent: resolves, connects, speaks TLS, pumps bytes
 * between the socket and the protocol core.  Any number of clients run on one
 * event_base; nothing in here blocks.
 *
 * Manners of all functions below: they are called from the thread that runs
 * the base.  Each request's callback runs exactly once, from the loop, never
 * from inside the call that made the request.  What a callback is given is
 * borrowed until it returns.  Any function may be called in any callback;
 * evpop_client_free() too, and then no further callback runs.
 */
#ifndef EVPOP_CLIENT_H
#define EVPOP_CLIENT_H

#include <evpop/auth.h>
#include <evpop/error.h>
#include <evpop/proto.h>

#ifdef __cplusplus
extern "C" {
#endif

struct event_base;
struct evdns_base;
struct evpop_client;
struct evpop_memory;
struct evpop_names;
struct evpop_telemetry;
struct evpop_tls_context;

/* How a session is protected.  There is no "if possible". */
#define EVPOP_PORT     110 /* RFC 1939 section 3 */
#define EVPOP_PORT_TLS 995 /* RFC 8314 section 7.1 */

enum evpop_tls {
	EVPOP_TLS_IMPLICIT = 0, /* TLS from the first byte (RFC 8314) */
	EVPOP_TLS_STLS,         /* STLS, and no log-in without (RFC 2595) */
	EVPOP_TLS_NONE          /* no TLS at all */
};

/* A certificate that a server shows; text is UTF-8 and printable. */
struct evpop_certificate {
	uint32_t depth;      /* 0: its own; then those that it sends along */
	const char *subject; /* the common name, or the organization */
	const char *issuer;  /* likewise */
	const char *names;   /* that it is for, with ", " between them */
	const char *key;     /* "rsaEncryption 2048 bits" */
	const char *pin;     /* "spki-sha256:...", as a pin; NULL: none */
	int64_t begins, expires; /* Unix time */
};
typedef void (*evpop_certificate_cb)(
    const struct evpop_certificate *, void *arg);

/*
 * The certificates that a TLS context trusts and shows.  Strings are copied.  A
 * context costs as much as the certificates it loads: share it among clients.
 */
struct evpop_tls_options {
	const char *ca;   /* PEM file of trusted CAs; NULL: the system's */
	const char *cert; /* PEM client certificate, or NULL */
	const char *key;  /* its PEM key, or NULL: in the same file */
	/*
	 * Pins: "sha256:" and 64 hexadecimal digits of the server's
	 * certificate, or "spki-sha256:" and those of its public key, in pairs
	 * that colons may part.  Where there are pins one must match, and then
	 * stands in for the chain.
	 */
	const char *const *pins;
	size_t pin_count;
	/*
	 * Gets each certificate that a server shows in a handshake that is not
	 * resumed, before it is judged, so that one which is not trusted is
	 * seen, too.  Borrowed until it returns; no function may be called in
	 * it.  NULL: nobody is told.
	 */
	evpop_certificate_cb certificate;
	void *certificate_arg;
	/*
	 * Only this version: 0x0301 to 0x0304 for TLS 1.0 to 1.3; or 0, any
	 * from TLS 1.2 on.  Older ones protect nobody (RFC 8996), and are only
	 * for finding out whether a server still takes them.
	 */
	uint16_t only_version;
};

/*
 * A new context with one reference, or NULL with the reason in *result_r
 * (a file that cannot be read or parsed, a malformed pin, a version that
 * is none or that OpenSSL cannot speak).
 */
EVPOP_API struct evpop_tls_context *evpop_tls_context_new(
    const struct evpop_tls_options *,
    struct evpop_result *result_r) EVPOP_MUST_USE;
EVPOP_API struct evpop_tls_context *evpop_tls_context_ref(
    struct evpop_tls_context *);
/* Drops a reference; the last one frees.  NULL is allowed. */
EVPOP_API void evpop_tls_context_free(struct evpop_tls_context *);

/* Whether this is a pin; false with the reason in *result_r. */
EVPOP_API bool evpop_tls_pin_check(
    const char *pin, struct evpop_result *result_r) EVPOP_MUST_USE;

/*
 * Whether this is the URL of a proxy as evpop_client_config takes it; false
 * with a reason in *result_r that shows nothing of it, since it may hold a
 * password.
 */
EVPOP_API bool evpop_proxy_check(
    const char *url, struct evpop_result *result_r) EVPOP_MUST_USE;

/* Whether what may be a password stands in the URL of a proxy, good or not. */
EVPOP_API bool evpop_proxy_has_password(const char *url);

/*
 * Whether this is a host as evpop_client_config takes it: a name that can
 * exist, in UTF-8 where not in ASCII (RFC 5891), or an address, in either case
 * without port and brackets; false with the reason in *result_r.
 */
EVPOP_API bool evpop_host_check(
    const char *host, struct evpop_result *result_r) EVPOP_MUST_USE;

/*
 * Whether this is an IPv4 or IPv6 address; the latter may name a zone, as
 * "fe80::1%eth0" does (RFC 4007 section 11), whose interface need not be there
 * yet.  False with the reason in *result_r.
 */
EVPOP_API bool evpop_address_check(
    const char *address, struct evpop_result *result_r) EVPOP_MUST_USE;

/*
 * Whether a host is this machine by what it is called: "localhost", or a
 * loopback address.  No name is resolved.
 */
EVPOP_API bool evpop_host_is_loopback(const char *host);

/*
 * Names by resolv.conf and the hosts file, which may both change: for programs
 * that run longer than a network stays the same, or start before it is there.
 * The files are those of the system where they are NULL; one that is missing
 * may come later.  NULL without memory.
 */
EVPOP_API struct evpop_names *evpop_names_new(struct event_base *,
    const char *resolv_conf, const char *hosts) EVPOP_MUST_USE;

/*
 * The resolver for evpop_client_new() and evpop_sync_new(), borrowed; always
 * the same.  Ask for it before each session: a file is read again where it has
 * changed, and resolv.conf where it led to no server, or where it was read so
 * long ago that this machine may have another address by now.  What is being
 * resolved meanwhile is asked anew.  NULL for NULL.
 */
EVPOP_API struct evdns_base *evpop_names_dns(struct evpop_names *);
#define EVPOP_NAMES_AGE_MS 60000

/*
 * After the clients that use it, and not in a callback: the loop is turned
 * once, since lookups that were given up are reported by it.  NULL is allowed.
 */
EVPOP_API void evpop_names_free(struct evpop_names *);

/*
 * The memory of what servers offer and take, which saves round trips in the
 * next session: share one among all clients of a base.  It grows by an entry
 * for each server. NULL without memory.
 */
EVPOP_API struct evpop_memory *evpop_memory_new(void) EVPOP_MUST_USE;
/* Not before the clients that use it.  NULL is allowed. */
EVPOP_API void evpop_memory_free(struct evpop_memory *);

/* A server, and in one line of text what was learned of it. */
struct evpop_memory_entry {
	const char *host;
	uint16_t port;
	enum evpop_tls tls;
	const char *facts;
};
typedef void (*evpop_memory_cb)(const struct evpop_memory_entry *, void *arg);

/*
 * Give out, for keeping, each server of which something was learned since the
 * last call.  The entry is borrowed; the memory may not be changed meanwhile.
 */
EVPOP_API void evpop_memory_changed(
    struct evpop_memory *, evpop_memory_cb, void *arg);

/*
 * Take in what was kept.  Facts that cannot be read, of another version for
 * example, are passed over.  False without memory.
 */
EVPOP_API bool evpop_memory_restore(
    struct evpop_memory *, const struct evpop_memory_entry *) EVPOP_MUST_USE;

/*
 * Deadlines in milliseconds, each for one phase as a whole; 0 takes the
 * default.  `body` is the longest silence inside a body or listing; `send` is
 * how long a server may take nothing of what is to be sent, nor send anything
 * itself; `session` bounds everything from connect to close.
 */
struct evpop_timeouts {
	int64_t resolve_ms, connect_ms, handshake_ms, greeting_ms, login_ms,
	    command_ms, send_ms, body_ms, quit_ms, session_ms;
};

#define EVPOP_TIMEOUT_RESOLVE_MS   20000
#define EVPOP_TIMEOUT_CONNECT_MS   30000
#define EVPOP_TIMEOUT_HANDSHAKE_MS 30000
#define EVPOP_TIMEOUT_GREETING_MS  60000
#define EVPOP_TIMEOUT_LOGIN_MS     180000 /* servers scan on PASS */
#define EVPOP_TIMEOUT_COMMAND_MS   60000
#define EVPOP_TIMEOUT_SEND_MS      60000
#define EVPOP_TIMEOUT_BODY_MS      60000
#define EVPOP_TIMEOUT_QUIT_MS      60000
#define EVPOP_TIMEOUT_SESSION_MS   14400000

/* Strings are copied by evpop_client_new(); zeroed members mean defaults. */
struct evpop_client_config {
	const char *host; /* name, in UTF-8 where not in ASCII, or address */
	uint16_t port;    /* 0: EVPOP_PORT_TLS with implicit TLS, else
			     EVPOP_PORT */
	enum evpop_tls tls;
	struct evpop_tls_context *tls_context; /* unless EVPOP_TLS_NONE; a
						  reference is taken */
	bool allow_cleartext; /* of a password to a host that is not this */
	/*
	 * Send no CAPA: for servers from before RFC 2449.  Then nothing is
	 * pipelined, and what remains to log in by is APOP, and USER and PASS.
	 */
	bool no_capabilities;
	/*
	 * "socks5://[user:password@]host[:port]" or the same with http, whose
	 * proxy resolves the host; or NULL.  What lies behind a proxy is never
	 * this machine.
	 */
	const char *proxy;
	const char *source_address;  /* to connect from, or NULL */
	struct evpop_memory *memory; /* borrowed; NULL: nothing is assumed */
	struct evpop_timeouts timeouts;
	struct evpop_proto_limits limits;
	/*
	 * Send nothing ahead of the reply to what was sent before: for a
	 * server that lost something of it.
	 */
	bool one_by_one;
	uint32_t window_commands; /* in flight where the server pipelines */
	size_t window_octets;
	/*
	 * Octets of the socket's receive buffer (SO_RCVBUF), from before it
	 * connects, so that it bounds what the server may send ahead.  Linux
	 * makes room for twice as much, for its own use, and for no less than
	 * 2304 octets nor more than net.core.rmem_max allows.  0: the system's
	 * default, which grows by need.
	 */
	size_t receive_buffer;
	/* What the program measures; borrowed.  NULL: nothing. */
	const struct evpop_telemetry *telemetry;
};

#define EVPOP_WINDOW_COMMANDS 128
#define EVPOP_WINDOW_OCTETS   4096 /* below any socket's send buffer */

/* Callbacks of the session as a whole; each may be NULL. */
struct evpop_client_callbacks {
	/*
	 * The session is over, for the reason given (EVPOP_ERROR_NONE after a
	 * QUIT that was answered).  Runs once, after every request's callback.
	 * Only evpop_client_free() makes sense afterwards.
	 */
	void (*closed)(
	    struct evpop_client *, const struct evpop_result *, void *arg);
	/* As evpop_trace_cb; setting it costs a copy of every line. */
	void (*trace)(struct evpop_client *, bool from_server, const char *line,
	    void *arg);
	/* The connection's state changes; the names are for a trace. */
	void (*state)(struct evpop_client *, const char *old_name,
	    const char *new_name, void *arg);
};

/*
 * A client that does nothing yet, or NULL without memory or where the host is
 * missing or holds control characters; a host or proxy that makes no sense is
 * what evpop_client_connect() is answered with.  `dns` may be NULL where the
 * host is an address; evpop_names_dns() makes one.  Base, dns and callbacks
 * must outlive the client.
 */
EVPOP_API struct evpop_client *evpop_client_new(struct event_base *,
    struct evdns_base *dns, const struct evpop_client_config *,
    const struct evpop_client_callbacks *, void *arg) EVPOP_MUST_USE;

/*
 * Closes without QUIT (so nothing is deleted), drops unfinished requests
 * without their callbacks, frees.  NULL is allowed.
 */
EVPOP_API void evpop_client_free(struct evpop_client *);

EVPOP_API enum evpop_state evpop_client_state(const struct evpop_client *);
EVPOP_API const struct evpop_capabilities *evpop_client_capabilities(
    const struct evpop_client *);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384", or NULL where there is no TLS (yet). */
EVPOP_API const char *evpop_client_tls_name(const struct evpop_client *);
/*
 * The peer's address and port as text, or "" before there is one; behind a
 * proxy, the proxy's.
 */
EVPOP_API const char *evpop_client_peer(const struct evpop_client *);
/*
 * When the server's certificate expires, as Unix time; 0 where there is no TLS
 * (yet).
 */
EVPOP_API int64_t evpop_client_certificate_expires(const struct evpop_client *);
/* Octets read from and written to the network so far, TLS not counted. */
EVPOP_API uint64_t evpop_client_octets_in(const struct evpop_client *);
EVPOP_API uint64_t evpop_client_octets_out(const struct evpop_client *);

/* The outcome of a request; which members hold something depends on it. */
struct evpop_reply {
	struct evpop_result result;
	uint32_t number; /* STAT: messages; LIST n, UIDL n: the message */
	uint64_t octets; /* STAT: in all; LIST n: of the message */
	bool has_octets; /* the server named them */
	const unsigned char *unique_id; /* UIDL n: borrowed */
	size_t unique_id_length;
	uint32_t ignored;         /* listings: lines nothing could be made of */
	const char *ignored_line; /* the first of them, printable; or NULL */
	enum evpop_quit quit;     /* QUIT */
};
typedef void (*evpop_reply_cb)(
    struct evpop_client *, const struct evpop_reply *, void *arg);

/* A line of LIST (unique_id NULL) or UIDL (octets 0). */
struct evpop_listed {
	uint32_t number;
	uint64_t octets;
	const unsigned char *unique_id; /* borrowed; opaque bytes */
	size_t unique_id_length;
};
typedef void (*evpop_listed_cb)(
    struct evpop_client *, const struct evpop_listed *, void *arg);

/*
 * Requests.  All return EVPOP_ERROR_NONE where the request was accepted, so
 * that its callback will run; else EVPOP_ERROR_USAGE or EVPOP_ERROR_MEMORY and
 * it will not.  Requests run in the order they are made and may be made before
 * earlier ones are answered.
 */

/*
 * Resolve, connect, TLS as configured, greeting, CAPA.  A server that refuses
 * CAPA is no error.  Where it offers UTF8 (RFC 6856) that is asked for behind
 * it, so that messages come as they are.
 */
EVPOP_API enum evpop_error evpop_client_connect(
    struct evpop_client *, evpop_reply_cb, void *arg) EVPOP_MUST_USE;

/*
 * Log in by the strongest mechanism that the server offers and the credentials
 * allow; a refused one may be followed by a plainer one.  Without TLS one that
 * shows the password, or a token, never follows on one that does not, unless
 * the credentials name their mechanisms and it is among them: or else somebody
 * on the way could have it shown by refusing all others.
 * Returns EVPOP_ERROR_USAGE where the user is missing, where neither password
 * nor token nor `want_token` is there, or where one holds CR, LF or NUL.
 * Answered with
 * EVPOP_ERROR_AUTH where the server refuses, where no mechanism is left, or
 * where the password would have to cross a network in clear text without
 * allow_cleartext; with EVPOP_ERROR_REFUSED and `retry` where a response code
 * or, for want of one, the server's words say that it is for now: the maildrop
 * is locked, too many log-ins, maintenance, a quota.  Such words stand beside
 * wrong passwords at times: try again ever more rarely.
 * Password and token are copied, and wiped once used.
 */
EVPOP_API enum evpop_error evpop_client_login(struct evpop_client *,
    const struct evpop_credentials *, evpop_reply_cb, void *arg) EVPOP_MUST_USE;

/*
 * evpop_client_connect(), then evpop_client_login() with these and the default
 * mechanisms.  Answered once, as the log-in is; with EVPOP_ERROR_CANCELLED
 * where it did not come to that, and the reason in the text.  After
 * EVPOP_ERROR_MEMORY only evpop_client_free() makes sense.
 */
EVPOP_API enum evpop_error evpop_client_open(struct evpop_client *,
    const char *user, const char *password, evpop_reply_cb,
    void *arg) EVPOP_MUST_USE;

/*
 * Answer to a `want_token` of the credentials: the token, which is copied, or
 * NULL where there is none to be had, which ends the log-in with
 * EVPOP_ERROR_AUTH.  Nothing but the session's deadline runs until then.
 * Returns EVPOP_ERROR_USAGE where none is wanted, or no more, or where it holds
 * CR or LF; EVPOP_ERROR_MEMORY.
 */
EVPOP_API enum evpop_error evpop_client_token(
    struct evpop_client *, const char *token) EVPOP_MUST_USE;

/* The mechanism last tried; meaningful once the log-in was answered. */
EVPOP_API enum evpop_mechanism evpop_client_mechanism(
    const struct evpop_client *);

/*
 * Whether this server is known to take a whole session in one flight, log-in
 * and QUIT included.  From the memory; meaningful before connecting, too.
 */
EVPOP_API bool evpop_client_takes_flight(const struct evpop_client *);

/* What a new session can do at once, after one that has failed. */
enum evpop_again {
	EVPOP_AGAIN_NO = 0,
	/*
	 * Commands had gone out ahead of replies, and the server lost some, or
	 * would take none behind a log-in: with `one_by_one` it may work.  Or
	 * a TOP ended the session, and need not be asked again.
	 */
	EVPOP_AGAIN_ONE_BY_ONE,
	/*
	 * The server hung up on a log-in, or takes no second try in a session:
	 * other mechanisms than evpop_client_tried() may work.
	 */
	EVPOP_AGAIN_OTHER_MECHANISM,
	/*
	 * The server ended a TLS handshake that was to go on with an earlier
	 * session: the next one begins anew, and may work.
	 */
	EVPOP_AGAIN_NEW_TLS
};

/* Meaningful once `closed` runs. */
EVPOP_API enum evpop_again evpop_client_again(const struct evpop_client *);

/* Mechanisms that were refused, or whose reply never came. */
EVPOP_API unsigned int evpop_client_tried(const struct evpop_client *);

/* Whether no session with this server is known to have broken on a TOP. */
EVPOP_API bool evpop_client_can_top(const struct evpop_client *);

EVPOP_API enum evpop_error evpop_client_stat(
    struct evpop_client *, evpop_reply_cb, void *arg) EVPOP_MUST_USE;

/* One message, or with number 0 all of them, each given to `listed`. */
EVPOP_API enum evpop_error evpop_client_list(struct evpop_client *,
    uint32_t number, evpop_listed_cb listed, evpop_reply_cb,
    void *arg) EVPOP_MUST_USE;
EVPOP_API enum evpop_error evpop_client_uidl(struct evpop_client *,
    uint32_t number, evpop_listed_cb listed, evpop_reply_cb,
    void *arg) EVPOP_MUST_USE;

enum evpop_flow {
	EVPOP_FLOW_CONTINUE = 0,
	EVPOP_FLOW_PAUSE /* taken, but read no more until resumed */
};

/*
 * Where a body goes.  `begin` and `data` may be NULL; `end` may not: it runs
 * exactly once for each accepted request, with or without the others before
 * it.  The body is whole if and only if end's result is EVPOP_ERROR_NONE.
 * The struct must stay until `end` has run.
 */
struct evpop_sink {
	/* `octets` is what the server claims, 0 where it does not: a hint. */
	enum evpop_flow (*begin)(
	    struct evpop_client *, uint32_t number, uint64_t octets, void *arg);
	enum evpop_flow (*data)(struct evpop_client *,
	    const unsigned char *bytes, size_t length, void *arg);
	void (*end)(struct evpop_client *, uint32_t number,
	    const struct evpop_result *, void *arg);
};

EVPOP_API enum evpop_error evpop_client_retr(struct evpop_client *,
    uint32_t number, const struct evpop_sink *, void *arg) EVPOP_MUST_USE;
/*
 * The same, knowing what LIST said of the message, or 0: `octets` helps to
 * tell where a body ends whose server breaks the rules.
 */
EVPOP_API enum evpop_error evpop_client_retr_listed(struct evpop_client *,
    uint32_t number, uint64_t octets, const struct evpop_sink *,
    void *arg) EVPOP_MUST_USE;
EVPOP_API enum evpop_error evpop_client_top(struct evpop_client *,
    uint32_t number, uint32_t lines, const struct evpop_sink *,
    void *arg) EVPOP_MUST_USE;

/*
 * After a sink answered PAUSE: read on.  Harmless otherwise.  No deadline
 * for the server runs while paused.
 */
EVPOP_API void evpop_client_resume(struct evpop_client *);

EVPOP_API enum evpop_error evpop_client_dele(struct evpop_client *,
    uint32_t number, evpop_reply_cb, void *arg) EVPOP_MUST_USE;
EVPOP_API enum evpop_error evpop_client_noop(
    struct evpop_client *, evpop_reply_cb, void *arg) EVPOP_MUST_USE;
EVPOP_API enum evpop_error evpop_client_rset(
    struct evpop_client *, evpop_reply_cb, void *arg) EVPOP_MUST_USE;
EVPOP_API enum evpop_error evpop_client_capa(
    struct evpop_client *, evpop_reply_cb, void *arg) EVPOP_MUST_USE;

/*
 * UTF8 (RFC 6856 section 2): before the log-in, from where on user, password
 * and the server's text may be in UTF-8, and messages be internationalized.
 */
EVPOP_API enum evpop_error evpop_client_utf8(
    struct evpop_client *, evpop_reply_cb, void *arg) EVPOP_MUST_USE;

/*
 * LANG (RFC 6856 section 3): with a language tag, or "*" for the server's
 * choice, in which language the server's text is to be; with NULL, which there
 * are, each line of the answer given to `line` (borrowed, printable).
 */
typedef void (*evpop_line_cb)(
    struct evpop_client *, const char *line, void *arg);
EVPOP_API enum evpop_error evpop_client_lang(struct evpop_client *,
    const char *language, evpop_line_cb line, evpop_reply_cb,
    void *arg) EVPOP_MUST_USE;

/* reply->quit says what became of deletions; the session closes then. */
EVPOP_API enum evpop_error evpop_client_quit(
    struct evpop_client *, evpop_reply_cb, void *arg) EVPOP_MUST_USE;

/*
 * Give up: every unfinished request is answered with EVPOP_ERROR_CANCELLED
 * from the loop, then `closed` runs.  No QUIT is sent.
 */
EVPOP_API void evpop_client_cancel(struct evpop_client *);

#ifdef __cplusplus
}
#endif

#endif
