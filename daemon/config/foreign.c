#include "daemon/config/foreign.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What a suggestion shows of a value: a digest with its colons fits. */
#define FOREIGN_SHOWN_MAX 100

/* How the other program's value becomes one of ours. */
enum foreign_form {
	FOREIGN_AS_IT_IS,
	FOREIGN_HIDDEN, /* it may be a secret */
	FOREIGN_OTHER,  /* no rule leads from one to the other */
	FOREIGN_DAYS,
	FOREIGN_SECONDS,
	FOREIGN_KIB,
	FOREIGN_PIN,
	FOREIGN_SWITCH, /* `on` or `off` is the value */
	FOREIGN_NOTHING /* `on` says why no key is needed */
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
	{ "mda", "fetchmail", FOREIGN_NOTHING, NULL, STORED, NULL },
	{ "smtphost", "fetchmail", FOREIGN_NOTHING, NULL, STORED, NULL },
	{ "delivery", "mpop", FOREIGN_NOTHING, NULL, STORED, NULL },
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

/* 1 or 0 for words that switch on or off, -1 for others. */
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

/* The value here; false where only the key can be named. */
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
