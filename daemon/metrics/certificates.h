/*
 * When the certificates of servers expire, as the last session with each has
 * seen it.
 */
#ifndef METRICS_CERTIFICATES_H
#define METRICS_CERTIFICATES_H

#include <stddef.h>
#include <stdint.h>

struct certificates;

struct certificate {
	uint16_t port;
	int64_t expires_s; /* Unix time */
	int64_t seen_ms;   /* by evpop_clock_elapsed_ms() */
	char host[];
};

/* Of a server that no session met for so long nothing is known any more. */
#define CERTIFICATES_AGE_MS (8 * INT64_C(86400000))

/* None.  NULL without memory. */
struct certificates *certificates_new(void) __attribute__((warn_unused_result));
/* Sets the pointer to NULL; NULL is allowed. */
void certificates_free(struct certificates **);

/* A name in ASCII has 253 octets at most, an address with a zone fewer. */
#define CERTIFICATES_HOST_SIZE 256

/*
 * A session has seen it now.  Not kept without memory, or for a longer host.
 */
void certificates_note(struct certificates *, const char *host, uint16_t port,
    int64_t expires_s, int64_t now_ms);

/* Forget what is too old. */
void certificates_sweep(struct certificates *, int64_t now_ms);

/* What is known of that server, or NULL.  Borrowed. */
const struct certificate *certificates_find(
    const struct certificates *, const char *host, uint16_t port);

/*
 * The first one behind this host and port, in the order of hosts and ports; or
 * NULL.  Borrowed.
 */
const struct certificate *certificates_behind(
    const struct certificates *, const char *host, uint16_t port);

#endif
