/*
 * In place of lib/net/dial.c: every host is at the other end of a pair of
 * sockets.  Linked with --wrap, so that the library knows nothing of it.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "lib/net/dial.h"
#include "tests/fuzz/model_world.h"

enum dial_way {
	DIAL_CONNECTS = 0,
	DIAL_FAILS,
	DIAL_NEVER_RESOLVES,
	DIAL_NEVER_CONNECTS,
	DIAL_WAY_COUNT
};

struct evpop_dial {
	struct event event;
	enum dial_way way;
	struct model_account *account;
	const struct evpop_dial_handler *handler;
	void *arg;
};

struct evpop_dial *__wrap_evpop_dial_new(struct event_base *,
    struct evdns_base *, const struct evpop_dial_options *,
    const struct evpop_dial_handler *, void *);
void __wrap_evpop_dial_describe_overdue(const struct evpop_dial *,
    enum evpop_phase, const char *, struct evpop_result *);
void __wrap_evpop_dial_free(struct evpop_dial **);

static void
dial_connect(struct evpop_dial *dial)
{
	struct evpop_dialed dialed = { .loopback = true };
	struct sockaddr_in *address =
	    (struct sockaddr_in *)(void *)&dialed.address.storage;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		pair) == -1)
		abort();
	address->sin_family = AF_INET;
	address->sin_port = htons(MODEL_PORT);
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	dialed.address.length = sizeof *address;
	dialed.fd = pair[0];
	model_server_accept(&dial->account->server, pair[1]);
	dial->handler->connected(&dialed, dial->arg);
}

static void
dial_run(evutil_socket_t fd, short what, void *arg)
{
	struct evpop_dial *dial = arg;
	struct evpop_result result;

	(void)fd;
	(void)what;
	switch (dial->way) {
	case DIAL_FAILS:
		evpop_result_set(&result, EVPOP_ERROR_IO, EVPOP_PHASE_CONNECT,
		    "nobody is there");
		dial->handler->failed(&result, dial->arg);
		break;
	case DIAL_NEVER_RESOLVES:
		break;
	case DIAL_NEVER_CONNECTS:
		dial->handler->connecting(dial->arg);
		break;
	default:
		dial->handler->connecting(dial->arg);
		dial_connect(dial);
		break;
	}
}

struct evpop_dial *
__wrap_evpop_dial_new(struct event_base *base, struct evdns_base *dns,
    const struct evpop_dial_options *options,
    const struct evpop_dial_handler *handler, void *arg)
{
	struct evpop_dial *dial = calloc(1, sizeof *dial);

	(void)dns;
	if (dial == NULL)
		abort();
	dial->account = model_world_dials(options->source_address);
	dial->handler = handler;
	dial->arg = arg;
	if (model_account_fault(dial->account, 8) == 7)
		dial->way = (enum dial_way)model_pick(
		    dial->account->world->choice, DIAL_WAY_COUNT);
	event_assign(&dial->event, base, -1, 0, dial_run, dial);
	event_active(&dial->event, EV_TIMEOUT, 0);
	return dial;
}

void
__wrap_evpop_dial_describe_overdue(const struct evpop_dial *dial,
    enum evpop_phase phase, const char *limit, struct evpop_result *result)
{
	(void)dial;
	evpop_result_set(result, EVPOP_ERROR_TIMEOUT, phase,
	    "no connection within %s: the model does not connect", limit);
}

void
__wrap_evpop_dial_free(struct evpop_dial **dial_r)
{
	struct evpop_dial *dial = *dial_r;

	if (dial == NULL)
		return;
	*dial_r = NULL;
	event_del(&dial->event);
	free(dial);
}
