/*
 * The text format of dialogs: what a server says, what the client must say,
 * and what must come of it.  README.md describes it; this reads it.
 */
#ifndef DIALOG_DIALOG_H
#define DIALOG_DIALOG_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/dialog/octets.h"
#include "tests/dialog/settings.h"

enum dialog_item_type {
	DIALOG_SAY,     /* octets of the server */
	DIALOG_HEAR,    /* a line of the client, without its line end */
	DIALOG_SLEEP,   /* `number` milliseconds */
	DIALOG_EOF,     /* the server closes */
	DIALOG_RST,     /* likewise, rudely */
	DIALOG_TLS,     /* the handshake after STLS */
	DIALOG_NEXT,    /* another connection of the client */
	DIALOG_IGNORE,  /* whatever the client says from here on is well */
	DIALOG_ANY,     /* groups in any order, up to the item `number` */
	DIALOG_ANY_END, /* whose type is this */
	DIALOG_ITEM_COUNT
};

struct dialog_item {
	enum dialog_item_type type;
	unsigned line; /* of the file */
	struct octets octets;
	bool prefix;   /* HEAR: the line goes on somehow */
	bool optional; /* HEAR: the line, and what answers it, may be absent */
	bool together; /* HEAR: the line arrives with the one before it */
	size_t number;
};

/* Groups of one set; more would not be read by anybody. */
#define DIALOG_GROUPS 32

/* What the client is asked to do. */
enum dialog_verb {
	DIALOG_CONNECT,
	DIALOG_LOGIN,
	DIALOG_STAT,
	DIALOG_LIST,
	DIALOG_UIDL,
	DIALOG_RETR,
	DIALOG_TOP,
	DIALOG_DELE,
	DIALOG_NOOP,
	DIALOG_RSET,
	DIALOG_CAPA,
	DIALOG_QUIT,
	DIALOG_CANCEL,
	DIALOG_WAIT,         /* until all that was asked is answered */
	DIALOG_CAPABILITIES, /* then write them down */
	DIALOG_MECHANISM,    /* then write down by which it logged in */
	DIALOG_REST,         /* then do nothing for so many milliseconds */
	DIALOG_AGAIN,        /* then begin anew, with another client */
	DIALOG_SYNC,         /* a whole session by evpop_sync */
	DIALOG_VERB_COUNT
};

struct dialog_step {
	enum dialog_verb verb;
	unsigned number, lines;
};

const char *dialog_verb_name(enum dialog_verb);

/* A unique-id that sync is told of. */
struct dialog_known {
	char *state; /* "stored", "delete", "seen", "deleted", "gone" */
	struct octets id;
	unsigned long octets; /* 0: nobody knows */
	bool has_header;
	struct octets header;
};

struct dialog {
	char *name, *shows;
	unsigned line;
	struct dialog_settings settings;
	struct dialog_step *steps;
	size_t step_count;
	struct dialog_known *known;
	size_t known_count;
	struct dialog_item *items;
	size_t item_count;
	char **outcomes; /* one a line, without the "= " */
	size_t outcome_count;
	struct octets *never,
	    *never_clear; /* octets that the client sends not */
	size_t never_count, never_clear_count;
	char **traced; /* lines, or parts of them, that the trace must show */
	size_t traced_count;
};

struct dialog_file {
	struct dialog *dialogs;
	size_t count;
};

/* What is wrong, and where. */
struct dialog_error {
	unsigned line;
	char text[160];
};

/* Octets that the servers of one file may say: repeats make them many. */
#define DIALOG_OCTETS_MAX (64UL << 20)

/* All dialogs of a text, or NULL with the reason. */
struct dialog_file *dialog_parse(
    const char *text, size_t length, struct dialog_error *);
/* The same of a file; *error has line 0 where it cannot be read. */
struct dialog_file *dialog_read(const char *path, struct dialog_error *);
void dialog_file_free(struct dialog_file *);

/* How many octets the server says in all. */
size_t dialog_octets(const struct dialog *);
/* Whether a step or an item of this kind is there. */
bool dialog_has_step(const struct dialog *, enum dialog_verb);
bool dialog_has_item(const struct dialog *, enum dialog_item_type);

#endif
