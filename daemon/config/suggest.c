#include "daemon/config/suggest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/base/near.h"
#include "lib/base/text.h"

/* ---- keys of other programs ---- */

/* Longer values are not shown; a digest with its colons fits. */
#define FOREIGN_SHOWN_MAX 100

/* How to translate the other program's value. */
enum foreign_form {
	FOREIGN_AS_IT_IS,
	FOREIGN_HIDDEN, /* it may be a secret */
	FOREIGN_OTHER,  /* no rule leads from one to the other */
	FOREIGN_DAYS,
	FOREIGN_SECONDS,
	FOREIGN_KIB,
	FOREIGN_PIN,
	FOREIGN_COMMAND,  /* its "%T" has no translation */
	FOREIGN_DELIVERY, /* "maildir PATH", "mda COMMAND" */
	FOREIGN_SWITCH,   /* `on` or `off` is the value */
	FOREIGN_NOTHING   /* `on` says why no key is needed */
};

struct foreign_key {
	const char *key; /* in small letters, with _ for - */
	const char *programs;
	enum foreign_form form;
	const char *ours; /* NULL: none */
	const char *on, *off;
};

#define ALL_NEW    "all new messages are fetched, and none twice"
#define KNOWN      "the store knows what was fetched"
#define STORED     "mail goes into the store"
#define POP3_ALONE "evpopd speaks only POP3"
#define NEWEST_TLS "TLS is never older than 1.2"
#define VERIFIED   "certificates are verified, or pinned by tls_pin"

static const struct foreign_key foreign_keys[] = {
	/* What is deleted, and when. */
	{ "delete", "getmail", FOREIGN_SWITCH, "keep", "delete", "forever" },
	{ "delete_after", "getmail", FOREIGN_DAYS, "keep", NULL, NULL },
	{ "delete_bigger_than", "getmail", FOREIGN_AS_IT_IS, "delete_above",
	    NULL, NULL },
	{ "keep", "fetchmail, mpop and fdm", FOREIGN_SWITCH, "keep", "forever",
	    "delete" },
	{ "nokeep", "fetchmail", FOREIGN_SWITCH, "keep", "delete", "forever" },
	{ "no_keep", "fetchmail", FOREIGN_SWITCH, "keep", "delete", "forever" },
	{ "expunge", "fetchmail", FOREIGN_AS_IT_IS, "max_deletes_per_session",
	    NULL, NULL },
	{ "killsize", "mpop", FOREIGN_OTHER, "max_message_size", NULL, NULL },
	{ "flush", "fetchmail", FOREIGN_NOTHING, NULL,
	    "only stored messages are deleted", NULL },
	/* What is fetched. */
	{ "read_all", "getmail", FOREIGN_NOTHING, NULL, ALL_NEW, NULL },
	{ "fetchall", "fetchmail", FOREIGN_NOTHING, NULL, ALL_NEW, NULL },
	{ "nofetchall", "fetchmail", FOREIGN_NOTHING, NULL, ALL_NEW, NULL },
	{ "fetchsizelimit", "fetchmail", FOREIGN_NOTHING, NULL,
	    "sizes are requested when they are needed", NULL },
	{ "only_new", "mpop", FOREIGN_NOTHING, NULL, ALL_NEW, NULL },
	{ "new_only", "fdm", FOREIGN_NOTHING, NULL, ALL_NEW, NULL },
	{ "old_only", "fdm", FOREIGN_NOTHING, NULL, ALL_NEW, NULL },
	{ "uidl", "fetchmail", FOREIGN_NOTHING, NULL, KNOWN, NULL },
	{ "uidls_file", "mpop", FOREIGN_NOTHING, NULL, KNOWN, NULL },
	{ "idfile", "fetchmail", FOREIGN_NOTHING, NULL, KNOWN, NULL },
	{ "cache", "fdm", FOREIGN_NOTHING, NULL, KNOWN, NULL },
	{ "limit", "fetchmail", FOREIGN_AS_IT_IS, "max_message_size", NULL,
	    NULL },
	{ "skipsize", "mpop", FOREIGN_KIB, "max_message_size", NULL, NULL },
	{ "maximum_size", "fdm", FOREIGN_AS_IT_IS, "max_message_size", NULL,
	    NULL },
	{ "fetchlimit", "fetchmail", FOREIGN_AS_IT_IS, "max_messages_per_poll",
	    NULL, NULL },
	{ "batchlimit", "fetchmail", FOREIGN_AS_IT_IS, "max_messages_per_poll",
	    NULL, NULL },
	{ "max_messages_per_session", "getmail", FOREIGN_AS_IT_IS,
	    "max_messages_per_poll", NULL, NULL },
	/* Where the mail is. */
	{ "server", "getmail and fdm", FOREIGN_AS_IT_IS, "host", NULL, NULL },
	{ "poll", "fetchmail", FOREIGN_AS_IT_IS, "host", NULL, NULL },
	{ "skip", "fetchmail", FOREIGN_SWITCH, "enabled", "no", "yes" },
	{ "via", "fetchmail", FOREIGN_AS_IT_IS, "host", NULL, NULL },
	{ "hostname", "other programs", FOREIGN_AS_IT_IS, "host", NULL, NULL },
	{ "service", "fetchmail", FOREIGN_AS_IT_IS, "port", NULL, NULL },
	{ "protocol", "fetchmail", FOREIGN_NOTHING, NULL, POP3_ALONE, NULL },
	{ "proto", "fetchmail", FOREIGN_NOTHING, NULL, POP3_ALONE, NULL },
	{ "mailbox", "getmail", FOREIGN_NOTHING, NULL,
	    "POP3 has one maildrop for each account", NULL },
	{ "folder", "fetchmail", FOREIGN_NOTHING, NULL,
	    "POP3 has one maildrop for each account", NULL },
	{ "type", "getmail", FOREIGN_OTHER, "tls", NULL, NULL },
	{ "interface", "fetchmail", FOREIGN_OTHER, "source_address", NULL,
	    NULL },
	{ "source_ip", "mpop", FOREIGN_AS_IT_IS, "source_address", NULL, NULL },
	{ "proxy_host", "mpop", FOREIGN_OTHER, "proxy", NULL, NULL },
	{ "proxy_port", "mpop", FOREIGN_OTHER, "proxy", NULL, NULL },
	{ "timeout", "getmail, fetchmail and mpop", FOREIGN_SECONDS,
	    "timeout_command", NULL, NULL },
	{ "daemon", "fetchmail", FOREIGN_SECONDS, "interval", NULL, NULL },
	/* Who it is. */
	{ "username", "getmail and fetchmail", FOREIGN_AS_IT_IS, "user", NULL,
	    NULL },
	{ "login", "other programs", FOREIGN_AS_IT_IS, "user", NULL, NULL },
	{ "pass", "fetchmail and fdm", FOREIGN_HIDDEN, "password", NULL, NULL },
	{ "passwd", "other programs", FOREIGN_HIDDEN, "password", NULL, NULL },
	{ "passwordeval", "mpop", FOREIGN_HIDDEN, "password_command", NULL,
	    NULL },
	{ "passeval", "mpop", FOREIGN_HIDDEN, "password_command", NULL, NULL },
	{ "passcmd", "other programs", FOREIGN_HIDDEN, "password_command", NULL,
	    NULL },
	{ "passwordfd", "fetchmail", FOREIGN_OTHER, "password_file", NULL,
	    NULL },
	{ "use_apop", "getmail", FOREIGN_SWITCH, "auth", "apop", "auto" },
	{ "use_xoauth2", "getmail", FOREIGN_OTHER, "token_command", NULL,
	    NULL },
	{ "authenticate", "fetchmail", FOREIGN_OTHER, "auth", NULL, NULL },
	/* How it is protected. */
	{ "ssl", "fetchmail", FOREIGN_SWITCH, "tls", "implicit", "stls" },
	{ "nossl", "fetchmail", FOREIGN_SWITCH, "tls", "stls", "implicit" },
	{ "pop3s", "fdm", FOREIGN_SWITCH, "tls", "implicit", NULL },
	{ "starttls", "fdm", FOREIGN_SWITCH, "tls", "stls", "implicit" },
	{ "tls_starttls", "mpop", FOREIGN_SWITCH, "tls", "stls", "implicit" },
	{ "sslproto", "fetchmail", FOREIGN_NOTHING, NULL, NEWEST_TLS, NULL },
	{ "ssl_version", "getmail", FOREIGN_NOTHING, NULL, NEWEST_TLS, NULL },
	{ "tls_priorities", "mpop", FOREIGN_NOTHING, NULL, NEWEST_TLS, NULL },
	{ "ssl_ciphers", "getmail", FOREIGN_NOTHING, NULL, NEWEST_TLS, NULL },
	{ "tls_certcheck", "mpop", FOREIGN_NOTHING, NULL, VERIFIED, NULL },
	{ "sslcertck", "fetchmail", FOREIGN_NOTHING, NULL, VERIFIED, NULL },
	{ "nosslcertck", "fetchmail", FOREIGN_NOTHING, NULL, VERIFIED, NULL },
	{ "verify_certificates", "fdm", FOREIGN_NOTHING, NULL, VERIFIED, NULL },
	{ "tls_fingerprint", "mpop", FOREIGN_PIN, "tls_pin", NULL, NULL },
	{ "sslfingerprint", "fetchmail", FOREIGN_PIN, "tls_pin", NULL, NULL },
	{ "ssl_fingerprints", "getmail", FOREIGN_PIN, "tls_pin", NULL, NULL },
	{ "tls_trust_file", "mpop", FOREIGN_AS_IT_IS, "tls_ca", NULL, NULL },
	{ "sslcertfile", "fetchmail", FOREIGN_AS_IT_IS, "tls_ca", NULL, NULL },
	{ "ca_certs", "getmail", FOREIGN_AS_IT_IS, "tls_ca", NULL, NULL },
	{ "sslcertpath", "fetchmail", FOREIGN_OTHER, "tls_ca", NULL, NULL },
	{ "tls_cert_file", "mpop", FOREIGN_AS_IT_IS, "tls_cert", NULL, NULL },
	{ "sslcert", "fetchmail", FOREIGN_AS_IT_IS, "tls_cert", NULL, NULL },
	{ "certfile", "getmail", FOREIGN_AS_IT_IS, "tls_cert", NULL, NULL },
	{ "tls_key_file", "mpop", FOREIGN_AS_IT_IS, "tls_key", NULL, NULL },
	{ "sslkey", "fetchmail", FOREIGN_AS_IT_IS, "tls_key", NULL, NULL },
	{ "keyfile", "getmail", FOREIGN_AS_IT_IS, "tls_key", NULL, NULL },
	/* Where it goes. */
	{ "mda", "fetchmail", FOREIGN_COMMAND, "deliver", NULL, NULL },
	{ "smtphost", "fetchmail", FOREIGN_OTHER, "deliver", NULL, NULL },
	{ "smtpname", "fetchmail", FOREIGN_AS_IT_IS, "deliver_to", NULL, NULL },
	{ "delivery", "mpop", FOREIGN_DELIVERY, "deliver", NULL, NULL },
	{ "delivered_to", "getmail", FOREIGN_NOTHING, NULL, STORED, NULL },
	{ "received", "getmail", FOREIGN_NOTHING, NULL, STORED, NULL },
	{ "received_header", "mpop", FOREIGN_NOTHING, NULL, STORED, NULL },
};

static const struct foreign_key *
foreign_find(const char *key)
{
	char name[32];
	size_t length = strlen(key);

	if (length >= sizeof(name))
		return NULL;
	for (size_t i = 0; i <= length; i++)
		name[i] =
		    key[i] == '-' ? '_' : (char)tolower((unsigned char)key[i]);
	for (size_t i = 0; i < sizeof(foreign_keys) / sizeof(foreign_keys[0]);
	     i++)
		if (strcmp(name, foreign_keys[i].key) == 0)
			return &foreign_keys[i];
	return NULL;
}

static bool
foreign_is_number(const char *value)
{
	return *value != '\0' && strspn(value, "0123456789") == strlen(value);
}

/* 1 for "on" and its like, 0 for "off", -1 for other words. */
static int
foreign_switch(const char *value)
{
	static const char *const words[] = { "no", "yes", "off", "on", "false",
		"true", "0", "1" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(value, words[i]) == 0)
			return (int)(i % 2);
	return -1;
}

static bool
foreign_is_sha256(const char *value)
{
	size_t digits = 0;

	for (; *value != '\0'; value++) {
		if (*value == ':')
			continue;
		if (!isxdigit((unsigned char)*value))
			return false;
		digits++;
	}
	return digits == 64;
}

/* What mpop says of a target; what is behind its method, or NULL. */
static const char *
foreign_delivery(const char *value, const char **before_r)
{
	static const char *const methods[][2] = { { "maildir", "maildir:" },
		{ "mbox", "mbox:" }, { "mda", "pipe:" } };

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		size_t length = strlen(methods[i][0]);

		if (strncmp(value, methods[i][0], length) != 0 ||
		    strchr(" \t,", value[length]) == NULL)
			continue;
		*before_r = methods[i][1];
		return value + length + strspn(value + length, " \t,");
	}
	return NULL;
}

/* False if the value has no translation. */
static bool
foreign_translate(const struct foreign_key *foreign, const char *value,
    char *text, size_t size)
{
	const char *before = "", *after = "";

	switch (foreign->form) {
	case FOREIGN_AS_IT_IS:
		break;
	case FOREIGN_DAYS:
		if (strcmp(value, "0") == 0)
			value = "forever";
		else if (foreign_is_number(value))
			after = "d";
		break;
	case FOREIGN_SECONDS:
		after = foreign_is_number(value) ? "s" : "";
		break;
	case FOREIGN_KIB:
		after = foreign_is_number(value) ? "K" : "";
		break;
	case FOREIGN_PIN:
		if (!foreign_is_sha256(value))
			return false;
		before = "sha256:";
		break;
	case FOREIGN_COMMAND:
		if (strchr(value, '%') != NULL)
			return false;
		before = "pipe:";
		break;
	case FOREIGN_DELIVERY:
		value = foreign_delivery(value, &before);
		break;
	case FOREIGN_SWITCH:
		if (foreign_switch(value) == 1)
			value = foreign->on;
		else if (foreign_switch(value) == 0)
			value = foreign->off;
		break;
	case FOREIGN_HIDDEN:
	case FOREIGN_OTHER:
	case FOREIGN_NOTHING:
		return false;
	}
	if (value == NULL || *value == '\0' ||
	    strlen(value) > FOREIGN_SHOWN_MAX)
		return false;
	(void)snprintf(text, size, "%s%s%s", before, value, after);
	return true;
}

bool
config_foreign_describe(const char *key, const char *value, char *text,
    size_t size, const char **ours)
{
	const struct foreign_key *foreign = foreign_find(key);
	char shown[160];

	if (foreign == NULL)
		return false;
	*ours = foreign->ours;
	if (value == NULL)
		value = foreign->form == FOREIGN_SWITCH ? "on" : "";
	if (foreign->form == FOREIGN_NOTHING)
		(void)snprintf(text, size, "of %s; leave it out: %s",
		    foreign->programs, foreign->on);
	else if (foreign_translate(foreign, value, shown, sizeof(shown)))
		(void)snprintf(text, size, "of %s; write %s = %s",
		    foreign->programs, foreign->ours, shown);
	else
		(void)snprintf(text, size, "of %s; here it is %s",
		    foreign->programs, foreign->ours);
	return true;
}

/* ---- names that are none here ---- */

#define DESCRIBED_SIZE 224

void
config_suggest_section(
    const struct config_report_place *place, const char *name)
{
	static const char *const known[] = { "daemon", "store", "control",
		"hook", "target", "defaults", "account" };
	struct evpop_near near = { 0 };
	size_t length = strcspn(name, " \t");
	char word[32] = "";

	if (length < sizeof(word)) {
		memcpy(word, name, length);
		word[length] = '\0';
	}
	if (strcmp(name, "destination") == 0) {
		config_report_error(place->report, place->file, place->line,
		    "[destination]: unknown section, of getmail; write "
		    "[target NAME], and deliver = NAME in the account");
		return;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		evpop_near_consider(&near, word, known[i]);
	if (near.word == NULL)
		config_report_error(place->report, place->file, place->line,
		    "[%.64s]: unknown section; expected [daemon], [store], "
		    "[control], [hook], [target NAME], [defaults] or [account "
		    "NAME]",
		    name);
	else
		config_report_error(place->report, place->file, place->line,
		    "[%.64s]: unknown section; did you mean [%s%s]?", name,
		    near.word,
		    strcmp(near.word, "account") == 0 ||
			    strcmp(near.word, "target") == 0
			? " NAME"
			: "");
}

/* The most similar key, or NULL; *elsewhere_r: the key of another section. */
static const char *
suggest_find_near(const struct config_suggest_key *given,
    const struct config_option **elsewhere_r)
{
	struct evpop_near near = { 0 };

	*elsewhere_r = NULL;
	for (size_t i = 0; i < config_option_count; i++) {
		const struct config_option *option = &config_options[i];

		if (option->scope == given->scope && !option->deletes)
			evpop_near_consider(&near, given->key, option->key);
		if (option->scope != given->scope &&
		    strcmp(option->key, given->key) == 0)
			*elsewhere_r = option;
	}
	return near.word;
}

const char *
config_suggest_key(const struct config_report_place *place,
    const struct config_suggest_key *given)
{
	bool is_account = given->scope == CONFIG_SCOPE_ACCOUNT;
	const struct config_option *elsewhere;
	char described[DESCRIBED_SIZE];
	const char *meant;

	if (is_account && config_foreign_describe(given->key, given->value,
			      described, sizeof(described), &meant)) {
		config_report_error(place->report, place->file, place->line,
		    "%s: unknown key, %s", given->key, described);
		return meant;
	}
	meant = suggest_find_near(given, &elsewhere);
	if (elsewhere != NULL) {
		config_report_error(place->report, place->file, place->line,
		    "%s: belongs in [%s%s]", given->key,
		    config_scope_name(elsewhere->scope),
		    elsewhere->scope == CONFIG_SCOPE_ACCOUNT
			? " NAME] or [defaults"
		    : elsewhere->scope == CONFIG_SCOPE_TARGET ? " NAME"
							      : "");
		return NULL;
	}
	if (meant != NULL)
		config_report_error(place->report, place->file, place->line,
		    "%s: unknown key; did you mean %s?", given->key, meant);
	else
		config_report_error(place->report, place->file, place->line,
		    "%s: unknown key; evpopd.conf(5) lists those of [%s%s]",
		    given->key,
		    given->in_defaults ? "defaults"
				       : config_scope_name(given->scope),
		    config_scope_is_named(given->scope) && !given->in_defaults
			? " NAME"
			: "");
	return meant;
}

const char *
config_suggest_words(const struct config_report_place *place,
    enum config_scope scope, const char *text)
{
	size_t length = strcspn(text, " \t");
	const char *rest = text + length, *meant;
	const struct config_option *option = NULL;
	char key[64] = "", described[DESCRIBED_SIZE];

	rest += strspn(rest, " \t");
	if (length < sizeof(key))
		memcpy(key, text, length);
	if (scope == CONFIG_SCOPE_ACCOUNT &&
	    config_foreign_describe(key, *rest == '\0' ? NULL : rest, described,
		sizeof(described), &meant)) {
		config_report_error(place->report, place->file, place->line,
		    "expected KEY = VALUE; %s is a key %s", key, described);
		return meant;
	}
	config_report_error(
	    place->report, place->file, place->line, "expected KEY = VALUE");
	if (scope < CONFIG_SCOPE_COUNT)
		option = config_option_find(scope, key);
	return option == NULL ? NULL : option->key;
}

/* ---- values that are hardly meant ---- */

static const struct {
	const char *first, *last;
	const char *name;
} value_quotes[] = {
	{ "'", "'", "single quotes" },
	{ "`", "`", "backquotes" },
	{ "\xe2\x80\x98", "\xe2\x80\x99", "single quotes" },
	{ "\xe2\x80\x99", "\xe2\x80\x99", "single quotes" },
	{ "\xe2\x80\x9a", "\xe2\x80\x98", "single quotes" },
	{ "\xe2\x80\x9c", "\xe2\x80\x9d", "typographic quotes" },
	{ "\xe2\x80\x9d", "\xe2\x80\x9d", "typographic quotes" },
	{ "\xe2\x80\x9e", "\xe2\x80\x9c", "typographic quotes" },
	{ "\xe2\x80\x9e", "\xe2\x80\x9d", "typographic quotes" },
	{ "\xc2\xab", "\xc2\xbb", "typographic quotes" },
	{ "\xc2\xbb", "\xc2\xab", "typographic quotes" },
};

/* The name of the quotes around a value; NULL where there are none. */
static const char *
value_find_quotes(const char *value)
{
	size_t length = strlen(value);

	for (size_t i = 0; i < sizeof(value_quotes) / sizeof(value_quotes[0]);
	     i++) {
		size_t first = strlen(value_quotes[i].first);
		size_t last = strlen(value_quotes[i].last);

		if (length >= first + last &&
		    memcmp(value, value_quotes[i].first, first) == 0 &&
		    memcmp(value + length - last, value_quotes[i].last, last) ==
			0)
			return value_quotes[i].name;
	}
	return NULL;
}

static bool
value_is_comment(const char *value)
{
	for (const char *at = value; (at = strpbrk(at, "#;")) != NULL; at++)
		if (at > value && (at[-1] == ' ' || at[-1] == '\t'))
			return true;
	return false;
}

/* Whether nearly any text is a valid value. */
static bool
value_is_free(enum config_type type)
{
	switch (type) {
	case CONFIG_TYPE_TEXT:
	case CONFIG_TYPE_TEMPLATE:
	case CONFIG_TYPE_PATH:
	case CONFIG_TYPE_PLACE:
	case CONFIG_TYPE_SECRET:
	case CONFIG_TYPE_COMMAND:
	case CONFIG_TYPE_CREDENTIAL:
	case CONFIG_TYPE_WORDS:
	case CONFIG_TYPE_FOLDERS:
	case CONFIG_TYPE_DELIVER:
	case CONFIG_TYPE_INCLUDE:
		return true;
	default:
		return false;
	}
}

static bool
value_check_invisible(const struct config_report_place *place,
    const struct config_option *option, const char *value, bool quoted)
{
	struct evpop_text_invisible found;

	if (!evpop_text_find_invisible(value, strlen(value), &found))
		return true;
	if (!value_is_free(option->type)) {
		config_report_error(place->report, place->file, place->line,
		    "%s: the value holds U+%04X (%s), which is invisible; type "
		    "the line again",
		    option->key, found.code_point, found.name);
		return false;
	}
	if (!quoted)
		config_report_warning(place->report, place->file, place->line,
		    "%s: U+%04X (%s), which is invisible, is part of the "
		    "value; type the line again (or quote the value)",
		    option->key, found.code_point, found.name);
	return true;
}

bool
config_suggest_value(const struct config_report_place *place,
    const struct config_option *option, const char *value, bool quoted)
{
	const char *quotes;

	if (!value_check_invisible(place, option, value, quoted))
		return false;
	if (quoted || !value_is_free(option->type))
		return true;
	quotes = value_find_quotes(value);
	if (quotes != NULL)
		config_report_warning(place->report, place->file, place->line,
		    "%s: the %s are part of the value; leave them out (or "
		    "surround the value by double quotes)",
		    option->key, quotes);
	/* A shell takes it for a comment too. */
	if (option->type != CONFIG_TYPE_COMMAND && value_is_comment(value))
		config_report_warning(place->report, place->file, place->line,
		    "%s: what looks like a comment is part of the value; a "
		    "comment needs a line of its own (or quote the value)",
		    option->key);
	return true;
}

const char *
config_suggest_hint(const char *value, bool quoted)
{
	if (quoted)
		return "";
	if (value_is_comment(value))
		return "; a comment needs a line of its own";
	if (value_find_quotes(value) != NULL)
		return "; leave the quotes out";
	return "";
}
