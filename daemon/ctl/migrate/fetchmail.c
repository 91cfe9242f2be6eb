/* fetchmail: the words of ~/.fetchmailrc. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "daemon/ctl/migrate/fetchmail.h"
#include "daemon/ctl/migrate/program.h"

struct fetchmail {
	struct migration *migration;
	struct tokens tokens;
	struct fetchmail_settings defaults;
	struct fetchmail_set set;
	STAILQ_HEAD(, fetchmail_user) users;
	/* What is under way. */
	const char *server;
	bool is_skipped;
	struct fetchmail_settings settings; /* of the server, or of a user */
	struct fetchmail_user *user; /* NULL: before the first of a server */
	enum {
		FETCHMAIL_NOWHERE = 0,
		FETCHMAIL_DEFAULTS,
		FETCHMAIL_SERVER
	} place;
};

/* ---- the file ---- */

static bool
fetchmail_begins(const struct lexeme *token)
{
	static const char *const words[] = { "poll", "server", "skip",
		"defaults", "set", "user", "username", "no" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (lexeme_is(token, words[i]))
			return true;
	return false;
}

/* The settings that words are about now. */
static struct fetchmail_settings *
fetchmail_settings(struct fetchmail *fetchmail)
{
	if (fetchmail->place == FETCHMAIL_DEFAULTS)
		return &fetchmail->defaults;
	return fetchmail->user != NULL ? &fetchmail->user->settings
				       : &fetchmail->settings;
}

static void
fetchmail_begin_server(struct fetchmail *fetchmail, bool is_skipped)
{
	struct lexeme token;

	fetchmail->place = FETCHMAIL_SERVER;
	fetchmail->server =
	    tokens_next(&fetchmail->tokens, &token) ? token.text : "";
	fetchmail->is_skipped = is_skipped;
	fetchmail->settings = fetchmail->defaults;
	fetchmail->user = NULL;
}

static void
fetchmail_begin_user(struct fetchmail *fetchmail)
{
	struct fetchmail_user *before = fetchmail->user, *user;
	struct lexeme token;

	if (!tokens_next(&fetchmail->tokens, &token) ||
	    fetchmail->place != FETCHMAIL_SERVER)
		return;
	user = migration_take(fetchmail->migration, sizeof(*user));
	if (user == NULL)
		return;
	user->server = fetchmail->server;
	user->name = token.text;
	user->is_skipped = fetchmail->is_skipped;
	user->is_alone = before == NULL;
	user->settings = fetchmail->settings;
	if (before != NULL)
		before->is_alone = false;
	fetchmail->user = user;
	STAILQ_INSERT_TAIL(&fetchmail->users, user, next);
	/* "user LOCAL here is REMOTE there" */
	if (tokens_peek(&fetchmail->tokens, &token) &&
	    lexeme_is(&token, "here")) {
		user->settings.values[FETCHMAIL_LOCAL] = user->name;
		user->name = NULL;
	}
}

/* "nokeep" is "no keep". */
static bool
fetchmail_is_negation(const struct lexeme *token)
{
	const struct lexeme rest = { token->text + 2, token->line, false };
	const struct fetchmail_word *word;

	if (token->is_quoted || strncmp(token->text, "no", 2) != 0 ||
	    fetchmail_find_word(token) != NULL)
		return false;
	word = fetchmail_find_word(&rest);
	return word != NULL && word->kind == FETCHMAIL_FLAG;
}

static void
fetchmail_take_list(struct fetchmail *fetchmail, int key)
{
	struct fetchmail_settings *settings = fetchmail_settings(fetchmail);
	struct lexeme token;
	size_t count = 0;

	while (tokens_peek(&fetchmail->tokens, &token) &&
	       (token.is_quoted || (fetchmail_find_word(&token) == NULL &&
				       !fetchmail_is_negation(&token) &&
				       !fetchmail_begins(&token)))) {
		(void)tokens_next(&fetchmail->tokens, &token);
		count++;
		if (key == FETCHMAIL_LOCAL && fetchmail->user != NULL &&
		    fetchmail->user->name == NULL)
			fetchmail->user->name = token.text;
		else if (key >= 0 && count == 1)
			settings->values[key] = token.text;
	}
	if (key >= 0)
		settings->has_many[key] = count > 1;
}

static void
fetchmail_take_word(
    struct fetchmail *fetchmail, const struct lexeme *token, bool is_negated)
{
	const struct fetchmail_word *word = fetchmail_find_word(token);
	struct fetchmail_settings *settings = fetchmail_settings(fetchmail);
	struct lexeme value;

	if (word == NULL) {
		migration_note(fetchmail->migration, NULL,
		    "%s:%u: \"%s\" is not known", fetchmail->set.path,
		    token->line, token->text);
		return;
	}
	if (word->kind == FETCHMAIL_FLAG || is_negated) {
		if (word->key >= 0)
			settings->values[word->key] =
			    is_negated ? FETCHMAIL_NO : "yes";
	} else if (word->kind == FETCHMAIL_LIST)
		fetchmail_take_list(fetchmail, word->key);
	else if (word->kind == FETCHMAIL_VALUE &&
		 tokens_next(&fetchmail->tokens, &value) && word->key >= 0)
		settings->values[word->key] = value.text;
}

static void
fetchmail_take_set(struct fetchmail *fetchmail)
{
	static const char *const flags[] = { "bouncemail", "spambounce",
		"softbounce", "syslog", "invisible", "showdots" };
	struct lexeme name, value;

	if (!tokens_next(&fetchmail->tokens, &name))
		return;
	if (lexeme_is(&name, "no") && !tokens_next(&fetchmail->tokens, &name))
		return;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (lexeme_is(&name, flags[i]))
			return;
	if (!tokens_next(&fetchmail->tokens, &value))
		return;
	if (lexeme_is(&name, "idfile"))
		fetchmail->set.idfile = value.text;
	else if (lexeme_is(&name, "daemon"))
		fetchmail->set.daemon = value.text;
}

static void
fetchmail_take(struct fetchmail *fetchmail)
{
	struct lexeme token;

	while (tokens_next(&fetchmail->tokens, &token)) {
		if (lexeme_is(&token, "poll") || lexeme_is(&token, "server"))
			fetchmail_begin_server(fetchmail, false);
		else if (lexeme_is(&token, "skip"))
			fetchmail_begin_server(fetchmail, true);
		else if (lexeme_is(&token, "defaults")) {
			fetchmail->place = FETCHMAIL_DEFAULTS;
			fetchmail->user = NULL;
		} else if (lexeme_is(&token, "set"))
			fetchmail_take_set(fetchmail);
		else if (lexeme_is(&token, "user") ||
			 lexeme_is(&token, "username"))
			fetchmail_begin_user(fetchmail);
		else if (lexeme_is(&token, "no")) {
			if (tokens_next(&fetchmail->tokens, &token))
				fetchmail_take_word(fetchmail, &token, true);
		} else if (fetchmail_is_negation(&token)) {
			token.text += 2;
			fetchmail_take_word(fetchmail, &token, true);
		} else
			fetchmail_take_word(fetchmail, &token, false);
	}
}

enum ctl_exit
fetchmail_read(
    const struct ctl *ctl, struct migration *migration, const char *path)
{
	struct fetchmail fetchmail = { .migration = migration,
		.set.path = path };
	const struct fetchmail_user *user;
	size_t length;
	char *text = migration_read(migration, path, &length);

	if (text == NULL) {
		ctl_warn(ctl, "%s: %s", path, strerror(errno));
		return CTL_NOT_FOUND;
	}
	fetchmail.tokens = (struct tokens){ .migration = migration,
		.at = text,
		.line = 1,
		.noise = ",:;=",
		.single = "",
		.quotes = "\"'",
		.has_numbers = true };
	STAILQ_INIT(&fetchmail.users);
	fetchmail_take(&fetchmail);
	STAILQ_FOREACH(user, &fetchmail.users, next)
		fetchmail_convert(migration, &fetchmail.set, user);
	return CTL_OK;
}
