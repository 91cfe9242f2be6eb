/*
 * A command as a child of this process, by a shell or not: in a session of its
 * own, with no file but its standard streams.
 */
#ifndef SECRET_SPAWN_H
#define SECRET_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct secret_spawn {
	const char *command;
	bool is_words;   /* for no shell: see arguments.h */
	uint64_t memory; /* octets that a process of it may use; 0: any */
	/* Variables beside our own, "NAME=value", then NULL; or NULL. */
	const char *const *environment;
	/* Its standard streams: above 2; input may be -1, for an empty one. */
	int input, output, errors;
};

/*
 * Start it: by the process that starts commands, where there is one (see
 * starter.h).  Returns 0, or an errno.
 */
int secret_spawn(pid_t *pid_r, const struct secret_spawn *)
    __attribute__((warn_unused_result));

#endif
