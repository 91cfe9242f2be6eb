/* fetchmail: the words that its configuration consists of. */
#include "daemon/ctl/migrate/fetchmail.h"

static const struct fetchmail_word fetchmail_words[] = {
	{ "via", FETCHMAIL_VIA, FETCHMAIL_VALUE },
	{ "proto", FETCHMAIL_PROTO, FETCHMAIL_VALUE },
	{ "protocol", FETCHMAIL_PROTO, FETCHMAIL_VALUE },
	{ "service", FETCHMAIL_SERVICE, FETCHMAIL_VALUE },
	{ "port", FETCHMAIL_SERVICE, FETCHMAIL_VALUE },
	{ "auth", FETCHMAIL_AUTH, FETCHMAIL_VALUE },
	{ "authenticate", FETCHMAIL_AUTH, FETCHMAIL_VALUE },
	{ "timeout", FETCHMAIL_TIMEOUT, FETCHMAIL_VALUE },
	{ "interval", FETCHMAIL_INTERVAL, FETCHMAIL_VALUE },
	{ "is", FETCHMAIL_LOCAL, FETCHMAIL_LIST },
	{ "to", FETCHMAIL_LOCAL, FETCHMAIL_LIST },
	{ "pass", FETCHMAIL_PASSWORD, FETCHMAIL_VALUE },
	{ "password", FETCHMAIL_PASSWORD, FETCHMAIL_VALUE },
	{ "passwordfile", FETCHMAIL_PASSWORDFILE, FETCHMAIL_VALUE },
	{ "ssl", FETCHMAIL_SSL, FETCHMAIL_FLAG },
	{ "sslproto", FETCHMAIL_SSLPROTO, FETCHMAIL_VALUE },
	{ "sslcertck", FETCHMAIL_SSLCERTCK, FETCHMAIL_FLAG },
	{ "sslcertfile", FETCHMAIL_SSLCERTFILE, FETCHMAIL_VALUE },
	{ "sslcert", FETCHMAIL_SSLCERT, FETCHMAIL_VALUE },
	{ "sslkey", FETCHMAIL_SSLKEY, FETCHMAIL_VALUE },
	{ "keep", FETCHMAIL_KEEP, FETCHMAIL_FLAG },
	{ "limit", FETCHMAIL_LIMIT, FETCHMAIL_VALUE },
	{ "fetchlimit", FETCHMAIL_FETCHLIMIT, FETCHMAIL_VALUE },
	{ "mda", FETCHMAIL_MDA, FETCHMAIL_VALUE },
	{ "smtphost", FETCHMAIL_SMTPHOST, FETCHMAIL_LIST },
	{ "smtp", FETCHMAIL_SMTPHOST, FETCHMAIL_LIST },
	{ "lmtp", FETCHMAIL_LMTP, FETCHMAIL_FLAG },
	{ "sslcertpath", FETCHMAIL_SSLCERTPATH, FETCHMAIL_VALUE },
	{ "sslfingerprint", FETCHMAIL_SSLFINGERPRINT, FETCHMAIL_VALUE },
	{ "flush", FETCHMAIL_FLUSH, FETCHMAIL_FLAG },
	{ "limitflush", FETCHMAIL_LIMITFLUSH, FETCHMAIL_FLAG },
	{ "fetchall", FETCHMAIL_FETCHALL, FETCHMAIL_FLAG },
	{ "preconnect", FETCHMAIL_PRECONNECT, FETCHMAIL_VALUE },
	{ "postconnect", FETCHMAIL_POSTCONNECT, FETCHMAIL_VALUE },
	{ "plugin", FETCHMAIL_PLUGIN, FETCHMAIL_VALUE },
	{ "plugout", FETCHMAIL_PLUGOUT, FETCHMAIL_VALUE },
	{ "interface", FETCHMAIL_INTERFACE, FETCHMAIL_VALUE },
	{ "monitor", FETCHMAIL_MONITOR, FETCHMAIL_VALUE },
	{ "envelope", FETCHMAIL_ENVELOPE, FETCHMAIL_VALUE },
	{ "qvirtual", FETCHMAIL_QVIRTUAL, FETCHMAIL_VALUE },
	{ "bsmtp", FETCHMAIL_BSMTP, FETCHMAIL_VALUE },
	{ "fetchdomains", FETCHMAIL_FETCHDOMAINS, FETCHMAIL_LIST },
	{ "smtpaddress", FETCHMAIL_SMTPADDRESS, FETCHMAIL_VALUE },
	{ "smtpname", FETCHMAIL_SMTPNAME, FETCHMAIL_VALUE },
	{ "mimedecode", FETCHMAIL_MIMEDECODE, FETCHMAIL_FLAG },
	{ "folder", FETCHMAIL_FOLDER, FETCHMAIL_LIST },
	{ "sslcommonname", -1, FETCHMAIL_VALUE },
	{ "local", -1, FETCHMAIL_LIST },
	{ "localdomains", -1, FETCHMAIL_LIST },
	{ "aka", -1, FETCHMAIL_LIST },
	{ "principal", -1, FETCHMAIL_VALUE },
	{ "esmtpname", -1, FETCHMAIL_VALUE },
	{ "esmtppassword", -1, FETCHMAIL_VALUE },
	{ "bad-header", -1, FETCHMAIL_VALUE },
	{ "antispam", -1, FETCHMAIL_LIST },
	{ "properties", -1, FETCHMAIL_VALUE },
	{ "warnings", -1, FETCHMAIL_VALUE },
	{ "batchlimit", -1, FETCHMAIL_VALUE },
	{ "fetchsizelimit", -1, FETCHMAIL_VALUE },
	{ "fastuidl", -1, FETCHMAIL_VALUE },
	{ "expunge", -1, FETCHMAIL_VALUE },
	{ "uidl", -1, FETCHMAIL_FLAG },
	{ "dns", -1, FETCHMAIL_FLAG },
	{ "checkalias", -1, FETCHMAIL_FLAG },
	{ "tracepolls", -1, FETCHMAIL_FLAG },
	{ "rewrite", -1, FETCHMAIL_FLAG },
	{ "stripcr", -1, FETCHMAIL_FLAG },
	{ "forcecr", -1, FETCHMAIL_FLAG },
	{ "pass8bits", -1, FETCHMAIL_FLAG },
	{ "dropstatus", -1, FETCHMAIL_FLAG },
	{ "dropdelivered", -1, FETCHMAIL_FLAG },
	{ "idle", -1, FETCHMAIL_FLAG },
	{ "and", -1, FETCHMAIL_NOISE },
	{ "with", -1, FETCHMAIL_NOISE },
	{ "has", -1, FETCHMAIL_NOISE },
	{ "wants", -1, FETCHMAIL_NOISE },
	{ "options", -1, FETCHMAIL_NOISE },
	{ "here", -1, FETCHMAIL_NOISE },
	{ "there", -1, FETCHMAIL_NOISE },
};

const struct fetchmail_word *
fetchmail_find_word(const struct lexeme *token)
{
	for (size_t i = 0;
	     i < sizeof(fetchmail_words) / sizeof(fetchmail_words[0]); i++)
		if (lexeme_is(token, fetchmail_words[i].word))
			return &fetchmail_words[i];
	return NULL;
}

const char *
fetchmail_word_of(enum fetchmail_key key)
{
	for (size_t i = 0;; i++)
		if (fetchmail_words[i].key == (int)key)
			return fetchmail_words[i].word;
}
