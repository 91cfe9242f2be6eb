/*
 * Commands and responses of IMAP on a dialogue: commands are tagged, one at a
 * time; responses are put together and taken apart, and bounded in number.
 *
 * Handlers run from the loop, never from inside a call; in any of them the wire
 * may be freed.
 */
#ifndef DELIVER_IMAP_WIRE_H
#define DELIVER_IMAP_WIRE_H

#include "daemon/deliver/imap_reply.h"
#include "daemon/deliver/imap_verdict.h"
#include "daemon/deliver/talk.h"

/* Octets of a command's line (RFC 7162 section 4). */
#define IMAP_LINE_MOST 8000

struct imap_wire;

struct imap_wire_handler {
	/* As talk.h has it. */
	void (*opened)(void *arg);
	/* Any, but tagged ones only of the command that was given. */
	void (*reply)(const struct imap_reply *, void *arg);
	/* It is over, DOWN or WRONG, and why; nothing follows. */
	void (*failed)(const struct imap_verdict *, void *arg);
};

/* Connects.  Setup and handler are borrowed.  NULL without memory. */
struct imap_wire *imap_wire_new(
    const struct carrier_setup *, const struct imap_wire_handler *, void *arg)
    __attribute__((warn_unused_result));
/* Sets the pointer to NULL, which it may be; says LOGOUT where it may. */
void imap_wire_free(struct imap_wire **, bool may_say_goodbye);

/* Give a command; `what` is waited for: "the answer to CREATE". */
void imap_wire_command(struct imap_wire *, const char *what, const char *format,
    ...) __attribute__((format(printf, 3, 4)));
/* The same, whose line goes on: by the talk. */
void imap_wire_open(struct imap_wire *, const char *what, const char *format,
    ...) __attribute__((format(printf, 3, 4)));
struct talk *imap_wire_talk(struct imap_wire *);
/* talk_send() of a literal; `sent` gets `arg`. */
void imap_wire_send(struct imap_wire *, struct parcel *,
    void (*sent)(bool is_whole, void *arg), void *arg);

#endif
