/*
 * The configuration as the daemon uses it.  One table (option.h) names every
 * key with its type, default and bounds; reading, --check, the manual page and
 * the sample file all come from it.  A config is immutable once read.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/arena.h"

/* A list of strings: tls_pin may be given several, separated by space. */
struct config_strings {
	char **items;
	size_t count;
};

enum config_log_level {
	CONFIG_LOG_ERROR = 0,
	CONFIG_LOG_WARNING,
	CONFIG_LOG_INFO,
	CONFIG_LOG_DEBUG
};

enum config_log_format {
	CONFIG_LOG_AUTO = 0,
	CONFIG_LOG_JOURNAL,
	CONFIG_LOG_PLAIN,
	CONFIG_LOG_JSON
};

enum config_order {
	CONFIG_ORDER_OLDEST = 0,
	CONFIG_ORDER_NEWEST
};

enum config_compress {
	CONFIG_COMPRESS_NONE = 0,
	CONFIG_COMPRESS_ZSTD
};

enum config_confine {
	CONFIG_CONFINE_AUTO = 0, /* as far as the system can */
	CONFIG_CONFINE_REQUIRED,
	CONFIG_CONFINE_NO
};

/* keep = forever | delete | 14d (hours, days, weeks: h d w) | until-delivered
 */
enum config_keep_kind {
	CONFIG_KEEP_FOREVER = 0,
	CONFIG_KEEP_DELETE,
	CONFIG_KEEP_AGE,
	CONFIG_KEEP_DELIVERED
};
struct config_keep {
	enum config_keep_kind kind;
	int64_t age_ms;
};

/* retain = forever | 90d; 0 where an account has none of its own */
#define CONFIG_RETAIN_FOREVER INT64_MAX

enum config_deletion {
	CONFIG_DELETION_ALLOWED = 0,
	CONFIG_DELETION_LOCKED
};

/* In the order of oauth2_flow's choices. */
enum config_oauth2_flow {
	CONFIG_OAUTH2_AUTO = 0, /* never, once a configuration is read */
	CONFIG_OAUTH2_DEVICE,
	CONFIG_OAUTH2_CODE,
	CONFIG_OAUTH2_CLIENT_CREDENTIALS
};

/*
 * Where tokens of OAuth 2 come from.  It is complete where there is a client
 * id: URLs are whole, and those of the flow are there.
 */
struct config_oauth2 {
	char *client_id; /* NULL: no OAuth 2 */
	/* At most one of the three is set. */
	char *client_secret, *client_secret_file, *client_secret_sealed;
	char *tenant, *scope;
	char *token_url, *device_url, *authorization_url;
};

/* There may be a hundred thousand: large members come first, and no gaps. */
struct config_account {
	char *name;
	char *id; /* survives renames; NULL: the name */
	char *host;
	char *tls_ca, *tls_cert, *tls_key;
	char *proxy;          /* a URL, which may hold a password */
	char *source_address; /* of this machine; NULL: the system's choice */
	char *user;
	char *provider; /* a name of provider.h, or NULL */
	/* At most one of the five is set, and none with a token. */
	char *password, *password_file, *password_command, *password_credential,
	    *password_sealed;
	/* Prints a token of OAuth 2. */
	char *token_command;
	struct config_oauth2 *oauth2; /* NULL: there is no client id */
	/* Where it was defined, for messages; its line is below. */
	char *file;
	struct config_strings tls_pin;
	/* The names of the targets that new mail goes to. */
	struct config_strings deliver;
	char *deliver_to; /* a template, instead of the targets' own; or NULL */
	struct config_keep keep;
	int64_t retain_ms;
	uint64_t max_message_size; /* octets, 0: no limit */
	/* Delete what is stored and larger, whatever `keep` says; 0: no. */
	uint64_t delete_above;
	uint64_t max_octets_per_day;
	int64_t fetch_after_ms; /* 0: at once */
	uint32_t timeout_resolve_ms, timeout_connect_ms, timeout_handshake_ms,
	    timeout_greeting_ms, timeout_login_ms, timeout_command_ms,
	    timeout_body_ms, timeout_quit_ms, timeout_session_ms;
	uint32_t auth; /* EVPOP_MECHANISM_BIT() of each; 0: any safe one */
	uint32_t interval_ms;
	/* Bounds within which the interval follows the mail; 0: it does not. */
	uint32_t interval_min_ms, interval_max_ms;
	uint32_t max_messages_per_poll;
	uint32_t max_deletes_per_session; /* 0: no limit */
	/* Ask before deleting more than this and than usual; 0: never. */
	uint32_t delete_guard;
	unsigned line;
	uint16_t port;       /* 0: by tls */
	uint8_t tls;         /* an enum evpop_tls */
	uint8_t order;       /* an enum config_order */
	uint8_t oauth2_flow; /* an enum config_oauth2_flow */
	bool allow_cleartext;
	bool enabled;
	/* What is there at the first poll counts as seen. */
	bool baseline;
};

struct config_target; /* target.h */

struct config {
	/* [daemon] */
	enum config_log_level log_level;
	enum config_log_format log_format;
	uint32_t max_sessions, max_sessions_per_host;
	uint32_t max_logins_per_host; /* a second; 0: no limit */
	uint64_t memory_limit;        /* octets for bodies under way */
	char *key_file;               /* NULL: none, or a credential */
	enum config_confine confine;
	/* Folders beside those that other keys need. */
	struct config_strings confine_read, confine_write;
	/* [store] */
	char *store_path;
	enum config_compress store_compress; /* of new messages */
	char *store_seal_to;                 /* NULL: they are not sealed */
	int64_t store_retain_ms;             /* of accounts without their own */
	enum config_deletion store_deletion;
	/* [control] */
	char *control_socket;
	mode_t control_mode;
	char *control_group; /* NULL: the daemon's own */
	/* Users, and what they may do; root and the daemon's own everything. */
	struct config_strings control_admin, control_operate, control_read;
	/* [hook]: commands; NULL: none */
	char *hook_on_failure, *hook_on_recovery, *hook_on_message;
	/* [account NAME], sorted by name */
	const struct config_account *const *accounts;
	size_t account_count;
	/* [target NAME], and those that `deliver` describes; by name */
	const struct config_target *const *targets;
	size_t target_count;
	/* Every file that was read, in order. */
	struct config_strings files;
	/* What includes name, patterns too. */
	struct config_strings includes;
	struct evpop_arena arena; /* private: all that is pointed to */
	unsigned others;          /* private: who hold it as well */
};

/*
 * What is wrong, a line each: "FILE:LINE: KEY: what was expected; did you mean
 * X?".  Warnings do not stop a start.
 */
struct config_messages {
	char **lines;
	size_t count;
	size_t errors; /* how many of them are errors */
};
void config_messages_free(struct config_messages *);

/*
 * Read FILE and what it includes.  Returns the config, or NULL where there is
 * any error; *messages_r is filled either way and the caller's to free.
 * Secrets in files that others can read are errors.
 */
struct config *config_read(const char *path, struct config_messages *messages_r)
    __attribute__((warn_unused_result));

/*
 * The same for --check: also warns of files that keys name and that cannot be
 * read now.
 */
struct config *config_check(const char *path,
    struct config_messages *messages_r) __attribute__((warn_unused_result));

/* Wipes passwords and frees; sets the pointer to NULL. */
void config_free(struct config **);
/*
 * For who needs it longer than its owner: it is freed when each has called
 * config_free().
 */
struct config *config_hold(const struct config *);

/* Lower max_sessions to what there is room for. */
void config_limit_sessions(struct config *, uint32_t most);

/* NULL where there is none of that name. */
const struct config_account *config_find(
    const struct config *, const char *name);

/* How long the account's messages are kept here; 0: for ever. */
int64_t config_account_retain_ms(
    const struct config *, const struct config_account *);

/* The file of the daemon's key; NULL: there is none. */
const char *config_key_file(const struct config *);

/* Whether it logs in by a token of OAuth 2. */
bool config_account_is_by_token(const struct config_account *);

/* The port, also where none is given. */
uint16_t config_account_port(const struct config_account *);

/*
 * Which server the account's maildrop is at: its host, and the port where that
 * may lead to another one: an unusual port, or any at this machine, where
 * tunnels begin.  For free(); NULL without memory.
 */
char *config_account_place(const struct config_account *)
    __attribute__((warn_unused_result));

/*
 * Each path that a key names, beside the store and the socket, and each file
 * of the configuration; one may come several times.
 */
void config_each_path(const struct config *,
    void (*each)(const char *path, void *arg), void *arg);
/*
 * Each folder that files of targets are written in: of a Maildir itself, of an
 * mbox the one that it is in, of a template as far as that is fixed; and
 * whether folders are made there, too.
 */
void config_each_place(const struct config *,
    void (*each)(const char *folder, bool makes_folders, void *arg), void *arg);
/* The paths of all accounts aside: those of targets. */
void config_targets_each_path(const struct config *,
    void (*each)(const char *path, void *arg), void *arg);
/* The same, of an account alone. */
void config_account_each_path(const struct config_account *,
    void (*each)(const char *path, void *arg), void *arg);
/*
 * The folder in which an include looks: its pattern up to the last slash before
 * a wildcard.  For free(); NULL without memory.
 */
char *config_include_folder(const char *include)
    __attribute__((warn_unused_result));

/* Each command that a key names. */
void config_each_command(const struct config *,
    void (*each)(const char *command, void *arg), void *arg);

/* What a reload has to do. */
struct config_diff {
	/* Borrowed from the new config (removed: the old one). */
	const struct config_account **added, **changed, **removed;
	size_t added_count, changed_count, removed_count;
	/*
	 * Keys outside accounts that differ but need a restart, "store.path";
	 * static strings.
	 */
	const char **restart;
	size_t restart_count;
};
/* Returns false without memory. */
bool config_diff(struct config_diff *diff_r, const struct config *old,
    const struct config *new) __attribute__((warn_unused_result));
void config_diff_free(struct config_diff *);

#endif
