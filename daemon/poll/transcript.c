#include "daemon/poll/transcript.h"

#include <string.h>

/* Octets from `at` to where the ring's memory ends, or fewer. */
static size_t
to_edge(size_t at, size_t length)
{
	return length < TRANSCRIPT_SIZE - at ? length : TRANSCRIPT_SIZE - at;
}

/* Every line of a listing comes here: octets are not looked at singly. */
static void
drop_oldest(struct transcript *transcript)
{
	size_t begin = transcript->begin;
	size_t run = to_edge(begin, transcript->length), dropped;
	const char *end = memchr(transcript->bytes + begin, '\n', run);

	if (end != NULL)
		dropped = (size_t)(end - transcript->bytes) - begin + 1;
	else {
		end = memchr(transcript->bytes, '\n', transcript->length - run);
		dropped = run + (size_t)(end - transcript->bytes) + 1;
	}
	transcript->begin = (begin + dropped) % TRANSCRIPT_SIZE;
	transcript->length -= dropped;
}

static void
append(struct transcript *transcript, const char *bytes, size_t length)
{
	size_t at = (transcript->begin + transcript->length) % TRANSCRIPT_SIZE;
	size_t run = to_edge(at, length);

	memcpy(transcript->bytes + at, bytes, run);
	memcpy(transcript->bytes, bytes + run, length - run);
	transcript->length += length;
}

void
transcript_add(
    struct transcript *transcript, bool from_server, const char *line)
{
	static const char marks[] = "C: S: ";
	size_t mark = sizeof marks / 2;
	size_t length = strnlen(line, TRANSCRIPT_LINE - mark - 2);

	while (TRANSCRIPT_SIZE - transcript->length < mark + length + 1)
		drop_oldest(transcript);
	append(transcript, from_server ? marks + mark : marks, mark);
	append(transcript, line, length);
	append(transcript, "\n", 1);
}

void
transcript_text(const struct transcript *transcript, char *text)
{
	size_t i;

	for (i = 0; i < transcript->length; i++)
		text[i] =
		    transcript
			->bytes[(transcript->begin + i) % TRANSCRIPT_SIZE];
	text[transcript->length] = '\0';
}
