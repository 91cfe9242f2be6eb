/* getmail6: an INI file for each account, and oldmail-* beside them. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "daemon/ctl/migrate/program.h"
#include "daemon/ctl/migrate/words.h"

struct getmail_pair {
	STAILQ_ENTRY(getmail_pair) next;
	const char *section, *key;
	const char *value;
	bool is_used; /* somebody has asked for it */
};

/* One file. */
struct getmail {
	struct migration *migration;
	const char *path;
	STAILQ_HEAD(, getmail_pair) pairs;
};

/* ---- the file ---- */

static const char *
getmail_get(const struct getmail *getmail, const char *section, const char *key)
{
	struct getmail_pair *pair;
	const char *value = NULL;

	STAILQ_FOREACH(pair, &getmail->pairs, next)
		if (strcmp(pair->section, section) == 0 &&
		    strcmp(pair->key, key) == 0) {
			pair->is_used = true;
			value = pair->value;
		}
	return value;
}

static bool
getmail_is_on(const char *value, bool initial)
{
	if (value == NULL)
		return initial;
	return strcasecmp(value, "true") == 0 ||
	       strcasecmp(value, "yes") == 0 || strcasecmp(value, "on") == 0 ||
	       strcmp(value, "1") == 0;
}

/* "key = value" or "key: value", whichever comes first. */
static struct getmail_pair *
getmail_add(struct getmail *getmail, const char *section, char *line)
{
	struct getmail_pair *pair =
	    migration_take(getmail->migration, sizeof(*pair));
	char *end = line + strcspn(line, "=:");

	if (pair == NULL || *end == '\0')
		return NULL;
	*end = '\0';
	pair->section = section;
	line = words_trim(line);
	for (char *at = line; *at != '\0'; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at - 'A' + 'a');
	pair->key = line;
	pair->value = words_trim(end + 1);
	STAILQ_INSERT_TAIL(&getmail->pairs, pair, next);
	return pair;
}

static void
getmail_parse(struct getmail *getmail, char *text)
{
	struct getmail_pair *last = NULL;
	const char *section = "";
	char *line;

	while ((line = words_line(&text)) != NULL) {
		bool goes_on = line[0] == ' ' || line[0] == '\t';
		char *word = words_trim(line);

		if (*word == '\0' || *word == '#' || *word == ';')
			continue;
		if (goes_on && last != NULL)
			last->value = migration_text(
			    getmail->migration, "%s %s", last->value, word);
		else if (*word == '[') {
			word[strcspn(word, "]")] = '\0';
			section = word + 1;
			last = NULL;
		} else
			last = getmail_add(getmail, section, word);
	}
}

/*
 * The next string of a Python tuple, ("a", 'b'); NULL at its end.  A value that
 * is no tuple has none.
 */
static const char *
getmail_string(struct migration *migration, const char **tuple)
{
	const char *at = *tuple + strcspn(*tuple, "\"'");
	char *made, quote = *at;
	size_t length = 0;

	if (quote == '\0')
		return NULL;
	at++;
	made = migration_take(migration, strlen(at) + 1);
	for (; *at != '\0' && *at != quote; at++) {
		if (at[0] == '\\' && at[1] != '\0')
			at++;
		if (made != NULL)
			made[length++] = *at;
	}
	*tuple = *at == quote ? at + 1 : at;
	return made != NULL ? made : "";
}

/* As a shell, and a target's command, takes it for one word. */
static const char *
getmail_quote(struct migration *migration, const char *word)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "%+,-./:=@_{}";

	if (*word != '\0' && word[strspn(word, plain)] == '\0')
		return word;
	return migration_text(
	    migration, "'%s'", words_replace(migration, word, "'", "'\\''"));
}

static const char *
getmail_command(struct migration *migration, const char *tuple)
{
	const char *command = NULL, *word;

	while ((word = getmail_string(migration, &tuple)) != NULL)
		command = command == NULL
			      ? getmail_quote(migration, word)
			      : migration_text(migration, "%s %s", command,
				    getmail_quote(migration, word));
	return command;
}

/* ---- destinations ---- */

static void getmail_set_destination(const struct getmail *,
    struct migration_section *account, const char *section);

static void
getmail_set_external(const struct getmail *getmail,
    struct migration_section *account, const char *section)
{
	static const char *const parts[] = { "%(local)", "%(domain)",
		"%(mailbox)" };
	struct migration *migration = getmail->migration;
	const char *path = getmail_get(getmail, section, "path"),
		   *tuple = getmail_get(getmail, section, "arguments"),
		   *command, *arguments;

	if (path == NULL)
		return;
	if (tuple != NULL)
		tuple = words_replace(migration,
		    words_replace(migration, tuple, "%(sender)", "{sender}"),
		    "%(recipient)", "{recipient}");
	arguments = tuple != NULL ? getmail_command(migration, tuple) : NULL;
	command = migration_text(migration, "%s%s%s",
	    getmail_quote(migration, migration_path(migration, path)),
	    arguments != NULL ? " " : "", arguments != NULL ? arguments : "");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strstr(command, parts[i]) != NULL)
			migration_note(migration, account,
			    "%s in %s: evpopd puts in {recipient}, {sender}, "
			    "{account} and {id}",
			    parts[i], command);
	migration_deliver(
	    migration, account, "pipe", MIGRATION_KEYS("command", command));
	words_note_command(migration, account, command);
}

/* Each is "[section]", a Maildir with a slash at its end, or an mbox. */
static void
getmail_set_many(const struct getmail *getmail,
    struct migration_section *account, const char *section)
{
	struct migration *migration = getmail->migration;
	const char *tuple = getmail_get(getmail, section, "destinations"), *one;

	while (tuple != NULL &&
	       (one = getmail_string(migration, &tuple)) != NULL) {
		size_t length = strlen(one);

		if (length > 2 && one[0] == '[')
			getmail_set_destination(getmail, account,
			    migration_copy(migration, one + 1, length - 2));
		else if (length > 0)
			words_deliver_to_path(migration, account,
			    one[length - 1] == '/' ? "maildir" : "mbox", one);
	}
}

static void
getmail_set_files(const struct getmail *getmail,
    struct migration_section *account, const char *section, const char *type)
{
	const char *path = getmail_get(getmail, section, "path"),
		   *user = getmail_get(getmail, section, "user");

	if (path == NULL)
		return;
	words_deliver_to_path(getmail->migration, account, type, path);
	if (user != NULL)
		migration_note(getmail->migration, account,
		    "user = %s: evpopd writes %s as its own user", user, path);
}

static void
getmail_set_destination(const struct getmail *getmail,
    struct migration_section *account, const char *section)
{
	struct migration *migration = getmail->migration;
	const char *type = getmail_get(getmail, section, "type"), *one;

	if (type == NULL)
		type = "";
	if (strcmp(type, "Maildir") == 0)
		getmail_set_files(getmail, account, section, "maildir");
	else if (strcmp(type, "Mboxrd") == 0)
		getmail_set_files(getmail, account, section, "mbox");
	else if (strcmp(type, "MDA_external") == 0)
		getmail_set_external(getmail, account, section);
	else if (strcmp(type, "MultiDestination") == 0)
		getmail_set_many(getmail, account, section);
	else if (strcmp(type, "MDA_lmtp") == 0 &&
		 (one = getmail_get(getmail, section, "host")) != NULL) {
		words_deliver_to_lmtp(migration, account, one,
		    getmail_get(getmail, section, "port"));
		one = getmail_get(getmail, section, "override");
		if (one != NULL)
			migration_set(migration, account, "deliver_to",
			    words_as_template(migration, one));
	} else {
		migration_note(migration, account,
		    "%s in [%s]: evpopd has no such target", type, section);
		one = getmail_get(getmail, section, "default");
		if (one != NULL && one[0] == '[' && strlen(one) > 2)
			getmail_set_destination(getmail, account,
			    migration_copy(
				migration, one + 1, strlen(one) - 2));
	}
}

/* ---- an account ---- */

static const char *
getmail_of_retriever(const struct getmail *getmail, const char *key)
{
	return getmail_get(getmail, "retriever", key);
}

static const char *
getmail_option(const struct getmail *getmail, const char *key)
{
	const char *value = getmail_get(getmail, "options", key);

	return value != NULL && strcmp(value, "0") != 0 ? value : NULL;
}

static void
getmail_set_tls(const struct getmail *getmail,
    struct migration_section *account, bool is_tls)
{
	static const char *const files[][2] = { { "keyfile", "tls_key" },
		{ "certfile", "tls_cert" }, { "ca_certs", "tls_ca" } };
	struct migration *migration = getmail->migration;
	const char *pins = getmail_of_retriever(getmail, "ssl_fingerprints"),
		   *pin;

	if (!is_tls) {
		migration_set(migration, account, "tls", "none");
		migration_set(migration, account, "allow_cleartext", "yes");
		return;
	}
	migration_set(migration, account, "tls", "implicit");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const char *file = getmail_of_retriever(getmail, files[i][0]);

		if (file != NULL)
			migration_set(migration, account, files[i][1],
			    migration_path(migration, file));
	}
	if (pins != NULL && (pin = getmail_string(migration, &pins)) != NULL)
		words_set_pin(migration, account, pin);
	else if (getmail_of_retriever(getmail, "ca_certs") == NULL)
		migration_note(migration, account,
		    "getmail did not verify the server's certificate, and "
		    "evpopd does; \"evpopctl doctor\" tells whether that "
		    "works");
}

static void
getmail_set_password(
    const struct getmail *getmail, struct migration_section *account)
{
	struct migration *migration = getmail->migration;
	const char *tuple = getmail_of_retriever(getmail, "password_command"),
		   *command =
		       tuple != NULL ? getmail_command(migration, tuple) : NULL;

	if (getmail_is_on(getmail_of_retriever(getmail, "use_apop"), false))
		migration_set(migration, account, "auth", "apop");
	if (command != NULL)
		words_set_command(
		    migration, account, "password_command", command);
	else
		words_set_password(migration, account,
		    getmail_of_retriever(getmail, "password"), false);
}

static void
getmail_set_options(
    const struct getmail *getmail, struct migration_section *account)
{
	struct migration *migration = getmail->migration;
	const char *days = getmail_option(getmail, "delete_after"),
		   *bytes = getmail_option(getmail, "max_bytes_per_session");
	bool deletes = getmail_is_on(getmail_option(getmail, "delete"), false);

	if (!deletes && days != NULL)
		migration_set(migration, account, "keep",
		    migration_text(migration, "%sd", days));
	else
		words_set_keep(migration, account, !deletes);
	migration_set(migration, account, "delete_above",
	    getmail_option(getmail, "delete_bigger_than"));
	migration_set(migration, account, "max_message_size",
	    getmail_option(getmail, "max_message_size"));
	migration_set(migration, account, "max_messages_per_poll",
	    getmail_option(getmail, "max_messages_per_session"));
	if (bytes != NULL)
		migration_note(migration, account,
		    "max_bytes_per_session = %s: evpopd has "
		    "max_octets_per_day",
		    bytes);
	if (getmail_is_on(getmail_get(getmail, "options", "read_all"), true) &&
	    !deletes)
		migration_note(migration, account,
		    "read_all: evpopd fetches each message once");
	words_set_timeout(
	    migration, account, getmail_of_retriever(getmail, "timeout"));
}

static void
getmail_note_filters(
    const struct getmail *getmail, const struct migration_section *account)
{
	const struct getmail_pair *pair;

	STAILQ_FOREACH(pair, &getmail->pairs, next)
		if (strncmp(pair->section, "filter", 6) == 0 &&
		    strcmp(pair->key, "type") == 0)
			migration_note(getmail->migration, account,
			    "[%s]: evpopd has no filters; a target of the type "
			    "pipe can do what they did",
			    pair->section);
}

/* How getmail works, which evpopd does in its own way or by another key. */
static bool
getmail_is_its_own(const struct getmail_pair *pair)
{
	static const char *const keys[] = { "type", "verbose", "message_log",
		"message_log_syslog", "message_log_verbose", "logfile",
		"use_netrc", "use_peek", "to_oldmail_on_each_mail",
		"skip_imap_fetch_size", "allow_root_commands", "ignore_stderr",
		"pipe_stdout", "mailboxes" };
	/* Off, evpopd does the same. */
	static const char *const off[] = { "delivered_to", "received",
		"delete_dup_msgids", "record_mailbox", "unixfrom",
		"fingerprint" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(pair->key, keys[i]) == 0)
			return true;
	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++)
		if (strcmp(pair->key, off[i]) == 0)
			return !getmail_is_on(pair->value, false);
	return false;
}

/* Whether it belongs to the account: somebody has asked what it is. */
static bool
getmail_is_section_used(const struct getmail *getmail, const char *section)
{
	const struct getmail_pair *pair;

	STAILQ_FOREACH(pair, &getmail->pairs, next)
		if (pair->is_used && strcmp(pair->key, "type") == 0 &&
		    strcmp(pair->section, section) == 0)
			return true;
	return strcmp(section, "options") == 0;
}

/* What nothing above has asked for. */
static void
getmail_note_others(
    const struct getmail *getmail, const struct migration_section *account)
{
	const struct getmail_pair *pair;

	STAILQ_FOREACH(pair, &getmail->pairs, next)
		if (!pair->is_used && !getmail_is_its_own(pair) &&
		    getmail_is_section_used(getmail, pair->section))
			migration_note(getmail->migration, account,
			    "%s = %s in [%s] is not carried over", pair->key,
			    pair->value, pair->section);
}

/* ---- unique-ids ---- */

/* oldmail-SERVER-PORT-USER, in which runs of some signs are one "-". */
static const char *
getmail_ids_path(const struct getmail *getmail, const char *host,
    const char *port, const char *user)
{
	static const char signs[] = "/\\:;<>|";
	const char *slash = strrchr(getmail->path, '/');
	char *name = migration_text(
		 getmail->migration, "oldmail-%s-%s-%s", host, port, user),
	     *to = name;

	for (const char *from = name; *from != '\0';) {
		size_t run = strspn(from, signs);

		*to++ = run > 0 ? '-' : *from;
		from += run > 0 ? run : 1;
	}
	*to = '\0';
	return migration_text(getmail->migration, "%.*s/%s",
	    (int)(slash - getmail->path), getmail->path, name);
}

/* "UID NUL SECONDS".  A "/" of an id is there as "-". */
static void
getmail_take_ids(struct migration *migration, struct migration_section *account,
    char *text, size_t length)
{
	char *at = text, *end = text + length, *line_end, *id_end;

	for (; at < end; at = line_end + 1) {
		line_end = memchr(at, '\n', (size_t)(end - at));
		if (line_end == NULL)
			line_end = end;
		id_end = memchr(at, '\0', (size_t)(line_end - at));
		if (id_end == NULL || id_end == at)
			continue;
		migration_add_id(migration, account, at, (size_t)(id_end - at));
		if (strchr(at, '-') != NULL)
			migration_add_other_id(migration, account,
			    words_replace(migration, at, "-", "/"));
	}
}

static void
getmail_read_ids(const struct getmail *getmail,
    struct migration_section *account, const char *port)
{
	struct migration *migration = getmail->migration;
	const char *path =
	    getmail_ids_path(getmail, migration_get(account, "host"), port,
		migration_get(account, "user"));
	size_t length;
	char *text = migration_read_ids(migration, account, path, &length);

	if (text != NULL)
		getmail_take_ids(migration, account, text, length);
}

/* ---- all of it ---- */

static void
getmail_convert(const struct getmail *getmail)
{
	struct migration *migration = getmail->migration;
	const char *type = getmail_of_retriever(getmail, "type"),
		   *host = getmail_of_retriever(getmail, "server"),
		   *user = getmail_of_retriever(getmail, "username"),
		   *port = getmail_of_retriever(getmail, "port"),
		   *name = strrchr(getmail->path, '/') + 1;
	struct migration_section *account;
	bool is_tls = type != NULL && strstr(type, "SSL") != NULL;

	if (type == NULL || host == NULL || user == NULL)
		return;
	if (strstr(type, "POP3") == NULL) {
		migration_note(migration, NULL,
		    "%s: evpopd has nothing like %s", getmail->path, type);
		return;
	}
	account = migration_account(migration,
	    strcmp(name, "getmailrc") == 0 ? "getmail" : name, host, port,
	    user);
	if (account == NULL)
		return;
	if (strncmp(type, "Multidrop", 9) == 0)
		migration_note(migration, account,
		    "%s: evpopd delivers a maildrop to one recipient", type);
	getmail_set_tls(getmail, account, is_tls);
	getmail_set_password(getmail, account);
	getmail_set_destination(getmail, account, "destination");
	getmail_set_options(getmail, account);
	getmail_note_filters(getmail, account);
	getmail_note_others(getmail, account);
	getmail_read_ids(getmail, account,
	    port != NULL ? port
	    : is_tls     ? "995"
			 : "110");
}

static enum ctl_exit
getmail_read_file(
    const struct ctl *ctl, struct migration *migration, const char *path)
{
	struct getmail getmail = { .migration = migration, .path = path };
	size_t length;
	char *text = migration_read(migration, path, &length);

	if (text == NULL) {
		ctl_warn(ctl, "%s: %s", path, strerror(errno));
		return CTL_NOT_FOUND;
	}
	STAILQ_INIT(&getmail.pairs);
	getmail_parse(&getmail, text);
	getmail_convert(&getmail);
	return CTL_OK;
}

static bool
getmail_is_rc(const char *folder, const char *name)
{
	size_t length = strlen(name);
	struct stat status;
	char *path;
	bool is_file;

	if (name[0] == '.' || strncmp(name, "oldmail-", 8) == 0 ||
	    (length > 5 && strcmp(name + length - 5, ".json") == 0) ||
	    asprintf(&path, "%s/%s", folder, name) < 0)
		return false;
	is_file = stat(path, &status) == 0 && S_ISREG(status.st_mode);
	free(path);
	return is_file;
}

/* Where there is a file getmailrc, getmail reads no other unasked. */
enum ctl_exit
getmail_read(
    const struct ctl *ctl, struct migration *migration, const char *path)
{
	const char *usual = migration_text(migration, "%s/getmailrc", path);
	enum ctl_exit code = CTL_OK;
	struct dirent **names;
	struct stat status;
	int count;

	if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode))
		return getmail_read_file(ctl, migration, path);
	if (stat(usual, &status) == 0)
		return getmail_read_file(ctl, migration, usual);
	count = scandir(path, &names, NULL, alphasort);
	if (count < 0) {
		ctl_warn(ctl, "%s: %s", path, strerror(errno));
		return CTL_NOT_FOUND;
	}
	for (int i = 0; i < count; i++) {
		if (getmail_is_rc(path, names[i]->d_name))
			ctl_keep_first(
			    &code, getmail_read_file(ctl, migration,
				       migration_text(migration, "%s/%s", path,
					   names[i]->d_name)));
		free(names[i]);
	}
	free(names);
	return code;
}
