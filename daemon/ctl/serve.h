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
	bool fills;
};

/*
 * Start it on a store's file; its name is what ctl->socket takes.  On failure
 * the reason is said, and the exit code is returned.  With `fills`
 * unique-ids can be noted there, and no daemon may have it; where it is missing
 * it is made.
 */
enum ctl_exit serve_begin(const struct ctl *, struct serve *serve_r,
    const char *store_path, bool fills) __attribute__((warn_unused_result));

/* It ends, too, when this process does, however that ends. */
void serve_end(struct serve *);

#endif
