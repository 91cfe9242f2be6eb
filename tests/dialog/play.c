#include "tests/dialog/play.h"

#include <assert.h>
#include <string.h>

static const char *const mode_names[] = {
	[PLAY_CORE] = "core",
	[PLAY_PLAIN] = "plain",
	[PLAY_TLS] = "tls",
	[PLAY_STLS] = "stls",
};
_Static_assert(sizeof mode_names / sizeof mode_names[0] == PLAY_MODE_COUNT,
    "a name for every mode");

const char *
play_mode_name(enum play_mode mode)
{
	assert(mode < PLAY_MODE_COUNT);
	return mode_names[mode];
}

/* The core has no connections, no sets of its own choice, and no clock. */
static bool
fits_core(const struct dialog *dialog)
{
	const char *levels = dialog->settings.levels;
	size_t i;

	if (levels != NULL && !settings_list_has(levels, "core"))
		return false;
	if (dialog->settings.cert != NULL ||
	    settings_have_deadline(&dialog->settings) ||
	    dialog_has_step(dialog, DIALOG_SYNC) ||
	    dialog_has_step(dialog, DIALOG_CANCEL) ||
	    dialog_has_step(dialog, DIALOG_REST) ||
	    dialog_has_item(dialog, DIALOG_NEXT) ||
	    dialog_has_item(dialog, DIALOG_RST) ||
	    dialog_has_item(dialog, DIALOG_SLEEP) ||
	    dialog_has_item(dialog, DIALOG_ANY))
		return false;
	for (i = 0; i < dialog->item_count; i++)
		if (dialog->items[i].optional || dialog->items[i].prefix)
			return false;
	return true;
}

bool
play_fits(const struct dialog *dialog, enum play_mode mode)
{
	const char *modes = dialog->settings.modes;

	if (mode == PLAY_CORE)
		return fits_core(dialog);
	if (dialog->settings.levels != NULL &&
	    !settings_list_has(dialog->settings.levels, "client"))
		return false;
	if (modes == NULL)
		modes = "plain,tls";
	return settings_list_has(modes, play_mode_name(mode));
}
