/*
 * maildropd: a POP3 server for the project's tests, demonstrations and load.
 * One process and one loop; see --help for what it does.
 */

#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/listener.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "connection.h"
#include "maildrop.h"
#include "options.h"

/* How long accepting rests when descriptors have run out. */
#define ACCEPT_REST_MS 100

/* One socket that clients come in by. */
struct entrance {
	struct server *server;
	struct evconnlistener *listener;
	struct event *rest_timer;
	bool tls;
};

/* The process. */
struct maildropd {
	struct options options;
	struct server server;
	struct entrance *entrances;
	struct event *on_terminate, *on_interrupt, *on_report, *on_release,
	    *on_supervisor;
	int supervisor_fd;
};

/* Writes a file as a whole: under another name first, then renamed. */
static void
write_file(const char *path, void (*write_text)(FILE *, struct maildropd *),
    struct maildropd *maildropd)
{
	char *temporary;
	FILE *file;

	if (asprintf(&temporary, "%s.new", path) == -1)
		err(EXIT_FAILURE, "%s", path);
	file = fopen(temporary, "we");
	if (file == NULL)
		err(EXIT_FAILURE, "%s", temporary);
	write_text(file, maildropd);
	if (ferror(file) || fclose(file) == EOF ||
	    rename(temporary, path) == -1)
		err(EXIT_FAILURE, "%s", path);
	free(temporary);
}

static void
write_ports(FILE *file, struct maildropd *maildropd)
{
	for (size_t i = 0; i < maildropd->options.listen_count; i++) {
		struct entrance *entrance = &maildropd->entrances[i];
		struct sockaddr_storage address;
		socklen_t size = sizeof address;
		char host[NI_MAXHOST], port[NI_MAXSERV];
		int result;

		if (getsockname(evconnlistener_get_fd(entrance->listener),
			(struct sockaddr *)&address, &size) == -1)
			err(EXIT_FAILURE, "getsockname");
		result = getnameinfo((struct sockaddr *)&address, size, host,
		    sizeof host, port, sizeof port,
		    NI_NUMERICHOST | NI_NUMERICSERV);
		if (result != 0)
			errx(EXIT_FAILURE, "%s", gai_strerror(result));
		fprintf(file, "%s %s %s\n", entrance->tls ? "tls" : "plain",
		    host, port);
	}
}

static void
write_stats(FILE *file, struct maildropd *maildropd)
{
	const struct server *server = &maildropd->server;
	const struct session_counters *counters = &server->sessions.counters;
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{ "connections", server->connection_count },
		{ "connections_open", server->open_count },
		{ "connections_peak", server->open_peak },
		{ "commands", counters->commands },
		{ "round_trips", server->round_trips },
		{ "bytes", server->bytes_in + server->bytes_out },
		{ "bytes_in", server->bytes_in },
		{ "bytes_out", server->bytes_out },
		{ "logins", counters->logins },
		{ "logins_refused", counters->refused_logins },
		{ "messages_sent", counters->messages_sent },
		{ "messages_removed", counters->messages_removed },
		{ "bodies_cut", counters->bodies_cut },
		{ "bodies_emptied", server->sessions.faults.emptied },
		{ "quits_dropped", counters->quits_dropped },
		{ "tls_handshakes", server->tls_handshakes },
		{ "tls_resumed", server->tls_resumed },
		{ "tls_failures", server->tls_failures },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		fprintf(file, "%s\"%s\": %" PRIu64, i == 0 ? "{" : ",\n ",
		    rows[i].name, rows[i].value);
	fputs("}\n", file);
}

static void
on_stop_signal(evutil_socket_t number, short what, void *arg)
{
	struct maildropd *maildropd = arg;

	(void)number;
	(void)what;
	event_base_loopbreak(maildropd->server.base);
}

static void
on_report_signal(evutil_socket_t number, short what, void *arg)
{
	struct maildropd *maildropd = arg;

	(void)number;
	(void)what;
	if (maildropd->options.stats_file != NULL)
		write_file(
		    maildropd->options.stats_file, write_stats, maildropd);
}

static void
on_release_signal(evutil_socket_t number, short what, void *arg)
{
	struct maildropd *maildropd = arg;

	(void)number;
	(void)what;
	connections_release(&maildropd->server);
}

static void
on_accepted(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *address, int size, void *arg)
{
	struct entrance *entrance = arg;

	(void)listener;
	(void)address;
	(void)size;
	connection_start(entrance->server, fd, entrance->tls);
}

static void
on_rest_over(evutil_socket_t fd, short what, void *arg)
{
	struct entrance *entrance = arg;

	(void)fd;
	(void)what;
	evconnlistener_enable(entrance->listener);
}

/* Out of descriptors, most likely: rests instead of spinning. */
static void
on_accept_error(struct evconnlistener *listener, void *arg)
{
	static const struct timeval rest = { 0, ACCEPT_REST_MS * 1000 };
	struct entrance *entrance = arg;

	warn("accept");
	evconnlistener_disable(listener);
	evtimer_add(entrance->rest_timer, &rest);
}

static void
open_entrance(struct maildropd *maildropd, size_t index)
{
	const struct listen_option *listen = &maildropd->options.listens[index];
	struct entrance *entrance = &maildropd->entrances[index];
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *found;
	int result, on = 1;

	result = getaddrinfo(listen->host, listen->port, &hints, &found);
	if (result != 0)
		errx(
		    EXIT_FAILURE, "%s: %s", listen->host, gai_strerror(result));
	entrance->server = &maildropd->server;
	entrance->tls = listen->tls;
	entrance->rest_timer =
	    evtimer_new(maildropd->server.base, on_rest_over, entrance);
	entrance->listener = evconnlistener_new_bind(maildropd->server.base,
	    on_accepted, entrance,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
	    SOMAXCONN, found->ai_addr, (int)found->ai_addrlen);
	if (entrance->listener == NULL)
		err(EXIT_FAILURE, "listen on %s port %s", listen->host,
		    listen->port);
	freeaddrinfo(found);
	/* Accepted sockets inherit it. */
	setsockopt(evconnlistener_get_fd(entrance->listener), IPPROTO_TCP,
	    TCP_NODELAY, &on, sizeof on);
	evconnlistener_set_error_cb(entrance->listener, on_accept_error);
}

__attribute__((noreturn)) static void
tls_error(const char *file)
{
	errx(EXIT_FAILURE, "%s: %s", file,
	    ERR_reason_error_string(ERR_peek_last_error()));
}

static SSL_CTX *
make_tls_context(const struct options *options)
{
	static const unsigned char context_id[] = "maildropd";
	SSL_CTX *context;

	if (options->cert_file == NULL)
		return NULL;
	context = SSL_CTX_new(TLS_server_method());
	if (context == NULL)
		tls_error("TLS");
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
	/* Sessions resume by tickets, which cost no memory here. */
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(
	    context, context_id, sizeof context_id - 1);
	if (SSL_CTX_use_certificate_chain_file(context, options->cert_file) !=
	    1)
		tls_error(options->cert_file);
	if (SSL_CTX_use_PrivateKey_file(
		context, options->key_file, SSL_FILETYPE_PEM) != 1)
		tls_error(options->key_file);
	if (options->client_ca_file != NULL) {
		if (SSL_CTX_load_verify_locations(
			context, options->client_ca_file, NULL) != 1)
			tls_error(options->client_ca_file);
		SSL_CTX_set_verify(context,
		    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	return context;
}

/* As many descriptors as the system lets this process have. */
static void
raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Arranges to end with the processes that the options name. */
static void
tie_to_supervisor(struct maildropd *maildropd)
{
	const struct options *options = &maildropd->options;

	maildropd->supervisor_fd = -1;
	if (options->die_with_parent) {
		pid_t parent = getppid();

		if (prctl(PR_SET_PDEATHSIG, SIGTERM) == -1)
			err(EXIT_FAILURE, "prctl");
		if (getppid() != parent || parent == 1)
			errx(EXIT_FAILURE, "the parent has ended already");
	}
	if (options->exit_with == 0)
		return;
	maildropd->supervisor_fd = pidfd_open(options->exit_with, 0);
	if (maildropd->supervisor_fd == -1)
		err(EXIT_FAILURE, "--exit-with %ld", (long)options->exit_with);
	maildropd->on_supervisor = event_new(maildropd->server.base,
	    maildropd->supervisor_fd, EV_READ, on_stop_signal, maildropd);
	event_add(maildropd->on_supervisor, NULL);
}

static void
open_log(struct maildropd *maildropd)
{
	const char *path = maildropd->options.log_file;
	FILE *log;

	if (path == NULL)
		return;
	log = fopen(path, "ae");
	if (log == NULL)
		err(EXIT_FAILURE, "%s", path);
	setvbuf(log, NULL, _IOLBF, 0);
	maildropd->server.sessions.log = log;
}

static void
set_up(struct maildropd *maildropd)
{
	struct options *options = &maildropd->options;
	struct server *server = &maildropd->server;
	struct event_config *config = event_config_new();

	if (config == NULL)
		errx(EXIT_FAILURE, "out of memory");
	event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	server->base = event_base_new_with_config(config);
	event_config_free(config);
	LIST_INIT(&server->connections);
	server->tls = make_tls_context(options);
	server->delay_us = options->delay_ms * 1000;
	server->octets_per_second = options->octets_per_second;
	server->hold_after = options->hold_after;
	server->sessions.maildrops = maildrops_new(options);
	server->sessions.offer_stls = server->tls != NULL;
	server->sessions.offer_pipelining = !options->no_pipelining;
	server->sessions.offer_uidl = !options->no_uidl;
	server->sessions.offer_top = !options->no_top;
	server->sessions.crlf = options->crlf;
	server->sessions.faults = (struct faults){
		.cut_bodies = options->cut_bodies,
		.drop_quits = options->drop_quits,
		.empty_bodies = options->empty_bodies,
		.stalls = options->stalls,
		.stall_after = options->stall_after,
		.state = options->fault_seed,
	};
	maildropd->entrances =
	    calloc(options->listen_count, sizeof *maildropd->entrances);
	if (server->base == NULL || server->sessions.maildrops == NULL ||
	    maildropd->entrances == NULL)
		errx(EXIT_FAILURE, "out of memory");
	open_log(maildropd);
	for (size_t i = 0; i < options->listen_count; i++)
		open_entrance(maildropd, i);
	maildropd->on_terminate =
	    evsignal_new(server->base, SIGTERM, on_stop_signal, maildropd);
	maildropd->on_interrupt =
	    evsignal_new(server->base, SIGINT, on_stop_signal, maildropd);
	maildropd->on_report =
	    evsignal_new(server->base, SIGUSR1, on_report_signal, maildropd);
	maildropd->on_release =
	    evsignal_new(server->base, SIGUSR2, on_release_signal, maildropd);
	event_add(maildropd->on_terminate, NULL);
	event_add(maildropd->on_interrupt, NULL);
	event_add(maildropd->on_report, NULL);
	event_add(maildropd->on_release, NULL);
	tie_to_supervisor(maildropd);
}

static void
tear_down(struct maildropd *maildropd)
{
	struct server *server = &maildropd->server;

	connections_close(server);
	for (size_t i = 0; i < maildropd->options.listen_count; i++) {
		evconnlistener_free(maildropd->entrances[i].listener);
		event_free(maildropd->entrances[i].rest_timer);
	}
	free(maildropd->entrances);
	event_free(maildropd->on_terminate);
	event_free(maildropd->on_interrupt);
	event_free(maildropd->on_report);
	event_free(maildropd->on_release);
	if (maildropd->on_supervisor != NULL) {
		event_free(maildropd->on_supervisor);
		close(maildropd->supervisor_fd);
	}
	event_base_free(server->base);
	maildrops_free(server->sessions.maildrops);
	SSL_CTX_free(server->tls);
	if (server->sessions.log != NULL)
		fclose(server->sessions.log);
	options_free(&maildropd->options);
}

int
main(int argc, char **argv)
{
	static struct maildropd maildropd;

	options_read(&maildropd.options, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	raise_descriptor_limit();
	set_up(&maildropd);
	if (maildropd.options.port_file != NULL)
		write_file(
		    maildropd.options.port_file, write_ports, &maildropd);
	event_base_dispatch(maildropd.server.base);
	if (maildropd.options.stats_file != NULL)
		write_file(
		    maildropd.options.stats_file, write_stats, &maildropd);
	tear_down(&maildropd);
	return EXIT_SUCCESS;
}
