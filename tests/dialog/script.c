#include "tests/dialog/script.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
script_begin(struct script *script, const struct dialog *dialog)
{
	memset(script, 0, sizeof *script);
	script->dialog = dialog;
}

static bool fail(struct script *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool
fail(struct script *script, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(script->error, sizeof script->error, format, ap);
	va_end(ap);
	return false;
}

static const struct dialog_item *
item_at(const struct script *script, size_t at)
{
	return at < script->dialog->item_count ? &script->dialog->items[at]
					       : NULL;
}

/* Whether every group of the open set was played. */
static bool
all_used(const struct script *script)
{
	const struct dialog *dialog = script->dialog;
	unsigned groups = 0;
	size_t i;

	for (i = script->any + 1; i < dialog->items[script->any].number; i++)
		groups += dialog->items[i].type == DIALOG_HEAR;
	return groups == 32 ? script->used == UINT32_MAX
			    : script->used == (UINT32_C(1) << groups) - 1;
}

/* Move over what marks places only; false where the client is to speak. */
static bool
settle(struct script *script)
{
	const struct dialog_item *item;

	for (;;) {
		if (script->in_any && !script->in_group) {
			if (!all_used(script))
				return false;
			script->in_any = false;
			script->at =
			    script->dialog->items[script->any].number + 1;
		}
		item = item_at(script, script->at);
		if (item == NULL)
			return true;
		switch (item->type) {
		case DIALOG_HEAR:
			if (!script->in_any)
				return false;
			script->in_group = false;
			break;
		case DIALOG_ANY_END:
			script->in_group = false;
			break;
		case DIALOG_ANY:
			script->any = script->at;
			script->in_any = true;
			script->in_group = false;
			script->used = 0;
			break;
		case DIALOG_IGNORE:
			script->ignoring = true;
			script->at++;
			break;
		case DIALOG_NEXT:
			return false;
		default:
			return true;
		}
	}
}

bool
script_again(struct script *script)
{
	const struct dialog_item *item;

	for (; (item = item_at(script, script->at)) != NULL; script->at++) {
		if (item->type == DIALOG_NEXT) {
			script->at++;
			script->ignoring = script->in_any = false;
			return true;
		}
		if (item->type == DIALOG_HEAR && !item->optional &&
		    !script->ignoring)
			return fail(script,
			    "line %u: the client comes again without saying "
			    "\"%.100s\"",
			    item->line, octets_text(&item->octets));
	}
	return fail(script, "the client comes once too often");
}

enum script_do
script_next(struct script *script, const struct dialog_item **item)
{
	if (!settle(script))
		return SCRIPT_WAIT;
	*item = item_at(script, script->at);
	if (*item == NULL)
		return SCRIPT_END;
	script->at++;
	return SCRIPT_ACT;
}

static bool
matches(
    const struct dialog_item *item, const unsigned char *line, size_t length)
{
	const struct octets *expected = &item->octets;

	if (item->prefix ? length < expected->length
			 : length != expected->length)
		return false;
	return expected->length == 0 ||
	       memcmp(expected->bytes, line, expected->length) == 0;
}

/* The line opens a group of the set that was not played yet. */
static bool
open_group(struct script *script, const unsigned char *line, size_t length)
{
	const struct dialog *dialog = script->dialog;
	uint32_t bit = 1;
	size_t i;

	for (i = script->any + 1; i < dialog->items[script->any].number; i++) {
		if (dialog->items[i].type != DIALOG_HEAR)
			continue;
		if (!(script->used & bit) &&
		    matches(&dialog->items[i], line, length)) {
			script->used |= bit;
			script->in_group = true;
			script->at = i + 1;
			return true;
		}
		bit <<= 1;
	}
	return false;
}

/* Behind an optional line, over what would have answered it. */
static void
skip_optional(struct script *script)
{
	const struct dialog_item *item;

	do {
		script->at++;
		item = item_at(script, script->at);
	} while (item != NULL && item->type != DIALOG_HEAR &&
		 item->type != DIALOG_ANY && item->type != DIALOG_NEXT);
}

static bool
unexpected(struct script *script, const unsigned char *line, size_t length)
{
	const struct dialog_item *item = item_at(script, script->at);
	struct octets said = { NULL, 0, 0 }, wanted = { NULL, 0, 0 };

	octets_escape(&said, line, length);
	if (item != NULL && item->type == DIALOG_HEAR)
		octets_escape(&wanted, item->octets.bytes, item->octets.length);
	if (item == NULL)
		fail(script, "the client says \"%.100s\" at the end",
		    octets_text(&said));
	else
		fail(script, "line %u: the client says \"%.100s\"%s%.100s",
		    item->line, octets_text(&said),
		    item->type == DIALOG_HEAR ? ", expected: " : "",
		    octets_text(&wanted));
	octets_clear(&said);
	octets_clear(&wanted);
	return false;
}

bool
script_hear(struct script *script, const unsigned char *line, size_t length,
    bool together)
{
	const struct dialog_item *item;

	while (!script->ignoring) {
		if (settle(script))
			return unexpected(script, line, length);
		if (script->in_any)
			return open_group(script, line, length) ||
			       unexpected(script, line, length);
		item = item_at(script, script->at);
		if (item->type != DIALOG_HEAR)
			return unexpected(script, line, length);
		if (matches(item, line, length)) {
			script->at++;
			return together || !item->together ||
			       fail(script,
				   "line %u: it arrives apart from the one "
				   "before it",
				   item->line);
		}
		if (!item->optional)
			return unexpected(script, line, length);
		skip_optional(script);
	}
	return true;
}

bool
script_left(struct script *script)
{
	const struct dialog_item *item;

	if (script->in_any && !script->in_group && !all_used(script))
		return fail(script, "line %u: the client left amid a set",
		    script->dialog->items[script->any].line);
	for (; (item = item_at(script, script->at)) != NULL; script->at++)
		if (item->type == DIALOG_HEAR && !item->optional &&
		    !script->ignoring)
			return fail(script,
			    "line %u: the client left without saying "
			    "\"%.100s\"",
			    item->line, octets_text(&item->octets));
	return true;
}
