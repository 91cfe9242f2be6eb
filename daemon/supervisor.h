/*
 * systemd, where it is there: readiness, status, watchdog, the socket that it
 * holds open for us.  Without it these do nothing.
 */
#ifndef SUPERVISOR_H
#define SUPERVISOR_H

#include <stdint.h>

void supervisor_ready(void);
void supervisor_reloading(void);
void supervisor_stopping(void);

/* A line that systemctl status shows. */
void supervisor_status(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* The loop is alive. */
void supervisor_alive(void);

/* How often supervisor_alive() must be called, in ms; 0: never. */
int64_t supervisor_watchdog_ms(void);

/* The control socket that systemd passed, or -1. */
int supervisor_socket(void);

#endif
