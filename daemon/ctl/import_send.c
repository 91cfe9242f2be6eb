#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/ctl/import.h"
#include "lib/base/mail_lines.h"

/* The largest body that the daemon takes. */
#define PIECE 65536

struct import_sender {
	const struct ctl *ctl;
	const char *account;
	unsigned long long number; /* of the message, in this process */
	struct evpop_mail_lines lines;
	char *piece;
	size_t length;
	unsigned long long offset; /* of the piece */
	bool has_failed;
	struct client_error error;
};

struct import_sender *
import_sender_new(const struct ctl *ctl, const char *account)
{
	struct import_sender *sender = calloc(1, sizeof(*sender));

	if (sender == NULL)
		return NULL;
	sender->ctl = ctl;
	sender->account = account;
	sender->piece = malloc(PIECE);
	if (sender->piece != NULL)
		return sender;
	free(sender);
	return NULL;
}

void
import_sender_free(struct import_sender *sender)
{
	if (sender != NULL)
		free(sender->piece);
	free(sender);
}

void
import_begin(struct import_sender *sender)
{
	sender->number++;
	sender->length = 0;
	sender->offset = 0;
	sender->has_failed = false;
	memset(&sender->lines, 0, sizeof(sender->lines));
}

/* Send what there is; NULL after a failure. */
static json_t *
import_send(struct import_sender *sender, bool has_more)
{
	struct target target;
	char text[64];
	json_t *json;

	target_begin(&target, "/v1/accounts/*/messages", sender->account);
	if (has_more || sender->offset > 0) {
		snprintf(text, sizeof(text), "evpopctl-%ld-%llu",
		    (long)getpid(), sender->number);
		target_parameter(&target, "upload", text);
		snprintf(text, sizeof(text), "%llu", sender->offset);
		target_parameter(&target, "offset", text);
		target_parameter(&target, "more", has_more ? "yes" : "no");
	}
	if (!client_send(sender->ctl, &target, "message/rfc822", sender->piece,
		sender->length, &json, &sender->error))
		sender->has_failed = true;
	sender->offset += sender->length;
	sender->length = 0;
	return json;
}

/* The last byte is kept for the end: a last piece is never empty. */
static void
import_fill(struct import_sender *sender, const char *bytes, size_t length)
{
	while (length > 0 && !sender->has_failed) {
		size_t taken = PIECE - sender->length;

		if (taken == 0) {
			json_decref(import_send(sender, true));
			continue;
		}
		if (taken > length)
			taken = length;
		memcpy(sender->piece + sender->length, bytes, taken);
		sender->length += taken;
		bytes += taken;
		length -= taken;
	}
}

void
import_bytes(struct import_sender *sender, const char *bytes, size_t length)
{
	char changed[EVPOP_MAIL_LINES_ROOM(4096)];

	while (length > 0) {
		size_t part = length < 4096 ? length : 4096;

		import_fill(sender, changed,
		    evpop_mail_lines_to_crlf(
			&sender->lines, bytes, part, changed));
		bytes += part;
		length -= part;
	}
}

enum import_result
import_end(struct import_sender *sender, struct client_error *error_r)
{
	enum import_result result = IMPORT_FAILED;
	json_t *json = NULL;

	if (!sender->has_failed)
		json = import_send(sender, false);
	if (!sender->has_failed)
		result = json_is_true(json_object_get(json, "new"))
			     ? IMPORT_NEW
			     : IMPORT_KNOWN;
	else
		*error_r = sender->error;
	json_decref(json);
	return result;
}
