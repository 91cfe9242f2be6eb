#include "lib/base/header_filter.h"

#include <string.h>
#include <strings.h>

static const char *const added_names[] = {
	"Content-Length:",
	"Status:",
	"X-IMAP:",
	"X-IMAPbase:",
	"X-Keywords:",
	"X-Status:",
	"X-UID:",
	"X-UIDL:",
};
#define ADDED_NAMES (sizeof added_names / sizeof added_names[0])

_Static_assert(
    sizeof "Content-Length:" - 1 == EVPOP_HEADER_FILTER_NAME, "the longest");

enum place {
	AT_LINE_START = 0,
	BEHIND_CR, /* the first octet of a line, and held back */
	IN_NAME,   /* held back, as long as it may become one of these */
	IN_LINE,
	BEHIND_HEADER
};

enum likeness {
	LIKE_NONE = 0,
	LIKE_BEGINNING,
	LIKE_WHOLE
};

void
evpop_header_filter_init(
    struct evpop_header_filter *filter, evpop_header_filter_cb part, void *arg)
{
	memset(filter, 0, sizeof *filter);
	filter->part = part;
	filter->arg = arg;
}

static enum likeness
filter_compare(const struct evpop_header_filter *filter)
{
	size_t i;

	for (i = 0; i < ADDED_NAMES; i++) {
		if (strncasecmp((const char *)filter->held, added_names[i],
			filter->held_length) != 0)
			continue;
		return added_names[i][filter->held_length] == '\0'
			   ? LIKE_WHOLE
			   : LIKE_BEGINNING;
	}
	return LIKE_NONE;
}

/* Octets of the present line, which is of one kind or the other by now. */
static void
filter_pass(struct evpop_header_filter *filter, const unsigned char *bytes,
    size_t length)
{
	if (filter->in_added_line)
		filter->added_octets += length;
	if (length > 0)
		filter->part(bytes, length, filter->in_added_line, filter->arg);
}

static void
filter_begin_line(struct evpop_header_filter *filter, bool added)
{
	filter->in_added_line = added;
	filter->added_lines += added;
	filter_pass(filter, filter->held, filter->held_length);
	filter->held_length = 0;
	filter->place = IN_LINE;
}

/* Returns how many octets were taken, all of them of the present line. */
static size_t
filter_in_line(struct evpop_header_filter *filter, const unsigned char *bytes,
    size_t length)
{
	const unsigned char *end = memchr(bytes, '\n', length);
	size_t count = end == NULL ? length : (size_t)(end - bytes) + 1;

	filter_pass(filter, bytes, count);
	if (end != NULL)
		filter->place = AT_LINE_START;
	return count;
}

static void
filter_in_name(struct evpop_header_filter *filter, unsigned char octet)
{
	filter->held[filter->held_length++] = octet;
	switch (filter_compare(filter)) {
	case LIKE_WHOLE:
		filter_begin_line(filter, true);
		break;
	case LIKE_NONE:
		filter_begin_line(filter, false);
		if (octet == '\n')
			filter->place = AT_LINE_START;
		break;
	case LIKE_BEGINNING:
		break;
	}
}

/* Returns how many octets were taken: one, or none. */
static size_t
filter_at_line_start(struct evpop_header_filter *filter, unsigned char octet)
{
	switch (octet) {
	case '\n':
		filter->place = BEHIND_HEADER;
		return 1;
	case '\r':
		filter->place = BEHIND_CR;
		return 1;
	case ' ':
	case '\t':
		/* RFC 5322 section 2.2.3: more of the line before. */
		filter_begin_line(filter, filter->in_added_line);
		return 0;
	default:
		filter->place = IN_NAME;
		return 0;
	}
}

static size_t
filter_behind_cr(struct evpop_header_filter *filter, unsigned char octet)
{
	if (octet == '\n') {
		filter->place = BEHIND_HEADER;
		return 1;
	}
	filter->held[0] = '\r';
	filter->held_length = 1;
	filter_begin_line(filter, false);
	return 0;
}

void
evpop_header_filter_feed(struct evpop_header_filter *filter,
    const unsigned char *bytes, size_t length)
{
	size_t count;

	while (length > 0 && filter->place != BEHIND_HEADER) {
		count = 1;
		switch ((enum place)filter->place) {
		case AT_LINE_START:
			count = filter_at_line_start(filter, bytes[0]);
			break;
		case BEHIND_CR:
			count = filter_behind_cr(filter, bytes[0]);
			break;
		case IN_NAME:
			filter_in_name(filter, bytes[0]);
			break;
		case IN_LINE:
			count = filter_in_line(filter, bytes, length);
			break;
		case BEHIND_HEADER:
			break;
		}
		bytes += count;
		length -= count;
	}
}

void
evpop_header_filter_finish(struct evpop_header_filter *filter)
{
	if (filter->place == BEHIND_CR) {
		filter->held[0] = '\r';
		filter->held_length = 1;
		filter_begin_line(filter, false);
	} else if (filter->place == IN_NAME)
		filter_begin_line(filter, false);
}

bool
evpop_header_filter_is_complete(const struct evpop_header_filter *filter)
{
	return filter->place == BEHIND_HEADER;
}

uint64_t
evpop_header_filter_added_octets(const struct evpop_header_filter *filter)
{
	return filter->added_octets;
}

uint32_t
evpop_header_filter_added_lines(const struct evpop_header_filter *filter)
{
	return filter->added_lines;
}
