/*
 * The daemon confines itself to the files that its configuration names, and has
 * the commands in it started by a process that is not confined.
 */
#ifndef CONFINEMENT_H
#define CONFINEMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config/config.h"
#include "daemon/control/reload.h"

struct confine;

/*
 * Before the configuration is read, and before any thread is started: fork the
 * process that will start commands.  The path must stay.  Returns false after
 * saying why.
 */
bool confinement_prepare(const char *config_path)
    __attribute__((warn_unused_result));

/*
 * Confine this process as the configuration wants it, before any thread is
 * started.  Returns EX_OK or an exit code, after saying why.  *confine_r is
 * the caller's to free either way; it may be NULL.
 */
int confinement_enter(const struct config *, bool binds_socket,
    struct confine **confine_r) __attribute__((warn_unused_result));

/*
 * All of it for a process that has a store and no configuration, as far as the
 * system can.
 */
void confinement_enter_with_store(const char *store_path);

/* The processes beside this one end; no thread is left. */
void confinement_end(void);

/* The process that starts commands learns them, or ends. */
void confinement_know_commands(const struct confine *, const struct config *);

/*
 * Warn of what a new configuration names and a confined daemon cannot open; the
 * difference to the old one.
 */
void confinement_warn(const struct confine *, const struct config *,
    const struct config_diff *, struct reload *);

/* Say so in a message, if that is why a file cannot be read. */
void confinement_explain(
    const struct confine *, char *message, size_t message_size);

/* How the process is confined, or why not. */
void confinement_log(const struct confine *);

#endif
