/* fetchmail: an account of it, and what it has fetched in ~/.fetchids. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/ctl/migrate/fetchmail.h"
#include "daemon/ctl/migrate/words.h"

#define FETCHMAIL_IDS "~/.fetchids"

static bool
fetchmail_is_on(const struct fetchmail_settings *settings,
    enum fetchmail_key key, bool initial)
{
	return settings->values[key] == NULL
		   ? initial
		   : strcmp(settings->values[key], FETCHMAIL_NO) != 0;
}

static void
fetchmail_set_tls(struct migration *migration,
    struct migration_section *account, const struct fetchmail_settings *from)
{
	const char *const *values = from->values;
	const char *protocol = values[FETCHMAIL_SSLPROTO],
		   *folder = values[FETCHMAIL_SSLCERTPATH];

	if (fetchmail_is_on(from, FETCHMAIL_SSL, false))
		migration_set(migration, account, "tls", "implicit");
	else if (protocol != NULL && *protocol == '\0') {
		migration_set(migration, account, "tls", "none");
		migration_set(migration, account, "allow_cleartext", "yes");
	} else {
		migration_set(migration, account, "tls", "stls");
		if (protocol == NULL || strcasecmp(protocol, "auto") == 0)
			migration_note(migration, account,
			    "fetchmail used TLS if the server has it, and "
			    "evpopd insists on it; \"evpopctl doctor\" shows "
			    "what the server has");
	}
	if (!fetchmail_is_on(from, FETCHMAIL_SSLCERTCK, true))
		migration_note(migration, account,
		    "no sslcertck: evpopd always verifies; \"evpopctl doctor\" "
		    "shows a tls_pin for a certificate that nobody vouches "
		    "for");
	if (values[FETCHMAIL_SSLFINGERPRINT] != NULL)
		words_set_pin(
		    migration, account, values[FETCHMAIL_SSLFINGERPRINT]);
	if (folder != NULL && strncmp(folder, "/etc/ssl/certs", 14) != 0)
		migration_note(migration, account,
		    "sslcertpath %s: evpopd has tls_ca, which is a file",
		    folder);
	if (values[FETCHMAIL_SSLCERTFILE] != NULL)
		migration_set(migration, account, "tls_ca",
		    migration_path(migration, values[FETCHMAIL_SSLCERTFILE]));
	if (values[FETCHMAIL_SSLCERT] != NULL)
		migration_set(migration, account, "tls_cert",
		    migration_path(migration, values[FETCHMAIL_SSLCERT]));
	if (values[FETCHMAIL_SSLKEY] != NULL)
		migration_set(migration, account, "tls_key",
		    migration_path(migration, values[FETCHMAIL_SSLKEY]));
}

static void
fetchmail_set_auth(struct migration *migration,
    struct migration_section *account, const struct fetchmail_settings *from)
{
	static const char *const same[] = { "cram-md5", "external",
		"oauthbearer", "xoauth2" };
	const char *auth = from->values[FETCHMAIL_AUTH],
		   *protocol = from->values[FETCHMAIL_PROTO];

	if (protocol != NULL && strcasecmp(protocol, "apop") == 0)
		migration_set(migration, account, "auth", "apop");
	if (auth == NULL || strcasecmp(auth, "any") == 0 ||
	    strcasecmp(auth, "password") == 0)
		return;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		if (strcasecmp(auth, same[i]) == 0) {
			migration_set(migration, account, "auth", same[i]);
			return;
		}
	migration_note(migration, account,
	    "auth %s: evpopd does not know it, and chooses a mechanism itself",
	    auth);
}

static void
fetchmail_set_password(struct migration *migration,
    struct migration_section *account, const struct fetchmail_settings *from)
{
	const char *auth = migration_get(account, "auth"),
		   *file = from->values[FETCHMAIL_PASSWORDFILE];
	bool is_token = auth != NULL && (!strcmp(auth, "oauthbearer") ||
					    !strcmp(auth, "xoauth2"));

	if (auth != NULL && strcmp(auth, "external") == 0)
		return;
	if (file != NULL && is_token)
		words_set_command(migration, account, "token_command",
		    migration_text(
			migration, "cat %s", migration_path(migration, file)));
	else if (file != NULL)
		migration_set(migration, account, "password_file",
		    migration_path(migration, file));
	else
		words_set_password(migration, account,
		    from->values[FETCHMAIL_PASSWORD], is_token);
}

/* "HOST/PORT", of which the first is taken. */
static void
fetchmail_set_lmtp(struct migration *migration,
    struct migration_section *account, const char *host)
{
	const char *slash = host[0] == '/' ? NULL : strchr(host, '/');

	words_deliver_to_lmtp(migration, account,
	    migration_copy(migration, host,
		slash != NULL ? (size_t)(slash - host) : strlen(host)),
	    slash != NULL ? slash + 1 : NULL);
}

/*
 * "HOST/PORT", as fetchmail delivers where it is told nothing else, and with
 * nothing of the message changed.  A sendmail of Postfix or Exim would need
 * privileges, which the service never gains.
 */
static void
fetchmail_set_smtp(struct migration *migration,
    struct migration_section *account, const char *host, const char *domain)
{
	const char *slash = strchr(host, '/'),
		   *to = migration_get(account, "deliver_to");

	host = migration_copy(migration, host,
	    slash != NULL ? (size_t)(slash - host) : strlen(host));
	if (strchr(to, '@') == NULL)
		migration_set(migration, account, "deliver_to",
		    migration_text(migration, "%s@%s", to,
			domain != NULL ? domain : host));
	migration_deliver(migration, account, "pipe",
	    MIGRATION_KEYS("command",
		migration_text(migration,
		    "msmtp --file=/dev/null --host=%s --port=%s --tls=off "
		    "--auth=off --set-date-header=off "
		    "--set-msgid-header=off --remove-bcc-headers=off "
		    "--from=\"$EVPOP_SENDER\" -- "
		    "\"$EVPOP_RECIPIENT\"",
		    host, slash != NULL ? slash + 1 : "25"),
		"shell", "yes"));
	migration_note(migration, account,
	    "fetchmail delivered by SMTP to %s, and evpopd does by msmtp, "
	    "which has to be installed",
	    host);
}

static void
fetchmail_set_delivery(struct migration *migration,
    struct migration_section *account, const struct fetchmail_settings *from)
{
	const char *mda = from->values[FETCHMAIL_MDA],
		   *host = from->values[FETCHMAIL_SMTPHOST],
		   *local = from->values[FETCHMAIL_LOCAL];
	static const char *const variables[][2] = { { "'%T'", "%T" },
		{ "\"%T\"", "%T" }, { "'%F'", "%F" }, { "\"%F\"", "%F" },
		{ "%T", "\"$EVPOP_RECIPIENT\"" },
		{ "%s", "\"$EVPOP_RECIPIENT\"" }, { "%F", "\"$EVPOP_SENDER\"" },
		{ "%%", "%" } };

	if (from->has_many[FETCHMAIL_LOCAL] ||
	    (local != NULL && strcmp(local, "*") == 0))
		migration_note(migration, account,
		    "evpopd delivers a maildrop to one recipient; fetchmail "
		    "chose among several");
	migration_set(migration, account, "deliver_to",
	    words_as_template(
		migration, local != NULL && strcmp(local, "*") != 0
			       ? local
			       : words_user(migration)));
	if (mda != NULL) {
		for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]);
		     i++)
			mda = words_replace(
			    migration, mda, variables[i][0], variables[i][1]);
		words_deliver_to_shell(migration, account, mda);
	} else if (host != NULL &&
		   (fetchmail_is_on(from, FETCHMAIL_LMTP, false) ||
		       host[0] == '/'))
		fetchmail_set_lmtp(migration, account, host);
	else
		fetchmail_set_smtp(migration, account,
		    host != NULL ? host : "localhost",
		    from->values[FETCHMAIL_SMTPADDRESS]);
}

static void
fetchmail_set_limits(struct migration *migration,
    const struct fetchmail_set *set, struct migration_section *account,
    const struct fetchmail_settings *from)
{
	const char *limit = from->values[FETCHMAIL_LIMIT],
		   *count = from->values[FETCHMAIL_FETCHLIMIT],
		   *times = from->values[FETCHMAIL_INTERVAL];
	unsigned long seconds =
	    set->daemon != NULL ? strtoul(set->daemon, NULL, 10) : 0;

	if (limit != NULL && atol(limit) > 0)
		migration_set(migration, account, "max_message_size", limit);
	if (count != NULL && atol(count) > 0)
		migration_set(
		    migration, account, "max_messages_per_poll", count);
	if (times != NULL && atol(times) > 1)
		seconds *= strtoul(times, NULL, 10);
	if (seconds >= 10 && seconds < 30 * 86400UL)
		migration_set(migration, account, "interval",
		    migration_text(migration, "%lus", seconds));
	words_set_timeout(migration, account, from->values[FETCHMAIL_TIMEOUT]);
}

static void
fetchmail_note_others(struct migration *migration,
    const struct migration_section *account,
    const struct fetchmail_settings *from)
{
	if (fetchmail_is_on(from, FETCHMAIL_FETCHALL, false))
		migration_note(migration, account,
		    "fetchall: evpopd fetches each message once");
	for (int key = FETCHMAIL_OTHERS; key < FETCHMAIL_KEY_COUNT; key++)
		if (fetchmail_is_on(from, (enum fetchmail_key)key, false))
			migration_note(migration, account,
			    "%s: evpopd has nothing that does this",
			    fetchmail_word_of((enum fetchmail_key)key));
}

/* ---- unique-ids ---- */

/*
 * "USER@HOST UID".  The first space behind the first "@" begins the unique-id,
 * and the last "@" before it the host.
 */
static void
fetchmail_take_ids(struct migration *migration,
    struct migration_section *account, const char *text, const char *host,
    const char *user)
{
	char *copy = migration_copy(migration, text, strlen(text)), *line,
	     *space, *at;

	while ((line = words_line(&copy)) != NULL) {
		at = strchr(line, '@');
		space = at != NULL ? strchr(at, ' ') : NULL;
		if (space == NULL)
			continue;
		*space = '\0';
		at = strrchr(line, '@');
		*at = '\0';
		if (strcmp(line, user) == 0 && strcasecmp(at + 1, host) == 0)
			migration_add_id(
			    migration, account, space + 1, strlen(space + 1));
	}
}

static void
fetchmail_read_ids(struct migration *migration, const struct fetchmail_set *set,
    struct migration_section *account, const char *user)
{
	const char *path = migration_path(
	    migration, set->idfile != NULL ? set->idfile : FETCHMAIL_IDS);
	size_t length;
	char *text = migration_read_ids(migration, account, path, &length);

	if (text != NULL)
		fetchmail_take_ids(migration, account, text,
		    migration_get(account, "host"), user);
}

/* ---- all of it ---- */

static const char *
fetchmail_port(struct migration *migration, const struct fetchmail_set *set,
    const char *service)
{
	if (service == NULL || strcmp(service, "pop3") == 0 ||
	    strcmp(service, "pop-3") == 0)
		return NULL;
	if (strcmp(service, "pop3s") == 0)
		return "995";
	if (service[strspn(service, "0123456789")] == '\0')
		return service;
	migration_note(migration, NULL,
	    "%s: the service \"%s\" is not known: write its port", set->path,
	    service);
	return NULL;
}

static bool
fetchmail_is_pop3(
    struct migration *migration, const struct fetchmail_user *user)
{
	const char *protocol = user->settings.values[FETCHMAIL_PROTO];

	if (protocol == NULL || strcasecmp(protocol, "pop3") == 0 ||
	    strcasecmp(protocol, "apop") == 0 ||
	    strcasecmp(protocol, "auto") == 0)
		return true;
	migration_note(migration, NULL, "%s at %s: evpopd does not speak %s",
	    user->name, user->server, protocol);
	return false;
}

void
fetchmail_convert(struct migration *migration, const struct fetchmail_set *set,
    const struct fetchmail_user *user)
{
	const struct fetchmail_settings *from = &user->settings;
	const char *via = from->values[FETCHMAIL_VIA];
	struct migration_section *account;

	if (user->name == NULL || !fetchmail_is_pop3(migration, user))
		return;
	account = migration_account(migration,
	    user->is_alone
		? user->server
		: migration_text(migration, "%s-%s", user->server, user->name),
	    via != NULL ? via : user->server,
	    fetchmail_port(migration, set, from->values[FETCHMAIL_SERVICE]),
	    user->name);
	if (account == NULL)
		return;
	if (user->is_skipped)
		migration_set(migration, account, "enabled", "no");
	fetchmail_set_tls(migration, account, from);
	fetchmail_set_auth(migration, account, from);
	fetchmail_set_password(migration, account, from);
	fetchmail_set_delivery(migration, account, from);
	words_set_keep(
	    migration, account, fetchmail_is_on(from, FETCHMAIL_KEEP, false));
	fetchmail_set_limits(migration, set, account, from);
	fetchmail_note_others(migration, account, from);
	fetchmail_read_ids(migration, set, account, user->name);
}
