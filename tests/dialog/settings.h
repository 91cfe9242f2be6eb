/* What stands in the `set` lines of a dialog: one table names every key. */
#ifndef DIALOG_SETTINGS_H
#define DIALOG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

/* Strings are NULL, and numbers 0, where nothing was set. */
struct dialog_settings {
	/* How the dialog is run. */
	char *modes;         /* of plain, tls and stls; NULL: plain and tls */
	unsigned long uncut; /* a cut would make another dialog of it */
	char *levels;        /* of core and client; NULL: both where possible */
	char *host, *cert;
	/* Who logs in. */
	char *user, *password, *token, *authorization, *auth;
	unsigned long allow_cleartext;
	/* Deadlines, in milliseconds. */
	unsigned long greeting_ms, login_ms, command_ms, body_ms, quit_ms,
	    handshake_ms, session_ms;
	/* Limits. */
	unsigned long limit_line, limit_listing_line, limit_listing_lines,
	    limit_capabilities, limit_body, window;
	unsigned long pause; /* the sink pauses after so many octets */
	/* Sync. */
	char *keep, *order, *store;
	unsigned long max_octets, max_messages, expect_nothing,
	    max_session_deletes, max_deletes, delete_above, baseline, dry_run,
	    fetch_unidentified, fetch_after;
};

/*
 * Take "key=value"; the value may hold escapes.  NULL, or what is wrong with
 * it.
 */
const char *settings_take(
    struct dialog_settings *, const char *word, size_t length);
void settings_clear(struct dialog_settings *);

/* Whether a deadline is set, which the dialog means to let pass. */
bool settings_have_deadline(const struct dialog_settings *);
/* So many times as long, each. */
void settings_prolong(struct dialog_settings *, unsigned times);

/* Whether a list with commas, as in `modes`, holds the word. */
bool settings_list_has(const char *list, const char *word);

#endif
