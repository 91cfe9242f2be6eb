/*
 * What a run of the model is to be: how many accounts poll how often at one
 * host, what each of their servers is like, and what each owner wants.  A plan
 * is made once and may be run again in another company.
 */
#ifndef FUZZ_MODEL_PLAN_H
#define FUZZ_MODEL_PLAN_H

#include <evpop/sync.h>

#include "tests/fuzz/model_server.h"

#define MODEL_ACCOUNTS 4
#define MODEL_POLLS    4

/* Who uses the library. */
enum model_driver {
	MODEL_POLLS_MAILDROP = 0, /* evpop_sync: what may be compared */
	MODEL_TALKS               /* evpop_client, any command at any time */
};

struct model_account_plan {
	struct model_traits traits;
	enum model_driver driver;
	unsigned mechanisms; /* the owner allows; 0: the default */
	bool has_token;      /* instead of a password */
	bool asks_token;     /* when it is wanted */
	struct evpop_policy policy;
	bool skips_unchanged; /* by the digest of the listing */
	unsigned arrivals[MODEL_POLLS];
	/*
	 * What is asked for by who talks, or NULL where a choice decides: the
	 * letters of model_talk.c with a digit each; behind "/" once a log-in
	 * is refused.
	 */
	const char *script;
};

struct model_plan {
	unsigned accounts, polls;
	unsigned cut; /* replies: 0 not, 1 all, 2 in three, else by choice */
	enum evpop_tls tls;
	uint32_t window_commands;
	size_t window_octets;
	bool is_staggered; /* polls begin when they like */
	bool is_mixed;     /* the host has servers that differ */
	struct model_account_plan account[MODEL_ACCOUNTS];
};

void model_plan_make(struct model_plan *, struct model_choice *);

/* What a person needs to see a failure in: some lines on stderr. */
void model_plan_show(const struct model_plan *);

/* Nothing of this account goes wrong but what its traits say. */
bool model_plan_is_sound(const struct model_account_plan *);

/*
 * What every poll of a sound account must come to, where that is plain; false
 * where it depends on how refusals follow one another.
 */
bool model_plan_outcome(
    const struct model_account_plan *, enum evpop_error *error_r);

#endif
