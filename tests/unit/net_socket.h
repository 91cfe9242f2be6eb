/*
 * Receive buffers of sockets.  A test that has this file linked in with
 * -Wl,--wrap=connect can tell how large one was when it was to be connected.
 */
#ifndef EVPOP_TESTS_UNIT_NET_SOCKET_H
#define EVPOP_TESTS_UNIT_NET_SOCKET_H

#include <stddef.h>

/* Octets, of the last socket given to connect(). */
int net_socket_connected_with(void);

/* What the system makes of a size that it is asked for; 0: it is not asked. */
int net_socket_made_of(int asked);

/* More octets than all buffers between a client and a server hold. */
#define NET_SOCKET_OVERFLOW ((size_t)48 << 20)

/* A word of so many octets; to be freed. */
char *net_socket_long_word(void);

#endif
