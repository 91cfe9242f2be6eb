/*
 * What came of a dialog, a line for each outcome, and the comparison with what
 * the dialog says must come of it.
 */
#ifndef DIALOG_RECORD_H
#define DIALOG_RECORD_H

#include <stdint.h>

#include <evpop/client.h>

#include "tests/dialog/dialog.h"

struct record {
	char **lines;
	size_t count;
	/* The listing under way. */
	struct octets first_entry, last_entry;
	size_t entries;
	/* The body under way. */
	struct octets body;
	/* The trace, with '\n' between lines. */
	struct octets trace;
};

void record_add(struct record *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void record_clear(struct record *);

/*
 * "NAME [NUMBER] ERROR @PHASE SCOPE retry|final [CODE] ~ TEXT", where it is an
 * error: what went well goes without saying.  `number` 0: there is none.
 */
void record_result(struct record *, const char *name, unsigned number,
    const struct evpop_result *);

/* "entry 7 120" or "entry 7 id ID", once the listing has ended. */
void record_entry(struct record *, uint32_t number, uint64_t octets,
    const unsigned char *id, size_t id_length);
/*
 * Entries of a listing that went well; of more than RECORD_ENTRIES only the
 * number, the first and the last.  Then "ignored N" where N is not 0.
 */
#define RECORD_ENTRIES 12
void record_entries(struct record *, uint32_t ignored);
/* A listing that went wrong counts for nothing. */
void record_no_entries(struct record *);

/* "body 7 OCTETS", or "body 7 COUNT octets sha256:..." of a long one. */
#define RECORD_BODY 1000
void record_body_begin(struct record *);
void record_body(struct record *, const unsigned char *, size_t length);
void record_body_end(struct record *, unsigned number);

/* "caps ..." with all that the server said of itself. */
void record_capabilities(struct record *, const struct evpop_capabilities *);

void record_trace(struct record *, bool from_server, const char *line);

/* Which outcomes a level can tell. */
enum record_view {
	RECORD_ALL,
	RECORD_CORE /* none of what only a client does */
};

/*
 * Compare with what the dialog expects, and with what must hold for all of
 * them; what is wrong is appended to `why`.  False where something is.
 */
bool record_check(const struct record *, const struct dialog *,
    enum record_view, struct octets *why);

#endif
