/* The limits of the control socket. */
#ifndef CONTROL_LIMITS_H
#define CONTROL_LIMITS_H

/* The longest useful query has a few hundred bytes, including words. */
#define LIMITS_URI_SIZE 4096

/* curl sends five header lines; a browser's proxy a few dozen. */
#define LIMITS_HEADERS_SIZE 16384

/* A piece of a message that is imported. */
#define LIMITS_BODY_SIZE 65536

/*
 * How much is read ahead while an answer is written; more than a whole request,
 * so that none can stall.
 */
#define LIMITS_READ_AHEAD (2 * (LIMITS_HEADERS_SIZE + LIMITS_BODY_SIZE))

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
 * Readers of events, who hold their connections for long and are counted apart:
 * of all users, and of each who is not an admin.
 */
#define LIMITS_READERS      1024
#define LIMITS_USER_READERS 256

/* What can be asked for again, in number and in bytes. */
#define LIMITS_EVENTS_KEPT      10000
#define LIMITS_EVENTS_KEPT_SIZE ((size_t)8 << 20)

/* What is on its way to a reader at most, but for a longer event; and in the
 * system's buffer of its connection. */
#define LIMITS_EVENTS_PART   4096
#define LIMITS_EVENTS_SOCKET 16384

/* Readers who are sent to in one turn of the loop, so that sessions go on. */
#define LIMITS_EVENTS_SENT_A_TURN 64

/* A reader that takes nothing for so long is dropped. */
#define LIMITS_EVENTS_STALL_SECONDS 30

/* After so long without events a remark shows that the feed lives. */
#define LIMITS_EVENTS_HEARTBEAT_SECONDS 15

/*
 * Connections accepted in one turn of the loop: few enough not to delay the
 * sessions' sockets, and so few that a new connection's request is read before
 * later ones can close it.
 */
#define LIMITS_ACCEPTED_A_TURN 16

/* Of connections at once; readers of events take what is left beside it. */
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
