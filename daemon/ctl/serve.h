/*
 * A store without its daemon: evpopd, started to answer from the file alone,
 * on a socket that has no name in any folder.  So every command that reads is
 * the same, whoever answers it.
 */
#ifndef CTL_SERVE_H
#define CTL_SERVE_H

#include <sys/types.h>

#include "daemon/ctl/ctl.h"

/* "@", and an abstract name of the kernel's. */
#define SERVE_NAME_SIZE 32

struct serve {
	pid_t pid; /* 0: there is none */
	char name[SERVE_NAME_SIZE];
};

/*
 * Start it on a store's file; its name is what ctl->socket takes.  On failure
 * the reason is said, and the exit code is returned.
 */
enum ctl_exit serve_begin(const struct ctl *, struct serve *serve_r,
    const char *store_path) __attribute__((warn_unused_result));

/* It ends, too, when this process does, however that ends. */
void serve_end(struct serve *);

#endif
