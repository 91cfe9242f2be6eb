/*
 * What a poll came to, in figures.  One struct carries them wherever they go,
 * and one table names them: the store's SQL, the API's JSON and evpopctl's
 * lists are made from it.  A new figure is a member and a line of the table.
 */
#ifndef NOTIFY_TALLY_H
#define NOTIFY_TALLY_H

#include <stddef.h>
#include <stdint.h>

/* Of one poll. */
struct tally {
	uint32_t messages;    /* on the server */
	uint32_t fetched;     /* durable here, and not here before */
	uint32_t adopted;     /* known messages under new unique-ids */
	uint32_t deleted;     /* whose deletion the server has confirmed */
	uint32_t failed;      /* refused by the server, or not made durable */
	uint32_t too_large;   /* left on the server: above max_message_size */
	uint32_t later;       /* likewise: beyond max_messages or max_octets */
	uint32_t waiting;     /* likewise: for less than fetch_after */
	uint32_t seen;        /* newly counted as seen */
	uint32_t held;        /* deletions that wait for a person */
	uint64_t body_octets; /* of the bodies fetched */
	uint64_t adopted_octets;        /* of those adopted: not downloaded */
	uint64_t octets_in, octets_out; /* of the session, without TLS */
	uint64_t later_octets;          /* of those for later, by LIST */
};

/*
 * The table: name, member, unit, JSON member, heading in evpopctl's list of
 * polls (NULL: not in it), and words behind a number.  The store keeps the
 * figures of TALLY_KEPT, each in a column that is called like the member.
 */
#define TALLY_KEPT(FIGURE)                                                    \
	FIGURE(MESSAGES, messages, COUNT, "messages", NULL, "on the server")  \
	FIGURE(FETCHED, fetched, COUNT, "fetched", "FETCHED", "fetched")      \
	FIGURE(ADOPTED, adopted, COUNT, "adopted", "RECOGNISED",              \
	    "known under other unique-ids")                                   \
	FIGURE(DELETED, deleted, COUNT, "deleted", "DELETED", "deleted")      \
	FIGURE(FAILED, failed, COUNT, "failed", "FAILED", "failed")           \
	FIGURE(BODY_OCTETS, body_octets, OCTETS, "fetched_bytes", "SIZE",     \
	    "of mail")                                                        \
	FIGURE(ADOPTED_OCTETS, adopted_octets, OCTETS, "adopted_bytes", NULL, \
	    "not downloaded")                                                 \
	FIGURE(OCTETS_IN, octets_in, OCTETS, "bytes_in", NULL, "received")    \
	FIGURE(OCTETS_OUT, octets_out, OCTETS, "bytes_out", NULL, "sent")
#define TALLY_PASSING(FIGURE)                                                  \
	FIGURE(TOO_LARGE, too_large, COUNT, "too_large", NULL,                 \
	    "larger than max_message_size")                                    \
	FIGURE(LATER, later, COUNT, "later", NULL, "for later polls")          \
	FIGURE(LATER_OCTETS, later_octets, OCTETS, "later_bytes", NULL,        \
	    "waiting")                                                         \
	FIGURE(                                                                \
	    WAITING, waiting, COUNT, "waiting", NULL, "waiting (fetch_after)") \
	FIGURE(SEEN, seen, COUNT, "seen", NULL, "counted as seen")             \
	FIGURE(HELD, held, COUNT, "held", NULL, "deletions held")

#define TALLY_ENUMERATOR(name, ...) TALLY_##name,
enum tally_figure {
	TALLY_KEPT(TALLY_ENUMERATOR) TALLY_KEPT_COUNT,
	TALLY_KEPT_LAST = TALLY_KEPT_COUNT - 1,
	TALLY_PASSING(TALLY_ENUMERATOR) TALLY_COUNT
};

enum tally_unit {
	TALLY_UNIT_COUNT = 0, /* of messages */
	TALLY_UNIT_OCTETS
};

struct tally_name {
	const char *json, *heading, *words;
	enum tally_unit unit;
	size_t offset; /* of the member */
};
extern const struct tally_name tally_names[TALLY_COUNT];

uint64_t tally_get(const struct tally *, enum tally_figure);

/* A count above 2^32 - 1 is kept as that. */
void tally_set(struct tally *, enum tally_figure, uint64_t);

#endif
