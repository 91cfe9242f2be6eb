#include "daemon/store/mail/extract.h"

#include <stdlib.h>

#include "daemon/store/mail/whole.h"

struct mail_extract {
	struct mail_whole *whole;
	unsigned number; /* that is wanted */
	unsigned count;  /* of parts that have begun */
	bool is_done;
	struct mail_text *to; /* while it is fed */
};

static unsigned
extract_begins(void *arg, const struct mail_part *part, unsigned depth,
    const char *header, size_t length)
{
	struct mail_extract *extract = arg;

	(void)depth;
	(void)header;
	(void)length;
	if (part->form == MAIL_PART_MULTIPART ||
	    ++extract->count != extract->number)
		return 0;
	return extract->number;
}

static void
extract_content(void *arg, unsigned number, const char *bytes, size_t length)
{
	struct mail_extract *extract = arg;

	(void)number;
	mail_text_add(extract->to, bytes, length);
}

static void
extract_ends(void *arg, unsigned number)
{
	struct mail_extract *extract = arg;

	(void)number;
	extract->is_done = true;
}

static const struct mail_parts_sink sink = {
	.begins = extract_begins,
	.content = extract_content,
	.ends = extract_ends,
};

struct mail_extract *
mail_extract_new(unsigned number)
{
	struct mail_extract *extract = calloc(1, sizeof(*extract));

	if (extract == NULL)
		return NULL;
	extract->number = number;
	extract->whole = mail_whole_new(&sink, NULL, extract);
	if (extract->whole != NULL)
		return extract;
	free(extract);
	return NULL;
}

void
mail_extract_free(struct mail_extract *extract)
{
	if (extract == NULL)
		return;
	mail_whole_free(extract->whole);
	free(extract);
}

bool
mail_extract_feed(struct mail_extract *extract, const char *bytes,
    size_t length, struct mail_text *to)
{
	extract->to = to;
	return mail_whole_feed(extract->whole, bytes, length) &&
	       !mail_text_has_failed(to);
}

bool
mail_extract_finish(struct mail_extract *extract, struct mail_text *to)
{
	extract->to = to;
	return mail_whole_finish(extract->whole) && !mail_text_has_failed(to);
}

bool
mail_extract_is_done(const struct mail_extract *extract)
{
	return extract->is_done;
}
