#include "tests/dialog/dialog.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const verb_names[] = {
	[DIALOG_CONNECT] = "connect",
	[DIALOG_LOGIN] = "login",
	[DIALOG_STAT] = "stat",
	[DIALOG_LIST] = "list",
	[DIALOG_UIDL] = "uidl",
	[DIALOG_RETR] = "retr",
	[DIALOG_TOP] = "top",
	[DIALOG_DELE] = "dele",
	[DIALOG_NOOP] = "noop",
	[DIALOG_RSET] = "rset",
	[DIALOG_CAPA] = "capa",
	[DIALOG_QUIT] = "quit",
	[DIALOG_CANCEL] = "cancel",
	[DIALOG_WAIT] = "wait",
	[DIALOG_CAPABILITIES] = "caps",
	[DIALOG_MECHANISM] = "mechanism",
	[DIALOG_REST] = "rest",
	[DIALOG_AGAIN] = "again",
	[DIALOG_SYNC] = "sync",
};
_Static_assert(sizeof verb_names / sizeof verb_names[0] == DIALOG_VERB_COUNT,
    "a name for every verb");

const char *
dialog_verb_name(enum dialog_verb verb)
{
	assert(verb < DIALOG_VERB_COUNT);
	return verb_names[verb];
}

struct dialog_file *
dialog_read(const char *path, struct dialog_error *error)
{
	struct octets text = { NULL, 0, 0 };
	struct dialog_file *file = NULL;
	char piece[4096];
	size_t n;
	FILE *stream = fopen(path, "rb");

	memset(error, 0, sizeof *error);
	if (stream == NULL) {
		snprintf(
		    error->text, sizeof error->text, "%s", strerror(errno));
		return NULL;
	}
	while ((n = fread(piece, 1, sizeof piece, stream)) > 0)
		octets_add(&text, piece, n);
	if (ferror(stream))
		snprintf(error->text, sizeof error->text, "cannot be read");
	else
		file = dialog_parse(octets_text(&text), text.length, error);
	fclose(stream);
	octets_clear(&text);
	return file;
}

static void
free_texts(char **texts, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

static void
free_octets(struct octets *octets, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		octets_clear(&octets[i]);
	free(octets);
}

static void
clear_dialog(struct dialog *dialog)
{
	size_t i;

	free(dialog->name);
	free(dialog->shows);
	settings_clear(&dialog->settings);
	free(dialog->steps);
	for (i = 0; i < dialog->known_count; i++) {
		free(dialog->known[i].state);
		octets_clear(&dialog->known[i].id);
		octets_clear(&dialog->known[i].header);
	}
	free(dialog->known);
	for (i = 0; i < dialog->item_count; i++)
		octets_clear(&dialog->items[i].octets);
	free(dialog->items);
	free_texts(dialog->outcomes, dialog->outcome_count);
	free_texts(dialog->traced, dialog->traced_count);
	free_octets(dialog->never, dialog->never_count);
	free_octets(dialog->never_clear, dialog->never_clear_count);
}

void
dialog_file_free(struct dialog_file *file)
{
	size_t i;

	if (file == NULL)
		return;
	for (i = 0; i < file->count; i++)
		clear_dialog(&file->dialogs[i]);
	free(file->dialogs);
	free(file);
}

size_t
dialog_octets(const struct dialog *dialog)
{
	size_t i, octets = 0;

	for (i = 0; i < dialog->item_count; i++)
		if (dialog->items[i].type == DIALOG_SAY)
			octets += dialog->items[i].octets.length;
	return octets;
}

bool
dialog_has_step(const struct dialog *dialog, enum dialog_verb verb)
{
	size_t i;

	for (i = 0; i < dialog->step_count; i++)
		if (dialog->steps[i].verb == verb)
			return true;
	return false;
}

bool
dialog_has_item(const struct dialog *dialog, enum dialog_item_type type)
{
	size_t i;

	for (i = 0; i < dialog->item_count; i++)
		if (dialog->items[i].type == type)
			return true;
	return false;
}
