/*
 * Who of the many at the socket is served, who waits, and who is closed for
 * whom.  Users that are no admins have a share each and a room of their own:
 * whoever opens many connections closes the idle ones of its own by it, and
 * waits where it has none.  Admins have another room, and always get in.
 * Nothing here knows of sockets.
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
};

/*
 * In the order in which they are closed for others; from FRESH on they are
 * not.
 */
enum admission_state {
	ADMISSION_IDLE = 0, /* served, and has no whole request */
	ADMISSION_TAKING,   /* an answer lies ready that it has not taken */
	ADMISSION_ASKING,   /* the daemon is at its request */
	ADMISSION_FRESH,    /* served, and nothing could be read yet */
	ADMISSION_NEW,      /* to be judged */
	ADMISSION_WAITING,  /* to be served later */
	ADMISSION_STATE_COUNT
};

/* A connection; part of what its owner knows of it. */
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

/* A connection came, and is new; false without memory. */
bool admission_enter(struct admission *, struct admission_guest *, uid_t user,
    bool is_admin) __attribute__((warn_unused_result));
void admission_leave(struct admission *, struct admission_guest *);

/* The one way to another state; it counts as use. */
void admission_change(
    struct admission *, struct admission_guest *, enum admission_state);
/* Some of an answer was taken. */
void admission_touch(struct admission *, struct admission_guest *);

/*
 * What becomes of one that is new or waits.  To serve it, `victim_r` is to be
 * closed first, unless that is NULL.  Nothing is changed.
 */
enum admission_verdict admission_judge(const struct admission *,
    const struct admission_guest *, struct admission_guest **victim_r);

/* Who is closed where the process lacks a descriptor; NULL: all are at work. */
struct admission_guest *admission_spare(const struct admission *);

/* How many are in a state; and how many are served. */
size_t admission_count(const struct admission *, enum admission_state);
size_t admission_served(const struct admission *);

#endif
