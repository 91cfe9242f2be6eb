#include "tests/unit/net_socket.h"

#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int connected_with;

int __real_connect(int, const struct sockaddr *, socklen_t);
int __wrap_connect(int, const struct sockaddr *, socklen_t);

static int
buffer_of(int fd)
{
	socklen_t length = sizeof(int);
	int octets;

	assert_int_equal(
	    getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &octets, &length), 0);
	return octets;
}

int
__wrap_connect(int fd, const struct sockaddr *address, socklen_t length)
{
	connected_with = buffer_of(fd);
	return __real_connect(fd, address, length);
}

int
net_socket_connected_with(void)
{
	return connected_with;
}

int
net_socket_made_of(int asked)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), made;

	assert_int_not_equal(fd, -1);
	if (asked > 0)
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &asked,
				     sizeof(asked)),
		    0);
	made = buffer_of(fd);
	close(fd);
	return made;
}

char *
net_socket_long_word(void)
{
	char *word = malloc(NET_SOCKET_OVERFLOW + 1);

	assert_non_null(word);
	memset(word, 'x', NET_SOCKET_OVERFLOW);
	word[NET_SOCKET_OVERFLOW] = '\0';
	return word;
}
