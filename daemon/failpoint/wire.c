/*
 * Failpoints of what goes over the wire.  The library knows nothing of them:
 * the linker puts these functions between its client and its session
 * (--wrap), where written octets and answers pass.
 */
#include <evpop/proto.h>
#include <stddef.h>
#include <string.h>

#include "daemon/failpoint/failpoint.h"

void __real_evpop_proto_sent(struct evpop_proto *, size_t length);
void __wrap_evpop_proto_sent(struct evpop_proto *, size_t length);
void __real_evpop_proto_next(struct evpop_proto *, const void *data,
    size_t length, size_t *used_r, struct evpop_event *event_r);
void __wrap_evpop_proto_next(struct evpop_proto *, const void *data,
    size_t length, size_t *used_r, struct evpop_event *event_r);

/* How many of the lines that end within these octets are this command. */
static size_t
count_lines(const unsigned char *octets, size_t length, const char *command)
{
	const unsigned char *at = octets, *end = octets + length, *feed;
	size_t size = strlen(command), count = 0;

	while ((feed = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		if ((size_t)(feed - at) >= size &&
		    memcmp(at, command, size) == 0)
			count++;
		at = feed + 1;
	}
	return count;
}

void
__wrap_evpop_proto_sent(struct evpop_proto *proto, size_t length)
{
	size_t waiting, deletions = 0, ends = 0;
	const unsigned char *octets = evpop_proto_output(proto, &waiting);

	if (octets != NULL && length <= waiting) {
		deletions = count_lines(octets, length, "DELE ");
		ends = count_lines(octets, length, "QUIT");
	}
	__real_evpop_proto_sent(proto, length);
	while (deletions-- > 0)
		FAILPOINT("DELE sent");
	while (ends-- > 0)
		FAILPOINT("QUIT sent");
}

void
__wrap_evpop_proto_next(struct evpop_proto *proto, const void *data,
    size_t length, size_t *used_r, struct evpop_event *event_r)
{
	__real_evpop_proto_next(proto, data, length, used_r, event_r);
	/* Without a word from the server it was cancelled, not answered. */
	if (event_r->type != EVPOP_EVENT_DONE || *used_r == 0)
		return;
	if (event_r->command == EVPOP_COMMAND_DELE)
		FAILPOINT("DELE answered");
	else if (event_r->command == EVPOP_COMMAND_QUIT)
		FAILPOINT("QUIT answered");
}
