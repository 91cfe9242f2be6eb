#include "lib/core/challenge.h"

#include "lib/core/command.h"
#include "lib/core/reply.h"
#include "lib/core/session.h"

/*
 * "+ " and base64, or "+" alone.  Some servers write "+OK" instead; while the
 * mechanism has more to say, that cannot be success.
 */
bool
evpop_challenge_parse(const struct evpop_proto *proto,
    const unsigned char *line, size_t length, const unsigned char **text_r,
    size_t *text_length_r)
{
	const struct evpop_queued *queued = evpop_queue_at(&proto->queue, 0);
	struct evpop_status_line status;

	if (proto->state == EVPOP_STATE_GREETING ||
	    queued->request.command != EVPOP_COMMAND_AUTH || length == 0 ||
	    line[0] != '+')
		return false;
	if (length == 1 || line[1] == ' ' || line[1] == '\t') {
		*text_r = line + 1;
		*text_length_r = length - 1;
	} else if (!queued->final &&
		   evpop_status_line_parse(line, length, &status)) {
		*text_r = status.text;
		*text_length_r = status.length;
	} else
		return false;
	evpop_trim(text_r, text_length_r);
	return true;
}

/*
 * What was sent behind an AUTH that was to need no more words: the server
 * takes the next line for the answer to its challenge.
 */
bool
evpop_challenge_swallow_next(struct evpop_proto *proto)
{
	struct evpop_queued *queued;
	size_t i;

	for (i = 1; i < proto->queue.sent; i++) {
		queued = evpop_queue_at(&proto->queue, i);
		if (queued->consumed)
			continue;
		queued->consumed = true;
		evpop_queue_at(&proto->queue, 0)->swallowed = true;
		evpop_queue_at(&proto->queue, 0)->wire_end = queued->wire_end;
		if (evpop_command_rule(queued->request.command)->last)
			proto->last_sent = false;
		return true;
	}
	return false;
}
