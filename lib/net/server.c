#include "lib/net/server.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/net/memory.h"

enum ahead {
	AHEAD_NOTHING = 0,
	AHEAD_BEHIND_LOGIN, /* not answered yet */
	AHEAD_COMMANDS
};

struct evpop_server {
	struct evpop_facts *kept; /* the memory's, or its own */
	struct evpop_facts facts; /* as the session began, and has learned */
	bool is_careful;
	enum ahead ahead;
	enum evpop_mechanism flight; /* of AHEAD_BEHIND_LOGIN */
};

static bool
server_believes(const struct evpop_server *server, enum evpop_bad_news which)
{
	return evpop_news_is_believed(
	    &server->facts.news[which], (int64_t)time(NULL));
}

void
evpop_server_doubt(struct evpop_server *server)
{
	memset(&server->facts.before, 0, sizeof server->facts.before);
}

struct evpop_server *
evpop_server_new(struct evpop_memory *memory, const char *host, uint16_t port,
    enum evpop_tls tls, bool one_by_one)
{
	struct evpop_server *server;

	server = calloc(1, sizeof *server);
	if (server == NULL)
		return NULL;
	server->is_careful = one_by_one;
	server->kept = &server->facts;
	if (memory != NULL)
		server->kept = evpop_memory_facts(memory, host, port, tls);
	if (server->kept == NULL) {
		free(server);
		return NULL;
	}
	server->facts = *server->kept;
	/* Ask for the offer; refusals teach the rest. */
	if (one_by_one || server->facts.is_stale)
		evpop_server_doubt(server);
	return server;
}

void
evpop_server_free(struct evpop_server *server)
{
	free(server);
}

const struct evpop_capabilities *
evpop_server_before(const struct evpop_server *server)
{
	return &server->facts.before;
}

const struct evpop_capabilities *
evpop_server_after(const struct evpop_server *server)
{
	return &server->facts.after;
}

bool
evpop_server_pipelines(const struct evpop_server *server)
{
	const struct evpop_facts *facts = &server->facts;

	return !server->is_careful &&
	       !server_believes(server, EVPOP_NEWS_PIPELINING) &&
	       (facts->before.pipelining || facts->after.pipelining);
}

static bool
server_has_lost_flight(
    const struct evpop_server *server, unsigned int mechanisms)
{
	return (server->facts.sets[EVPOP_SET_FLIGHTS_LOST] & mechanisms) != 0 &&
	       server_believes(server, EVPOP_NEWS_FLIGHT);
}

bool
evpop_server_takes_flight(
    const struct evpop_server *server, enum evpop_mechanism mechanism)
{
	unsigned int bit = EVPOP_MECHANISM_BIT(mechanism);

	return evpop_server_pipelines(server) &&
	       (server->facts.sets[EVPOP_SET_FLIGHTS] & bit) != 0 &&
	       !server_has_lost_flight(server, bit);
}

/* A second log-in would come too soon (RFC 2449 section 6.5). */
static bool
server_wants_rare_logins(const struct evpop_facts *facts)
{
	return (facts->before.login_delay && facts->before.login_delay_s > 0) ||
	       (facts->after.login_delay && facts->after.login_delay_s > 0);
}

/*
 * The first session with a server sends nothing that it might lose.  What
 * offers PIPELINING before the log-in promises to take it there (RFC 2449
 * section 6.6); not all keep that promise.
 */
bool
evpop_server_wants_probe(
    const struct evpop_server *server, enum evpop_mechanism mechanism)
{
	unsigned int bit = EVPOP_MECHANISM_BIT(mechanism);

	return evpop_server_pipelines(server) &&
	       !server_wants_rare_logins(&server->facts) &&
	       server->facts.before.pipelining && server->facts.after.known &&
	       (server->facts.sets[EVPOP_SET_FLIGHTS] & bit) == 0 &&
	       !server_has_lost_flight(server, bit);
}

bool
evpop_server_takes_session(const struct evpop_server *server)
{
	const struct evpop_facts *facts = &server->facts;

	return evpop_server_pipelines(server) && facts->before.known &&
	       facts->sets[EVPOP_SET_FLIGHTS] != 0 &&
	       !server_has_lost_flight(
		   server, facts->sets[EVPOP_SET_FLIGHTS]) &&
	       !server_wants_rare_logins(facts);
}

enum evpop_initial
evpop_server_initial(
    const struct evpop_server *server, enum evpop_mechanism mechanism)
{
	unsigned int bit = EVPOP_MECHANISM_BIT(mechanism);

	if ((server->facts.sets[EVPOP_SET_INITIAL_WORKS] & bit) != 0)
		return EVPOP_INITIAL_WORKS;
	return (server->facts.sets[EVPOP_SET_INITIAL_REFUSED] & bit) != 0
		   ? EVPOP_INITIAL_REFUSED
		   : EVPOP_INITIAL_UNTRIED;
}

bool
evpop_server_can_top(const struct evpop_server *server)
{
	return !server_believes(server, EVPOP_NEWS_TOP);
}

bool
evpop_server_refuses_binding(const struct evpop_server *server)
{
	return server_believes(server, EVPOP_NEWS_BINDING);
}

/* ---- learning ---- */

static void
server_keep_capabilities(struct evpop_server *server,
    struct evpop_capabilities *kept, struct evpop_capabilities *own,
    const struct evpop_capabilities *said)
{
	*own = *said;
	if (evpop_facts_same_offer(kept, said))
		return;
	*kept = *said;
	evpop_facts_note_change(server->kept);
}

void
evpop_server_learn_before(
    struct evpop_server *server, const struct evpop_capabilities *said)
{
	server->kept->is_stale = false;
	server_keep_capabilities(
	    server, &server->kept->before, &server->facts.before, said);
}

void
evpop_server_learn_after(
    struct evpop_server *server, const struct evpop_capabilities *said)
{
	server_keep_capabilities(
	    server, &server->kept->after, &server->facts.after, said);
}

static void
server_change_set(struct evpop_server *server, enum evpop_facts_set which,
    enum evpop_mechanism mechanism, bool is_in)
{
	unsigned int bit = EVPOP_MECHANISM_BIT(mechanism);
	unsigned int *kept = &server->kept->sets[which];
	unsigned int *own = &server->facts.sets[which];

	if (((*kept & bit) != 0) != is_in)
		evpop_facts_note_change(server->kept);
	*kept = is_in ? *kept | bit : *kept & ~bit;
	*own = is_in ? *own | bit : *own & ~bit;
}

static void
server_confirm_news(struct evpop_server *server, enum evpop_bad_news which)
{
	struct evpop_news *news = &server->kept->news[which];

	if (which == EVPOP_NEWS_FLIGHT)
		server->kept->is_flight_suspected = false;
	evpop_news_confirm(news, (int64_t)time(NULL));
	server->facts.news[which] = *news;
	evpop_facts_note_change(server->kept);
}

static void
server_clear_news(struct evpop_server *server, enum evpop_bad_news which)
{
	struct evpop_news *news = &server->kept->news[which];

	if (which == EVPOP_NEWS_FLIGHT)
		server->kept->is_flight_suspected = false;
	if (news->times > 0)
		evpop_facts_note_change(server->kept);
	*news = (struct evpop_news){ .times = 0 };
	server->facts.news[which] = *news;
}

void
evpop_server_learn_login(struct evpop_server *server,
    enum evpop_mechanism mechanism, enum evpop_initial initial)
{
	if (initial == EVPOP_INITIAL_UNTRIED)
		return;
	server_change_set(server, EVPOP_SET_INITIAL_WORKS, mechanism,
	    initial == EVPOP_INITIAL_WORKS);
	server_change_set(server, EVPOP_SET_INITIAL_REFUSED, mechanism,
	    initial == EVPOP_INITIAL_REFUSED);
}

void
evpop_server_learn_refusal(struct evpop_server *server)
{
	server->kept->is_stale = true;
}

void
evpop_server_learn_binding(struct evpop_server *server)
{
	server_confirm_news(server, EVPOP_NEWS_BINDING);
}

void
evpop_server_note_flight(
    struct evpop_server *server, enum evpop_mechanism mechanism)
{
	server->ahead = AHEAD_BEHIND_LOGIN;
	server->flight = mechanism;
}

static void
server_change_flight(struct evpop_server *server, bool taken)
{
	server_change_set(server, EVPOP_SET_FLIGHTS, server->flight, taken);
	server_change_set(
	    server, EVPOP_SET_FLIGHTS_LOST, server->flight, !taken);
}

void
evpop_server_learn_flight(struct evpop_server *server, bool taken)
{
	if (server->ahead != AHEAD_BEHIND_LOGIN)
		return;
	server->ahead = AHEAD_NOTHING;
	server_change_flight(server, taken);
	if (!taken)
		server_confirm_news(server, EVPOP_NEWS_FLIGHT);
	else if (server->kept->sets[EVPOP_SET_FLIGHTS_LOST] == 0)
		server_clear_news(server, EVPOP_NEWS_FLIGHT);
}

void
evpop_server_note_ahead(struct evpop_server *server)
{
	if (server->ahead == AHEAD_NOTHING)
		server->ahead = AHEAD_COMMANDS;
}

static void
server_learn_success(struct evpop_server *server)
{
	if (server->ahead == AHEAD_COMMANDS)
		server_clear_news(server, EVPOP_NEWS_PIPELINING);
	if (server->is_careful && server->kept->is_flight_suspected)
		server_confirm_news(server, EVPOP_NEWS_FLIGHT);
}

/*
 * A connection may break for many reasons: only where a session without a
 * flight gets through, that was one.
 */
static void
server_suspect_flight(struct evpop_server *server, bool is_lost)
{
	server_change_flight(server, false);
	if (is_lost)
		server_confirm_news(server, EVPOP_NEWS_FLIGHT);
	else
		server->kept->is_flight_suspected = true;
}

bool
evpop_server_learn_end(
    struct evpop_server *server, const struct evpop_server_end *end)
{
	bool lost = end->error == EVPOP_ERROR_PROTOCOL ||
		    end->error == EVPOP_ERROR_TIMEOUT;

	if (end->error == EVPOP_ERROR_NONE) {
		server_learn_success(server);
		return false;
	}
	if (end->awaited == EVPOP_COMMAND_TOP &&
	    (lost || end->error == EVPOP_ERROR_LIMIT)) {
		server_confirm_news(server, EVPOP_NEWS_TOP);
		return !server->is_careful;
	}
	if (server->is_careful)
		return false;
	/*
	 * A server that hangs up on a refused log-in does so for the refusal,
	 * not for the commands behind it.
	 */
	if (server->ahead == AHEAD_BEHIND_LOGIN &&
	    (end->logged_in || !end->refused) &&
	    (lost || end->error == EVPOP_ERROR_IO)) {
		server_suspect_flight(server, lost);
		return true;
	}
	if (server->ahead != AHEAD_COMMANDS || !end->logged_in || !lost)
		return false;
	server_confirm_news(server, EVPOP_NEWS_PIPELINING);
	return true;
}
