/*
 * Decides which connections are served, which wait, and which are closed for
 * others.  Users who are not admins share a room, with a limit for each: a user
 * who opens many connections loses idle ones, or waits if none is idle.  Admins
 * have another room and are always served.  This knows nothing of sockets.
 */
#ifndef CONTROL_ADMISSION_H
#define CONTROL_ADMISSION_H

#include <sys/queue.h>
#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

struct admission;
struct admission_user;

struct admission_limits {
	size_t admins;       /* connections served: of admins */
	size_t others;       /* of all other users */
	size_t share;        /* of one of those */
	size_t waiting;      /* that wait: of all other users */
	size_t waiting_each; /* of one of those */
	size_t readers;      /* that read events: of all users */
	size_t readers_each; /* of one who is not an admin */
};

/*
 * States before FRESH are in the order in which connections are closed for
 * others.
 */
enum admission_state {
	ADMISSION_IDLE = 0, /* served, without a whole request */
	ADMISSION_TAKING,   /* the client has not read its answer yet */
	ADMISSION_ASKING,   /* the daemon is at its request */
	ADMISSION_FRESH,    /* served, but nothing was read yet */
	ADMISSION_READING,  /* the client reads events, for as long as it likes
			     */
	ADMISSION_NEW,      /* to be judged */
	ADMISSION_WAITING,  /* to be served later */
	ADMISSION_STATE_COUNT
};

/* A connection; embedded in its owner's struct. */
struct admission_guest {
	TAILQ_ENTRY(admission_guest) link; /* the least recently used first */
	struct admission_user *user;       /* NULL: not here */
	enum admission_state state;
	bool is_admin;
};

enum admission_verdict {
	ADMISSION_SERVE,
	ADMISSION_WAIT,
	ADMISSION_REFUSE
};

/* NULL without memory. */
struct admission *admission_new(const struct admission_limits *)
    __attribute__((warn_unused_result));
/* After all guests have left. */
void admission_free(struct admission **);

/* Enter a new connection; false without memory. */
bool admission_enter(struct admission *, struct admission_guest *, uid_t user,
    bool is_admin) __attribute__((warn_unused_result));
void admission_leave(struct admission *, struct admission_guest *);

/* Change the state, which counts as use. */
void admission_change(
    struct admission *, struct admission_guest *, enum admission_state);
/*
 * A served connection reads events from now on, and leaves its place to others;
 * false if there are too many that do.
 */
bool admission_read(struct admission *, struct admission_guest *)
    __attribute__((warn_unused_result));
/* Some of an answer was taken. */
void admission_touch(struct admission *, struct admission_guest *);

/*
 * Decide about a connection that is new or waits.  To serve it, close
 * `*victim_r` first, unless that is NULL.  This changes nothing.
 */
enum admission_verdict admission_judge(const struct admission *,
    const struct admission_guest *, struct admission_guest **victim_r);

/*
 * The connection to close if the process needs a descriptor; NULL if none is
 * idle.
 */
struct admission_guest *admission_spare(const struct admission *);

/* The number of connections in a state, and of those served. */
size_t admission_count(const struct admission *, enum admission_state);
size_t admission_served(const struct admission *);

#endif
