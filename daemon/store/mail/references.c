#include "daemon/store/mail/references.h"

#include <stdbool.h>
#include <string.h>

#include "daemon/store/mail/header.h"
#include "lib/base/text.h"

/* What is longer names nothing that anybody else would write. */
#define ID_MAX 1000

/* Where the list is full, the oldest of the last ones goes. */
static void
references_add(struct mail_references *to, const char *id, size_t length)
{
	if (length == 0 || length > ID_MAX)
		return;
	if (to->count == MAIL_REFERENCES_MAX) {
		memmove(&to->items[MAIL_REFERENCES_FIRST],
		    &to->items[MAIL_REFERENCES_FIRST + 1],
		    (MAIL_REFERENCES_MAX - MAIL_REFERENCES_FIRST - 1) *
			sizeof(to->items[0]));
		to->count--;
	}
	to->items[to->count].id = id;
	to->items[to->count].length = length;
	to->count++;
}

/* Ids in brackets; the words that some write between them are passed over. */
static bool
references_add_listed(
    struct mail_references *to, const char *value, size_t length)
{
	const char *end = value + length, *open, *close;
	bool has_any = false;

	while ((open = memchr(value, '<', (size_t)(end - value))) != NULL) {
		open++;
		close = memchr(open, '>', (size_t)(end - open));
		if (close == NULL)
			break;
		while (open < close && evpop_text_is_blank(*open))
			open++;
		value = close + 1;
		while (close > open && evpop_text_is_blank(close[-1]))
			close--;
		references_add(to, open, (size_t)(close - open));
		has_any = true;
	}
	return has_any;
}

/* The message's own, which a few write without brackets. */
static void
references_add_own(struct mail_references *to, const char *value, size_t length)
{
	if (references_add_listed(to, value, length))
		return;
	while (length > 0 && evpop_text_is_blank(*value)) {
		value++;
		length--;
	}
	while (length > 0 && evpop_text_is_blank(value[length - 1]))
		length--;
	references_add(to, value, length);
}

void
mail_references_read(
    const char *header, size_t length, struct mail_references *references_r)
{
	static const char *const names[] = { "References", "In-Reply-To" };
	struct mail_header_field field;

	memset(references_r, 0, sizeof(*references_r));
	if (mail_header_first(header, length, "Message-ID", &field)) {
		references_add_own(
		    references_r, field.value, field.value_length);
		/* One is enough of what should be one. */
		if (references_r->count > 1)
			references_r->count = 1;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (mail_header_first(header, length, names[i], &field))
			(void)references_add_listed(
			    references_r, field.value, field.value_length);
}
