/* What one non-blocking read, write or step of a handshake came to. */
#ifndef EVPOP_LIB_NET_IO_H
#define EVPOP_LIB_NET_IO_H

enum evpop_io {
	EVPOP_IO_DONE = 0,
	EVPOP_IO_WANT_READ,  /* again, once the descriptor is readable */
	EVPOP_IO_WANT_WRITE, /* again, once it is writable */
	EVPOP_IO_END,        /* the peer closed */
	EVPOP_IO_FAILED      /* for a reason that the result tells */
};

#endif
