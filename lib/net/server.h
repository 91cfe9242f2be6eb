/*
 * What is learned of a server in one session and saves round trips in the
 * next: what it offers, and what it turned out to take or to lose.
 *
 * A session works on a copy made when it begins, so that nothing it relies on
 * changes under it; what it learns goes to its copy and to the memory.  Bad
 * news fades: it is doubted after an hour, and if it is confirmed after two,
 * four and so on up to a day; one success clears it.
 */
#ifndef EVPOP_LIB_NET_SERVER_H
#define EVPOP_LIB_NET_SERVER_H

#include <evpop/client.h>

/* One session's view of a server. */
struct evpop_server;

/* A mechanism's initial response (RFC 5034 section 4). */
enum evpop_initial {
	EVPOP_INITIAL_UNTRIED = 0,
	EVPOP_INITIAL_WORKS,
	EVPOP_INITIAL_REFUSED
};

/*
 * Begin a session.  Without a memory nothing is known and nothing kept;
 * `one_by_one`: nothing that is known is relied upon.  NULL without memory.
 */
struct evpop_server *evpop_server_new(struct evpop_memory *, const char *host,
    uint16_t port, enum evpop_tls, bool one_by_one) EVPOP_MUST_USE;
/* NULL is allowed. */
void evpop_server_free(struct evpop_server *);

/* ---- what a session may rely on ---- */

/* Before and behind the log-in; not `known` where it must be asked. */
const struct evpop_capabilities *evpop_server_before(
    const struct evpop_server *);
const struct evpop_capabilities *evpop_server_after(
    const struct evpop_server *);

/* Whether it offers PIPELINING, before or after, and has not failed at it. */
bool evpop_server_pipelines(const struct evpop_server *);

/*
 * Whether it was seen to take commands behind the last line of a log-in by
 * this mechanism; and whether that is worth a probe.
 */
bool evpop_server_takes_flight(
    const struct evpop_server *, enum evpop_mechanism);
bool evpop_server_wants_probe(
    const struct evpop_server *, enum evpop_mechanism);

/* The same of any mechanism: a whole session may go out at once. */
bool evpop_server_takes_session(const struct evpop_server *);

enum evpop_initial evpop_server_initial(
    const struct evpop_server *, enum evpop_mechanism);

/* Whether no TOP has ended a session, as far as is known. */
bool evpop_server_can_top(const struct evpop_server *);

/* Whether it accepts a log-in only without the channel bound to it. */
bool evpop_server_refuses_binding(const struct evpop_server *);

/* ---- what a session teaches ---- */

/* CAPA is refused: this session relies on nothing that it said before. */
void evpop_server_doubt(struct evpop_server *);

/* CAPA was answered with a list. */
void evpop_server_learn_before(
    struct evpop_server *, const struct evpop_capabilities *);
void evpop_server_learn_after(
    struct evpop_server *, const struct evpop_capabilities *);

/* A log-in by this mechanism was accepted. */
void evpop_server_learn_login(
    struct evpop_server *, enum evpop_mechanism, enum evpop_initial);

/* A log-in was refused: what the server offers is to be asked again. */
void evpop_server_learn_refusal(struct evpop_server *);

/* A log-in bound to the channel was refused, and accepted without. */
void evpop_server_learn_binding(struct evpop_server *);

/* Something goes out behind the last line of a log-in. */
void evpop_server_note_flight(struct evpop_server *, enum evpop_mechanism);
/* The first of it was answered, or was lost. */
void evpop_server_learn_flight(struct evpop_server *, bool taken);

/* More than one command is under way. */
void evpop_server_note_ahead(struct evpop_server *);

/* How a session ended. */
struct evpop_server_end {
	enum evpop_error error;
	enum evpop_command awaited; /* whose reply had to come next */
	bool logged_in;
	bool refused; /* a log-in was, before */
};

/*
 * Learn from the end; true where it may be for what was sent ahead, or for a
 * TOP, so that a careful session may do better.
 */
bool evpop_server_learn_end(
    struct evpop_server *, const struct evpop_server_end *);

#endif
