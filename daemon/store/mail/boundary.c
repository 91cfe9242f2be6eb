#include "daemon/store/mail/boundary.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"

bool
mail_boundary_push(struct mail_boundaries *open, const struct mail_part *part,
    unsigned enclosed)
{
	struct mail_boundary *level = &open->levels[open->depth];

	assert(open->depth < MAIL_BOUNDARY_DEPTH);
	level->text = malloc(part->boundary_length);
	if (level->text == NULL)
		return false;
	memcpy(level->text, part->boundary, part->boundary_length);
	level->length = part->boundary_length;
	level->is_digest = part->is_digest;
	level->enclosed = enclosed;
	open->depth++;
	return true;
}

void
mail_boundary_pop(struct mail_boundaries *open, unsigned depth)
{
	while (open->depth > depth)
		free(open->levels[--open->depth].text);
}

const struct mail_boundary *
mail_boundary_match(const struct mail_boundaries *open, const char *line,
    size_t length, bool *is_last_r)
{
	if (open->depth == 0 || length < 3 || line[0] != '-' || line[1] != '-')
		return NULL;
	while (length > 2 && evpop_text_is_blank(line[length - 1]))
		length--;
	for (unsigned i = open->depth; i-- > 0;) {
		const struct mail_boundary *level = &open->levels[i];
		size_t size = level->length;

		*is_last_r = length == size + 4 && line[length - 1] == '-' &&
			     line[length - 2] == '-';
		if ((length == size + 2 || *is_last_r) &&
		    memcmp(line + 2, level->text, size) == 0)
			return level;
	}
	return NULL;
}
