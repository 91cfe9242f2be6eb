/*
 * A POP3 server that a model plays: it is well-behaved in its own way, which
 * its traits say, and where it is not, a choice decides at every point whether
 * it answers, refuses, closes, stalls, swallows, or speaks out of turn.
 *
 * Every reply carries a mark of the connection and of the reply, "#3.7", so
 * that who is given a reply can be asked whether it was his.
 */
#ifndef FUZZ_MODEL_SERVER_H
#define FUZZ_MODEL_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include <evpop/client.h>

#include "tests/fuzz/model_choice.h"
#include "tests/fuzz/model_maildrop.h"
#include "tests/fuzz/model_sasl.h"
#include "tests/fuzz/model_wire.h"

/* Whether the credentials are good. */
enum model_admission {
	MODEL_ADMITS = 0,
	MODEL_KNOWS_NO_SUCH, /* the password is wrong */
	MODEL_IS_BUSY        /* somebody else has the maildrop */
};

/* How a log-in is refused. */
enum model_refusal {
	MODEL_REFUSES = 0,
	MODEL_REFUSES_WITH_CODE, /* [AUTH] */
	MODEL_REFUSES_AND_CLOSES,
	MODEL_CLOSES_ONLY,
	MODEL_REFUSAL_COUNT
};

/* What becomes of that which has come behind the last line of a log-in. */
enum model_behind {
	MODEL_TAKES_BEHIND = 0,
	MODEL_SWALLOWS_BEHIND,
	MODEL_SWALLOWS_BEHIND_INITIAL, /* behind an initial response only */
	MODEL_BEHIND_COUNT
};

enum model_farewell {
	MODEL_FAREWELL = 0,
	MODEL_FAREWELL_CLOSES, /* without a reply, and deletes nothing */
	MODEL_FAREWELL_REFUSES,
	MODEL_FAREWELL_COUNT
};

/* What a faulty server may do instead of, or beside, the right thing. */
enum model_fault_kind {
	MODEL_FAULT_NONE = 0,
	MODEL_FAULT_REFUSES,
	MODEL_FAULT_REFUSES_WITH_CODE,
	MODEL_FAULT_REFUSES_FOR_NOW,
	MODEL_FAULT_OK_FOR_PLUS, /* "+OK" where "+ " belongs, and the reverse */
	MODEL_FAULT_SWALLOWS,    /* what stands behind */
	MODEL_FAULT_CLOSES_BEFORE,
	MODEL_FAULT_CLOSES_AFTER,
	MODEL_FAULT_CLOSES_AMID,
	MODEL_FAULT_STALLS,
	MODEL_FAULT_STALLS_AMID,
	MODEL_FAULT_GARBAGE,
	MODEL_FAULT_SPEAKS_TWICE,
	MODEL_FAULT_SPEAKS_FIRST,
	MODEL_FAULT_LATE,
	MODEL_FAULT_EMPTY, /* a listing or body without a line */
	MODEL_FAULT_BARE,  /* "+OK" and "-ERR" without a word */
	MODEL_FAULT_COUNT
};

/* What a server is like, always. */
struct model_traits {
	unsigned mechanisms; /* offered; with USER and APOP */
	unsigned broken;     /* of these, refused whoever comes */
	enum model_admission admission;
	enum model_refusal refusal;
	enum model_behind behind;
	enum model_farewell farewell;
	bool has_capa, has_uidl, has_top;
	bool pipelines_before, pipelines_after; /* the log-in: it says so */
	bool wants_two_lines; /* refuses XOAUTH2's initial response */
	bool renews_ids;      /* all of them, for every poll */
	bool codes_refusals;  /* [IN-USE] where it is busy, else words */
	bool is_faulty;       /* and anything may happen */
	/* At this command ("greeting", "response"), or NULL, always this. */
	const char *at;
	enum model_fault_kind there;
	const char *words; /* of a refusal there; or NULL */
};

extern const char *const model_fault_names[MODEL_FAULT_COUNT];

/* A reply that was given. */
struct model_answer {
	char line[24]; /* the command; of a log-in only its first word */
	bool ok;
};

enum model_stage {
	MODEL_GREETING = 0,
	MODEL_AUTHORIZATION,
	MODEL_CHALLENGED, /* the next line is a response */
	MODEL_TRANSACTION,
	MODEL_OVER
};

struct model_connection {
	LIST_ENTRY(model_connection) entry;
	struct model_server *server;
	unsigned id;
	struct model_wire *wire; /* NULL: closed */
	enum model_stage stage;
	bool stalls, is_late, closes;
	bool secures, is_secure; /* STLS is answered; TLS has begun */
	/* Replies may be anybody's from here on: it has misled its client. */
	bool misleads;
	bool is_deaf; /* it swallowed what was behind a log-in */
	/*
	 * Something was lost where nobody could expect it.  Behind a log-in
	 * everybody must: what it then answers is nobody else's.
	 */
	bool has_swallowed;

	char in[8192];
	size_t in_length;
	char *out;
	size_t out_length;

	char user[64];
	struct model_sasl *sasl;
	bool had_initial;

	struct model_message *listed[MODEL_MESSAGES];
	bool marked[MODEL_MESSAGES];
	size_t listed_count;

	struct model_answer *answers;
	size_t answer_count;
};
LIST_HEAD(model_connections, model_connection);

struct model_statistics {
	unsigned long sessions, commands, polls, faults[MODEL_FAULT_COUNT];
	unsigned long choices, log_ins, refused, bodies, deletions;
};

/* A server as one account sees it, and that account's maildrop. */
struct model_server {
	struct model_traits traits;
	enum evpop_tls tls;
	struct model_sasl_user user; /* as the server knows him */
	struct model_maildrop maildrop;
	struct model_connections connections; /* the last one first */
	struct model_choice *choice;
	struct model_statistics *statistics;
	unsigned next_id;
};

/* Take over a connected socket; the connection lives as long as the server. */
void model_server_accept(struct model_server *, int fd);
void model_server_clear(struct model_server *);

/*
 * Read, answer and write a bit, cutting where `cut` says: 0 nowhere, 1 between
 * all octets, else by choice.  False where there was nothing to be done.
 */
bool model_connection_pump(struct model_connection *, unsigned cut);

/* ---- for the parts of the server ---- */

/* Answer the command, or the greeting, or the log-in that is under way. */
void model_reply(struct model_connection *, bool ok, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void model_send(struct model_connection *, const char *, size_t length);
/* Drop all that has come, if there is anything. */
bool model_swallow(struct model_connection *);
/* model_login.c: USER, PASS, APOP, AUTH and lines of its dialog. */
bool model_login_command(
    struct model_connection *, const char *verb, char *argument);
void model_login_response(struct model_connection *, char *line);
/* model_command.c: all others. */
void model_command(
    struct model_connection *, const char *verb, const char *argument);
/* To be told of what must not happen. */
void model_broken(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));

#define MODEL_TIMESTAMP "<1.2@model>"

#endif
