/*
 * A target of the configuration: [target NAME], or what an account's `deliver`
 * says without one ("maildir:PATH", whose name is that text).
 */
#ifndef CONFIG_TARGET_H
#define CONFIG_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/config/config.h"

enum config_target_type {
	CONFIG_TARGET_MAILDIR = 0,
	CONFIG_TARGET_MBOX,
	CONFIG_TARGET_LMTP,
	CONFIG_TARGET_PIPE,
	CONFIG_TARGET_IMAP,
	CONFIG_TARGET_HTTP,
	CONFIG_TARGET_GMAIL,
	CONFIG_TARGET_COUNT
};

enum config_target_body {
	CONFIG_TARGET_BODY_MESSAGE = 0, /* message/rfc822 */
	CONFIG_TARGET_BODY_JSON         /* its envelope, with links */
};

enum config_target_order {
	CONFIG_TARGET_ORDER_ANY = 0,
	/* None overtakes another of its account that is tried again later. */
	CONFIG_TARGET_ORDER_ACCOUNT
};

/* What mail is sorted by at Gmail. */
enum config_internal_date {
	CONFIG_INTERNAL_DATE_HEADER = 0, /* its Date */
	CONFIG_INTERNAL_DATE_RECEIVED    /* when it came to Gmail */
};

enum config_rspamd_down {
	CONFIG_RSPAMD_DOWN_WAIT = 0,
	CONFIG_RSPAMD_DOWN_DELIVER
};

enum config_line_ends {
	CONFIG_LINE_ENDS_LF = 0,
	CONFIG_LINE_ENDS_CRLF
};

/* Where a secret comes from; at most one is set. */
struct config_secret {
	char *literal, *file, *command, *credential, *sealed;
};

/* Texts are NULL where not given; those marked T are templates. */
struct config_target {
	char *name;
	enum config_target_type type;
	char *path; /* T; maildir, mbox; whole */
	/* T; maildir: a sub-folder, gmail: a label, or NULL; imap: the mailbox.
	 */
	char *folder;
	char *deliver_to; /* T; lmtp, pipe: the recipient; never NULL */
	char *command;    /* pipe */
	bool shell;       /* pipe: the command is for /bin/sh -c */
	char *host;       /* lmtp, imap */
	char *socket;     /* lmtp: instead of host */
	char *url;        /* http; gmail: of its API */
	enum config_target_body body;
	/* http, gmail: addresses that are not public. */
	bool allow_private;
	bool archive;         /* gmail: it is not in the inbox */
	bool never_mark_spam; /* gmail */
	enum config_internal_date internal_date; /* gmail */
	/* lmtp, imap, http, gmail; as those of an account. */
	char *tls_ca, *tls_cert, *tls_key, *proxy, *source_address;
	char *user; /* lmtp, imap; gmail: the mailbox; or NULL */
	struct config_secret password; /* lmtp, imap */
	char *token_command; /* lmtp, imap: instead of a password; gmail */
	/* gmail: instead of token_command; NULL: there is no client id */
	struct config_oauth2 *oauth2;
	uint8_t oauth2_flow; /* an enum config_oauth2_flow */
	struct config_strings tls_pin;
	uint32_t auth;
	uint16_t port;                   /* 0: by type and tls */
	uint8_t tls;                     /* an enum evpop_tls */
	bool allow_cleartext;            /* http, too */
	struct config_secret secret;     /* http: signs */
	enum config_line_ends line_ends; /* maildir, mbox, pipe */
	mode_t mode;                     /* maildir, mbox: of files */
	uint64_t memory_limit;           /* pipe: octets; 0: none */
	uint32_t timeout_ms; /* of one delivery, or of a server's answer */
	uint32_t concurrency;
	uint32_t rate; /* messages a minute; 0: no limit */
	enum config_target_order order;
	uint32_t retry_min_ms, retry_max_ms;
	int64_t give_up_after_ms; /* then a message is refused; 0: never */
	uint32_t max_waiting;     /* then its accounts do not fetch; 0: never */
	char *rspamd;             /* a URL, or NULL: no verdict is asked for */
	/* Without rspamd's answer mail waits, or goes on without a verdict. */
	enum config_rspamd_down rspamd_down;
	char *spam_target; /* where spam goes instead; NULL: the same */
	bool enabled;
	char *file; /* where it was defined, for messages */
	unsigned line;
};

/* "maildir". */
const char *config_target_type_name(enum config_target_type);

/* Whether a section may have this name: what describes a target is none. */
bool config_target_is_name(const char *name);

/* NULL where there is none of that name. */
const struct config_target *config_target_find(
    const struct config *, const char *name);

enum config_target_change {
	CONFIG_TARGET_ADDED = 0,
	CONFIG_TARGET_CHANGED,
	CONFIG_TARGET_REMOVED
};
/* Each target that is not the same in both; by name. */
void config_target_each_change(const struct config *old,
    const struct config *new,
    void (*each)(enum config_target_change, const char *name, void *arg),
    void *arg);

/* The port, also where none is given. */
uint16_t config_target_port(const struct config_target *);

/* Whether what is sent there can be read under way: http to another machine. */
bool config_url_shows(const char *url);

/*
 * Templates: "{user}@{domain}".  {account} is the account's name, {login} its
 * `user`, {user} that up to its last "@", {domain} what follows that, or else
 * the account's host, {host} that host; "{{" is a brace.
 */
struct config_template_facts {
	const char *account, *login, *host;
};
/* NULL, or what is wrong with it, as words for a message. */
const char *config_template_problem(const char *text);
/*
 * For free(); NULL without memory.  With `as_path`, what is put in cannot lead
 * out of its folder: a slash, a leading dot, an octet that is not printable
 * become "=" and two hexadecimal digits, as does "=".
 */
char *config_template_expand(
    const char *text, const struct config_template_facts *, bool as_path)
    __attribute__((warn_unused_result));

#endif
