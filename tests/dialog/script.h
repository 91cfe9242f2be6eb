/*
 * The server's part of a dialog: what it does next, and whether what the
 * client says is what stands in the script.  No I/O: the core and real sockets
 * are played by the same script.
 */
#ifndef DIALOG_SCRIPT_H
#define DIALOG_SCRIPT_H

#include <stdint.h>

#include "tests/dialog/dialog.h"

enum script_do {
	SCRIPT_WAIT, /* for the client: a line, or another connection */
	SCRIPT_ACT,  /* carry out *item_r: SAY, SLEEP, EOF, RST, TLS */
	SCRIPT_END   /* nothing is left */
};

struct script {
	const struct dialog *dialog;
	size_t at;
	bool in_any, in_group, ignoring;
	size_t any;    /* the open set */
	uint32_t used; /* its groups that were played, by bits */
	char error[512];
};

void script_begin(struct script *, const struct dialog *);

/* What to do now.  SCRIPT_ACT moves on. */
enum script_do script_next(struct script *, const struct dialog_item **item_r);

/*
 * The client says a line, `together` with the one before it; false with the
 * error where it should not.
 */
bool script_hear(
    struct script *, const unsigned char *line, size_t length, bool together);

/* The client comes on another connection; false with the error likewise. */
bool script_again(struct script *);

/* The client is gone; false with the error where more is to be said by it. */
bool script_left(struct script *);

#endif
