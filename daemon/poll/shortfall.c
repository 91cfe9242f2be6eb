#include "daemon/poll/shortfall.h"

#include <stdio.h>
#include <string.h>

/* So much of a line of the server's stands in a message for people. */
#define LINE_SHOWN 64

/* Only listings are so long: no other answer is. */
#define LISTING_LONG 1048576

/* Other mail is as it should be: the schedule stays as it is. */
static void
shortfall_set(struct evpop_result *result, const char *why)
{
	evpop_result_set(
	    result, EVPOP_ERROR_PROTOCOL, EVPOP_PHASE_COMMAND, "%s", why);
	result->scope = EVPOP_SCOPE_MESSAGE;
}

void
shortfall_unidentified(struct evpop_result *result, uint32_t messages)
{
	char why[EVPOP_TEXT_SIZE];

	snprintf(why, sizeof why,
	    "%lu %s left on the server, since it did not tell what %s known "
	    "by",
	    (unsigned long)messages,
	    messages == 1 ? "message was" : "messages were",
	    messages == 1 ? "it is" : "they are");
	shortfall_set(result, why);
}

/* No poll fetches what stands on such a line. */
void
shortfall_unreadable(
    struct evpop_result *result, uint32_t lines, const char *first)
{
	char shown[LINE_SHOWN + sizeof ", the first is \"\""],
	    why[EVPOP_TEXT_SIZE];
	bool one = lines == 1;

	shown[0] = '\0';
	if (first != NULL)
		snprintf(shown, sizeof shown, "%s\"%.*s\"",
		    one ? ": " : ", the first is ", LINE_SHOWN, first);
	snprintf(why, sizeof why,
	    "%lu %s of the server's listing cannot be read%s; %s not fetched: "
	    "move or delete %s with a mail program, or tell the server's "
	    "operator",
	    (unsigned long)lines, one ? "line" : "lines", shown,
	    one ? "its message is" : "their messages are", one ? "it" : "them");
	shortfall_set(result, why);
}

void
shortfall_memory(
    struct evpop_result *result, uint64_t capacity, uint64_t octets_in)
{
	evpop_result_set(result, EVPOP_ERROR_LIMIT, EVPOP_PHASE_COMMAND,
	    "the server's listing and what is known of it take more than the "
	    "%llu MiB that polls may hold together (%.1f MiB came so far): "
	    "raise memory_limit in [daemon] if the maildrop is that large; no "
	    "mail is lost",
	    (unsigned long long)capacity >> 20,
	    (double)octets_in / (1024 * 1024));
}

void
shortfall_listing(struct evpop_result *result, uint64_t octets_in)
{
	size_t length = strlen(result->text);

	if (result->error != EVPOP_ERROR_LIMIT || octets_in < LISTING_LONG)
		return;
	snprintf(result->text + length, sizeof result->text - length,
	    "; if the maildrop is that large, raise memory_limit in [daemon] "
	    "above that");
}
