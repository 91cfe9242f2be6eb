/* mpop: ~/.mpoprc, and what it has fetched in ~/.mpop_uidls/. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/ctl/migrate/program.h"
#include "daemon/ctl/migrate/words.h"

#define MPOP_UIDLS "~/.mpop_uidls/%U_at_%H"

enum mpop_key {
	MPOP_HOST = 0,
	MPOP_PORT,
	MPOP_USER,
	MPOP_PASSWORD,
	MPOP_PASSWORDEVAL,
	MPOP_AUTH,
	MPOP_TLS,
	MPOP_TLS_STARTTLS,
	MPOP_TLS_TRUST_FILE,
	MPOP_TLS_FINGERPRINT,
	MPOP_TLS_CERTCHECK,
	MPOP_TLS_CERT_FILE,
	MPOP_TLS_KEY_FILE,
	MPOP_KEEP,
	MPOP_SKIPSIZE,
	MPOP_KILLSIZE,
	MPOP_FILTER,
	MPOP_ONLY_NEW,
	MPOP_DELIVERY,
	MPOP_UIDLS_FILE,
	MPOP_TIMEOUT,
	MPOP_SOURCE_IP,
	MPOP_PROXY_HOST,
	MPOP_PROXY_PORT,
	MPOP_SOCKET,
	MPOP_TLS_PRIORITIES,
	MPOP_TLS_HOST_OVERRIDE,
	MPOP_TLS_CRL_FILE,
	MPOP_NTLMDOMAIN,
	/* What evpopd does by itself, or what does not matter to it. */
	MPOP_PIPELINING,
	MPOP_RECEIVED_HEADER,
	MPOP_TLS_MIN_DH_PRIME_BITS,
	MPOP_KEY_COUNT
};

static const char *const mpop_keys[] = { "host", "port", "user", "password",
	"passwordeval", "auth", "tls", "tls_starttls", "tls_trust_file",
	"tls_fingerprint", "tls_certcheck", "tls_cert_file", "tls_key_file",
	"keep", "skipsize", "killsize", "filter", "only_new", "delivery",
	"uidls_file", "timeout", "source_ip", "proxy_host", "proxy_port",
	"socket", "tls_priorities", "tls_host_override", "tls_crl_file",
	"ntlmdomain", "pipelining", "received_header",
	"tls_min_dh_prime_bits" };
_Static_assert(sizeof(mpop_keys) / sizeof(mpop_keys[0]) == MPOP_KEY_COUNT,
    "a name for each key");

struct mpop_account {
	STAILQ_ENTRY(mpop_account) next;
	const char *name;
	const char *values[MPOP_KEY_COUNT]; /* NULL: not given */
};

struct mpop {
	const struct ctl *ctl;
	struct migration *migration;
	const char *path;
	unsigned line;
	struct mpop_account defaults;
	STAILQ_HEAD(, mpop_account) accounts;
	struct mpop_account *current; /* NULL: before the first */
};

/* ---- the file ---- */

static struct mpop_account *
mpop_find(const struct mpop *mpop, const char *name)
{
	struct mpop_account *account;

	STAILQ_FOREACH(account, &mpop->accounts, next)
		if (strcmp(account->name, name) == 0)
			return account;
	return NULL;
}

/* "NAME", or "NAME : PARENT,PARENT". */
static bool
mpop_begin_account(struct mpop *mpop, char *argument)
{
	char *parents = strchr(argument, ':'), *save = NULL, *name;
	const struct mpop_account *parent;
	struct mpop_account *account =
	    migration_take(mpop->migration, sizeof(*account));

	if (account == NULL)
		return false;
	if (parents != NULL)
		*parents++ = '\0';
	*account = mpop->defaults;
	account->name = words_trim(argument);
	for (name = parents != NULL ? strtok_r(parents, ",", &save) : NULL;
	     name != NULL; name = strtok_r(NULL, ",", &save)) {
		parent = mpop_find(mpop, words_trim(name));
		if (parent == NULL) {
			ctl_warn(mpop->ctl, "%s:%u: there is no account \"%s\"",
			    mpop->path, mpop->line, words_trim(name));
			return false;
		}
		for (size_t i = 0; i < MPOP_KEY_COUNT; i++)
			if (parent->values[i] != NULL)
				account->values[i] = parent->values[i];
	}
	STAILQ_INSERT_TAIL(&mpop->accounts, account, next);
	mpop->current = account;
	return true;
}

static char *
mpop_unquote(char *argument)
{
	size_t length = strlen(argument);

	if (length < 2 || argument[0] != '"' || argument[length - 1] != '"')
		return argument;
	argument[length - 1] = '\0';
	return argument + 1;
}

static bool
mpop_take_line(struct mpop *mpop, char *line)
{
	char *word = words_trim(line), *argument;

	if (*word == '\0' || *word == '#')
		return true;
	argument = word + strcspn(word, " \t");
	if (*argument != '\0')
		*argument++ = '\0';
	argument = mpop_unquote(words_trim(argument));
	if (strcmp(word, "defaults") == 0) {
		mpop->current = &mpop->defaults;
		return true;
	}
	if (strcmp(word, "account") == 0)
		return mpop_begin_account(mpop, argument);
	for (size_t i = 0; i < MPOP_KEY_COUNT && mpop->current != NULL; i++)
		if (strcmp(word, mpop_keys[i]) == 0) {
			mpop->current->values[i] = argument;
			return true;
		}
	if (strcmp(word, "eval") == 0)
		migration_note(mpop->migration, NULL,
		    "%s:%u: \"eval\" was not run: import again with what it "
		    "prints in its place",
		    mpop->path, mpop->line);
	else
		migration_note(mpop->migration, NULL,
		    "%s:%u: \"%s\" is not known", mpop->path, mpop->line, word);
	return true;
}

/* ---- an account ---- */

static bool
mpop_is_on(const char *value, bool initial)
{
	return value == NULL ? initial : *value == '\0' || !strcmp(value, "on");
}

static bool
mpop_is_set(const char *value)
{
	return value != NULL && *value != '\0';
}

static void
mpop_set_tls(struct migration *migration, struct migration_section *account,
    const char *const *values)
{
	const char *trust = values[MPOP_TLS_TRUST_FILE],
		   *pin = values[MPOP_TLS_FINGERPRINT];

	if (!mpop_is_on(values[MPOP_TLS], false)) {
		migration_set(migration, account, "tls", "none");
		return;
	}
	migration_set(migration, account, "tls",
	    mpop_is_on(values[MPOP_TLS_STARTTLS], true) ? "stls" : "implicit");
	if (!mpop_is_on(values[MPOP_TLS_CERTCHECK], true))
		migration_note(migration, account,
		    "tls_certcheck off: evpopd always verifies; \"evpopctl "
		    "doctor\" shows a tls_pin for a certificate that nobody "
		    "vouches for");
	else if (mpop_is_set(pin))
		words_set_pin(migration, account, pin);
	else if (mpop_is_set(trust) && strcmp(trust, "system") != 0)
		migration_set(migration, account, "tls_ca",
		    migration_path(migration, trust));
	if (mpop_is_set(values[MPOP_TLS_CERT_FILE]))
		migration_set(migration, account, "tls_cert",
		    migration_path(migration, values[MPOP_TLS_CERT_FILE]));
	if (mpop_is_set(values[MPOP_TLS_KEY_FILE]))
		migration_set(migration, account, "tls_key",
		    migration_path(migration, values[MPOP_TLS_KEY_FILE]));
}

/* Without TLS mpop shows a password only where it was told how to log in. */
static void
mpop_set_auth(struct migration *migration, struct migration_section *account,
    const char *const *values)
{
	static const char *const known[] = { "user", "plain", "login",
		"cram-md5", "scram-sha-1", "scram-sha-256", "scram-sha-1-plus",
		"scram-sha-256-plus", "apop", "external", "oauthbearer",
		"xoauth2" };
	const char *auth = values[MPOP_AUTH];
	bool is_known = false;
	size_t i;

	if (!mpop_is_set(auth) || strcmp(auth, "on") == 0)
		return;
	for (i = 0; i < sizeof(known) / sizeof(known[0]) && !is_known; i++)
		is_known = strcasecmp(auth, known[i]) == 0;
	if (!is_known) {
		migration_note(migration, account,
		    "auth %s: evpopd does not know it, and chooses a mechanism "
		    "itself",
		    auth);
		return;
	}
	migration_set(migration, account, "auth", known[i - 1]);
	if (i <= 3 && !mpop_is_on(values[MPOP_TLS], false))
		migration_set(migration, account, "allow_cleartext", "yes");
}

static void
mpop_set_password(struct migration *migration,
    struct migration_section *account, const char *const *values)
{
	const char *auth = migration_get(account, "auth");
	bool is_token = auth != NULL && (!strcmp(auth, "oauthbearer") ||
					    !strcmp(auth, "xoauth2"));

	if (auth != NULL && strcmp(auth, "external") == 0)
		return;
	if (mpop_is_set(values[MPOP_PASSWORDEVAL]))
		words_set_command(migration, account,
		    is_token ? "token_command" : "password_command",
		    values[MPOP_PASSWORDEVAL]);
	else
		words_set_password(
		    migration, account, values[MPOP_PASSWORD], is_token);
}

static void
mpop_set_delivery(struct migration *migration,
    struct migration_section *account, const char *delivery)
{
	static const char *const file_kinds[] = { "maildir", "mbox" };
	const char *rest;
	size_t length;

	if (!mpop_is_set(delivery)) {
		migration_note(migration, account,
		    "it has no delivery: its mail stays in evpopd's store");
		return;
	}
	/* The command line's form has commas. */
	length = strcspn(delivery, " \t,");
	rest = mpop_unquote(words_trim(migration_text(migration, "%s",
	    delivery + length + strspn(delivery + length, ","))));
	for (size_t i = 0; i < 2; i++)
		if (strlen(file_kinds[i]) == length &&
		    strncmp(delivery, file_kinds[i], length) == 0) {
			words_deliver_to_path(
			    migration, account, file_kinds[i], rest);
			return;
		}
	if (length == 3 && strncmp(delivery, "mda", 3) == 0)
		words_deliver_to_shell(migration, account,
		    words_replace(migration,
			words_replace(migration, rest, "'%F'", "%F"), "%F",
			"\"$EVPOP_SENDER\""));
	else
		migration_note(migration, account,
		    "delivery %s: evpopd has no such target; its mail stays in "
		    "evpopd's store",
		    delivery);
}

static void
mpop_set_keep(struct migration *migration, struct migration_section *account,
    const char *keep)
{
	size_t digits = keep != NULL ? strspn(keep, "0123456789") : 0;

	if (digits > 0 && strcmp(keep + digits, "d") == 0)
		migration_set(migration, account, "keep", keep);
	else
		words_set_keep(migration, account, mpop_is_on(keep, false));
}

/* "off", or bytes with k or m. */
static void
mpop_set_size(struct migration *migration, struct migration_section *account,
    const char *key, const char *size)
{
	size_t digits = mpop_is_set(size) ? strspn(size, "0123456789") : 0;
	const char *before = migration_get(account, "max_message_size");

	if (digits == 0 || strtoull(size, NULL, 10) == 0 || before != NULL) {
		if (mpop_is_set(size) && strcmp(size, "off") != 0)
			migration_note(migration, account, "%s %s", key, size);
		return;
	}
	migration_set(migration, account, "max_message_size",
	    migration_text(migration, "%.*s%s", (int)digits, size,
		size[digits] == 'k'   ? "K"
		: size[digits] == 'm' ? "M"
				      : ""));
	if (strcmp(key, "killsize") == 0)
		migration_note(migration, account,
		    "killsize %s: larger messages stay on the server; evpopd "
		    "deletes nothing that it has not stored",
		    size);
}

static void
mpop_set_network(struct migration *migration, struct migration_section *account,
    const char *const *values)
{
	const char *proxy = values[MPOP_PROXY_HOST],
		   *port = values[MPOP_PROXY_PORT];
	bool is_long = proxy != NULL && strchr(proxy, ':') != NULL;

	if (mpop_is_set(proxy))
		migration_set(migration, account, "proxy",
		    migration_text(migration, "socks5://%s%s%s%s%s",
			is_long ? "[" : "", proxy, is_long ? "]" : "",
			mpop_is_set(port) ? ":" : "",
			mpop_is_set(port) ? port : ""));
	if (mpop_is_set(values[MPOP_SOURCE_IP]))
		migration_set(migration, account, "source_address",
		    values[MPOP_SOURCE_IP]);
	words_set_timeout(migration, account, values[MPOP_TIMEOUT]);
}

static void
mpop_note_others(struct migration *migration,
    const struct migration_section *account, const char *const *values)
{
	static const enum mpop_key others[] = { MPOP_TLS_PRIORITIES,
		MPOP_TLS_HOST_OVERRIDE, MPOP_TLS_CRL_FILE, MPOP_NTLMDOMAIN };

	if (mpop_is_set(values[MPOP_FILTER]))
		migration_note(migration, account,
		    "filter %s: evpopd filters nothing before it is fetched; a "
		    "target of the type pipe can",
		    values[MPOP_FILTER]);
	if (!mpop_is_on(values[MPOP_ONLY_NEW], true))
		migration_note(migration, account,
		    "only_new off: evpopd fetches each message once");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (mpop_is_set(values[others[i]]))
			migration_note(migration, account, "%s %s",
			    mpop_keys[others[i]], values[others[i]]);
}

/* ---- unique-ids ---- */

/* " COUNT HOST USER"; whether it is the account's. */
static bool
mpop_is_header_of(const char *line, const char *host, const char *user,
    unsigned long *count_r)
{
	size_t length = strlen(host);
	char *end;

	*count_r = strtoul(line, &end, 10);
	if (end == line || *end != ' ')
		return false;
	end++;
	return strncasecmp(end, host, length) == 0 && end[length] == ' ' &&
	       strcmp(end + length + 1, user) == 0;
}

/* "UID", or since mpop 1.4.23 "UID SECONDS". */
static size_t
mpop_id_length(const char *line)
{
	const char *space = strrchr(line, ' ');

	if (space == NULL || space == line ||
	    space[1 + strspn(space + 1, "0123456789")] != '\0')
		return strlen(line);
	return (size_t)(space - line);
}

static void
mpop_take_ids(struct migration *migration, struct migration_section *account,
    char *text, const char *host, const char *user)
{
	unsigned long left = 0;
	bool is_own = false;
	char *line;

	while ((line = words_line(&text)) != NULL) {
		if (left == 0 && *line == ' ')
			is_own = mpop_is_header_of(line, host, user, &left);
		else if (left > 0) {
			left--;
			if (is_own)
				migration_add_id(migration, account, line,
				    mpop_id_length(line));
		}
	}
}

static void
mpop_read_ids(struct migration *migration, struct migration_section *account,
    const char *file, const char *host, const char *user)
{
	const char *path = migration_path(migration,
	    words_replace(migration,
		words_replace(migration, mpop_is_set(file) ? file : MPOP_UIDLS,
		    "%U", user),
		"%H", host));
	size_t length;
	char *text = migration_read_ids(migration, account, path, &length);

	if (text != NULL)
		mpop_take_ids(migration, account, text, host, user);
}

/* ---- all of it ---- */

/* "account default : NAME", by which mpop knows whom it is run for. */
static bool
mpop_is_alias(const struct mpop *mpop, const struct mpop_account *account)
{
	const struct mpop_account *other;

	if (strcmp(account->name, "default") != 0 ||
	    mpop->migration->only != NULL)
		return false;
	STAILQ_FOREACH(other, &mpop->accounts, next)
		if (other != account && memcmp(other->values, account->values,
					    sizeof(other->values)) == 0)
			return true;
	return false;
}

static void
mpop_convert(struct migration *migration, const struct mpop_account *from)
{
	const char *const *values = from->values;
	struct migration_section *account;

	/* Others inherit from what has no server of its own. */
	if (!mpop_is_set(values[MPOP_HOST]) || !mpop_is_set(values[MPOP_USER]))
		return;
	account = migration_account(migration, from->name, values[MPOP_HOST],
	    values[MPOP_PORT], values[MPOP_USER]);
	if (account == NULL)
		return;
	mpop_set_tls(migration, account, values);
	mpop_set_auth(migration, account, values);
	mpop_set_password(migration, account, values);
	mpop_set_delivery(migration, account, values[MPOP_DELIVERY]);
	mpop_set_keep(migration, account, values[MPOP_KEEP]);
	mpop_set_size(migration, account, "skipsize", values[MPOP_SKIPSIZE]);
	mpop_set_size(migration, account, "killsize", values[MPOP_KILLSIZE]);
	mpop_set_network(migration, account, values);
	mpop_note_others(migration, account, values);
	if (mpop_is_set(values[MPOP_SOCKET]))
		migration_note(migration, account,
		    "socket %s: evpopd connects to a host and port",
		    values[MPOP_SOCKET]);
	mpop_read_ids(migration, account, values[MPOP_UIDLS_FILE],
	    values[MPOP_HOST], values[MPOP_USER]);
}

enum ctl_exit
mpop_read(const struct ctl *ctl, struct migration *migration, const char *path)
{
	struct mpop mpop = { .ctl = ctl, .migration = migration, .path = path };
	const struct mpop_account *account;
	size_t length;
	char *text = migration_read(migration, path, &length), *line;

	if (text == NULL) {
		ctl_warn(ctl, "%s: %s", path, strerror(errno));
		return CTL_NOT_FOUND;
	}
	STAILQ_INIT(&mpop.accounts);
	while ((line = words_line(&text)) != NULL) {
		mpop.line++;
		if (!mpop_take_line(&mpop, line))
			return CTL_DATA;
	}
	STAILQ_FOREACH(account, &mpop.accounts, next)
		if (!mpop_is_alias(&mpop, account))
			mpop_convert(migration, account);
	return CTL_OK;
}
