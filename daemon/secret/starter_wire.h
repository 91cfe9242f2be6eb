/*
 * What a process and its starter of commands say to each other, over a stream
 * socket: a request with descriptors, a payload behind it, an answer.
 */
#ifndef SECRET_STARTER_WIRE_H
#define SECRET_STARTER_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Input, output and errors. */
#define STARTER_STREAMS 3

enum starter_kind {
	STARTER_RENEW = 1, /* has no answer */
	STARTER_RUN,       /* for a shell */
	STARTER_RUN_WORDS, /* without one: see arguments.h */
	STARTER_SERVE
};

struct starter_request {
	uint32_t kind;
	uint32_t length; /* of the command and the variables, each with a NUL */
	uint64_t memory; /* of a command that is run; 0: no limit */
};

struct starter_answer {
	int32_t error; /* an errno, or 0 */
	int32_t pid;   /* of a child that is to be waited for; 0: none */
};

/* All of them, or false. */
bool starter_wire_write(int fd, const void *bytes, size_t length)
    __attribute__((warn_unused_result));
bool starter_wire_read(int fd, void *bytes, size_t length)
    __attribute__((warn_unused_result));

/* A request, with the descriptors that there are. */
bool starter_wire_send(int fd, const struct starter_request *,
    const int *streams, size_t stream_count)
    __attribute__((warn_unused_result));
/* The same, and how many descriptors came; false at the end. */
bool starter_wire_receive(int fd, struct starter_request *request_r,
    int streams_r[STARTER_STREAMS], size_t *stream_count_r)
    __attribute__((warn_unused_result));

#endif
