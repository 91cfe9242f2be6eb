/*
 * The reader of dialogs: whatever the text is, it is read, or the fault has a
 * line and words; and what it says of octets can be read back.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/dialog/dialog.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"

static void
check_item(const struct dialog *dialog, size_t i)
{
	const struct dialog_item *item = &dialog->items[i];
	struct octets escaped = { NULL, 0, 0 }, again = { NULL, 0, 0 };

	if (item->type == DIALOG_ANY) {
		assert(item->number > i && item->number < dialog->item_count);
		assert(dialog->items[item->number].type == DIALOG_ANY_END);
		assert(dialog->items[i + 1].type == DIALOG_HEAR);
	}
	octets_escape(&escaped, item->octets.bytes, item->octets.length);
	assert(octets_unescape(
		   &again, octets_text(&escaped), escaped.length, 0) == NULL);
	assert(again.length == item->octets.length);
	assert(again.length == 0 ||
	       memcmp(again.bytes, item->octets.bytes, again.length) == 0);
	octets_clear(&escaped);
	octets_clear(&again);
}

static void
check_dialog(const struct dialog *dialog)
{
	size_t i;

	assert(dialog->name[0] != '\0' && dialog->shows[0] != '\0');
	assert(dialog->line > 0 && dialog->step_count > 0);
	assert(dialog_octets(dialog) <= DIALOG_OCTETS_MAX);
	for (i = 0; i < dialog->step_count; i++)
		assert(dialog->steps[i].verb < DIALOG_VERB_COUNT);
	for (i = 0; i < dialog->item_count; i++)
		check_item(dialog, i);
}

/* Thousands of repeats take long, and show nothing that tens do not. */
static bool
repeats_often(const char *text)
{
	for (; (text = strchr(text, '*')) != NULL; text++)
		if (strspn(text + 1, "0123456789") > 2)
			return true;
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	struct dialog_error error;
	struct dialog_file *file;
	size_t i;

	if (repeats_often(text)) {
		free(text);
		return 0;
	}
	file = dialog_parse(text, size, &error);
	if (file == NULL)
		assert(error.text[0] != '\0');
	else
		for (i = 0; i < file->count; i++)
			check_dialog(&file->dialogs[i]);
	dialog_file_free(file);
	free(text);
	return 0;
}
