/* One non-blocking read or write on a socket, plain or under TLS. */
#ifndef EVPOP_LIB_NET_IO_H
#define EVPOP_LIB_NET_IO_H

#include <event2/util.h>

#include <evpop/error.h>

struct evpop_tls_channel;

/* The result of a read or write. */
enum evpop_io {
	EVPOP_IO_DONE = 0,
	EVPOP_IO_WANT_READ,  /* again, once the descriptor is readable */
	EVPOP_IO_WANT_WRITE, /* again, once it is writable */
	EVPOP_IO_END,        /* the peer closed */
	EVPOP_IO_FAILED      /* for a reason that the result tells */
};

/*
 * On EVPOP_IO_DONE *length_r octets were moved, at least one.  The channel is
 * NULL where there is no TLS.
 */
enum evpop_io evpop_io_read(evutil_socket_t, struct evpop_tls_channel *,
    unsigned char *, size_t size, size_t *length_r,
    struct evpop_result *result_r) EVPOP_MUST_USE;
enum evpop_io evpop_io_write(evutil_socket_t, struct evpop_tls_channel *,
    const unsigned char *, size_t length, size_t *length_r,
    struct evpop_result *result_r) EVPOP_MUST_USE;

/* Acknowledge without delay what comes next. */
void evpop_io_acknowledge(evutil_socket_t);

#endif
