/*
 * A relay that makes a server far away: what either side sends arrives at the
 * other after half a round trip.  Where the kernel has netem, that does the
 * same; where it has not, this does for both contestants alike.
 *
 *	bench_delay MICROSECONDS PORT ...
 *
 * For each port of this host it prints the one to connect to instead, a line
 * each, and relays until its standard input ends.
 */
#include <sys/queue.h>

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

enum side {
	CLIENT = 0,
	SERVER,
	SIDES
};

struct relay;

struct pair {
	struct relay *relay;
	struct bufferevent *ends[SIDES];
	unsigned int under_way; /* of its parcels */
	bool is_over;
};

/* What arrives at one side of a pair when its time has come. */
struct parcel {
	STAILQ_ENTRY(parcel) entry;
	struct pair *pair;
	enum side to;
	struct evbuffer *octets; /* NULL: the other side's end */
	int64_t due_us;
};

struct relay {
	struct event_base *base;
	struct event *timer;
	int64_t half_us;
	/* Each way takes as long, so that they fall due in their order. */
	STAILQ_HEAD(parcels, parcel) parcels;
};

struct port {
	struct relay *relay;
	struct sockaddr_in server;
	struct evconnlistener *listener;
};

static int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static struct sockaddr_in
loopback(uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static void
relay_set_timer(struct relay *relay)
{
	const struct parcel *first = STAILQ_FIRST(&relay->parcels);
	struct timeval wait;
	int64_t wait_us;

	if (first == NULL || evtimer_pending(relay->timer, NULL))
		return;
	wait_us = first->due_us - now_us();
	if (wait_us < 0)
		wait_us = 0;
	wait.tv_sec = (time_t)(wait_us / 1000000);
	wait.tv_usec = (suseconds_t)(wait_us % 1000000);
	evtimer_add(relay->timer, &wait);
}

static void
pair_send(struct pair *pair, enum side to, struct evbuffer *octets)
{
	struct relay *relay = pair->relay;
	struct parcel *parcel = calloc(1, sizeof *parcel);

	if (parcel == NULL)
		err(EXIT_FAILURE, NULL);
	parcel->pair = pair;
	parcel->to = to;
	parcel->due_us = now_us() + relay->half_us;
	parcel->octets = octets;
	pair->under_way++;
	STAILQ_INSERT_TAIL(&relay->parcels, parcel, entry);
	relay_set_timer(relay);
}

/* Both sides end when all that was said before has arrived. */
static void
pair_check(struct pair *pair)
{
	enum side side;

	if (!pair->is_over || pair->under_way > 0)
		return;
	for (side = CLIENT; side < SIDES; side++)
		if (evbuffer_get_length(
			bufferevent_get_output(pair->ends[side])) > 0)
			return;
	bufferevent_free(pair->ends[CLIENT]);
	bufferevent_free(pair->ends[SERVER]);
	free(pair);
}

static void
pair_arrived(struct pair *pair)
{
	pair->under_way--;
	pair_check(pair);
}

static void
pair_written(struct bufferevent *to, void *arg)
{
	(void)to;
	pair_check(arg);
}

static void
pair_read(struct bufferevent *from, void *arg)
{
	struct pair *pair = arg;
	struct evbuffer *octets = evbuffer_new();

	if (octets == NULL || bufferevent_read_buffer(from, octets) != 0)
		errx(EXIT_FAILURE, "no memory");
	pair_send(pair, from == pair->ends[CLIENT] ? SERVER : CLIENT, octets);
}

static void
pair_ended(struct bufferevent *from, short what, void *arg)
{
	struct pair *pair = arg;

	struct evbuffer *unsaid = bufferevent_get_output(from);

	if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) == 0)
		return;
	bufferevent_disable(from, EV_READ);
	/* Nobody hears it any more. */
	if ((what & BEV_EVENT_ERROR) != 0)
		evbuffer_drain(unsaid, evbuffer_get_length(unsaid));
	pair_send(pair, from == pair->ends[CLIENT] ? SERVER : CLIENT, NULL);
}

static void
relay_once(
    struct relay *relay, int64_t wait_us, event_callback_fn cb, void *arg)
{
	const struct timeval wait = { (time_t)(wait_us / 1000000),
		(suseconds_t)(wait_us % 1000000) };

	if (event_base_once(relay->base, -1, EV_TIMEOUT, cb, arg, &wait) != 0)
		errx(EXIT_FAILURE, "no memory");
}

static void
parcel_arrive(struct parcel *parcel)
{
	struct pair *pair = parcel->pair;
	struct bufferevent *end = pair->ends[parcel->to];

	if (parcel->octets != NULL) {
		bufferevent_write_buffer(end, parcel->octets);
		evbuffer_free(parcel->octets);
	} else
		pair->is_over = true;
	free(parcel);
	pair_arrived(pair);
}

static void
relay_deliver(evutil_socket_t fd, short what, void *arg)
{
	struct relay *relay = arg;
	struct parcel *parcel;
	int64_t now = now_us();

	(void)fd;
	(void)what;
	while ((parcel = STAILQ_FIRST(&relay->parcels)) != NULL &&
	       parcel->due_us <= now) {
		STAILQ_REMOVE_HEAD(&relay->parcels, entry);
		parcel_arrive(parcel);
	}
	relay_set_timer(relay);
}

static struct bufferevent *
pair_end(struct pair *pair, evutil_socket_t fd)
{
	struct bufferevent *end = bufferevent_socket_new(
	    pair->relay->base, fd, BEV_OPT_CLOSE_ON_FREE);

	if (end == NULL)
		errx(EXIT_FAILURE, "no memory");
	bufferevent_setcb(end, pair_read, pair_written, pair_ended, pair);
	return end;
}

static void
set_no_delay(evutil_socket_t fd)
{
	const int on = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
		err(EXIT_FAILURE, "TCP_NODELAY");
}

/* The client knows by now that it is connected, and begins to speak. */
static void
pair_hear_client(evutil_socket_t fd, short what, void *arg)
{
	struct pair *pair = arg;

	(void)fd;
	(void)what;
	bufferevent_enable(pair->ends[CLIENT], EV_READ | EV_WRITE);
	pair_arrived(pair);
}

/* So does the server. */
static void
pair_hear_server(evutil_socket_t fd, short what, void *arg)
{
	struct pair *pair = arg;

	(void)fd;
	(void)what;
	bufferevent_enable(pair->ends[SERVER], EV_READ | EV_WRITE);
	pair_arrived(pair);
}

/*
 * Us it has at once; for the server it would wait a round trip, and the last
 * word of the opening takes half of one more.
 */
static void
port_accept(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *address, int length, void *arg)
{
	struct port *port = arg;
	struct relay *relay = port->relay;
	struct pair *pair = calloc(1, sizeof *pair);
	evutil_socket_t server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)listener;
	(void)address;
	(void)length;
	if (pair == NULL || server == -1 ||
	    connect(server, (struct sockaddr *)&port->server,
		sizeof port->server) != 0 ||
	    evutil_make_socket_nonblocking(server) != 0)
		err(EXIT_FAILURE, "a connection to the server");
	pair->relay = relay;
	set_no_delay(fd);
	set_no_delay(server);
	pair->ends[CLIENT] = pair_end(pair, fd);
	pair->ends[SERVER] = pair_end(pair, server);
	pair->under_way = 2;
	relay_once(relay, 2 * relay->half_us, pair_hear_client, pair);
	relay_once(relay, 3 * relay->half_us, pair_hear_server, pair);
}

static void
input_ended(evutil_socket_t fd, short what, void *arg)
{
	struct relay *relay = arg;
	char octets[64];

	(void)what;
	if (read(fd, octets, sizeof octets) <= 0)
		event_base_loopbreak(relay->base);
}

static void
relay_listen(struct relay *relay, struct port *port, const char *number)
{
	struct sockaddr_in address = loopback(0);
	socklen_t length = sizeof address;

	port->relay = relay;
	port->server = loopback((uint16_t)strtoul(number, NULL, 10));
	port->listener = evconnlistener_new_bind(relay->base, port_accept, port,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 1024,
	    (struct sockaddr *)&address, sizeof address);
	if (port->listener == NULL ||
	    getsockname(evconnlistener_get_fd(port->listener),
		(struct sockaddr *)&address, &length) != 0)
		err(EXIT_FAILURE, "listen");
	printf("%u\n", ntohs(address.sin_port));
}

int
main(int argc, char **argv)
{
	struct relay relay;
	struct event_config *config = event_config_new();
	struct port *ports = calloc((size_t)argc, sizeof *ports);
	struct event *input;
	int i;

	if (argc < 3)
		errx(EXIT_FAILURE, "usage: %s MICROSECONDS PORT ...", argv[0]);
	if (config == NULL || ports == NULL ||
	    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER) != 0)
		errx(EXIT_FAILURE, "no memory");
	signal(SIGPIPE, SIG_IGN);
	STAILQ_INIT(&relay.parcels);
	relay.half_us = strtol(argv[1], NULL, 10) / 2;
	relay.base = event_base_new_with_config(config);
	relay.timer = evtimer_new(relay.base, relay_deliver, &relay);
	for (i = 2; i < argc; i++)
		relay_listen(&relay, &ports[i], argv[i]);
	fflush(stdout);
	input = event_new(relay.base, STDIN_FILENO, EV_READ | EV_PERSIST,
	    input_ended, &relay);
	event_add(input, NULL);
	event_base_dispatch(relay.base);
	return EXIT_SUCCESS;
}
