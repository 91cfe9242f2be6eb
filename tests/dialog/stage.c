/* Many sessions at once, on one loop. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/dialog/session.h"

/* Names that dialogs may use as hosts. */
static const char hosts[] = "127.0.0.1 mail.example\n";

static void start_sessions(struct play_stage *);

void
session_fail(struct session *session, const char *format, ...)
{
	va_list ap;

	if (session->failure[0] != '\0')
		return;
	va_start(ap, format);
	vsnprintf(session->failure, sizeof session->failure, format, ap);
	va_end(ap);
	event_active(session->finish, EV_TIMEOUT, 0);
}

void
session_check_end(struct session *session)
{
	if (session->done)
		event_active(session->finish, EV_TIMEOUT, 0);
}

void
session_show(
    struct session *session, const char *who, const void *bytes, size_t length)
{
	if (session->shown == NULL)
		return;
	octets_add_text(session->shown, who);
	octets_escape(session->shown, bytes, length);
	octets_add_text(session->shown, "\n");
}

/* What was heard in clear, and by whom it must not be. */
static void
check_never(const struct session *session, struct octets *why)
{
	const struct dialog *dialog = session->dialog;
	size_t i;

	for (i = 0; i < dialog->never_count; i++)
		if (octets_hold(&session->heard, &dialog->never[i]) ||
		    octets_hold(&session->heard_clear, &dialog->never[i])) {
			octets_add_text(why, "    the client said: ");
			octets_add_text(why, octets_text(&dialog->never[i]));
			octets_add_text(why, "\n");
		}
	for (i = 0; i < dialog->never_clear_count; i++)
		if (octets_hold(
			&session->heard_clear, &dialog->never_clear[i])) {
			octets_add_text(why, "    said in clear: ");
			octets_add_text(
			    why, octets_text(&dialog->never_clear[i]));
			octets_add_text(why, "\n");
		}
}

static void
judge(struct session *session)
{
	struct play_stage *stage = session->stage;
	struct octets why = { NULL, 0, 0 };

	if (session->failure[0] == '\0' && !script_left(&session->script))
		snprintf(session->failure, sizeof session->failure, "%s",
		    session->script.error);
	if (session->failure[0] != '\0') {
		octets_add_text(&why, "    ");
		octets_add_text(&why, session->failure);
		octets_add_text(&why, "\n");
	}
	(void)record_check(&session->record, session->dialog, RECORD_ALL, &why);
	check_never(session, &why);
	/* What is wrong many times need not be told each time. */
	if (why.length > 0 && stage->failed++ == 0)
		stage->wrong(
		    session->index, octets_text(&why), stage->wrong_arg);
	octets_clear(&why);
}

static void
clear(struct session *session)
{
	size_t i;

	evpop_client_free(session->client);
	session_sync_clear(session);
	server_clear(session);
	evpop_memory_free(session->memory);
	record_clear(&session->record);
	octets_clear(&session->heard);
	octets_clear(&session->heard_clear);
	for (i = 0; i < session->known_count; i++)
		octets_clear(&session->known[i].id);
	free(session->known);
	free(session->asked);
	event_free(session->patience);
	event_free(session->finish);
	event_free(session->resume);
	event_free(session->rest);
	event_free(session->late);
	session->active = false;
}

/* Both sides are at their end, or something is wrong. */
static void
finish(evutil_socket_t fd, short what, void *arg)
{
	struct session *session = arg;
	struct play_stage *stage = session->stage;

	(void)fd;
	(void)what;
	/* What the client has said last, the server may still have to hear. */
	if (session->failure[0] == '\0' && session->server.stream != NULL) {
		if (!session->closed)
			return;
		server_advance(session);
		if (session->server.stream != NULL &&
		    session->failure[0] == '\0' && session->server.reading)
			return;
	}
	judge(session);
	clear(session);
	stage->running--;
	start_sessions(stage);
	if (stage->running == 0)
		event_base_loopbreak(stage->base);
}

static void
lost_patience(evutil_socket_t fd, short what, void *arg)
{
	struct session *session = arg;
	size_t at = session->script.at;
	const struct dialog *dialog = session->dialog;

	(void)fd;
	(void)what;
	session_fail(session, "stuck: %s, the script at line %u",
	    session->done ? "the client is done" : "the client waits",
	    at < dialog->item_count ? dialog->items[at].line : 0);
}

static struct event *
new_timer(struct session *session, event_callback_fn callback)
{
	struct event *timer =
	    evtimer_new(session->stage->base, callback, session);

	if (timer == NULL)
		abort();
	return timer;
}

static void
start(struct play_stage *stage, struct session *session)
{
	static const struct timeval patience = { SESSION_PATIENCE_S, 0 };
	size_t place = session->place;

	memset(session, 0, sizeof *session);
	session->stage = stage;
	session->place = place;
	session->dialog = stage->dialog;
	session->mode = stage->mode;
	session->index = stage->next++;
	session->cuts = &stage->cuts[session->index];
	session->shown = stage->shown;
	session->active = true;
	script_begin(&session->script, session->dialog);
	session->memory = evpop_memory_new();
	if (session->memory == NULL)
		abort();
	session->patience = new_timer(session, lost_patience);
	session->finish = new_timer(session, finish);
	session->resume = new_timer(session, session_resume);
	session->rest = new_timer(session, session_rested);
	session->late = new_timer(session, session_sync_late);
	evtimer_add(session->patience, &patience);
	server_init(session);
	stage->running++;
	session_go_on(session);
}

static void
start_sessions(struct play_stage *stage)
{
	size_t i;

	for (i = 0; i < STAGE_PLACES && stage->next < stage->count; i++)
		if (!stage->sessions[i].active && stage->failed == 0)
			start(stage, &stage->sessions[i]);
}

static void
accepted(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *address, int length, void *arg)
{
	struct session *session = arg;

	(void)listener;
	(void)address;
	(void)length;
	if (!session->active || session->failure[0] != '\0')
		evutil_closesocket(fd);
	else
		server_accept(session, fd);
}

static void
open_place(struct play_stage *stage, size_t place)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof sin;

	stage->sessions[place].place = place;
	stage->listeners[place] = evconnlistener_new_bind(stage->base, accepted,
	    &stage->sessions[place], LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE,
	    16, (struct sockaddr *)&sin, (int)sizeof sin);
	if (stage->listeners[place] == NULL ||
	    getsockname(evconnlistener_get_fd(stage->listeners[place]),
		(struct sockaddr *)&sin, &length) == -1) {
		fprintf(stderr, "no port to listen on\n");
		exit(2);
	}
	stage->ports[place] = ntohs(sin.sin_port);
}

/* Names are resolved by a hosts file of our own, and nobody is asked. */
static struct evdns_base *
open_dns(struct event_base *base)
{
	struct evdns_base *dns = evdns_base_new(base, 0);
	char path[] = "/tmp/dialog-hosts-XXXXXX";
	int fd = mkstemp(path);

	if (dns == NULL || fd == -1 ||
	    write(fd, hosts, sizeof hosts - 1) != (ssize_t)sizeof hosts - 1 ||
	    evdns_base_load_hosts(dns, path) != 0) {
		fprintf(stderr, "no hosts file\n");
		exit(2);
	}
	close(fd);
	unlink(path);
	return dns;
}

struct play_stage *
play_stage_new(void)
{
	struct play_stage *stage = calloc(1, sizeof *stage);
	struct evpop_tls_options options = { .ca = NULL };
	struct evpop_result result;
	size_t i;

	if (stage == NULL || (stage->base = event_base_new()) == NULL)
		abort();
	stage->dns = open_dns(stage->base);
	stage->certificates = certificates_new();
	options.ca = certificates_ca(stage->certificates);
	stage->tls = evpop_tls_context_new(&options, &result);
	if (stage->tls == NULL) {
		fprintf(stderr, "TLS: %s\n", result.text);
		exit(2);
	}
	for (i = 0; i < STAGE_PLACES; i++)
		open_place(stage, i);
	return stage;
}

void
play_stage_free(struct play_stage *stage)
{
	size_t i;

	if (stage == NULL)
		return;
	for (i = 0; i < STAGE_PLACES; i++)
		evconnlistener_free(stage->listeners[i]);
	evpop_tls_context_free(stage->tls);
	certificates_free(stage->certificates);
	evdns_base_free(stage->dns, 0);
	event_base_free(stage->base);
	free(stage);
}

size_t
play_net(struct play_stage *stage, const struct dialog *dialog,
    enum play_mode mode, const struct cuts *cuts, size_t count,
    struct octets *shown, play_wrong_cb wrong, void *arg)
{
	stage->dialog = dialog;
	stage->mode = mode;
	stage->cuts = cuts;
	stage->count = count;
	stage->next = stage->running = stage->failed = 0;
	stage->shown = shown;
	stage->wrong = wrong;
	stage->wrong_arg = arg;
	start_sessions(stage);
	while (stage->running > 0)
		if (event_base_dispatch(stage->base) == -1)
			abort();
	return stage->failed;
}
