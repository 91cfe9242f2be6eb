/*
 * What a poll makes of a maildrop: what the server is asked, what is counted,
 * what people are told, and what is known of each unique-id afterwards.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/unit/poll_house.h"

#define ONE "Message-ID: <1@h>\r\nSubject: one\r\n\r\nfirst\r\n"
#define TWO "Message-ID: <2@h>\r\nSubject: two\r\n\r\nsecond\r\n"
static const struct net_message messages[] = {
	{ ONE, sizeof(ONE) - 1 },
	{ TWO, sizeof(TWO) - 1 },
};

#define RULES_MAX 3

/* One of an account's polls, and what must come of it; NULL is nothing. */
struct poll {
	const char *keys; /* of the account, besides how it logs in */
	enum poller_wish wish;
	struct net_rule rules[RULES_MAX];
	unsigned times; /* that it goes so; 0 is 1 */
	const char *asked, *said, *known, *text, *plan, *advice, *logged;
};

/* What a server is asked that is met for the first time, and another. */
#define NEW "CAPA;USER anna;PASS secret;CAPA;UIDL;"
#define OLD "USER anna;PASS secret;UIDL;"

/* What the log says of a poll that has fetched or deleted something. */
#define DONE(messages, fetched, octets, deleted)                               \
	"info: home: " messages " on the server, " fetched " fetched (" octets \
	"), " deleted " deleted\n"

#define WORKS_AGAIN "info: home: works again\n"

#define BOTH_STORED  "2 messages: id-1 stored, id-2 stored"
#define BOTH_DELETED "2 messages: id-1 deleted, id-2 deleted"
#define FETCH_BOTH                                                             \
	{                                                                      \
		.asked = NEW "RETR 1;RETR 2;QUIT;",                            \
		.said = "waiting ok: messages 2, fetched 2, fetched_bytes 85", \
		.known = BOTH_STORED,                                          \
		.logged = DONE("2 messages", "2", "85 B", "0")                 \
	}
/* A rule: the server takes several commands at once. */
#define PIPELINES                                                            \
	{                                                                    \
		"CAPA", "+OK\r\nUSER\r\nTOP\r\nUIDL\r\nPIPELINING\r\n.\r\n", \
		    NET_GO_ON                                                \
	}
#define IT_MAY_PASS "the failure may be temporary"

static const struct poll kept_for_ever[] = {
	FETCH_BOTH,
	{ .asked = OLD "QUIT;",
	    .said = "waiting ok: messages 2",
	    .known = BOTH_STORED },
};

/* Nothing of today is old enough. */
static const struct poll kept_two_weeks[] = {
	{ .keys = "keep = 14d\n",
	    .asked = NEW "RETR 1;RETR 2;QUIT;",
	    .said = "waiting ok: messages 2, fetched 2, fetched_bytes 85",
	    .known = BOTH_STORED,
	    .logged = DONE("2 messages", "2", "85 B", "0") },
	{ .keys = "keep = 14d\n",
	    .asked = OLD "QUIT;",
	    .said = "waiting ok: messages 2",
	    .known = BOTH_STORED },
};

/* Deletions that QUIT did not confirm are owed. */
static const struct poll deleted_once_stored[] = {
	{ .keys = "keep = delete\n",
	    .rules = { { "QUIT", "-ERR not all\r\n", NET_CLOSE } },
	    .asked = NEW "LIST;RETR 1;RETR 2;DELE 1;DELE 2;QUIT;",
	    .said = "waiting refused: messages 2, fetched 2, fetched_bytes 85",
	    .known = "2 messages: id-1 owed, id-2 owed",
	    .text = "not all",
	    .logged = "warning: home: refused; the server said: not all (2 "
		      "fetched, 0 deleted)\n" },
	{ .keys = "keep = delete\n",
	    .asked = OLD "LIST;TOP 1 0;TOP 2 0;DELE 1;DELE 2;QUIT;",
	    .said = "waiting ok: messages 2, deleted 2",
	    .known = BOTH_DELETED,
	    .logged = DONE("2 messages", "0", "0 B", "2") },
	{ .keys = "keep = delete\n",
	    .asked = OLD "QUIT;",
	    .said = "waiting ok",
	    .known = BOTH_DELETED },
};

static const struct poll quit_without_answer[] = {
	{ .keys = "keep = delete\n",
	    .rules = { { "QUIT", NULL, NET_CLOSE } },
	    .asked = NEW "LIST;RETR 1;RETR 2;DELE 1;DELE 2;QUIT;",
	    .said = "failing io: messages 2, fetched 2, fetched_bytes 85",
	    .known = "2 messages: id-1 owed, id-2 owed",
	    .text = "the server closed the connection without answering QUIT",
	    .advice = IT_MAY_PASS,
	    .logged = "warning: home: the server closed the connection without "
		      "answering QUIT (2 fetched, 0 deleted)\n" },
	{ .keys = "keep = delete\n",
	    .asked = OLD "LIST;TOP 1 0;TOP 2 0;DELE 1;DELE 2;QUIT;",
	    .said = "waiting ok: messages 2, deleted 2",
	    .known = BOTH_DELETED,
	    .logged = WORKS_AGAIN DONE("2 messages", "0", "0 B", "2") },
};

static const struct poll large_ones_deleted[] = {
	{ .keys = "delete_above = 42\n",
	    .asked = NEW "LIST;RETR 1;RETR 2;DELE 2;QUIT;",
	    .said = "waiting ok: messages 2, fetched 2, deleted 1, "
		    "fetched_bytes 85",
	    .known = "2 messages: id-1 stored, id-2 deleted",
	    .logged = DONE("2 messages", "2", "85 B", "1") },
	{ .keys = "delete_above = 42\n",
	    .asked = OLD "QUIT;",
	    .said = "waiting ok: messages 1",
	    .known = "2 messages: id-1 stored, id-2 deleted" },
};

static const struct poll deleted_in_two_sessions[] = {
	{ .keys = "keep = delete\nmax_deletes_per_session = 1\n",
	    .asked = NEW "LIST;RETR 1;DELE 1;QUIT;USER anna;PASS "
			 "secret;UIDL;LIST;RETR 1;DELE 1;QUIT;",
	    .said = "waiting ok: messages 2, fetched 2, deleted 2, "
		    "fetched_bytes 85",
	    .known = BOTH_DELETED,
	    .logged = DONE("2 messages", "2", "85 B", "2") },
};

/* What earlier polls stored is deleted when a person says so. */
static const struct poll guarded[] = {
	FETCH_BOTH,
	{ .keys = "keep = delete\ndelete_guard = 1\n",
	    .asked = OLD "QUIT;",
	    .said = "waiting ok: messages 2, held 2",
	    .known = BOTH_STORED,
	    .logged = "warning: home: 2 deletions held, far more than usual; "
		      "\"evpopctl poll --confirm home\" carries them out\n",
	    .times = 2 },
	{ .keys = "keep = delete\ndelete_guard = 1\n",
	    .wish = POLLER_WISH_CONFIRM,
	    .asked = OLD "LIST;TOP 1 0;TOP 2 0;DELE 1;DELE 2;QUIT;",
	    .said = "waiting ok: messages 2, deleted 2",
	    .known = BOTH_DELETED,
	    .logged = DONE("2 messages", "0", "0 B", "2") },
};

static const struct poll guard_is_not_reached[] = {
	FETCH_BOTH,
	{ .keys = "keep = delete\ndelete_guard = 2\n",
	    .asked = OLD "LIST;TOP 1 0;TOP 2 0;DELE 1;DELE 2;QUIT;",
	    .said = "waiting ok: messages 2, deleted 2",
	    .known = BOTH_DELETED,
	    .logged = DONE("2 messages", "0", "0 B", "2") },
};

static const struct poll limits[] = {
	{ .keys = "max_messages_per_poll = 1\n",
	    .asked = NEW "RETR 1;QUIT;",
	    .said =
		"waiting ok: messages 2, fetched 1, fetched_bytes 42, later 1",
	    .known = "1 messages: id-1 stored",
	    .logged = DONE("2 messages", "1", "42 B", "0") },
	{ .keys = "max_message_size = 42\n",
	    .asked = OLD "LIST;QUIT;",
	    .said = "waiting ok: messages 2, too_large 1",
	    .known = "1 messages: id-1 stored",
	    .logged = "info: home: 1 message left on the server: larger than "
		      "max_message_size\n" },
	{ .keys = "max_message_size = 43\n",
	    .asked = OLD "LIST;RETR 2;QUIT;",
	    .said = "waiting ok: messages 2, fetched 1, fetched_bytes 43",
	    .known = BOTH_STORED,
	    .logged = DONE("2 messages", "1", "43 B", "0") },
};

static const struct poll newest_first[] = {
	{ .keys = "max_messages_per_poll = 1\norder = newest\n",
	    .asked = NEW "RETR 2;QUIT;",
	    .said =
		"waiting ok: messages 2, fetched 1, fetched_bytes 43, later 1",
	    .known = "1 messages: id-2 stored",
	    .logged = DONE("2 messages", "1", "43 B", "0") },
};

static const struct poll baseline[] = {
	{ .keys = "baseline = yes\n",
	    .asked = NEW "QUIT;",
	    .said = "waiting ok: messages 2, seen 2",
	    .known = "0 messages: id-1 seen, id-2 seen",
	    .logged = "info: home: 2 messages counted as seen\n" },
	{ .keys = "baseline = yes\n",
	    .rules = { { "UIDL", "+OK\r\n1 id-1\r\n2 id-3\r\n.\r\n",
		NET_GO_ON } },
	    .asked = OLD "RETR 2;QUIT;",
	    .said = "waiting ok: messages 2, fetched 1, fetched_bytes 43",
	    .known = "1 messages: id-1 seen, id-2 deleted, id-3 stored",
	    .logged = DONE("2 messages", "1", "43 B", "0") },
};

/* A dry run changes nothing. */
static const struct poll wishes[] = {
	{ .keys = "keep = delete\n",
	    .wish = POLLER_WISH_DRY_RUN,
	    .asked = NEW "QUIT;",
	    .said = "waiting ok: messages 2",
	    .known = "0 messages",
	    .plan = "2 messages: 1 fetch and delete, 2 fetch and delete" },
	{ .wish = POLLER_WISH_BASELINE,
	    .asked = NEW "QUIT;",
	    .said = "waiting ok: messages 2, seen 2",
	    .known = "0 messages: id-1 seen, id-2 seen",
	    .logged = "info: home: 2 messages counted as seen\n" },
	{ .keys = "keep = delete\n",
	    .asked = OLD "QUIT;",
	    .said = "waiting ok: messages 2",
	    .known = "0 messages: id-1 seen, id-2 seen" },
};

static const struct poll dry_runs_of_known[] = {
	FETCH_BOTH,
	{ .keys = "keep = delete\n",
	    .wish = POLLER_WISH_DRY_RUN,
	    .rules = { { "UIDL", "+OK\r\n1 id-2\r\n.\r\n", NET_GO_ON } },
	    .asked = OLD "LIST;TOP 1 0;QUIT;",
	    .said = "waiting ok: messages 1",
	    .known = BOTH_STORED,
	    .plan = "1 messages: 1 fetch and delete" },
	{ .keys = "max_message_size = 1\n",
	    .wish = POLLER_WISH_DRY_RUN,
	    .rules = { { "UIDL", "+OK\r\n1 id-3\r\n2 id-4\r\n.\r\n",
		NET_GO_ON } },
	    .asked = OLD "LIST;TOP 1 0;TOP 2 0;QUIT;",
	    .said = "waiting ok: messages 2, adopted 2, adopted_bytes 85",
	    .known = BOTH_STORED,
	    .plan = "2 messages: 1 adopt, 2 adopt",
	    .logged = "info: home: 2 known messages recognised under new "
		      "unique-ids, 85 B not downloaded\n" },
	{ .asked = OLD "QUIT;",
	    .said = "waiting ok: messages 2",
	    .known = BOTH_STORED },
};

static const struct poll disabled[] = {
	{ .keys = "enabled = no\n",
	    .said = "disabled none",
	    .known = "0 messages" },
};

static const struct poll gone_and_back[] = {
	FETCH_BOTH,
	{ .rules = { { "UIDL", "+OK\r\n1 id-2\r\n.\r\n", NET_GO_ON },
	      { "STAT", "+OK 1 43\r\n", NET_GO_ON } },
	    .asked = OLD "QUIT;",
	    .said = "waiting ok: messages 1",
	    .known = "2 messages: id-1 gone, id-2 stored" },
	{ .asked = OLD "RETR 1;QUIT;",
	    .said = "waiting ok: messages 2, fetched_bytes 42",
	    .known = BOTH_STORED },
};

static const struct poll ids_renamed[] = {
	FETCH_BOTH,
	{ .rules = { { "UIDL", "+OK\r\n1 new-1\r\n2 new-2\r\n.\r\n",
	      NET_GO_ON } },
	    .asked = OLD "LIST;TOP 1 0;TOP 2 0;QUIT;",
	    .said = "waiting ok: messages 2, adopted 2, adopted_bytes 85",
	    .known = "2 messages: new-1 stored, new-2 stored",
	    .logged = "info: home: 2 known messages recognised under new "
		      "unique-ids, 85 B not downloaded\n" },
	{ .rules = { { "UIDL", "+OK\r\n1 new-1\r\n2 new-2\r\n.\r\n",
	      NET_GO_ON } },
	    .asked = OLD "QUIT;",
	    .said = "waiting ok: messages 2",
	    .known = "2 messages: new-1 stored, new-2 stored" },
};

static const struct poll equal_ids[] = {
	{ .rules = { { "UIDL", "+OK\r\n1 same\r\n2 same\r\n.\r\n",
	      NET_GO_ON } },
	    .asked = NEW "RETR 1;RETR 2;QUIT;",
	    .said = "waiting ok: messages 2, fetched 2, fetched_bytes 85",
	    .known = "2 messages: same stored, same+1 stored",
	    .logged = DONE("2 messages", "2", "85 B", "0") },
	{ .keys = "keep = delete\n",
	    .rules = { { "UIDL", "+OK\r\n1 same\r\n2 same\r\n.\r\n",
		NET_GO_ON } },
	    .asked = OLD "LIST;TOP 1 0;TOP 2 0;DELE 1;DELE 2;QUIT;",
	    .said = "waiting ok: messages 2, deleted 2",
	    .known = "2 messages: same deleted, same+1 deleted",
	    .logged = DONE("2 messages", "0", "0 B", "2") },
};

static const struct poll without_unique_ids[] = {
	{ .rules = { { "CAPA", "+OK\r\nUSER\r\nTOP\r\n.\r\n", NET_GO_ON },
	      { "UIDL", "-ERR no\r\n", NET_GO_ON } },
	    .asked = NEW "LIST;TOP 1 0;TOP 2 0;RETR 1;RETR 2;QUIT;",
	    .said = "waiting ok: messages 2, fetched 2, fetched_bytes 85",
	    .known = "2 messages: body stored, body stored",
	    .logged = DONE("2 messages", "2", "85 B", "0") },
	{ .rules = { { "CAPA", "+OK\r\nUSER\r\nTOP\r\n.\r\n", NET_GO_ON },
	      { "UIDL", "-ERR no\r\n", NET_GO_ON } },
	    .asked = OLD "LIST;TOP 1 0;TOP 2 0;QUIT;",
	    .said = "waiting ok: messages 2",
	    .known = "2 messages: body stored, body stored" },
};

static const struct poll without_anything[] = {
	{ .rules = { { "CAPA", "+OK\r\nUSER\r\n.\r\n", NET_GO_ON },
	      { "UIDL", "-ERR no\r\n", NET_GO_ON },
	      { "TOP 1 0", "-ERR no\r\n", NET_GO_ON } },
	    .asked = NEW "LIST;RETR 1;RETR 2;QUIT;",
	    .said = "waiting ok: messages 2, fetched 2, fetched_bytes 85",
	    .known = "2 messages: body stored, body stored",
	    .logged = DONE("2 messages", "2", "85 B", "0") },
	{ .rules = { { "CAPA", "+OK\r\nUSER\r\n.\r\n", NET_GO_ON },
	      { "UIDL", "-ERR no\r\n", NET_GO_ON },
	      { "TOP 1 0", "-ERR no\r\n", NET_GO_ON } },
	    .asked = OLD "LIST;RETR 1;RETR 2;QUIT;",
	    .said = "waiting ok: messages 2, fetched_bytes 85",
	    .known = "2 messages: body stored, body stored" },
	{ .keys = "keep = delete\n",
	    .rules = { { "CAPA", "+OK\r\nUSER\r\n.\r\n", NET_GO_ON },
		{ "UIDL", "-ERR no\r\n", NET_GO_ON },
		{ "TOP 1 0", "-ERR no\r\n", NET_GO_ON } },
	    .asked = OLD "LIST;RETR 1;RETR 2;DELE 1;DELE 2;QUIT;",
	    .said = "waiting ok: messages 2, deleted 2, fetched_bytes 85",
	    .known = "2 messages",
	    .logged = DONE("2 messages", "0", "85 B", "2") },
	{ .keys = "keep = delete\n",
	    .rules = { { "CAPA", "+OK\r\nUSER\r\n.\r\n", NET_GO_ON },
		{ "UIDL", "-ERR no\r\n", NET_GO_ON },
		{ "TOP 1 0", "-ERR no\r\n", NET_GO_ON } },
	    .asked = OLD "LIST;QUIT;",
	    .said = "waiting ok",
	    .known = "2 messages" },
};

/* Three times the server refuses a message; then it is set aside. */
static const struct poll one_refused[] = {
	{ .rules = { { "RETR 1", "-ERR no\r\n", NET_GO_ON } },
	    .asked = NEW "RETR 1;RETR 2;QUIT;",
	    .said =
		"waiting ok: messages 2, fetched 1, failed 1, fetched_bytes 43",
	    .known = "1 messages: id-2 stored",
	    .logged = "warning: home: message 1 was not fetched: no\n"
		      "info: home: 2 messages on the server, 1 fetched (43 B), "
		      "0 deleted\n"
		      "warning: home: 1 message could not be fetched\n" },
	{ .rules = { { "RETR 1", "-ERR no\r\n", NET_GO_ON } },
	    .asked = OLD "RETR 1;QUIT;",
	    .said = "failing refused: messages 2, failed 1",
	    .known = "1 messages: id-2 stored",
	    .text = "the server gave none of 1 message: no",
	    .advice = IT_MAY_PASS,
	    .logged = "warning: home: message 1 was not fetched: no\n"
		      "warning: home: refused; the server said: the server "
		      "gave none of 1 message: no (0 fetched, 0 deleted)\n" },
	{ .rules = { { "RETR 1", "-ERR no\r\n", NET_GO_ON } },
	    .asked = OLD "RETR 1;QUIT;",
	    .said = "failing refused: messages 2, failed 1",
	    .known = "1 messages: id-1 quarantined, id-2 stored",
	    .text = "the server gave none of 1 message: no",
	    .advice = IT_MAY_PASS,
	    .logged = "warning: home: message 1 was not fetched: no\n"
		      "error: home: message 1 failed 3 times and is now "
		      "skipped; see \"evpopctl quarantine show 1\"\n"
		      "warning: home: refused; the server said: the server "
		      "gave none of 1 message: no (0 fetched, 0 deleted)\n" },
	{ .rules = { { "RETR 1", "-ERR no\r\n", NET_GO_ON } },
	    .asked = OLD "QUIT;",
	    .said = "waiting ok: messages 2",
	    .known = "1 messages: id-1 quarantined, id-2 stored",
	    .logged = WORKS_AGAIN },
};

static const struct poll all_refused[] = {
	{ .rules = { { "RETR 1", "-ERR no\r\n", NET_GO_ON },
	      { "RETR 2", "-ERR no\r\n", NET_GO_ON } },
	    .asked = NEW "RETR 1;RETR 2;QUIT;",
	    .said = "failing refused: messages 2, failed 2",
	    .known = "0 messages",
	    .text = "the server gave none of 2 messages: no",
	    .advice = IT_MAY_PASS,
	    .logged = "warning: home: message 1 was not fetched: no\n"
		      "warning: home: message 2 was not fetched: no\n"
		      "warning: home: refused; the server said: the server "
		      "gave none of 2 messages: no (0 fetched, 0 deleted)\n" },
	{ .rules = { { "RETR 1", "-ERR no\r\n", NET_GO_ON },
	      { "RETR 2", "-ERR no\r\n", NET_GO_ON } },
	    .asked = OLD "RETR 1;RETR 2;QUIT;",
	    .said = "failing refused: messages 2, failed 2",
	    .known = "0 messages",
	    .text = "the server gave none of 2 messages: no",
	    .advice = IT_MAY_PASS,
	    .logged = "warning: home: message 1 was not fetched: no\n"
		      "warning: home: message 2 was not fetched: no\n"
		      "warning: home: refused; the server said: the server "
		      "gave none of 2 messages: no (0 fetched, 0 deleted)\n" },
};

static const struct poll refused_for_now[] = {
	{ .rules = { { "RETR 1", "-ERR [SYS/TEMP] disk\r\n", NET_GO_ON } },
	    .asked = NEW "RETR 1;RETR 2;QUIT;",
	    .said =
		"waiting ok: messages 2, fetched 1, failed 1, fetched_bytes 43",
	    .known = "1 messages: id-2 stored",
	    .logged =
		"warning: home: message 1 was not fetched: [SYS/TEMP] disk\n"
		"info: home: 2 messages on the server, 1 fetched (43 B), 0 "
		"deleted\n"
		"warning: home: 1 message could not be fetched\n" },
	{ .rules = { { "RETR 1", "-ERR [SYS/TEMP] disk\r\n", NET_GO_ON } },
	    .asked = OLD "RETR 1;QUIT;",
	    .said = "failing refused: messages 2, failed 1",
	    .known = "1 messages: id-2 stored",
	    .text = "the server gave none of 1 message: [SYS/TEMP] disk",
	    .advice = IT_MAY_PASS,
	    .logged =
		"warning: home: message 1 was not fetched: [SYS/TEMP] disk\n"
		"warning: home: refused; the server said: the server gave none "
		"of 1 message: [SYS/TEMP] disk (0 fetched, 0 deleted)\n",
	    .times = 3 },
};

static const struct poll empty_body[] = {
	{ .keys = "keep = delete\n",
	    .rules = { { "RETR 1", "+OK\r\n.\r\n", NET_GO_ON } },
	    .asked = NEW "LIST;RETR 1;RETR 2;QUIT;",
	    .said = "failing incomplete: messages 2, fetched 1, failed 1, "
		    "fetched_bytes 43",
	    .known = "1 messages: id-2 owed",
	    .text = "message 1 came empty, but the server says that it has 42: "
		    "the server is not well, and nothing was deleted there",
	    .advice = IT_MAY_PASS,
	    .logged = "warning: home: message 1 was not fetched: message 1 "
		      "came empty, but the server says that it has 42\n"
		      "warning: home: message 1 came empty, but the server "
		      "says that it has 42: the server is not well, and "
		      "nothing was deleted there (1 fetched, 0 deleted)\n" },
	{ .keys = "keep = delete\n",
	    .rules = { { "RETR 1", "+OK\r\n.\r\n", NET_GO_ON } },
	    .asked = OLD "LIST;TOP 2 0;DELE 2;RETR 1;NOOP;RSET;QUIT;",
	    .said = "failing incomplete: messages 2, failed 1",
	    .known = "1 messages: id-2 owed",
	    .text = "message 1 came empty, but the server says that it has 42: "
		    "the server is not well, and nothing was deleted there",
	    .advice = IT_MAY_PASS,
	    .logged = "warning: home: message 1 was not fetched: message 1 "
		      "came empty, but the server says that it has 42\n"
		      "warning: home: message 1 came empty, but the server "
		      "says that it has 42: the server is not well, and "
		      "nothing was deleted there (0 fetched, 0 deleted)\n" },
};

/* Empty lines are no message, either. */
static const struct poll blank_body[] = {
	{ .keys = "keep = delete\n",
	    .rules = { { "RETR 1", "+OK\r\n\r\n\r\n.\r\n", NET_GO_ON } },
	    .asked = NEW "LIST;RETR 1;RETR 2;QUIT;",
	    .said = "failing incomplete: messages 2, fetched 1, failed 1, "
		    "fetched_bytes 47",
	    .known = "1 messages: id-2 owed",
	    .text = "message 1 came empty, but the server says that it has 42: "
		    "the server is not well, and nothing was deleted there",
	    .advice = IT_MAY_PASS,
	    .logged = "warning: home: message 1 was not fetched: message 1 "
		      "came empty, but the server says that it has 42\n"
		      "warning: home: message 1 came empty, but the server "
		      "says that it has 42: the server is not well, and "
		      "nothing was deleted there (1 fetched, 0 deleted)\n" },
};

static const struct poll half_a_body[] = {
	{ .keys = "keep = delete\n",
	    .rules = { { "RETR 2", "+OK\r\nSubject: two\r\n.\r\n",
		NET_GO_ON } },
	    .asked = NEW "LIST;RETR 1;RETR 2;NOOP;QUIT;",
	    .said = "failing incomplete: messages 2, fetched 1, failed 1, "
		    "fetched_bytes 56",
	    .known = "1 messages: id-1 owed",
	    .text =
		"message 2 came with 14 bytes, but the server says that it has "
		"43: the server is not well, and nothing was deleted there",
	    .advice = IT_MAY_PASS,
	    .logged = "warning: home: message 2 was not fetched: message 2 "
		      "came with 14 bytes, but the server says that it has 43\n"
		      "warning: home: message 2 came with 14 bytes, but the "
		      "server says that it has 43: the server is not well, and "
		      "nothing was deleted there (1 fetched, 0 deleted)\n" },
	{ .keys = "keep = delete\n",
	    .rules = { { "RETR 2", "+OK\r\nSubject: two\r\n.\r\n",
		NET_GO_ON } },
	    .asked = OLD "LIST;TOP 1 0;DELE 1;RETR 2;NOOP;RSET;QUIT;",
	    .said =
		"failing incomplete: messages 2, failed 1, fetched_bytes 14",
	    .known = "1 messages: id-1 owed",
	    .text =
		"message 2 came with 14 bytes, but the server says that it has "
		"43: the server is not well, and nothing was deleted there",
	    .advice = IT_MAY_PASS,
	    .logged = "warning: home: message 2 was not fetched: message 2 "
		      "came with 14 bytes, but the server says that it has 43\n"
		      "warning: home: message 2 came with 14 bytes, but the "
		      "server says that it has 43: the server is not well, and "
		      "nothing was deleted there (0 fetched, 0 deleted)\n" },
};

static const struct poll cut_off[] = {
	{ .keys = "keep = delete\n",
	    .rules = { { "RETR 2", "+OK\r\nSubject: two\r\n", NET_CLOSE } },
	    .asked = NEW "LIST;RETR 1;RETR 2;",
	    .said =
		"failing io: messages 2, fetched 1, failed 1, fetched_bytes 56",
	    .known = "1 messages: id-1 owed",
	    .text =
		"the server closed the connection in the middle of a message",
	    .advice = IT_MAY_PASS,
	    .logged = "warning: home: message 2 was not fetched: the server "
		      "closed the connection in the middle of a message\n"
		      "warning: home: the server closed the connection in the "
		      "middle of a message (1 fetched, 0 deleted)\n" },
	{ .keys = "keep = delete\n",
	    .asked = OLD "LIST;TOP 1 0;DELE 1;RETR 2;DELE 2;QUIT;",
	    .said = "waiting ok: messages 2, fetched 1, deleted 2, "
		    "fetched_bytes 43",
	    .known = BOTH_DELETED,
	    .logged = WORKS_AGAIN DONE("2 messages", "1", "43 B", "2") },
};

static const struct poll dele_refused[] = {
	{ .keys = "keep = delete\n",
	    .rules = { { "DELE 1", "-ERR no\r\n", NET_GO_ON } },
	    .asked = NEW "LIST;RETR 1;RETR 2;DELE 1;DELE 2;QUIT;",
	    .said = "waiting ok: messages 2, fetched 2, deleted 1, "
		    "fetched_bytes 85",
	    .known = "2 messages: id-1 owed, id-2 deleted",
	    .logged = DONE("2 messages", "2", "85 B", "1") },
	{ .keys = "keep = delete\n",
	    .asked = OLD "LIST;TOP 1 0;DELE 1;QUIT;",
	    .said = "waiting ok: messages 1, deleted 1",
	    .known = BOTH_DELETED,
	    .logged = DONE("1 message", "0", "0 B", "1") },
};

static const struct poll greeting_refused[] = {
	{ .rules = { { "", "-ERR too many connections\r\n", NET_CLOSE } },
	    .said = "failing refused",
	    .known = "0 messages",
	    .text = "too many connections",
	    .advice = IT_MAY_PASS,
	    .logged = "warning: home: refused; the server said: too many "
		      "connections (0 fetched, 0 deleted)\n" },
	{ .asked = NEW "RETR 1;RETR 2;QUIT;",
	    .said = "waiting ok: messages 2, fetched 2, fetched_bytes 85",
	    .known = BOTH_STORED,
	    .logged = WORKS_AGAIN DONE("2 messages", "2", "85 B", "0") },
};

static const struct poll login_refused[] = {
	{ .rules = { { "PASS secret", "-ERR [AUTH] wrong\r\n", NET_GO_ON } },
	    .asked = "CAPA;USER anna;PASS secret;QUIT;",
	    .said = "refused auth",
	    .known = "0 messages",
	    .text = "[AUTH] wrong",
	    .advice = "correct the password in D/password, or user in section "
		      "[account home] (D/main.conf:1)",
	    .logged = "warning: home: login refused; the server said: [AUTH] "
		      "wrong (0 fetched, 0 deleted)\n"
		      "error: home: needs attention: correct the password in "
		      "D/password, or user in section [account home] "
		      "(D/main.conf:1)\n" },
};

/* A daemon that stays tries again by itself, and says so. */
static const struct poll login_refused_again[] = {
	{ .wish = POLLER_WISH_CONFIRM,
	    .rules = { { "PASS secret", "-ERR [AUTH] wrong\r\n", NET_GO_ON } },
	    .asked = "CAPA;USER anna;PASS secret;QUIT;",
	    .said = "refused auth",
	    .known = "0 messages",
	    .text = "[AUTH] wrong",
	    .advice = "correct the password in D/password (evpopd notices the "
		      "change), or user in section [account home] "
		      "(D/main.conf:1), then \"evpopctl reload\"; \"evpopctl "
		      "poll home\" tries at once",
	    .logged = "warning: home: login refused; the server said: [AUTH] "
		      "wrong (0 fetched, 0 deleted)\n"
		      "error: home: needs attention: correct the password in "
		      "D/password (evpopd notices the change), or user in "
		      "section [account home] (D/main.conf:1), then \"evpopctl "
		      "reload\"; \"evpopctl poll home\" tries at once\n" },
};

static const struct poll login_refused_later[] = {
	FETCH_BOTH,
	{ .wish = POLLER_WISH_CONFIRM,
	    .rules = { { "PASS secret", "-ERR [AUTH] wrong\r\n", NET_GO_ON } },
	    .asked = "USER anna;PASS secret;QUIT;",
	    .said = "failing auth",
	    .known = BOTH_STORED,
	    .text = "[AUTH] wrong",
	    .advice = "correct the password in D/password (evpopd notices the "
		      "change), or user in section [account home] "
		      "(D/main.conf:1), then \"evpopctl reload\"; \"evpopctl "
		      "poll home\" tries at once",
	    .logged =
		"warning: home: login refused; the server said: [AUTH] wrong "
		"(0 fetched, 0 deleted)\n"
		"warning: home: the log-in worked before and is tried once "
		"more soon; if it is refused again: correct the password in "
		"D/password (evpopd notices the change), or user in section "
		"[account home] (D/main.conf:1), then \"evpopctl reload\"; "
		"\"evpopctl poll home\" tries at once\n" },
};

static const struct poll login_busy[] = {
	{ .rules = { { "PASS secret", "-ERR [IN-USE] wait\r\n", NET_GO_ON } },
	    .asked = "CAPA;USER anna;PASS secret;QUIT;",
	    .said = "failing refused",
	    .known = "0 messages",
	    .text = "[IN-USE] wait",
	    .advice = IT_MAY_PASS,
	    .logged = "warning: home: login refused; the server said: [IN-USE] "
		      "wait (0 fetched, 0 deleted)\n" },
};

static const struct poll login_for_good[] = {
	{ .rules = { { "PASS secret", "-ERR [SYS/PERM] ask us\r\n",
	      NET_GO_ON } },
	    .asked = "CAPA;USER anna;PASS secret;QUIT;",
	    .said = "refused refused",
	    .known = "0 messages",
	    .text = "[SYS/PERM] ask us",
	    .advice = "the server's administrator must act: ask those who run "
		      "127.0.0.1 about user anna",
	    .logged =
		"warning: home: login refused; the server said: [SYS/PERM] ask "
		"us (0 fetched, 0 deleted)\n"
		"error: home: needs attention: the server's administrator must "
		"act: ask those who run 127.0.0.1 about user anna\n" },
};

static const struct poll listing_refused[] = {
	{ .rules = { { "UIDL", "-ERR no\r\n", NET_GO_ON },
	      { "LIST", "-ERR no\r\n", NET_GO_ON } },
	    .asked = NEW "LIST;QUIT;",
	    .said = "failing refused",
	    .known = "0 messages",
	    .text = "no",
	    .advice = IT_MAY_PASS,
	    .logged = "warning: home: refused; the server said: no (0 fetched, "
		      "0 deleted)\n" },
};

static const struct poll lost_at_login[] = {
	{ .rules = { { "USER anna", NULL, NET_RESET } },
	    .asked = "CAPA;USER anna;",
	    .said = "failing io",
	    .known = "0 messages",
	    .text = "read: Connection reset by peer",
	    .advice = IT_MAY_PASS,
	    .logged = "warning: home: read: Connection reset by peer (0 "
		      "fetched, 0 deleted)\n" },
};

static const struct poll pipelined[] = {
	{ .keys = "keep = delete\n",
	    .rules = { PIPELINES },
	    .asked = NEW "LIST;RETR 1;RETR 2;DELE 1;DELE 2;QUIT;",
	    .said = "waiting ok: messages 2, fetched 2, deleted 2, "
		    "fetched_bytes 85",
	    .known = BOTH_DELETED,
	    .logged = DONE("2 messages", "2", "85 B", "2") },
};

/* A session that ends among several commands is tried again with one at a time.
 */
static const struct poll flight_fails[] = {
	{ .keys = "keep = delete\n",
	    .rules = { PIPELINES,
		{ "RETR 2", "+OK\r\nSubject: two\r\n", NET_CLOSE } },
	    .asked = NEW "LIST;RETR 1;RETR 2;",
	    .said =
		"failing io: messages 2, fetched 1, failed 1, fetched_bytes 56",
	    .known = "1 messages: id-1 owed",
	    .text =
		"the server closed the connection in the middle of a message",
	    .advice = IT_MAY_PASS,
	    .logged = "warning: home: message 2 was not fetched: the server "
		      "closed the connection in the middle of a message\n"
		      "warning: home: the server closed the connection in the "
		      "middle of a message (1 fetched, 0 deleted)\n" },
	{ .keys = "keep = delete\n",
	    .rules = { PIPELINES },
	    .asked = "USER anna;PASS secret;NOOP;CAPA;UIDL;LIST;TOP 1 0;DELE "
		     "1;RETR 2;DELE 2;QUIT;",
	    .said = "waiting ok: messages 2, fetched 1, deleted 2, "
		    "fetched_bytes 43",
	    .known = BOTH_DELETED,
	    .logged = WORKS_AGAIN DONE("2 messages", "1", "43 B", "2") },
};

static const struct poll flight_cut[] = {
	{ .rules = { PIPELINES, { "RETR 1", NULL, NET_RESET } },
	    .asked = NEW
	    "RETR 1;USER anna;PASS secret;NOOP;CAPA;UIDL;RETR 2;RETR 1;",
	    .said = "failing io: messages 2, fetched 1, fetched_bytes 43",
	    .known = "1 messages: id-2 stored",
	    .text = "read: Connection reset by peer",
	    .advice = IT_MAY_PASS,
	    .logged = "warning: home: message 1 was not fetched: read: "
		      "Connection reset by peer\n"
		      "warning: home: message 1 was not fetched: read: "
		      "Connection reset by peer\n"
		      "warning: home: read: Connection reset by peer (1 "
		      "fetched, 0 deleted)\n" },
	{ .rules = { PIPELINES, { "RETR 1", NULL, NET_RESET } },
	    .asked = "USER anna;PASS secret;CAPA;UIDL;RETR 1;",
	    .said = "failing io: messages 2",
	    .known = "1 messages: id-2 stored",
	    .text = "read: Connection reset by peer",
	    .advice = IT_MAY_PASS,
	    .logged = "warning: home: message 1 was not fetched: read: "
		      "Connection reset by peer\n"
		      "warning: home: read: Connection reset by peer (0 "
		      "fetched, 0 deleted)\n" },
	{ .rules = { PIPELINES },
	    .asked = "USER anna;PASS secret;CAPA;UIDL;RETR 1;QUIT;",
	    .said = "waiting ok: messages 2, fetched 1, fetched_bytes 42",
	    .known = BOTH_STORED,
	    .logged = WORKS_AGAIN DONE("2 messages", "1", "42 B", "0") },
};

static const struct poll nothing_there[] = {
	{ .rules = { { "UIDL", "+OK\r\n.\r\n", NET_GO_ON },
	      { "LIST", "+OK\r\n.\r\n", NET_GO_ON },
	      { "STAT", "+OK 0 0\r\n", NET_GO_ON } },
	    .asked = NEW "QUIT;",
	    .said = "waiting ok",
	    .known = "0 messages" },
};

#define STORY(polls)                                              \
	{                                                         \
#polls, polls, sizeof(polls) / sizeof((polls)[0]) \
	}
static const struct {
	const char *name;
	const struct poll *polls;
	size_t count;
} stories[] = {
	STORY(kept_for_ever),
	STORY(kept_two_weeks),
	STORY(deleted_once_stored),
	STORY(quit_without_answer),
	STORY(large_ones_deleted),
	STORY(deleted_in_two_sessions),
	STORY(guarded),
	STORY(guard_is_not_reached),
	STORY(limits),
	STORY(newest_first),
	STORY(baseline),
	STORY(wishes),
	STORY(dry_runs_of_known),
	STORY(disabled),
	STORY(gone_and_back),
	STORY(ids_renamed),
	STORY(equal_ids),
	STORY(without_unique_ids),
	STORY(without_anything),
	STORY(one_refused),
	STORY(all_refused),
	STORY(refused_for_now),
	STORY(empty_body),
	STORY(blank_body),
	STORY(half_a_body),
	STORY(cut_off),
	STORY(dele_refused),
	STORY(greeting_refused),
	STORY(login_refused),
	STORY(login_refused_again),
	STORY(login_refused_later),
	STORY(login_busy),
	STORY(login_for_good),
	STORY(listing_refused),
	STORY(lost_at_login),
	STORY(pipelined),
	STORY(flight_fails),
	STORY(flight_cut),
	STORY(nothing_there),
};

static bool
is_as_expected(const char *story, size_t poll, const char *what, const char *is,
    const char *expected)
{
	if (strcmp(is, expected == NULL ? "" : expected) == 0)
		return true;
	print_error("%s, poll %zu, %s:\n  is       \"%s\"\n  expected \"%s\"\n",
	    story, poll + 1, what, is, expected == NULL ? "" : expected);
	return false;
}

/* True where all is as expected. */
static bool
play(struct poll_house *house, const char *story, size_t at,
    const struct poll *poll)
{
	struct net_server_options *options = &house->server.options;
	bool good;

	options->rules = poll->rules;
	options->rule_count = 0;
	while (options->rule_count < RULES_MAX &&
	       poll->rules[options->rule_count].command != NULL)
		options->rule_count++;
	poll_house_poll(
	    house, poll->keys == NULL ? "" : poll->keys, poll->wish);
	good = is_as_expected(story, at, "asked", house->asked, poll->asked);
	good &= is_as_expected(story, at, "said", house->said, poll->said);
	good &= is_as_expected(story, at, "known", house->known, poll->known);
	good &= is_as_expected(story, at, "text", house->text, poll->text);
	good &= is_as_expected(story, at, "plan", house->plan, poll->plan);
	good &=
	    is_as_expected(story, at, "advice", house->advice, poll->advice);
	return good &
	       is_as_expected(story, at, "logged", house->logged, poll->logged);
}

static void
polls_go_as_they_should(void **state)
{
	size_t i, at, wrong = 0;
	unsigned left;
	void *house;

	(void)state;
	for (i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		assert_int_equal(poll_house_set_up(&house), 0);
		((struct poll_house *)house)->server.options =
		    (struct net_server_options){ .messages = messages,
			    .message_count = 2,
			    .deletes = true };
		for (at = 0; at < stories[i].count; at++) {
			left = stories[i].polls[at].times;
			do {
				if (!play(house, stories[i].name, at,
					&stories[i].polls[at]))
					wrong++;
			} while (left-- > 1);
		}
		poll_house_tear_down(&house);
	}
	assert_int_equal(wrong, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(polls_go_as_they_should),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
