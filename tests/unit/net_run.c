#include "tests/unit/net_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
note(struct net_run *run, const char *name, const char *what)
{
	size_t length = strlen(run->log);

	snprintf(run->log + length, sizeof(run->log) - length, "%s%s%s ", name,
	    what[0] == '\0' ? "" : ":", what);
	if (run->free_in != NULL && strcmp(run->free_in, name) == 0) {
		evpop_client_free(run->client);
		run->client = NULL;
		run->closed = true;
	}
	if (run->client != NULL && run->cancel_in != NULL &&
	    strcmp(run->cancel_in, name) == 0)
		evpop_client_cancel(run->client);
}

static void
note_result(
    struct net_run *run, const char *name, const struct evpop_result *result)
{
	if (result->error != EVPOP_ERROR_NONE)
		run->last = *result;
	note(run, name, evpop_error_name(result->error));
}

/* One callback for each name, so that a record needs no lookup. */
#define REPLY(name)                                        \
	static void on_##name(struct evpop_client *client, \
	    const struct evpop_reply *reply, void *arg)    \
	{                                                  \
		struct net_run *run = arg;                 \
                                                           \
		assert_ptr_equal(client, run->client);     \
		note_result(run, #name, &reply->result);   \
	}

REPLY(connect)
REPLY(dele)
REPLY(noop)

static void
on_login(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct net_run *run = arg;

	(void)client;
	run->login = reply->result;
	note_result(run, "login", &reply->result);
}

static void
on_quit(struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct net_run *run = arg;

	(void)client;
	run->quit = reply->quit;
	note_result(run, "quit", &reply->result);
}

static void
on_stat(struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct net_run *run = arg;
	char text[64];

	(void)client;
	if (reply->result.error != EVPOP_ERROR_NONE) {
		note_result(run, "stat", &reply->result);
		return;
	}
	snprintf(text, sizeof(text), "%u/%llu", (unsigned)reply->number,
	    (unsigned long long)reply->octets);
	note(run, "stat", text);
}

static void
on_listing(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct net_run *run = arg;
	char text[96] = "";

	(void)client;
	if (reply->result.error == EVPOP_ERROR_NONE && reply->number != 0)
		snprintf(text, sizeof(text), "%u=%llu%.*s",
		    (unsigned)reply->number, (unsigned long long)reply->octets,
		    (int)reply->unique_id_length,
		    reply->unique_id == NULL ? ""
					     : (const char *)reply->unique_id);
	if (text[0] != '\0')
		note(run, "listing", text);
	else
		note_result(run, "listing", &reply->result);
}

static void
on_listed(
    struct evpop_client *client, const struct evpop_listed *listed, void *arg)
{
	struct net_run *run = arg;
	char text[96];

	(void)client;
	if (listed->unique_id == NULL)
		snprintf(text, sizeof(text), "%u=%llu",
		    (unsigned)listed->number,
		    (unsigned long long)listed->octets);
	else
		snprintf(text, sizeof(text), "%u=%.*s",
		    (unsigned)listed->number, (int)listed->unique_id_length,
		    (const char *)listed->unique_id);
	note(run, "listed", text);
}

static void
on_closed(
    struct evpop_client *client, const struct evpop_result *result, void *arg)
{
	struct net_run *run = arg;

	(void)client;
	assert_false(run->closed);
	run->closed_result = *result;
	run->closed = true;
	note(run, "closed", evpop_error_name(result->error));
}

static const struct evpop_client_callbacks callbacks = {
	.closed = on_closed,
};

static enum evpop_flow
on_begin(
    struct evpop_client *client, uint32_t number, uint64_t octets, void *arg)
{
	struct net_run *run = arg;

	(void)client;
	(void)number;
	run->claimed = octets;
	note(run, "begin", "");
	if (!run->pause_at_begin)
		return EVPOP_FLOW_CONTINUE;
	run->paused = true;
	return EVPOP_FLOW_PAUSE;
}

static enum evpop_flow
on_data(struct evpop_client *client, const unsigned char *bytes, size_t length,
    void *arg)
{
	struct net_run *run = arg;

	(void)client;
	assert_false(run->paused);
	run->spans++;
	if (run->body_length + length > run->body_room) {
		run->body_room = (run->body_length + length) * 2;
		run->body = realloc(run->body, run->body_room);
		assert_non_null(run->body);
	}
	memcpy(run->body + run->body_length, bytes, length);
	run->body_length += length;
	if (run->free_in != NULL && strcmp(run->free_in, "data") == 0)
		note(run, "data", "");
	if (run->client != NULL && run->cancel_in != NULL &&
	    strcmp(run->cancel_in, "data") == 0)
		note(run, "data", "");
	if ((run->is_full == NULL || !*run->is_full) &&
	    (run->pause_every == 0 ||
		run->body_length - run->paused_at < run->pause_every))
		return EVPOP_FLOW_CONTINUE;
	run->paused_at = run->body_length;
	run->paused = true;
	return EVPOP_FLOW_PAUSE;
}

static void
on_end(struct evpop_client *client, uint32_t number,
    const struct evpop_result *result, void *arg)
{
	(void)client;
	(void)number;
	((struct net_run *)arg)->ended = true;
	note_result(arg, "end", result);
}

const struct evpop_sink net_run_sink = {
	.begin = on_begin,
	.data = on_data,
	.end = on_end,
};

void
net_run_start(struct net_run *run, struct event_base *base,
    struct evdns_base *dns, const struct evpop_client_config *config)
{
	struct evpop_client_config used = *config;

	memset(run, 0, sizeof(*run));
	run->base = base;
	if (used.host == NULL)
		used.host = "127.0.0.1";
	run->client = evpop_client_new(base, dns, &used, &callbacks, run);
	assert_non_null(run->client);
}

#define ASK(call) assert_int_equal((call), EVPOP_ERROR_NONE)

void
net_run_connect(struct net_run *run)
{
	ASK(evpop_client_connect(run->client, on_connect, run));
}

void
net_run_login(struct net_run *run)
{
	ASK(evpop_client_login(run->client,
	    &(struct evpop_credentials){ .user = "anna", .password = "secret" },
	    on_login, run));
}

void
net_run_stat(struct net_run *run)
{
	ASK(evpop_client_stat(run->client, on_stat, run));
}

void
net_run_list(struct net_run *run, uint32_t number)
{
	ASK(evpop_client_list(run->client, number, on_listed, on_listing, run));
}

void
net_run_uidl(struct net_run *run, uint32_t number)
{
	ASK(evpop_client_uidl(run->client, number, on_listed, on_listing, run));
}

void
net_run_retr(struct net_run *run, uint32_t number)
{
	ASK(evpop_client_retr(run->client, number, &net_run_sink, run));
}

void
net_run_top(struct net_run *run, uint32_t number, uint32_t lines)
{
	ASK(evpop_client_top(run->client, number, lines, &net_run_sink, run));
}

void
net_run_dele(struct net_run *run, uint32_t number)
{
	ASK(evpop_client_dele(run->client, number, on_dele, run));
}

void
net_run_noop(struct net_run *run)
{
	ASK(evpop_client_noop(run->client, on_noop, run));
}

void
net_run_quit(struct net_run *run)
{
	ASK(evpop_client_quit(run->client, on_quit, run));
}

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(bool *)arg = true;
}

static void
turn(struct net_run *run, const bool *flag, int milliseconds, bool *late)
{
	struct timeval patience = { milliseconds / 1000,
		milliseconds % 1000 * 1000 };
	struct event *timer = evtimer_new(run->base, on_time, late);

	assert_non_null(timer);
	assert_int_equal(evtimer_add(timer, &patience), 0);
	while (!*late && (flag == NULL || !*flag))
		assert_int_equal(event_base_loop(run->base, EVLOOP_ONCE), 0);
	event_free(timer);
}

void
net_run_until(struct net_run *run, const bool *flag)
{
	bool late = false;

	turn(run, flag, NET_PATIENCE_S * 1000, &late);
	assert_false(late);
}

void
net_run_for(struct net_run *run, int milliseconds)
{
	bool late = false;

	turn(run, NULL, milliseconds, &late);
}

void
net_run_finish(struct net_run *run)
{
	evpop_client_free(run->client);
	free(run->body);
	memset(run, 0, sizeof(*run));
}
