/* Names where resolv.conf comes late, changes and goes, and the words for what
 * name servers do. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/dns.h>
#include <event2/dns_struct.h>

#include "lib/net/resolve.h"
#include "tests/unit/net_run.h"
#include "tests/unit/net_server.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct event_base *base;
static char folder[32], resolv_conf[64], hosts[64];

static int
group_setup(void **state)
{
	(void)state;
	base = event_base_new();
	strcpy(folder, "/tmp/evpop-names-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(resolv_conf, sizeof(resolv_conf), "%s/resolv.conf", folder);
	snprintf(hosts, sizeof(hosts), "%s/hosts", folder);
	return base == NULL;
}

static int
group_teardown(void **state)
{
	(void)state;
	unlink(resolv_conf);
	unlink(hosts);
	rmdir(folder);
	event_base_free(base);
	return 0;
}

static void write_file(const char *path, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* As a new file in the place of the old one. */
static void
write_file(const char *path, const char *format, ...)
{
	char fresh[80];
	FILE *file;
	va_list ap;

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	file = fopen(fresh, "w");
	assert_non_null(file);
	va_start(ap, format);
	vfprintf(file, format, ap);
	va_end(ap);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(rename(fresh, path), 0);
}

/* ---- A name server ---- */

enum manner {
	ANSWERS = 0,   /* 127.0.0.1 for any name */
	HAS_TOO_MANY,  /* addresses for one packet */
	IS_BLOCKED,    /* 0.0.0.0 and :: */
	HAS_NOTHING,   /* the name exists, without an address */
	KNOWS_NO_NAME, /* NXDOMAIN */
	FAILS,         /* SERVFAIL */
	REFUSES,
	IS_SILENT
};

struct name_server {
	struct evdns_server_port *port;
	evutil_socket_t fd;
	uint16_t number;
	enum manner manner;
	size_t asked;
};

static void
name_server_block(struct evdns_server_request *request,
    const struct evdns_server_question *question)
{
	static const unsigned char zeros[16];

	if (question->type == EVDNS_TYPE_A)
		assert_int_equal(evdns_server_request_add_a_reply(
				     request, question->name, 1, zeros, 60),
		    0);
	else
		assert_int_equal(evdns_server_request_add_aaaa_reply(
				     request, question->name, 1, zeros, 60),
		    0);
}

static void
name_server_overfill(struct evdns_server_request *request,
    const struct evdns_server_question *question)
{
	static const unsigned char addresses[500 * 16];
	int (*add)(struct evdns_server_request *, const char *, int,
	    const void *, int) = question->type == EVDNS_TYPE_A
				     ? evdns_server_request_add_a_reply
				     : evdns_server_request_add_aaaa_reply;

	assert_int_equal(add(request, question->name, 500, addresses, 60), 0);
}

static void
on_question(struct evdns_server_request *request, void *arg)
{
	static const int errors[] = { DNS_ERR_NONE, DNS_ERR_NONE, DNS_ERR_NONE,
		DNS_ERR_NONE, DNS_ERR_NOTEXIST, DNS_ERR_SERVERFAILED,
		DNS_ERR_REFUSED };
	static const unsigned char loopback[] = { 127, 0, 0, 1 };
	const struct evdns_server_question *question = request->questions[0];
	struct name_server *server = arg;

	server->asked++;
	if (server->manner == IS_SILENT) {
		evdns_server_request_drop(request);
		return;
	}
	if (server->manner == ANSWERS && question->type == EVDNS_TYPE_A)
		assert_int_equal(evdns_server_request_add_a_reply(
				     request, question->name, 1, loopback, 60),
		    0);
	if (server->manner == HAS_TOO_MANY)
		name_server_overfill(request, question);
	if (server->manner == IS_BLOCKED)
		name_server_block(request, question);
	assert_int_equal(
	    evdns_server_request_respond(request, errors[server->manner]), 0);
}

static void
name_server_start(struct name_server *server, enum manner manner)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t length = sizeof(sin);

	memset(server, 0, sizeof(*server));
	server->manner = manner;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_true(server->fd >= 0);
	assert_int_equal(
	    bind(server->fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(
	    getsockname(server->fd, (struct sockaddr *)&sin, &length), 0);
	server->number = ntohs(sin.sin_port);
	server->port = evdns_add_server_port_with_base(
	    base, server->fd, 0, on_question, server);
	assert_non_null(server->port);
}

static void
name_server_stop(struct name_server *server)
{
	evdns_close_server_port(server->port);
	close(server->fd);
}

static void
name_server_write(const struct name_server *server, const char *options)
{
	write_file(resolv_conf, "nameserver 127.0.0.1:%u\n%s",
	    (unsigned int)server->number, options);
}

/* ---- A lookup ---- */

struct lookup {
	struct evpop_resolve *resolve;
	bool over;
	char address[EVPOP_ADDRESS_TEXT];
	struct evpop_result result;
};

static void
on_resolved(const struct evpop_address *addresses, size_t count,
    const struct evpop_result *failure, void *arg)
{
	struct lookup *lookup = arg;

	if (count > 0)
		evpop_address_text(&addresses[0], lookup->address);
	if (failure != NULL)
		lookup->result = *failure;
	lookup->over = lookup->resolve == NULL;
}

static void
lookup_start(struct lookup *lookup, struct evdns_base *dns, const char *host)
{
	memset(lookup, 0, sizeof(*lookup));
	evpop_resolve_start(
	    &lookup->resolve, dns, host, 995, on_resolved, lookup);
}

static void
lookup_finish(struct lookup *lookup)
{
	while (!lookup->over)
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
}

static void
check_resolves(struct evpop_names *names)
{
	struct lookup lookup;

	lookup_start(&lookup, evpop_names_dns(names), "pop.example.test");
	lookup_finish(&lookup);
	assert_string_equal(lookup.address, "127.0.0.1:995");
}

/* The daemon was there before the network. */
static void
test_file_comes_late(void **state)
{
	struct name_server server;
	struct evpop_names *names;
	struct lookup early;

	(void)state;
	assert_int_equal(access(resolv_conf, F_OK), -1);
	name_server_start(&server, ANSWERS);
	names = evpop_names_new(base, resolv_conf, hosts);
	assert_non_null(names);
	lookup_start(&early, evpop_names_dns(names), "pop.example.test");
	assert_int_equal(event_base_loop(base, EVLOOP_NONBLOCK), 0);
	assert_int_equal(server.asked, 0);
	write_file(resolv_conf, "# nothing yet\n");
	(void)evpop_names_dns(names);
	assert_false(early.over);
	name_server_write(&server, "");
	check_resolves(names);
	/* And whoever asked too early is answered as well. */
	lookup_finish(&early);
	assert_string_equal(early.address, "127.0.0.1:995");
	evpop_names_free(names);
	name_server_stop(&server);
}

static void
test_file_changes(void **state)
{
	struct name_server first, second;
	struct evpop_names *names;
	struct evdns_base *dns;
	size_t asked;

	(void)state;
	name_server_start(&first, ANSWERS);
	name_server_start(&second, ANSWERS);
	name_server_write(&first, "");
	names = evpop_names_new(base, resolv_conf, hosts);
	dns = evpop_names_dns(names);
	check_resolves(names);
	assert_true(first.asked > 0);
	name_server_write(&second, "");
	asked = first.asked;
	check_resolves(names);
	assert_int_equal(first.asked, asked);
	assert_true(second.asked > 0);
	/* Back again. */
	asked = second.asked;
	name_server_write(&first, "");
	check_resolves(names);
	assert_int_equal(second.asked, asked);
	/* Gone, and another. */
	assert_int_equal(unlink(resolv_conf), 0);
	assert_ptr_equal(evpop_names_dns(names), dns);
	name_server_write(&second, "");
	check_resolves(names);
	assert_true(second.asked > asked);
	evpop_names_free(names);
	name_server_stop(&first);
	name_server_stop(&second);
}

/* A server that was dead, and all that waited for it. */
static void
test_change_after_failure(void **state)
{
	struct name_server dead, server;
	struct evpop_names *names;
	struct lookup lookup;

	(void)state;
	name_server_start(&dead, IS_SILENT);
	name_server_start(&server, ANSWERS);
	name_server_write(&dead, "options timeout:1 attempts:1\n");
	names = evpop_names_new(base, resolv_conf, hosts);
	lookup_start(&lookup, evpop_names_dns(names), "pop.example.test");
	lookup_finish(&lookup);
	assert_int_equal(lookup.result.error, EVPOP_ERROR_IO);
	assert_true(lookup.result.retry);
	name_server_write(&server, "");
	check_resolves(names);
	evpop_names_free(names);
	name_server_stop(&dead);
	name_server_stop(&server);
}

static void
test_hosts_change(void **state)
{
	struct name_server server;
	struct evpop_names *names;
	struct lookup lookup;
	size_t asked;

	(void)state;
	name_server_start(&server, ANSWERS);
	name_server_write(&server, "");
	names = evpop_names_new(base, resolv_conf, hosts);
	check_resolves(names);
	write_file(hosts, "127.0.0.7 pop.example.test\n");
	asked = server.asked;
	lookup_start(&lookup, evpop_names_dns(names), "pop.example.test");
	lookup_finish(&lookup);
	assert_string_equal(lookup.address, "127.0.0.7:995");
	assert_int_equal(server.asked, asked);
	write_file(hosts, "127.0.0.8 pop.example.test\n");
	lookup_start(&lookup, evpop_names_dns(names), "pop.example.test");
	lookup_finish(&lookup);
	assert_string_equal(lookup.address, "127.0.0.8:995");
	assert_int_equal(unlink(hosts), 0);
	check_resolves(names);
	evpop_names_free(names);
	name_server_stop(&server);
}

static const struct {
	enum manner manner;
	const char *words;
} failures[] = {
	{ IS_BLOCKED, "cannot resolve pop.example.test: it leads to 0.0.0.0, "
		      "as a filter of names answers for what it blocks" },
	{ HAS_TOO_MANY, "cannot resolve pop.example.test: it has more "
			"addresses than the answer of a name server has room "
			"for" },
	{ HAS_NOTHING, "cannot resolve pop.example.test: the name has no "
		       "address" },
	{ KNOWS_NO_NAME, "cannot resolve pop.example.test: there is no such "
			 "name" },
	{ FAILS, "cannot resolve pop.example.test: the name servers "
		 "(/etc/resolv.conf) fail, or do not answer" },
	{ REFUSES, "cannot resolve pop.example.test: the name servers "
		   "(/etc/resolv.conf) fail, or do not answer" },
	{ IS_SILENT, "cannot resolve pop.example.test: the name servers "
		     "(/etc/resolv.conf) fail, or do not answer" },
};

/* Each failure has words of its own, and each may pass. */
static void
test_words(void **state)
{
	struct name_server server;
	struct evpop_names *names;
	struct lookup lookup;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(failures); i++) {
		name_server_start(&server, failures[i].manner);
		name_server_write(&server, "options timeout:1 attempts:1\n");
		names = evpop_names_new(base, resolv_conf, hosts);
		lookup_start(
		    &lookup, evpop_names_dns(names), "pop.example.test");
		lookup_finish(&lookup);
		assert_string_equal(lookup.result.text, failures[i].words);
		assert_int_equal(lookup.result.error, EVPOP_ERROR_IO);
		assert_int_equal(lookup.result.phase, EVPOP_PHASE_RESOLVE);
		assert_true(lookup.result.retry);
		evpop_names_free(names);
		name_server_stop(&server);
	}
}

/* Given up while it is asked why there is nothing. */
static void
test_cancelled(void **state)
{
	struct name_server server;
	struct evpop_names *names;
	struct lookup lookup;

	(void)state;
	name_server_start(&server, HAS_NOTHING);
	name_server_write(&server, "");
	names = evpop_names_new(base, resolv_conf, hosts);
	lookup_start(&lookup, evpop_names_dns(names), "pop.example.test");
	while (server.asked < 3)
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
	assert_false(lookup.over);
	evpop_resolve_cancel(&lookup.resolve);
	assert_null(lookup.resolve);
	evpop_names_free(names);
	assert_int_equal(lookup.result.error, EVPOP_ERROR_NONE);
	name_server_stop(&server);
	assert_null(evpop_names_dns(NULL));
	evpop_names_free(NULL);
}

/* The whole of a client, from the name on. */
static void
test_client(void **state)
{
	struct evpop_client_config config = { .host = "pop.example.test",
		.tls = EVPOP_TLS_NONE,
		.allow_cleartext = true };
	struct name_server server;
	struct net_server pop;
	struct evpop_names *names;
	struct net_run run;

	(void)state;
	(void)unlink(resolv_conf);
	name_server_start(&server, ANSWERS);
	net_server_start(&pop, base, NULL, NULL, 0);
	config.port = pop.port;
	names = evpop_names_new(base, resolv_conf, hosts);
	name_server_write(&server, "");
	net_run_start(&run, base, evpop_names_dns(names), &config);
	net_run_connect(&run);
	net_run_quit(&run);
	net_run_until(&run, &run.closed);
	assert_string_equal(run.log, "connect:ok quit:ok closed:ok ");
	net_run_finish(&run);
	net_server_stop(&pop);
	evpop_names_free(names);
	name_server_stop(&server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file_comes_late),
		cmocka_unit_test(test_file_changes),
		cmocka_unit_test(test_change_after_failure),
		cmocka_unit_test(test_hosts_change),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_client),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
