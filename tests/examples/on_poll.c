/* Print the first message: the protocol core on poll(2), without libevent. */
#include <arpa/inet.h>
#include <err.h>
#include <evpop/proto.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	const struct evpop_request asked[] = {
		{ .command = EVPOP_COMMAND_USER, .text = "user1" },
		{ .command = EVPOP_COMMAND_PASS, .text = getenv("PASSWORD") },
		{ .command = EVPOP_COMMAND_RETR, .number = 1 },
		{ .command = EVPOP_COMMAND_QUIT },
	};
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct pollfd server = { socket(AF_INET, SOCK_STREAM, 0), POLLIN, 0 };
	struct evpop_proto *pop = evpop_proto_new(NULL);
	struct evpop_event ev;
	char in[8192];
	const void *output;
	size_t i, n, length;
	ssize_t got;

	to.sin_port = htons((uint16_t)atoi(argc == 2 ? argv[1] : "110"));
	if (connect(server.fd, (struct sockaddr *)&to, sizeof to) != 0)
		err(1, "connect");
	for (i = 0; i < sizeof asked / sizeof asked[0]; i++)
		if (evpop_proto_submit(pop, &asked[i]) != EVPOP_ERROR_NONE)
			errx(2, "usage: PASSWORD=... on_poll PORT");
	while (evpop_proto_state(pop) != EVPOP_STATE_CLOSED) {
		output = evpop_proto_output(pop, &length);
		if (write(server.fd, output, length) != (ssize_t)length ||
		    poll(&server, 1, 60000) < 1 ||
		    (got = read(server.fd, in, sizeof in)) < 1)
			errx(1, "the server is gone");
		evpop_proto_sent(pop, length);
		for (i = 0;; i += n) {
			evpop_proto_next(pop, in + i, (size_t)got - i, &n, &ev);
			if (ev.type == EVPOP_EVENT_NONE)
				break;
			if (ev.type == EVPOP_EVENT_BODY)
				fwrite(ev.data, 1, ev.length, stdout);
			if (ev.type >= EVPOP_EVENT_DONE && ev.result->error)
				errx(1, "%s", ev.result->text);
		}
	}
	evpop_proto_free(pop);
	return close(server.fd) != 0;
}
