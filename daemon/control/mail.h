/*
 * The JSON that messages, and what is in them, have in the API.  evpopctl makes
 * the same of mail that it alone can read.
 */
#ifndef CONTROL_MAIL_H
#define CONTROL_MAIL_H

#include <jansson.h>

#include "daemon/store/question.h"
#include "daemon/store/reading.h"

json_t *message_json(const struct store_message_row *);
/* By whom and why a message is held. */
json_t *hold_json(int64_t since_ms, const char *who, const char *reason);

/* One of a message's parts; a field of its header. */
json_t *part_json(const struct store_part_row *);
json_t *header_json(const struct store_field_row *);

/* Why a message was found. */
json_t *snippet_json(const struct store_snippet *);

#endif
