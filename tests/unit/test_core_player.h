/*
 * Plays a scripted exchange between a session of the core and a simulated
 * server, with the server's octets cut in any way, and writes down what
 * happened.  Whatever the cuts, the record must be the same.
 */
#ifndef TEST_CORE_PLAYER_H
#define TEST_CORE_PLAYER_H

#include <evpop/proto.h>

#define PLAY_REPLIES     16
#define PLAY_COMMANDS    16
#define PLAY_LINE_SIZE   1024
#define PLAY_RECORD_SIZE 16384

struct octets {
	const char *at;
	size_t length;
};

/* Octets of a string literal, NULs in it included. */
#define OCTETS(text)                   \
	{                              \
		text, sizeof(text) - 1 \
	}

/* A log-in, which most exchanges begin with. */
#define LOGIN  "USER joe|PASS x"
#define LOGGED OCTETS("+OK hi\r\n"), OCTETS("+OK\r\n"), OCTETS("+OK in\r\n")
#define LOGGED_EVENTS        \
	"greeting ok 'hi'\n" \
	"done USER ok ''\n"  \
	"done PASS ok 'in'\n"

/* How the exchange ends once nobody has anything more to say. */
enum play_ending {
	PLAY_ENDS_IDLE = 0,
	PLAY_ENDS_EOF, /* the server closes */
	PLAY_ENDS_FAIL /* the transport fails with a timeout */
};

struct exchange {
	const char *name;
	/* Submitted at once, with bars between: "USER joe|PASS x|STAT". */
	const char *commands;
	uint32_t window_commands; /* 0: the default */
	size_t window_octets;
	struct evpop_proto_limits limits;
	/* The greeting, and one reply for each line the client sends. */
	struct octets replies[PLAY_REPLIES];
	enum play_ending ending;
	const char *wire;   /* the client's lines; NULL: all commands */
	const char *events; /* one event a line */
};

/* How the server's octets are delivered. */
struct delivery {
	bool octet_by_octet;  /* else whole, but for these cuts: */
	size_t cuts[2];       /* offsets, ascending; 0: none */
	bool output_by_octet; /* what the client writes is written so */
	bool truncated;       /* the server closes behind so many: */
	size_t truncated_at;
	evpop_trace_cb trace;
	void *trace_arg;
	bool memory_may_fail;
};

struct play {
	const struct exchange *exchange;
	const struct delivery *delivery;
	struct evpop_proto *proto;
	size_t accepted; /* commands that were submitted */
	size_t done;     /* and reported */
	char done_lines[PLAY_COMMANDS][PLAY_LINE_SIZE];
	size_t closed;
	char inbound[PLAY_RECORD_SIZE]; /* from the server */
	size_t inbound_length, delivered;
	size_t lines_sent;
	char sent_line[PLAY_LINE_SIZE]; /* from the client, so far */
	size_t sent_line_length;
	char wire[PLAY_RECORD_SIZE];
	char body[PLAY_RECORD_SIZE]; /* spans not yet written down */
	char events[PLAY_RECORD_SIZE];
};

/* Play an exchange once; false if even the session could not be had. */
bool play_once(struct play *, const struct exchange *, const struct delivery *);

/*
 * Play an exchange whole, octet by octet, and cut everywhere, and compare the
 * record with what is expected; then cut it short everywhere, and see that
 * every command is reported once and nothing unfinished passes for done.
 */
void play_everywhere(const struct exchange *);

/* A test that plays every exchange of a table. */
#define PLAY_TABLE(name, table)                                      \
	static void name(void **state)                               \
	{                                                            \
		size_t i;                                            \
                                                                     \
		(void)state;                                         \
		for (i = 0; i < sizeof table / sizeof table[0]; i++) \
			play_everywhere(&table[i]);                  \
	}

/*
 * Parse "RETR 3", or "RETR 3/120" where LIST said 120 octets, into a request;
 * the text lies in `storage`. */
struct evpop_request play_parse_command(
    const char *command, char storage[PLAY_LINE_SIZE]);

#endif
