/* What comes of an attempt to deliver a message, for its row.  Pure. */
#ifndef DELIVER_ATTEMPT_H
#define DELIVER_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/deliver/carrier.h"
#include "daemon/store/outbox.h"

struct config_target;

struct attempt {
	const struct config_target *target;
	int64_t id, now_ms; /* Unix time */
	int64_t queued_ms;
	unsigned attempts; /* before this one */
	bool may_be_there; /* by these */
	/* Why it could not be read, where it is CARRIED_UNREAD. */
	enum store_status read_status;
	/* The target has failed with this message again and again. */
	bool is_culprit;
	uint32_t random;
};

/* Of the answer. */
#define ATTEMPT_TEXT 600

/*
 * What to settle; its answer may be in text_r.  False where there is nothing:
 * the message has been deleted, and the row with it.
 */
bool attempt_judge(const struct attempt *, const struct carried_result *,
    struct store_outbox_result *result_r, char text_r[ATTEMPT_TEXT]);

#endif
