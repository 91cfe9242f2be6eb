/*
 * What fetchmail's configuration says: its words (fetchmail_words.c), read by
 * fetchmail.c, and made accounts by fetchmail_account.c.
 */
#ifndef CTL_MIGRATE_FETCHMAIL_H
#define CTL_MIGRATE_FETCHMAIL_H

#include "daemon/ctl/migrate/migration.h"
#include "daemon/ctl/migrate/tokens.h"

enum fetchmail_key {
	FETCHMAIL_VIA = 0,
	FETCHMAIL_PROTO,
	FETCHMAIL_SERVICE,
	FETCHMAIL_AUTH,
	FETCHMAIL_TIMEOUT,
	FETCHMAIL_INTERVAL,
	FETCHMAIL_LOCAL, /* "is NAME here" */
	FETCHMAIL_PASSWORD,
	FETCHMAIL_PASSWORDFILE,
	FETCHMAIL_SSL,
	FETCHMAIL_SSLPROTO,
	FETCHMAIL_SSLCERTCK,
	FETCHMAIL_SSLCERTFILE,
	FETCHMAIL_SSLCERT,
	FETCHMAIL_SSLKEY,
	FETCHMAIL_KEEP,
	FETCHMAIL_LIMIT,
	FETCHMAIL_FETCHLIMIT,
	FETCHMAIL_MDA,
	FETCHMAIL_SMTPHOST,
	FETCHMAIL_LMTP,
	FETCHMAIL_SMTPADDRESS,
	FETCHMAIL_SSLCERTPATH,
	FETCHMAIL_SSLFINGERPRINT,
	FETCHMAIL_FETCHALL,
	/* Those from here on have nothing that does the same. */
	FETCHMAIL_OTHERS,
	FETCHMAIL_FLUSH = FETCHMAIL_OTHERS,
	FETCHMAIL_LIMITFLUSH,
	FETCHMAIL_PRECONNECT,
	FETCHMAIL_POSTCONNECT,
	FETCHMAIL_PLUGIN,
	FETCHMAIL_PLUGOUT,
	FETCHMAIL_INTERFACE,
	FETCHMAIL_MONITOR,
	FETCHMAIL_ENVELOPE,
	FETCHMAIL_QVIRTUAL,
	FETCHMAIL_BSMTP,
	FETCHMAIL_FETCHDOMAINS,
	FETCHMAIL_SMTPNAME,
	FETCHMAIL_MIMEDECODE,
	FETCHMAIL_FOLDER,
	FETCHMAIL_KEY_COUNT
};

/* The value of a flag that "no" stands before. */
#define FETCHMAIL_NO "no"

struct fetchmail_settings {
	const char *values[FETCHMAIL_KEY_COUNT];
	bool has_many[FETCHMAIL_KEY_COUNT];
};

struct fetchmail_user {
	STAILQ_ENTRY(fetchmail_user) next;
	const char *server;
	bool is_skipped, is_alone; /* of its server */
	const char *name;
	struct fetchmail_settings settings;
};

/* What is the same for all. */
struct fetchmail_set {
	const char *path;            /* of the configuration */
	const char *idfile, *daemon; /* NULL: not given */
};

enum fetchmail_kind {
	FETCHMAIL_FLAG = 0, /* "WORD", or "no WORD" */
	FETCHMAIL_VALUE,
	FETCHMAIL_LIST, /* the first counts, and whether there are others */
	FETCHMAIL_NOISE
};

struct fetchmail_word {
	const char *word;
	int key; /* -1: it does not matter to evpopd */
	enum fetchmail_kind kind;
};

/* NULL: it is none, or is quoted. */
const struct fetchmail_word *fetchmail_find_word(const struct lexeme *);
/* A word for a key. */
const char *fetchmail_word_of(enum fetchmail_key);

/* The account, its delivery and its unique-ids. */
void fetchmail_convert(struct migration *, const struct fetchmail_set *,
    const struct fetchmail_user *);

#endif
