#include "lib/core/output.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void
output_wipe(struct evpop_output *output)
{
	if (output->secret)
		explicit_bzero(output->bytes, output->room);
	output->secret = false;
}

char *
evpop_output_reserve(struct evpop_output *output, size_t length)
{
	size_t unsent = output->end - output->start;
	size_t room = output->room == 0 ? 256 : output->room;
	bool secret = output->secret;
	char *bytes;

	if (output->room - output->end >= length)
		return output->bytes + output->end;
	while (room - unsent < length)
		room *= 2;
	bytes = malloc(room);
	if (bytes == NULL)
		return NULL;
	if (unsent > 0)
		memcpy(bytes, output->bytes + output->start, unsent);
	output_wipe(output);
	free(output->bytes);
	*output = (struct evpop_output){
		.bytes = bytes, .end = unsent, .room = room, .secret = secret
	};
	return bytes + unsent;
}

void
evpop_output_commit(struct evpop_output *output, size_t length, bool secret)
{
	output->end += length;
	output->secret = output->secret || secret;
}

void
evpop_output_drain(struct evpop_output *output, size_t length)
{
	assert(length <= output->end - output->start);
	if (output->secret)
		explicit_bzero(output->bytes + output->start, length);
	output->start += length;
	if (output->start < output->end)
		return;
	output_wipe(output);
	output->start = output->end = 0;
}

void
evpop_output_clear(struct evpop_output *output)
{
	output_wipe(output);
	free(output->bytes);
	memset(output, 0, sizeof *output);
}
