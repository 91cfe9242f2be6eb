/* Print the first message no faster than 64 KiB a second. */
#include <err.h>
#include <event2/event.h>
#include <evpop/client.h>
#include <stdio.h>
#include <stdlib.h>

static enum evpop_flow
data(struct evpop_client *client, const unsigned char *bytes, size_t length,
    void *timer)
{
	struct timeval wait = { .tv_usec = (suseconds_t)length * 1000 / 66 };

	fwrite(bytes, 1, length, stdout);
	event_add(timer, &wait);
	return EVPOP_FLOW_PAUSE; /* now the server has to wait */
}

static void
resume(evutil_socket_t fd, short what, void *client)
{
	evpop_client_resume(*(struct evpop_client **)client);
}

static void
end(struct evpop_client *client, uint32_t number,
    const struct evpop_result *result, void *timer)
{
	if (result->error != EVPOP_ERROR_NONE)
		errx(1, "%s", result->text);
}

int
main(int argc, char **argv)
{
	const struct evpop_sink sink = { .data = data, .end = end };
	struct evpop_client_config config = { .tls = EVPOP_TLS_NONE };
	struct evpop_credentials who = { .user = "user1",
		.password = getenv("PASSWORD") };
	struct event_base *base = event_base_new();
	struct evpop_client *client = NULL;
	struct event *timer = evtimer_new(base, resume, &client);

	config.host = argc == 3 ? argv[1] : "";
	config.port = argc == 3 ? (uint16_t)atoi(argv[2]) : 0;
	client = evpop_client_new(base, NULL, &config, NULL, NULL);
	if (client == NULL || evpop_client_connect(client, NULL, NULL) != 0 ||
	    evpop_client_login(client, &who, NULL, NULL) != 0 ||
	    evpop_client_retr(client, 1, &sink, timer) != 0 ||
	    evpop_client_quit(client, NULL, NULL) != 0)
		errx(2, "usage: PASSWORD=... own_sink HOST PORT");
	event_base_dispatch(base);
	evpop_client_free(client);
	event_free(timer);
	event_base_free(base);
	return fflush(stdout) != 0;
}
