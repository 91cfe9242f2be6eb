#include "daemon/store/mail/whole.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/mail/header.h"

/* Where the header is longer, the rest is taken for text, as at a commit. */
#define HEADER_MAX ((size_t)128 * 1024)

struct mail_whole {
	const struct mail_parts_sink *sink;
	void (*header)(void *, const char *, size_t, bool is_cut);
	void *arg;
	struct mail_text kept; /* until the header has ended */
	struct mail_header_edge edge;
	size_t line; /* where the last line of it begins */
	struct mail_parts *parts;
};

struct mail_whole *
mail_whole_new(const struct mail_parts_sink *sink,
    void (*header)(void *, const char *, size_t, bool), void *arg)
{
	struct mail_whole *whole = calloc(1, sizeof(*whole));

	if (whole == NULL)
		return NULL;
	whole->sink = sink;
	whole->header = header;
	whole->arg = arg;
	mail_text_init(&whole->kept, HEADER_MAX);
	mail_header_edge_init(&whole->edge, MAIL_HEADER_OF_MESSAGE);
	return whole;
}

void
mail_whole_free(struct mail_whole *whole)
{
	if (whole == NULL)
		return;
	mail_parts_free(whole->parts);
	mail_text_free(&whole->kept);
	free(whole);
}

/* So much of what is kept is header; `body` is where the rest begins. */
static bool
whole_begin(struct mail_whole *whole, size_t header, size_t body, bool is_cut)
{
	const char *bytes = whole->kept.bytes != NULL ? whole->kept.bytes : "";

	if (!mail_header_is_one(bytes, header))
		header = body = 0;
	if (whole->header != NULL)
		whole->header(whole->arg, bytes, header, is_cut);
	whole->parts = mail_parts_new(whole->sink, whole->arg, bytes, header);
	if (whole->parts == NULL)
		return false;
	mail_parts_feed(whole->parts, bytes + body, whole->kept.length - body);
	mail_text_free(&whole->kept);
	return true;
}

bool
mail_whole_feed(struct mail_whole *whole, const char *bytes, size_t length)
{
	size_t header, taken = 0;

	if (whole->parts == NULL) {
		taken = HEADER_MAX - whole->kept.length;
		if (taken > length)
			taken = length;
		mail_text_add(&whole->kept, bytes, taken);
		if (whole->kept.has_failed)
			return false;
		if (mail_header_find_end(&whole->edge, whole->kept.bytes,
			whole->kept.length, &whole->line, &header)) {
			if (!whole_begin(whole, header, whole->line, false))
				return false;
		} else if (whole->kept.length < HEADER_MAX)
			return true;
		else if (!whole_begin(whole, whole->kept.length,
			     whole->kept.length, true))
			return false;
	}
	mail_parts_feed(whole->parts, bytes + taken, length - taken);
	return true;
}

bool
mail_whole_finish(struct mail_whole *whole)
{
	/* A message that is all header has no empty line. */
	if (whole->parts == NULL &&
	    !whole_begin(whole, whole->kept.length, whole->kept.length, false))
		return false;
	return mail_parts_finish(whole->parts);
}

bool
mail_whole_is_cut(const struct mail_whole *whole)
{
	return whole->parts != NULL && mail_parts_is_cut(whole->parts);
}
