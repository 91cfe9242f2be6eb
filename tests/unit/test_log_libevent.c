/* What libevent says comes as a line of our log, not as it is. */
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
#include <event2/event.h>

#include "daemon/log/libevent.h"
#include "daemon/log/log.h"

static int kept_stderr;
static FILE *written;

static void
catch_stderr(void)
{
	written = tmpfile();
	assert_non_null(written);
	kept_stderr = dup(STDERR_FILENO);
	assert_true(kept_stderr >= 0);
	assert_int_equal(dup2(fileno(written), STDERR_FILENO), STDERR_FILENO);
}

/* All that went there since. */
static void
release_stderr(char *text, size_t size)
{
	size_t length;

	assert_int_equal(dup2(kept_stderr, STDERR_FILENO), STDERR_FILENO);
	close(kept_stderr);
	rewind(written);
	length = fread(text, 1, size - 1, written);
	text[length] = '\0';
	fclose(written);
}

static void
turn_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	/* Which libevent takes for a mistake, and says so. */
	(void)event_base_loop(arg, EVLOOP_NONBLOCK);
}

static void
test_warning(void **state)
{
	struct event_base *base = event_base_new();
	const struct timeval at_once = { 0, 0 };
	char text[1024];

	(void)state;
	log_take_libevent();
	catch_stderr();
	assert_int_equal(
	    event_base_once(base, -1, EV_TIMEOUT, turn_again, base, &at_once),
	    0);
	assert_int_equal(event_base_dispatch(base), 1);
	release_stderr(text, sizeof(text));
	assert_non_null(strstr(text, "Z warning: libevent: "));
	assert_non_null(strstr(text, "reentrant"));
	assert_null(strstr(text, "[warn]"));
	event_base_free(base);
}

static void
test_name_server(void **state)
{
	struct event_base *base = event_base_new();
	struct evdns_base *dns = evdns_base_new(base, 0);
	char text[4096];

	(void)state;
	log_take_libevent();
	catch_stderr();
	assert_int_not_equal(
	    evdns_base_nameserver_ip_add(dns, "not an address\033[2J"), 0);
	release_stderr(text, sizeof(text));
	assert_non_null(strstr(text, " warning: libevent: "));
	assert_null(strstr(text, "[warn]"));
	assert_null(strchr(text, '\033'));
	/* What it says of each question is for those who look for it. */
	log_set_level(LOG_LEVEL_WARNING);
	catch_stderr();
	assert_int_equal(evdns_base_nameserver_ip_add(dns, "127.0.0.1:9"), 0);
	release_stderr(text, sizeof(text));
	assert_string_equal(text, "");
	evdns_base_free(dns, 0);
	event_base_free(base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_warning),
		cmocka_unit_test(test_name_server),
	};

	/* Or lines would go to the journal. */
	unsetenv("JOURNAL_STREAM");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
