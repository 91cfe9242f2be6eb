/*
 * The blocking face of the client, for small programs: one maildrop, one call
 * after another, each returning once the server has answered.  Behind it is
 * the client of client.h, on an event base that belongs to it alone.
 *
 * Manners of all functions below.  One call at a time on one evpop_easy; two
 * of them may be used in two threads.  There is no thread and no signal handler
 * in here.  Every call that speaks to the server returns the class of its
 * outcome, and evpop_easy_result() tells more.  Outputs (names in _r) may be
 * NULL where they are not wanted, and are zero where the call fails, but for
 * quit_r.  A call made in the wrong order, or from inside a callback, does
 * nothing and returns EVPOP_ERROR_USAGE.  What the server refuses
 * (EVPOP_ERROR_REFUSED) leaves the session as it was.  A failure that ends the
 * session is returned once; calls that need the session return
 * EVPOP_ERROR_CANCELLED from then on, with the reason in the text.  How long a
 * call may take is up to the timeouts of the configuration.  Nothing runs
 * between two calls: that the server hung up or was kept waiting too long (RFC
 * 1939 section 3 lets it after 10 minutes) is what the next call finds.
 */
#ifndef EVPOP_EASY_H
#define EVPOP_EASY_H

#include <evpop/client.h>

#ifdef __cplusplus
extern "C" {
#endif

struct evpop_easy;

/*
 * A client that is not connected yet, or NULL without memory or where the host
 * is missing or holds control characters.  The configuration is copied; what
 * its `memory` points to must outlive the client.  Where it wants TLS and names
 * no context, one that trusts the system's authorities is made.  The trace may
 * be NULL; it sees what evpop_trace_cb describes.
 */
EVPOP_API struct evpop_easy *evpop_easy_new(const struct evpop_client_config *,
    evpop_trace_cb trace, void *trace_arg) EVPOP_MUST_USE;

/*
 * Closes without QUIT, so that nothing is deleted (RFC 1939 section 6), and
 * frees.  Allowed at any time: between the parts of a body, and in a callback,
 * where it takes effect as soon as that returns; the call that ran it then
 * returns EVPOP_ERROR_CANCELLED.  NULL is allowed.
 */
EVPOP_API void evpop_easy_free(struct evpop_easy *);

/*
 * What the last call came to: class, response code, scope, the server's words,
 * whether a retry can help.  Valid until the next call.
 */
EVPOP_API const struct evpop_result *evpop_easy_result(
    const struct evpop_easy *);

/*
 * The client, for its capabilities, peer, state, mechanism and octets.  Never
 * NULL.
 */
EVPOP_API const struct evpop_client *evpop_easy_client(
    const struct evpop_easy *);

/*
 * Resolve, connect, TLS as configured, greeting, CAPA.  Once in the life of a
 * client: another session takes another evpop_easy.
 */
EVPOP_API enum evpop_error evpop_easy_connect(
    struct evpop_easy *) EVPOP_MUST_USE;

/*
 * Log in, as evpop_client_login() does: by the mechanisms that the credentials
 * allow, strongest first.  With EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_USER) by
 * USER and PASS whatever the server offers.  After EVPOP_ERROR_AUTH or
 * EVPOP_ERROR_REFUSED the session goes on, and other credentials may be tried,
 * for as long as the server does not hang up.
 */
EVPOP_API enum evpop_error evpop_easy_login(
    struct evpop_easy *, const struct evpop_credentials *) EVPOP_MUST_USE;

/*
 * Log in by APOP (RFC 1939 section 7).  If the greeting has no timestamp, or
 * the server refuses, log in by USER and PASS on the same connection, subject
 * to `allow_cleartext`.  An attacker can bring that about and so see the
 * password: use this only with servers that leave no choice.  A busy maildrop
 * is no reason to fall back (EVPOP_ERROR_REFUSED).
 */
EVPOP_API enum evpop_error evpop_easy_login_apop_or_user(
    struct evpop_easy *, const char *user, const char *password) EVPOP_MUST_USE;

/*
 * evpop_easy_connect(), then evpop_easy_login() with these and the default
 * mechanisms.
 */
EVPOP_API enum evpop_error evpop_easy_open(
    struct evpop_easy *, const char *user, const char *password) EVPOP_MUST_USE;

/*
 * STAT: how many messages there are, and their octets in all.  If octets are
 * asked for, a server that does not tell them has answered wrongly.
 */
EVPOP_API enum evpop_error evpop_easy_stat(struct evpop_easy *,
    uint32_t *messages_r, uint64_t *octets_r) EVPOP_MUST_USE;

/* LIST n: the octets of one message, as far as the server tells the truth. */
EVPOP_API enum evpop_error evpop_easy_list(
    struct evpop_easy *, uint32_t number, uint64_t *octets_r) EVPOP_MUST_USE;

/*
 * UIDL n: the unique-id of one message, opaque bytes without a final NUL, put
 * into `id`.  *length_r is how many there are.  Where they are more than
 * `size`, nothing is stored and EVPOP_ERROR_LIMIT returned; RFC 1939 section 7
 * allows 70.
 */
EVPOP_API enum evpop_error evpop_easy_uidl(struct evpop_easy *, uint32_t number,
    void *id, size_t size, size_t *length_r) EVPOP_MUST_USE;

/* One message of a listing; what it points to is borrowed. */
typedef void (*evpop_easy_listed_cb)(const struct evpop_listed *, void *arg);

/*
 * LIST and UIDL of all messages.  The callback runs for each, in the server's
 * order, during the call.  Nothing is kept.  If the call fails, it may have run
 * for some.
 */
EVPOP_API enum evpop_error evpop_easy_list_all(
    struct evpop_easy *, evpop_easy_listed_cb, void *arg) EVPOP_MUST_USE;
EVPOP_API enum evpop_error evpop_easy_uidl_all(
    struct evpop_easy *, evpop_easy_listed_cb, void *arg) EVPOP_MUST_USE;

/*
 * RETR and TOP (RFC 1939 sections 5 and 7): begin a message.  Returns when the
 * server has said that it follows.  *octets_r is the size the reply named, 0
 * where it named none: a hint.  Its octets are then taken with
 * evpop_easy_read() until the end, or given up with evpop_easy_abandon(); no
 * other call is right in between, but for evpop_easy_free().
 */
EVPOP_API enum evpop_error evpop_easy_retr(
    struct evpop_easy *, uint32_t number, uint64_t *octets_r) EVPOP_MUST_USE;
EVPOP_API enum evpop_error evpop_easy_top(struct evpop_easy *, uint32_t number,
    uint32_t lines, uint64_t *octets_r) EVPOP_MUST_USE;

/*
 * Take at least one and at most `size` octets of the message, unstuffed and
 * without the line of the terminator.  EVPOP_ERROR_NONE with *length_r 0 is its
 * end, and only then was it whole; so it stays until the next request.  Any
 * error is of the session, which is over then, but for EVPOP_ERROR_USAGE: no
 * message was begun, or `size` is 0.  While nobody reads, neither does the
 * client: it holds what is left of one read from the socket, 64 KiB at most,
 * and the server waits.  length_r may not be NULL.
 */
EVPOP_API enum evpop_error evpop_easy_read(struct evpop_easy *, void *buffer,
    size_t size, size_t *length_r) EVPOP_MUST_USE;

/*
 * Whether evpop_easy_read() has octets to give (true), or the message is at its
 * end (false).  Waits until the server has sent the one or the other.  more_r
 * may not be NULL.
 */
EVPOP_API enum evpop_error evpop_easy_more(
    struct evpop_easy *, bool *more_r) EVPOP_MUST_USE;

/* How much evpop_easy_abandon() reads over: less than a new session costs. */
#define EVPOP_EASY_DRAIN_OCTETS 65536
#define EVPOP_EASY_DRAIN_MS     5000

/*
 * Give up a message.  If the rest of it comes within EVPOP_EASY_DRAIN_OCTETS
 * and EVPOP_EASY_DRAIN_MS, it is read over, and the session goes on
 * (EVPOP_ERROR_NONE).  Otherwise the session is closed without QUIT
 * (EVPOP_ERROR_CANCELLED): POP3 knows no other way to stop a body.  Without a
 * message this does nothing (EVPOP_ERROR_NONE).
 */
EVPOP_API enum evpop_error evpop_easy_abandon(
    struct evpop_easy *) EVPOP_MUST_USE;

/* DELE: mark a message; it is deleted when QUIT is answered with +OK. */
EVPOP_API enum evpop_error evpop_easy_dele(
    struct evpop_easy *, uint32_t number) EVPOP_MUST_USE;

/* RSET: unmark all messages. */
EVPOP_API enum evpop_error evpop_easy_rset(struct evpop_easy *) EVPOP_MUST_USE;

/* NOOP: does nothing, but restarts the server's inactivity timer. */
EVPOP_API enum evpop_error evpop_easy_noop(struct evpop_easy *) EVPOP_MUST_USE;

/*
 * QUIT, and close (RFC 1939 section 6).  *quit_r tells what became of the
 * marked messages: EVPOP_QUIT_COMMITTED with EVPOP_ERROR_NONE;
 * EVPOP_QUIT_REFUSED with EVPOP_ERROR_REFUSED, some were not deleted;
 * EVPOP_QUIT_UNKNOWN where no answer came; EVPOP_QUIT_NONE where QUIT was not
 * sent.  Only evpop_easy_free() makes sense afterwards.
 */
EVPOP_API enum evpop_error evpop_easy_quit(
    struct evpop_easy *, enum evpop_quit *quit_r) EVPOP_MUST_USE;

#ifdef __cplusplus
}
#endif

#endif
