/*
 * What a plan knows beyond its actions: the sizes that messages to be deleted
 * must have, and the messages whose ids are no longer listed.
 */
#ifndef EVPOP_SESSION_DETAILS_H
#define EVPOP_SESSION_DETAILS_H

#include <evpop/sync.h>

/* A known message that may be listed under another id. */
struct evpop_candidate {
	struct evpop_adoption adoption;
	unsigned char header_digest[EVPOP_HEADER_DIGEST_SIZE];
	size_t adopted; /* of the first of equal ones: how many are */
};

/* A message to be deleted, and the header it must have. */
struct evpop_deletion {
	size_t index; /* of the entry */
	bool comparable, verified;
	unsigned char header_digest[EVPOP_HEADER_DIGEST_SIZE];
};

struct evpop_plan_details {
	/*
	 * Some line of UIDL could not be read, or TOP was refused that worked
	 * before: an entry without an id may be a message that is known by
	 * one, and is left alone.
	 */
	bool garbled;
	bool *unknown;      /* for each entry */
	uint32_t *known;    /* for each entry: its index among known, plus 1 */
	uint64_t *expected; /* for each entry: its size as stored; 0: any */
	bool verifiable;    /* some deletion has an expected size */
	/* To be verified, where the policy says so, by ascending index. */
	struct evpop_deletion *deletions;
	size_t deletion_count;
	/* By size and digest; NULL where ids have not changed. */
	struct evpop_candidate *candidates;
	size_t candidate_count;
	unsigned char *ids; /* of all candidates */
	/* For each entry: the candidate it is; NULL while there is none. */
	struct evpop_candidate **adopted;
	size_t *looks;
	size_t look_count;
};

struct evpop_plan_details *evpop_details_new(size_t entries) EVPOP_MUST_USE;
void evpop_details_free(struct evpop_plan_details *);

/*
 * Take in the known messages that are not listed, where most of
 * the listing is unknown.  Returns false without memory.
 */
bool evpop_details_candidates(struct evpop_plan *, const struct evpop_listing *,
    const struct evpop_known *, size_t known_count) EVPOP_MUST_USE;

/*
 * Take in what deletions are to be verified by.  Returns false without memory.
 */
bool evpop_details_deletions(struct evpop_plan *, size_t entry_count,
    const struct evpop_known *) EVPOP_MUST_USE;

/*
 * Make fetches of the deletions that are not verified: of those that cannot
 * be, or of all.
 */
void evpop_details_doubt(struct evpop_plan *, bool all);

/* By the sizes in the listing: whose header to look at. */
void evpop_details_looks(struct evpop_plan *, const struct evpop_listing *);

#endif
