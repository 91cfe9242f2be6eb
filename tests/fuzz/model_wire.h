/*
 * A server's end of a connection: a socket, with TLS on it from some moment on.
 * What is sent is cut as the caller likes, records of TLS too.
 */
#ifndef FUZZ_MODEL_WIRE_H
#define FUZZ_MODEL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct model_wire;

/* Takes the descriptor over.  Never NULL. */
struct model_wire *model_wire_new(int fd);
void model_wire_free(struct model_wire *);

/* What is left to be sent leaves first in the clear; what comes is TLS. */
void model_wire_start_tls(struct model_wire *);

/* No handshake is under way, so that something may be written. */
bool model_wire_is_ready(const struct model_wire *);

/* Octets read; 0 where there are none now, -1 at the end. */
ssize_t model_wire_read(struct model_wire *, void *octets, size_t size);

/* Goes out with the next push. */
void model_wire_write(struct model_wire *, const void *octets, size_t length);
/* Octets that wait; 0: all is out. */
size_t model_wire_pending(const struct model_wire *);
/* Send so many at most; false where the peer takes none now. */
bool model_wire_push(struct model_wire *, size_t most);

/* What SCRAM-*-PLUS binds to, in base64; NULL without TLS.  For free(). */
char *model_wire_binding(const struct model_wire *);

/* "sha256:..." of the certificate that all servers show. */
const char *model_wire_pin(void);

#endif
