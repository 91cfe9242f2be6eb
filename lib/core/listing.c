#include "lib/core/listing.h"

#include <stdio.h>

#include "lib/base/unit.h"
#include "lib/core/reply.h"

bool
evpop_listing_entry_parse(enum evpop_command command, const unsigned char *line,
    size_t length, struct evpop_listing_entry *entry)
{
	uint64_t messages;

	*entry = (struct evpop_listing_entry){ 0 };
	if (command == EVPOP_COMMAND_STAT) {
		if (!evpop_number_take(&line, &length, &messages) ||
		    messages > UINT32_MAX)
			return false;
		entry->number = (uint32_t)messages;
	} else if (!evpop_message_number_take(&line, &length, &entry->number))
		return false;
	if (command != EVPOP_COMMAND_UIDL) {
		entry->has_octets =
		    evpop_number_take(&line, &length, &entry->octets);
		return true;
	}
	evpop_trim(&line, &length);
	entry->unique_id = line;
	entry->unique_id_length = length;
	return length <= EVPOP_LIMIT_UNIQUE_ID;
}

void
evpop_lines_add(struct evpop_lines *lines, size_t octets)
{
	lines->octets += octets;
}

bool
evpop_lines_count(struct evpop_lines *lines,
    const struct evpop_proto_limits *limits, enum evpop_command command,
    char *text)
{
	bool words =
	    command == EVPOP_COMMAND_CAPA || command == EVPOP_COMMAND_LANG;
	uint32_t most = words ? limits->capabilities : limits->listing_lines;
	const char *name = evpop_command_name(command);
	char size[32];

	if (lines->lines++ >= most) {
		snprintf(text, EVPOP_TEXT_SIZE,
		    "the server's answer to %s has more than %lu lines", name,
		    (unsigned long)most);
		return false;
	}
	lines->octets += EVPOP_LISTING_LINE_COST;
	if (lines->octets <= limits->listing_octets)
		return true;
	evpop_unit_text((int64_t)limits->listing_octets, evpop_unit_bytes, size,
	    sizeof size);
	snprintf(text, EVPOP_TEXT_SIZE,
	    "the server's answer to %s is larger than the limit of %s, each "
	    "line counting %d bytes more than it has; the account's other mail "
	    "is untouched",
	    name, size, EVPOP_LISTING_LINE_COST);
	return false;
}

void
evpop_lines_ignore(
    struct evpop_lines *lines, const unsigned char *line, size_t length)
{
	if (lines->ignored++ == 0)
		evpop_printable(lines->ignored_line, sizeof lines->ignored_line,
		    line, length);
}
