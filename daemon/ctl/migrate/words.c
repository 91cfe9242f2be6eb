#include "daemon/ctl/migrate/words.h"

#include <string.h>

char *
words_line(char **text)
{
	char *line = *text, *end;

	if (line == NULL || *line == '\0')
		return NULL;
	end = line + strcspn(line, "\n");
	*text = *end == '\n' ? end + 1 : end;
	*end = '\0';
	if (end > line && end[-1] == '\r')
		end[-1] = '\0';
	return line;
}

char *
words_trim(char *text)
{
	size_t length;

	text += strspn(text, " \t\r\n");
	length = strlen(text);
	while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL)
		length--;
	text[length] = '\0';
	return text;
}

const char *
words_replace(struct migration *migration, const char *text, const char *from,
    const char *to)
{
	const char *made = "", *found;

	while ((found = strstr(text, from)) != NULL) {
		made = migration_text(
		    migration, "%s%.*s%s", made, (int)(found - text), text, to);
		text = found + strlen(from);
	}
	return migration_text(migration, "%s%s", made, text);
}

const char *
words_as_template(struct migration *migration, const char *path)
{
	return words_replace(
	    migration, words_replace(migration, path, "{", "{{"), "}", "}}");
}

/* Its files are for whoever reads them, too. */
void
words_deliver_to_path(struct migration *migration,
    struct migration_section *account, const char *type, const char *path)
{
	const char *home = migration_path(migration, "~/");

	path = migration_path(migration, path);
	migration_deliver(migration, account, type,
	    MIGRATION_KEYS(
		"path", words_as_template(migration, path), "mode", "0660"));
	if (strncmp(path, home, strlen(home)) == 0)
		migration_note(migration, account,
		    "%s: evpopd writes there as a user of its own, who has to "
		    "be let in: see \"A Maildir for mutt\" in "
		    "evpop-delivery(7)",
		    path);
}

const char *
words_user(struct migration *migration)
{
	const char *home = migration_path(migration, "~"),
		   *slash = strrchr(home, '/');

	return slash != NULL ? slash + 1 : home;
}

void
words_note_command(struct migration *migration,
    const struct migration_section *account, const char *command)
{
	migration_note(migration, account,
	    "the command \"%s\" runs as the user evpopd, whom the service "
	    "shows no home folders: see that it works for that user",
	    command);
}

void
words_deliver_to_shell(struct migration *migration,
    struct migration_section *account, const char *command)
{
	const char *const own[][2] = { { "$USER", words_user(migration) },
		{ "${USER}", words_user(migration) },
		{ "$LOGNAME", words_user(migration) },
		{ "${LOGNAME}", words_user(migration) },
		{ "$HOME", migration_path(migration, "~") },
		{ "${HOME}", migration_path(migration, "~") } };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		command =
		    words_replace(migration, command, own[i][0], own[i][1]);
	words_note_command(migration, account, command);
	migration_deliver(migration, account, "pipe",
	    MIGRATION_KEYS("command", command, "shell", "yes"));
}

void
words_deliver_to_lmtp(struct migration *migration,
    struct migration_section *account, const char *host, const char *port)
{
	if (host[0] == '/')
		migration_deliver(
		    migration, account, "lmtp", MIGRATION_KEYS("socket", host));
	else
		migration_deliver(migration, account, "lmtp",
		    MIGRATION_KEYS("host", host, "port",
			port != NULL ? port : "24", "tls", "none"));
}

void
words_set_keep(
    struct migration *migration, struct migration_section *account, bool keeps)
{
	if (keeps)
		migration_set(migration, account, "keep", "forever");
	else
		migration_set(migration, account, "keep",
		    migration_get(account, "deliver") != NULL
			? "until-delivered"
			: "delete");
}

void
words_set_timeout(struct migration *migration,
    struct migration_section *account, const char *seconds)
{
	static const char *const keys[] = { "timeout_connect",
		"timeout_handshake", "timeout_greeting", "timeout_command",
		"timeout_body" };

	if (seconds == NULL || *seconds == '\0' ||
	    seconds[strspn(seconds, "0123456789")] != '\0' ||
	    strspn(seconds, "0") == strlen(seconds))
		return;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		migration_set(migration, account, keys[i],
		    migration_text(migration, "%ss", seconds));
}

void
words_set_pin(struct migration *migration, struct migration_section *account,
    const char *fingerprint)
{
	size_t digits = 0;

	for (const char *at = fingerprint; *at != '\0'; at++)
		digits += *at != ':';
	if (digits == 64)
		migration_set(migration, account, "tls_pin",
		    migration_text(migration, "sha256:%s", fingerprint));
	else
		migration_note(migration, account,
		    "the fingerprint %s is not of SHA-256; \"evpopctl doctor\" "
		    "shows a tls_pin",
		    fingerprint);
}

void
words_set_command(struct migration *migration,
    struct migration_section *account, const char *key, const char *command)
{
	migration_set(migration, account, key, command);
	migration_note(migration, account,
	    "%s runs as the user evpopd, who may not have its keys: see that "
	    "\"%s\" works for that user",
	    key, command);
}

void
words_set_password(struct migration *migration,
    struct migration_section *account, const char *password, bool is_token)
{
	if (password != NULL && *password == '\0')
		password = NULL;
	if (password == NULL)
		password =
		    migration_netrc(migration, migration_get(account, "host"),
			migration_get(account, "user"));
	if (password != NULL && !is_token)
		migration_set(migration, account, "password", password);
	else if (is_token)
		words_set_command(migration, account, "token_command",
		    migration_text(migration, "cat %s",
			migration_secret_file(migration, account, "token")));
	else {
		const char *file =
		    migration_secret_file(migration, account, "password");

		migration_set(migration, account, "password_file", file);
		migration_note(migration, account,
		    "its password is not there: write it into %s", file);
	}
}
