/* What rspamd answers about a message, as lines of a header and as words. */
#ifndef DELIVER_VERDICT_READ_H
#define DELIVER_VERDICT_READ_H

#include <stdbool.h>

#include "daemon/deliver/verdict.h"

#define VERDICT_TEXT 256

/* A verdict with its strings: borrowed by the former from the latter. */
struct verdict_read {
	bool is_spam;
	char lines[VERDICT_LINES];
	char text[VERDICT_TEXT];
};

/* From the JSON of /checkv2; false where it is none. */
bool verdict_read(const char *json, struct verdict_read *read_r)
    __attribute__((warn_unused_result));

/* There is no verdict, for this reason. */
void verdict_read_none(const char *reason, struct verdict_read *read_r);

#endif
