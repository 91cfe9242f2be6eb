/*
 * What one client of the control socket may take.
 */
#ifndef CONTROL_LIMITS_H
#define CONTROL_LIMITS_H

/* The longest query of ours has a few hundred octets, words included. */
#define LIMITS_URI_SIZE 4096

/* curl sends five header lines; a browser's proxy a few dozen. */
#define LIMITS_HEADERS_SIZE 16384

/* No route reads a body; some clients send "{}" with a POST. */
#define LIMITS_BODY_SIZE 4096

/*
 * What is read ahead while an answer is being written; more than a whole
 * request, so that none can stall on it.
 */
#define LIMITS_READ_AHEAD (4 * (LIMITS_HEADERS_SIZE + LIMITS_BODY_SIZE))

/*
 * Connections served at a time: of admins; of all other users; of one of those.
 * Each costs a descriptor, and an answer until it is taken.  An idle one is
 * closed for another; an admin always gets in, the others wait.
 */
#define LIMITS_ADMIN_CONNECTIONS 96
#define LIMITS_CONNECTIONS       64
#define LIMITS_USER_CONNECTIONS  16

/*
 * Connections that wait, of all users and of one: nothing is read from them.
 * Enough for a script that asks fifty things at once.
 */
#define LIMITS_WAITING      192
#define LIMITS_USER_WAITING 48

/*
 * Accepted in one turn of the loop: few enough that the sessions' sockets do
 * not wait for them, and that a newcomer's request is read before as many
 * others have come as could close it.
 */
#define LIMITS_ACCEPTED_A_TURN 16

/* All of the above at once. */
#define LIMITS_DESCRIPTORS                                                \
	(LIMITS_ADMIN_CONNECTIONS + LIMITS_CONNECTIONS + LIMITS_WAITING + \
	    LIMITS_ACCEPTED_A_TURN)

/* A connection that neither asks nor takes anything is closed. */
#define LIMITS_IDLE_SECONDS 30

/*
 * A user that is no admin takes an answer in this time: a list has a megabyte
 * at most.
 */
#define LIMITS_TAKING_SECONDS 60

/*
 * A body that is taken so slowly that nothing moves: long, since a person may
 * page through it, and only admins get one.
 */
#define LIMITS_STALL_SECONDS 600

/* Rows of a page where the client names no limit. */
#define LIMITS_PAGE_DEFAULT 50

#endif
