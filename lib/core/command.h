/*
 * The commands of RFC 1939, 2449, 2595, 5034 and 6856: a rule for each, and
 * their encoding, which refuses text that could smuggle in a second command.
 */
#ifndef EVPOP_CORE_COMMAND_H
#define EVPOP_CORE_COMMAND_H

#include <evpop/proto.h>

enum evpop_argument {
	EVPOP_ARGUMENT_NONE = 0,
	EVPOP_ARGUMENT_OPTIONAL,
	EVPOP_ARGUMENT_REQUIRED
};

struct evpop_command_rule {
	const char *name;
	enum evpop_phase phase; /* of waiting for the reply; NONE: COMMAND */
	enum evpop_argument text, number; /* number: of a message */
	bool transaction;                 /* only in the TRANSACTION state */
	bool login;                       /* success enters that state */
	bool secret;                      /* traces do not show what it says */
	bool last;                        /* evpop_command_stops() */
};

const struct evpop_command_rule *evpop_command_rule(enum evpop_command);

/* Whether nothing may be sent behind it before its reply. */
bool evpop_command_stops(const struct evpop_request *);

/* Whether a text can stand in a line: not empty, no CR, no LF. */
bool evpop_text_harmless(const char *);

/* Whether the request has what its command wants, and nothing harmful. */
bool evpop_command_valid(const struct evpop_request *);

/* Octets that evpop_command_encode() needs at most. */
size_t evpop_command_room(const struct evpop_request *);

/* Write the command line with its CRLF; returns its length. */
size_t evpop_command_encode(const struct evpop_request *, char *line_r);

#endif
