#include "daemon/poll/transcript.h"

#include <stdio.h>
#include <string.h>

static void
drop_oldest(struct transcript *transcript)
{
	char dropped;

	do {
		dropped = transcript->bytes[transcript->begin];
		transcript->begin = (transcript->begin + 1) % TRANSCRIPT_SIZE;
		transcript->length--;
	} while (dropped != '\n');
}

void
transcript_add(
    struct transcript *transcript, bool from_server, const char *line)
{
	char text[TRANSCRIPT_LINE];
	size_t length, i;

	snprintf(
	    text, sizeof text - 1, "%c: %s", from_server ? 'S' : 'C', line);
	length = strlen(text);
	text[length++] = '\n';
	while (TRANSCRIPT_SIZE - transcript->length < length)
		drop_oldest(transcript);
	for (i = 0; i < length; i++)
		transcript->bytes[(transcript->begin + transcript->length++) %
				  TRANSCRIPT_SIZE] = text[i];
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
