/*
 * A stranger's program: plays a session with the protocol engine, and makes a
 * client that waits for nothing.  In C, and in C++ by consumer.cc.
 */
#include <event2/event.h>
#include <evpop/evpop.h>
#include <stdio.h>
#include <string.h>

static int failures;

static void
expect(int holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "consumer: not so: %s\n", what);
		failures++;
	}
}

/* Greeting, STAT before the log-in, and the end of the connection. */
static void
play(void)
{
	static const char greeting[] = "+OK ready\r\n";
	struct evpop_proto *session = evpop_proto_new(NULL);
	struct evpop_request user;
	struct evpop_event event;
	const unsigned char *output;
	size_t used, length;

	expect(session != NULL, "a session");
	if (session == NULL)
		return;
	evpop_proto_next(
	    session, greeting, sizeof(greeting) - 1, &used, &event);
	expect(event.type == EVPOP_EVENT_GREETING, "the greeting");
	expect(used == sizeof(greeting) - 1, "all of it taken");
	memset(&user, 0, sizeof(user));
	user.command = EVPOP_COMMAND_USER;
	user.text = "alice";
	expect(evpop_proto_submit(session, &user) == EVPOP_ERROR_NONE, "USER");
	output = evpop_proto_output(session, &length);
	expect(length == 12 && memcmp(output, "USER alice\r\n", 12) == 0,
	    "the command");
	evpop_proto_sent(session, length);
	evpop_proto_eof(session);
	evpop_proto_next(session, NULL, 0, &used, &event);
	expect(event.type == EVPOP_EVENT_DONE, "the command's end");
	expect(event.result->error == EVPOP_ERROR_IO, "its class");
	evpop_proto_free(session);
}

static void
make_client(void)
{
	struct event_base *base = event_base_new();
	struct evpop_client_config config;
	struct evpop_client_callbacks callbacks;
	struct evpop_client *client;

	expect(base != NULL, "a base");
	memset(&config, 0, sizeof(config));
	memset(&callbacks, 0, sizeof(callbacks));
	config.host = "127.0.0.1";
	config.tls = EVPOP_TLS_NONE;
	client = evpop_client_new(base, NULL, &config, &callbacks, NULL);
	expect(client != NULL, "a client");
	if (client != NULL)
		expect(evpop_client_state(client) == EVPOP_STATE_GREETING,
		    "that it awaits a greeting");
	evpop_client_free(client);
	event_base_free(base);
}

int
main(void)
{
	play();
	make_client();
	expect(strcmp(evpop_error_name(EVPOP_ERROR_TLS), "tls") == 0, "a name");
	if (failures == 0)
		puts("consumer: all as promised");
	return failures != 0;
}
