/*
 * A process that starts the commands of the configuration for one that may not
 * execute anything any more.  It is forked before that one reads its
 * configuration, and so knows no secret.  Whoever took over the confined
 * process could ask it for nothing but what stands in the configuration: it
 * reads by itself which commands there are, and gives them no variables but
 * EVPOP_*. What it starts is a child of the process that asked.
 */
#ifndef SECRET_STARTER_H
#define SECRET_STARTER_H

#include <stdbool.h>
#include <sys/types.h>

struct secret_spawn;

/*
 * Reads the configuration, in a process of its own, and writes each command to
 * a descriptor, with a NUL behind it.  Returns whether that is all of them.
 */
typedef bool (*secret_starter_reader)(int fd, const char *config_path);

/* Runs in a process of its own that has no file but these two. */
typedef void (*secret_starter_serve)(int first, int second);

/*
 * Fork it, before any thread is started; the path must stay.  Without a reader
 * it starts no commands.  Returns false with errno.
 */
bool secret_starter_begin(secret_starter_reader, const char *config_path,
    secret_starter_serve) __attribute__((warn_unused_result));

/*
 * It reads the configuration, before what is asked later; or reads it anew.
 * From now on secret_spawn() asks it.
 */
void secret_starter_renew(void);

/* It ends. */
void secret_starter_end(void);

/* Whether it starts commands. */
bool secret_starter_is_used(void);

/*
 * Returns 0, or an errno: EPERM if the command is not in the configuration, and
 * EPIPE if the process is gone.
 */
int secret_starter_run(pid_t *pid_r, const struct secret_spawn *)
    __attribute__((warn_unused_result));

/*
 * Have it start a child of ours that serves, with copies of these descriptors,
 * and ends then.  From any thread; false if it cannot.
 */
bool secret_starter_start(int first, int second, pid_t *pid_r)
    __attribute__((warn_unused_result));

#endif
