/*
 * One loop, one memory, several accounts at one host, and time that passes
 * only when nothing else happens.  What must hold is checked on the way, and
 * ends the program where it does not.
 */
#ifndef FUZZ_MODEL_WORLD_H
#define FUZZ_MODEL_WORLD_H

#include <evpop/sync.h>

#include "tests/fuzz/model_plan.h"

struct event_base;
struct model_world;
struct model_talk;

#define MODEL_HOST "pop.model.example"
#define MODEL_PORT 1110

/* Outcomes that are no class of the library's. */
#define MODEL_OUTCOME_NONE  (-1) /* it was not polled */
#define MODEL_OUTCOME_FREED (-2)

/* What its owner puts off. */
enum model_act {
	MODEL_ACT_KNOWN = 1 << 0,
	MODEL_ACT_STORED = 1 << 1,
	MODEL_ACT_RESUME = 1 << 2,
	MODEL_ACT_TOKEN = 1 << 3
};

struct model_known {
	unsigned char id[300], digest[EVPOP_HEADER_DIGEST_SIZE];
	struct model_message *message;
};

struct model_account {
	struct model_world *world;
	const struct model_account_plan *plan;
	unsigned number;
	struct model_server server;
	char source[32], user[16], password[32], token[32];

	struct evpop_sync *sync;
	struct model_talk *talk;
	unsigned polls, dials;
	bool is_under_way;
	int outcomes[MODEL_POLLS];

	/* Of the poll under way. */
	const struct evpop_listing *listing;
	unsigned acts; /* that are due */
	const struct evpop_entry *unacknowledged[MODEL_MESSAGES];
	struct model_message *arrived[MODEL_MESSAGES];
	bool arrived_well[MODEL_MESSAGES];
	size_t unacknowledged_count;
	struct model_message *receiving;
	size_t received;
	bool differs, was_cancelled;

	struct evpop_known known[MODEL_MESSAGES];
	struct model_known kept[MODEL_MESSAGES];
	size_t known_count;
	/* Of the last poll that found nothing to do. */
	unsigned char digest[EVPOP_LISTING_DIGEST_SIZE];
	bool has_digest;
	unsigned char listed[EVPOP_LISTING_DIGEST_SIZE];
	bool has_listed, had_work;
};

struct model_world {
	const struct model_plan *plan;
	struct event_base *base;
	struct evpop_memory *memory;
	char *facts; /* learned, and kept where the program ends; or NULL */
	struct model_choice *choice;
	struct model_statistics *statistics;
	struct model_account account[MODEL_ACCOUNTS];
	unsigned turns;
	bool is_shown;
};

/*
 * Run a plan; with `only` set to an account, that one alone, and as if each of
 * its polls were the first.
 */
void model_world_run(const struct model_plan *, int only, struct model_choice *,
    struct model_statistics *, int outcomes_r[MODEL_ACCOUNTS][MODEL_POLLS]);

/* The plan of the world that runs, if one does: on stderr. */
void model_world_show(void);

/* Run it, then each sound account alone, and compare. */
void model_world_compare(const struct model_plan *, struct model_choice *,
    struct model_statistics *);

/* The configuration of an account's client. */
void model_account_config(
    struct model_account *, struct evpop_client_config *config_r);
void model_account_credentials(
    struct model_account *, struct evpop_credentials *credentials_r);
/* A line for who wants to see it all, by EVPOP_MODEL_SHOW=1. */
void model_account_show(
    const struct model_account *, bool from_server, const char *line);
/* The poll has come to this. */
void model_account_done(struct model_account *, int outcome);
/* Its latest connection; NULL before the first. */
struct model_connection *model_account_connection(struct model_account *);
/* Something of this account's may go wrong on its owner's side, too. */
unsigned model_account_fault(struct model_account *, unsigned count);
/* A socket of the server's, from where the account dials. */
struct model_account *model_world_dials(const char *source_address);

/* That the session's end is none of the deadline of all. */
void model_check_end(
    const struct model_account *, const struct evpop_result *result);
/* That the reply with these words is the one to this command. */
void model_check_reply(const struct model_account *,
    const struct evpop_result *result, const char *line);
/* That they are of a reply to a log-in. */
void model_check_login(
    const struct model_account *, const struct evpop_result *result);

/* ---- model_poll.c: an account's session by evpop_sync ---- */
void model_poll_start(struct model_account *);
void model_poll_act(struct model_account *, enum model_act);
void model_poll_free(struct model_account *);

/* ---- model_talk.c: by evpop_client ---- */
void model_talk_start(struct model_account *);
void model_talk_act(struct model_account *, enum model_act);
void model_talk_free(struct model_account *);

#endif
