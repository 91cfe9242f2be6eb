/*
 * Places where a crash would hurt most: each marks one step between a server
 * and the disk.  A build with EVPOP_FAILPOINTS lets a test kill the process at
 * the N-th of them; in any other build there is nothing of this.
 */
#ifndef EVPOPD_FAILPOINT_FAILPOINT_H
#define EVPOPD_FAILPOINT_FAILPOINT_H

#ifdef EVPOP_FAILPOINTS

/*
 * The step called `name` is done; any thread.  With EVPOP_FAILPOINT=N in the
 * environment the N-th call (from 1) is the process's last: it kills itself,
 * and nothing is flushed or tidied.  With EVPOP_FAILPOINT_STOP=N it stops there
 * instead, until it is told to go on (SIGCONT).  With EVPOP_FAILPOINT_LOG=FILE
 * each name is appended to FILE first, a line each.
 */
void failpoint_reached(const char *name);
#define FAILPOINT(name) failpoint_reached(name)

#else

#define FAILPOINT(name) ((void)0)

#endif

#endif
