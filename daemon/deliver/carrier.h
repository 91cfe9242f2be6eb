/*
 * A carrier brings messages to one kind of target: a Maildir, a server of LMTP,
 * a command.  What goes when, how often and how many at a time is not its
 * matter (target.h): it takes parcels, in order, and says what became of each.
 *
 * One carrier is one connection, process or worker; a target may have several.
 * Everything here is the loop's, and nothing blocks it: files are written on
 * threads of the carrier's own.
 */
#ifndef DELIVER_CARRIER_H
#define DELIVER_CARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct carrier;
struct config_target;
struct event_base;
struct evpop_names;
struct oauth;
struct parcel;
struct secret_key;
struct way_trust;

enum carried {
	CARRIED_DELIVERED = 0, /* there, and durable as far as it is said */
	CARRIED_LATER,         /* not this message now: it is tried again */
	CARRIED_REFUSED,       /* not this message, whenever it is tried */
	CARRIED_UNREAD,        /* parcel_next() failed: no fault of either */
	/* Nothing can be delivered there now; no fault of the message. */
	CARRIED_DOWN,
	/* The same, until a person mends settings or credentials. */
	CARRIED_WRONG
};

struct carried_result {
	enum carried outcome;
	/* It was sent whole and no answer came: it may be there. */
	bool may_be_there;
	int64_t retry_after_ms; /* as the other side asks; 0: it does not */
	const char *answer; /* in words, printable: what it said; or why not */
	/* Where the message is now, as people can look for it; or NULL. */
	const char *place;
};

/* What a carrier is given; borrowed until it has ended. */
struct carrier_setup {
	const struct config_target *target;
	struct event_base *base;
	struct evpop_names *names;
	const struct secret_key *key; /* opens what is sealed; or NULL */
	struct oauth *oauth;          /* gives tokens; or NULL */
	/* For TLS, shared by all carriers of the target (way.h); or NULL. */
	struct way_trust *trust;
	/* For files that are needed for a while, and have no name; or NULL. */
	const char *folder;
	/*
	 * What became of a parcel, which is not touched any more; the strings
	 * are copied.  In any order.  From the loop, never from inside carry().
	 */
	void (*carried)(
	    struct parcel *, const struct carried_result *, void *arg);
	/*
	 * It has closed by itself while it had no parcel, as servers do after
	 * a while; it is to be ended.  Never from inside a call.
	 */
	void (*closed)(void *arg);
	void *arg;
};

struct carrier_type {
	/* Parcels that one takes before the first is answered. */
	unsigned depth;
	/* How many of a target make sense at a time; 0: as it is configured. */
	unsigned most;
	/* Nothing happens yet.  NULL without memory. */
	struct carrier *(*begin)(const struct carrier_setup *);
	/* Bring it; parcel and setup stay until it is carried. */
	void (*carry)(struct carrier *, struct parcel *);
	/* No other parcel will come soon: do not wait for one; or NULL. */
	void (*flush)(struct carrier *);
	/*
	 * Say goodbye if that takes no waiting, stop, free; what was not
	 * answered is not answered any more, and its parcels may be freed as
	 * soon as this returns.
	 */
	void (*end)(struct carrier *);
	/*
	 * Look, without a message, whether one could be delivered: connect, log
	 * in, open the folder.  Answers by carried() with no parcel.
	 */
	void (*probe)(struct carrier *);
};

extern const struct carrier_type carrier_maildir, carrier_mbox, carrier_lmtp,
    carrier_pipe, carrier_imap, carrier_http, carrier_gmail;

#endif
