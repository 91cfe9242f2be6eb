#include "daemon/deliver/mbox_search.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEARCH_PIECE ((size_t)64 * 1024)

/* Of a line, as much as counts. */
#define SEARCH_LINE 128

struct search {
	char wanted[SEARCH_LINE]; /* the line */
	char line[SEARCH_LINE];
	size_t length; /* of the line so far, also what is not kept */
	off_t line_at;
	bool is_header, was_empty; /* the line before this one */
	off_t begin;               /* of the message it is in */
	bool is_found;
	struct mbox_found found;
};

/* True: the end of what was sought. */
static bool
search_line(struct search *search)
{
	const size_t kept =
	    search->length < SEARCH_LINE - 1 ? search->length : SEARCH_LINE - 1;
	char *line = search->line;

	line[kept] = '\0';
	if (kept == search->length && kept > 0 && line[kept - 1] == '\r')
		line[kept - 1] = '\0';
	if (search->was_empty && strncmp(line, "From ", 5) == 0) {
		if (search->is_found) {
			search->found.end = search->line_at;
			return true;
		}
		search->begin = search->line_at;
		search->is_header = true;
	} else if (line[0] == '\0') {
		search->is_header = false;
	} else if (search->is_header && search->length < SEARCH_LINE - 1 &&
		   strcmp(line, search->wanted) == 0) {
		search->is_found = search->found.is_there = true;
		search->found.begin = search->begin;
	}
	search->was_empty = line[0] == '\0';
	return false;
}

static bool
search_piece(struct search *search, const char *bytes, size_t length, off_t at)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] != '\n') {
			if (search->length < SEARCH_LINE - 1)
				search->line[search->length] = bytes[i];
			search->length++;
			continue;
		}
		if (search_line(search))
			return true;
		search->length = 0;
		search->line_at = at + (off_t)i + 1;
	}
	return false;
}

/* The last line has no end, and another message begins with it. */
static bool
search_is_begun(const struct search *search)
{
	return search->was_empty && search->length >= 5 &&
	       strncmp(search->line, "From ", 5) == 0;
}

/* False with errno. */
static bool
search_from(struct search *search, int fd, off_t from)
{
	char *piece = malloc(SEARCH_PIECE);
	ssize_t length = 0;
	off_t at = from;

	search->line_at = search->begin = from;
	search->length = 0;
	/* A message begins at the first line. */
	search->was_empty = true;
	search->is_header = false;
	while (piece != NULL &&
	       ((length = pread(fd, piece, SEARCH_PIECE, at)) > 0 ||
		   (length == -1 && errno == EINTR))) {
		if (length == -1)
			continue;
		if (search_piece(search, piece, (size_t)length, at))
			break;
		at += length;
	}
	if (length == 0) {
		search->found.end = at;
		search->found.is_last = search->is_found;
		search->found.tail =
		    search_is_begun(search) ? search->line_at : search->begin;
	}
	free(piece);
	return piece != NULL && length != -1;
}

/* What begins there is a message. */
static bool
search_is_place(int fd, off_t from)
{
	char bytes[6] = "";

	return from > 0 && pread(fd, bytes, 5, from) == 5 &&
	       strcmp(bytes, "From ") == 0;
}

bool
mbox_search(int fd, off_t from, const char *key, struct mbox_found *found_r)
{
	struct search search = { .is_found = false };
	bool done = true;

	snprintf(search.wanted, sizeof(search.wanted), "X-Evpop-Id: %s", key);
	if (search_is_place(fd, from))
		done = search_from(&search, fd, from);
	if (done && !search.is_found)
		done = search_from(&search, fd, 0);
	*found_r = search.found;
	return done;
}
