/*
 * systemd, where it is there: readiness, the status line that systemctl shows,
 * the watchdog, and the socket that it holds open for us.  Without it these do
 * nothing.
 */
#ifndef SUPERVISOR_H
#define SUPERVISOR_H

struct deliver;
struct event_base;
struct notify;
struct poller;
struct store;
struct supervisor;

void supervisor_ready(void);
void supervisor_reloading(void);
void supervisor_stopping(void);

/* Show this line until there is another one. */
void supervisor_status(const char *text);

/* The control socket that systemd passed, or -1. */
int supervisor_socket(void);

/*
 * From now on keep the status line up to date by what is published, at most
 * once a second, and tell the watchdog that the loop is alive.  NULL without
 * memory.
 */
struct supervisor *supervisor_new(struct event_base *, struct notify *,
    struct store *, struct poller *, struct deliver *)
    __attribute__((warn_unused_result));

/* Before the poller and what delivers.  Sets the pointer to NULL; NULL is
 * allowed. */
void supervisor_free(struct supervisor **);

#endif
