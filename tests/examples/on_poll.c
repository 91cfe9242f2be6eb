/* Print the first message: the protocol core on poll(2), without libevent. */
#include <err.h>
#include <evpop/proto.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int main(int argc, char **argv) {
	struct pollfd server = { .fd = 0, .events = POLLIN };
	struct evpop_proto *pop = evpop_proto_new(NULL);
	struct evpop_event ev;
	char in[8192];
	const void *out;
	size_t i, n, length;
	ssize_t got;

	if (!pop || evpop_proto_login(pop, argv[1], getenv("PASSWORD")) ||
	    evpop_proto_ask(pop, EVPOP_COMMAND_RETR, 1) ||
	    evpop_proto_ask(pop, EVPOP_COMMAND_QUIT, 0))
		errx(2, "usage: PASSWORD=... on_poll USER <>/dev/tcp/HOST/110");
	while (evpop_proto_state(pop) != EVPOP_STATE_CLOSED) {
		out = evpop_proto_output(pop, &length);
		if (send(0, out, length, MSG_NOSIGNAL) != (ssize_t)length ||
		    poll(&server, 1, 60000) < 1 ||
		    (got = recv(0, in, sizeof in, 0)) < 1)
			errx(1, "the server is gone");
		evpop_proto_sent(pop, length);
		for (i = 0;
		     evpop_proto_next(pop, in + i, (size_t)got - i, &n, &ev);
		     i += n)
			if (ev.type == EVPOP_EVENT_BODY)
				fwrite(ev.data, 1, ev.length, stdout);
			else if (ev.type > EVPOP_EVENT_BODY && ev.result->error)
				errx(1, "%s", ev.result->text);
	}
	evpop_proto_free(pop);
	return fflush(stdout) != 0;
}
