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
 * Connections at a time; each costs a descriptor and at most a part of a body
 * (256 KiB).  More wait in the kernel's queue.
 */
#define LIMITS_CONNECTIONS 64

/* A connection that neither asks nor takes anything is closed. */
#define LIMITS_IDLE_SECONDS 30

/*
 * A body that is taken so slowly that nothing moves: long, since a person may
 * page through it, and only admins get one.
 */
#define LIMITS_STALL_SECONDS 600

/* Rows of a page where the client names no limit. */
#define LIMITS_PAGE_DEFAULT 50

#endif
