/* The limits of the control socket. */
#ifndef CONTROL_LIMITS_H
#define CONTROL_LIMITS_H

/* The longest useful query has a few hundred bytes, including words. */
#define LIMITS_URI_SIZE 4096

/* curl sends five header lines; a browser's proxy a few dozen. */
#define LIMITS_HEADERS_SIZE 16384

/* No route reads a body; some clients send "{}" with a POST. */
#define LIMITS_BODY_SIZE 4096

/*
 * How much is read ahead while an answer is written; more than a whole request,
 * so that none can stall.
 */
#define LIMITS_READ_AHEAD (4 * (LIMITS_HEADERS_SIZE + LIMITS_BODY_SIZE))

/*
 * Connections served at the same time: of admins, of all other users, and of
 * each of those.  Each costs a descriptor, and memory for an answer until it is
 * read.  Idle ones are closed for others; admins are always served, other users
 * wait.
 */
#define LIMITS_ADMIN_CONNECTIONS 96
#define LIMITS_CONNECTIONS       64
#define LIMITS_USER_CONNECTIONS  16

/*
 * Waiting connections of all users and of each: nothing is read from them.
 * Enough for a script that makes fifty requests at once.
 */
#define LIMITS_WAITING      192
#define LIMITS_USER_WAITING 48

/*
 * Connections accepted in one turn of the loop: few enough not to delay the
 * sessions' sockets, and so few that a new connection's request is read before
 * later ones can close it.
 */
#define LIMITS_ACCEPTED_A_TURN 16

/* All of the above at once. */
#define LIMITS_DESCRIPTORS                                                \
	(LIMITS_ADMIN_CONNECTIONS + LIMITS_CONNECTIONS + LIMITS_WAITING + \
	    LIMITS_ACCEPTED_A_TURN)

/* A connection without any traffic is closed after this time. */
#define LIMITS_IDLE_SECONDS 30

/*
 * A user who is not an admin must read an answer within this time; a list has
 * at most a megabyte.
 */
#define LIMITS_TAKING_SECONDS 60

/*
 * How long a body may make no progress.  This is long, because a person may
 * page through it; only admins get bodies.
 */
#define LIMITS_STALL_SECONDS 600

/* Rows of a page if the client sets no limit. */
#define LIMITS_PAGE_DEFAULT 50

#endif
