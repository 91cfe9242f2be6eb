/* The descriptor beneath TLS: how much of it is read at once. */
#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/net/tls_socket.h"

/* Who sends without end gets no more than this at once. */
#define READS 2

static void
test_reads_are_bounded(void **state)
{
	struct evpop_tls_socket below = { .fd = -1 };
	BIO_METHOD *method = evpop_tls_socket_method();
	BIO *bio = BIO_new(method);
	char buffer[16] = "";
	int fds[2], turn, i;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(write(fds[1], "0123456789abcdef0123", 20), 20);
	below.fd = fds[0];
	BIO_set_data(bio, &below);
	BIO_set_init(bio, 1);
	for (turn = 0; turn < 3; turn++) {
		evpop_tls_socket_begin(&below);
		for (i = 0; i < READS; i++)
			assert_int_equal(BIO_read(bio, buffer, 2), 2);
		/* There is more, in another turn. */
		assert_int_equal(BIO_read(bio, buffer, 2), -1);
		assert_true(BIO_should_read(bio));
	}
	assert_memory_equal(buffer, "ab", 2);
	BIO_free(bio);
	BIO_meth_free(method);
	close(fds[0]);
	close(fds[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
