#include "daemon/config/option.h"

#include <assert.h>
#include <evpop/client.h>
#include <string.h>

#include "daemon/config/config.h"
#include "daemon/config/target.h"
#include "lib/base/unit.h"

#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

/* Below this no server across a network could answer in time. */
#define TIMEOUT_LEAST_MS 100
#define TIMEOUT_MOST_MS  EVPOP_DAY_MS
/* A first poll of a large maildrop may take days. */
#define SESSION_MOST_MS (7 * EVPOP_DAY_MS)
/* A server takes more frequent polls for an attack. */
#define INTERVAL_LEAST_MS (10 * EVPOP_SECOND_MS)
#define INTERVAL_MOST_MS  (30 * EVPOP_DAY_MS)
_Static_assert(INTERVAL_MOST_MS <= UINT32_MAX && SESSION_MOST_MS <= UINT32_MAX,
    "durations of accounts fit in 32 bits");
/* A hundred years. */
#define RETAIN_MOST_MS (36525 * EVPOP_DAY_MS)
/* Each is a connection, a process or a thread. */
#define CONCURRENCY_MOST 64
#define RETRY_MOST_MS    (7 * EVPOP_DAY_MS)
/* The schedule's clock counts milliseconds. */
#define LOGINS_MOST 1000
/* Each session holds a descriptor, and the system a few hundred thousand. */
#define SESSIONS_MOST 100000
/* With less, no message could be received. */
#define MEMORY_LEAST MIB
#define MEMORY_MOST  (64 * GIB)

static const char *const log_levels[] = { "error", "warning", "info", "debug",
	NULL };
_Static_assert(
    sizeof(log_levels) / sizeof(log_levels[0]) == CONFIG_LOG_DEBUG + 2,
    "a name for each log level");
static const char *const log_formats[] = { "auto", "journal", "plain", "json",
	NULL };
_Static_assert(
    sizeof(log_formats) / sizeof(log_formats[0]) == CONFIG_LOG_JSON + 2,
    "a name for each log format");
static const char *const confinements[] = { "auto", "required", "no", NULL };
_Static_assert(
    sizeof(confinements) / sizeof(confinements[0]) == CONFIG_CONFINE_NO + 2,
    "a name for each");
static const char *const tls_modes[] = { "implicit", "stls", "none", NULL };
_Static_assert(sizeof(tls_modes) / sizeof(tls_modes[0]) == EVPOP_TLS_NONE + 2,
    "a name for each TLS mode");
static const char *const compressions[] = { "none", "zstd", NULL };
_Static_assert(
    sizeof(compressions) / sizeof(compressions[0]) == CONFIG_COMPRESS_ZSTD + 2,
    "a name for each way");
static const char *const deletions[] = { "allowed", "locked", NULL };
_Static_assert(
    sizeof(deletions) / sizeof(deletions[0]) == CONFIG_DELETION_LOCKED + 2,
    "a name for each");
static const char *const orders[] = { "oldest", "newest", NULL };
_Static_assert(sizeof(orders) / sizeof(orders[0]) == CONFIG_ORDER_NEWEST + 2,
    "a name for each order");

static const char *const oauth2_flows[] = { "auto", "device", "code",
	"client-credentials", NULL };
_Static_assert(sizeof(oauth2_flows) / sizeof(oauth2_flows[0]) ==
		   CONFIG_OAUTH2_CLIENT_CREDENTIALS + 2,
    "a name for each flow");

static const char *const target_types[] = { "maildir", "mbox", "lmtp", "pipe",
	"imap", "http", "gmail", NULL };
_Static_assert(
    sizeof(target_types) / sizeof(target_types[0]) == CONFIG_TARGET_COUNT + 1,
    "a name for each type");
static const char *const target_bodies[] = { "message", "json", NULL };
_Static_assert(sizeof(target_bodies) / sizeof(target_bodies[0]) ==
		   CONFIG_TARGET_BODY_JSON + 2,
    "a name for each");
static const char *const target_orders[] = { "any", "account", NULL };
_Static_assert(sizeof(target_orders) / sizeof(target_orders[0]) ==
		   CONFIG_TARGET_ORDER_ACCOUNT + 2,
    "a name for each order");
static const char *const internal_dates[] = { "date-header", "received-time",
	NULL };
_Static_assert(sizeof(internal_dates) / sizeof(internal_dates[0]) ==
		   CONFIG_INTERNAL_DATE_RECEIVED + 2,
    "a name for each");
static const char *const rspamd_downs[] = { "wait", "deliver", NULL };
_Static_assert(sizeof(rspamd_downs) / sizeof(rspamd_downs[0]) ==
		   CONFIG_RSPAMD_DOWN_DELIVER + 2,
    "a name for each");
static const char *const line_ends[] = { "lf", "crlf", NULL };
_Static_assert(
    sizeof(line_ends) / sizeof(line_ends[0]) == CONFIG_LINE_ENDS_CRLF + 2,
    "a name for each");

static const char *const scope_names[] = { "daemon", "store", "control", "hook",
	"target", "account" };
_Static_assert(
    sizeof(scope_names) / sizeof(scope_names[0]) == CONFIG_SCOPE_COUNT,
    "a name for each scope");

/* The manual's defaults must be those of the library. */
_Static_assert(EVPOP_TIMEOUT_RESOLVE_MS == 20 * EVPOP_SECOND_MS, "20s");
_Static_assert(EVPOP_TIMEOUT_CONNECT_MS == 30 * EVPOP_SECOND_MS, "30s");
_Static_assert(EVPOP_TIMEOUT_HANDSHAKE_MS == 30 * EVPOP_SECOND_MS, "30s");
_Static_assert(EVPOP_TIMEOUT_GREETING_MS == EVPOP_MINUTE_MS, "1m");
_Static_assert(EVPOP_TIMEOUT_LOGIN_MS == 3 * EVPOP_MINUTE_MS, "3m");
_Static_assert(EVPOP_TIMEOUT_COMMAND_MS == EVPOP_MINUTE_MS, "1m");
_Static_assert(EVPOP_TIMEOUT_BODY_MS == EVPOP_MINUTE_MS, "1m");
_Static_assert(EVPOP_TIMEOUT_QUIT_MS == EVPOP_MINUTE_MS, "1m");
_Static_assert(EVPOP_TIMEOUT_SESSION_MS == 4 * EVPOP_HOUR_MS, "4h");

#define DAEMON(word) \
	.scope = CONFIG_SCOPE_DAEMON, .name = "daemon." word, .key = word
#define STORE(word) \
	.scope = CONFIG_SCOPE_STORE, .name = "store." word, .key = word
#define CONTROL(word) \
	.scope = CONFIG_SCOPE_CONTROL, .name = "control." word, .key = word
#define HOOK(word)                                                     \
	.scope = CONFIG_SCOPE_HOOK, .name = "hook." word, .key = word, \
	.type = CONFIG_TYPE_COMMAND, .initial = "", .reload = true
#define ACCOUNT(word)                                                        \
	.scope = CONFIG_SCOPE_ACCOUNT, .name = "account." word, .key = word, \
	.reload = true
#define TARGET(word)                                                       \
	.scope = CONFIG_SCOPE_TARGET, .name = "target." word, .key = word, \
	.reload = true
/* The types of targets that have a key. */
#define BIT(type)  (1U << CONFIG_TARGET_##type)
#define FILES      .targets = BIT(MAILDIR) | BIT(MBOX)
#define SERVERS    .targets = BIT(LMTP) | BIT(IMAP)
#define LOGINS     .targets = BIT(LMTP) | BIT(IMAP) | BIT(GMAIL)
#define WEBS       .targets = BIT(HTTP) | BIT(GMAIL)
#define NETWORKS   .targets = BIT(LMTP) | BIT(IMAP) | BIT(HTTP) | BIT(GMAIL)
#define ONLY(type) .targets = BIT(type)
#define IN(type, member)                  \
	.offset = offsetof(type, member), \
	.size = sizeof(((const type *)NULL)->member)
#define IN_CONFIG(member)  IN(struct config, member)
#define IN_TARGET(member)  IN(struct config_target, member)
#define IN_ACCOUNT(member) IN(struct config_account, member)
#define IN_OAUTH2(HOLDER, member) \
	IN(struct config_oauth2, member), .through = offsetof(HOLDER, oauth2)
/*
 * The keys of OAuth 2, of what has a pointer `oauth2`, and oauth2_flow.
 */
#define OAUTH2(ROW, HOLDER, ...)                                              \
	{ ROW("oauth2_flow"), .type = CONFIG_TYPE_CHOICE,                     \
		IN(HOLDER, oauth2_flow), .initial = "auto",                   \
		.choices = oauth2_flows, __VA_ARGS__ },                       \
	    { ROW("oauth2_client_id"), .type = CONFIG_TYPE_TEXT,              \
		    IN_OAUTH2(HOLDER, client_id), .initial = "",              \
		    __VA_ARGS__ },                                            \
	    { ROW("oauth2_client_secret"), .type = CONFIG_TYPE_SECRET,        \
		    IN_OAUTH2(HOLDER, client_secret), .initial = "",          \
		    __VA_ARGS__ },                                            \
	    { ROW("oauth2_client_secret_file"), .type = CONFIG_TYPE_PATH,     \
		    IN_OAUTH2(HOLDER, client_secret_file), .initial = "",     \
		    __VA_ARGS__ },                                            \
	    { ROW("oauth2_client_secret_sealed"), .type = CONFIG_TYPE_MARKED, \
		    IN_OAUTH2(HOLDER, client_secret_sealed), .initial = "",   \
		    .mark = "evpop-password-1:", .made_by = "evpopctl seal",  \
		    __VA_ARGS__ },                                            \
	    { ROW("oauth2_tenant"), .type = CONFIG_TYPE_TEXT,                 \
		    IN_OAUTH2(HOLDER, tenant), .initial = "", __VA_ARGS__ },  \
	    { ROW("oauth2_scope"), .type = CONFIG_TYPE_TEXT,                  \
		    IN_OAUTH2(HOLDER, scope), .initial = "", __VA_ARGS__ },   \
	    { ROW("oauth2_token_url"), .type = CONFIG_TYPE_URL,               \
		    IN_OAUTH2(HOLDER, token_url), .initial = "",              \
		    __VA_ARGS__ },                                            \
	    { ROW("oauth2_device_url"), .type = CONFIG_TYPE_URL,              \
		    IN_OAUTH2(HOLDER, device_url), .initial = "",             \
		    __VA_ARGS__ },                                            \
	{                                                                     \
		ROW("oauth2_authorization_url"),                              \
		    .type = CONFIG_TYPE_URL,                                  \
		    IN_OAUTH2(HOLDER, authorization_url), .initial = "",      \
		    __VA_ARGS__                                               \
	}
#define TIMEOUT(phase, text, most)                                          \
	ACCOUNT("timeout_" #phase),                                         \
	    .type = CONFIG_TYPE_DURATION, IN_ACCOUNT(timeout_##phase##_ms), \
	    .initial = text, .minimum = TIMEOUT_LEAST_MS, .maximum = most

const struct config_option config_options[] = {
	{ DAEMON("log_level"), .type = CONFIG_TYPE_CHOICE, IN_CONFIG(log_level),
	    .initial = "info", .choices = log_levels, .reload = true },
	{ DAEMON("log_format"), .type = CONFIG_TYPE_CHOICE,
	    IN_CONFIG(log_format), .initial = "auto", .choices = log_formats,
	    .reload = true },
	{ DAEMON("max_sessions"), .type = CONFIG_TYPE_COUNT,
	    IN_CONFIG(max_sessions), .initial = "64", .minimum = 1,
	    .maximum = SESSIONS_MOST, .reload = true },
	{ DAEMON("max_sessions_per_host"), .type = CONFIG_TYPE_COUNT,
	    IN_CONFIG(max_sessions_per_host), .initial = "8", .minimum = 1,
	    .maximum = SESSIONS_MOST, .reload = true },
	{ DAEMON("max_logins_per_host"), .type = CONFIG_TYPE_COUNT,
	    IN_CONFIG(max_logins_per_host), .initial = "0", .minimum = 0,
	    .maximum = LOGINS_MOST, .reload = true },
	{ DAEMON("memory_limit"), .type = CONFIG_TYPE_SIZE,
	    IN_CONFIG(memory_limit), .initial = "8M", .minimum = MEMORY_LEAST,
	    .maximum = MEMORY_MOST },
	{ DAEMON("key_file"), .type = CONFIG_TYPE_PATH, IN_CONFIG(key_file),
	    .initial = "", .reload = true },
	{ DAEMON("confine"), .type = CONFIG_TYPE_CHOICE, IN_CONFIG(confine),
	    .initial = "auto", .choices = confinements },
	{ DAEMON("confine_read"), .type = CONFIG_TYPE_FOLDERS,
	    IN_CONFIG(confine_read), .initial = "" },
	{ DAEMON("confine_write"), .type = CONFIG_TYPE_FOLDERS,
	    IN_CONFIG(confine_write), .initial = "" },
	{ DAEMON("include"), .type = CONFIG_TYPE_INCLUDE, .initial = "",
	    .reload = true },

	{ STORE("path"), .type = CONFIG_TYPE_PATH, IN_CONFIG(store_path),
	    .initial = "/var/lib/evpopd/mail.db" },
	{ STORE("compress"), .type = CONFIG_TYPE_CHOICE,
	    IN_CONFIG(store_compress), .initial = "none",
	    .choices = compressions },
	{ STORE("seal_to"), .type = CONFIG_TYPE_MARKED,
	    IN_CONFIG(store_seal_to), .initial = "",
	    .mark = "evpop-public-1:", .made_by = "evpopctl key public" },
	{ STORE("retain"), .deletes = true, .type = CONFIG_TYPE_RETAIN,
	    IN_CONFIG(store_retain_ms), .initial = "forever",
	    .minimum = EVPOP_HOUR_MS, .maximum = RETAIN_MOST_MS,
	    .reload = true },
	{ STORE("deletion"), .type = CONFIG_TYPE_CHOICE,
	    IN_CONFIG(store_deletion), .initial = "allowed",
	    .choices = deletions, .reload = true },

	{ CONTROL("socket"), .type = CONFIG_TYPE_PATH,
	    IN_CONFIG(control_socket), .initial = "/run/evpopd/control.sock" },
	{ CONTROL("mode"), .type = CONFIG_TYPE_MODE, IN_CONFIG(control_mode),
	    .initial = "0660", .minimum = 0600, .maximum = 0777 },
	{ CONTROL("group"), .type = CONFIG_TYPE_TEXT, IN_CONFIG(control_group),
	    .initial = "" },
	{ CONTROL("admin"), .type = CONFIG_TYPE_WORDS, IN_CONFIG(control_admin),
	    .initial = "", .reload = true },
	{ CONTROL("operate"), .type = CONFIG_TYPE_WORDS,
	    IN_CONFIG(control_operate), .initial = "", .reload = true },
	{ CONTROL("read"), .type = CONFIG_TYPE_WORDS, IN_CONFIG(control_read),
	    .initial = "", .reload = true },

	{ HOOK("on_failure"), IN_CONFIG(hook_on_failure) },
	{ HOOK("on_recovery"), IN_CONFIG(hook_on_recovery) },
	{ HOOK("on_message"), IN_CONFIG(hook_on_message) },

	{ TARGET("type"), .type = CONFIG_TYPE_CHOICE, IN_TARGET(type),
	    .initial = "", .choices = target_types },
	{ TARGET("enabled"), .type = CONFIG_TYPE_BOOLEAN, IN_TARGET(enabled),
	    .initial = "yes" },
	{ TARGET("path"), .type = CONFIG_TYPE_PLACE, IN_TARGET(path),
	    .initial = "", .never_empty = true, FILES },
	{ TARGET("folder"), .type = CONFIG_TYPE_TEMPLATE, IN_TARGET(folder),
	    .initial = "", .targets = BIT(MAILDIR) | BIT(IMAP) },
	{ TARGET("label"), .type = CONFIG_TYPE_TEMPLATE, IN_TARGET(folder),
	    .initial = "", ONLY(GMAIL) },
	{ TARGET("archive"), .type = CONFIG_TYPE_BOOLEAN, IN_TARGET(archive),
	    .initial = "no", ONLY(GMAIL) },
	{ TARGET("never_mark_spam"), .type = CONFIG_TYPE_BOOLEAN,
	    IN_TARGET(never_mark_spam), .initial = "no", ONLY(GMAIL) },
	{ TARGET("internal_date"), .type = CONFIG_TYPE_CHOICE,
	    IN_TARGET(internal_date), .initial = "date-header",
	    .choices = internal_dates, ONLY(GMAIL) },
	{ TARGET("mode"), .type = CONFIG_TYPE_MODE, IN_TARGET(mode),
	    .initial = "0600", .minimum = 0600, .maximum = 0666, FILES },
	{ TARGET("line_ends"), .type = CONFIG_TYPE_CHOICE, IN_TARGET(line_ends),
	    .initial = "lf", .choices = line_ends,
	    .targets = BIT(MAILDIR) | BIT(MBOX) | BIT(PIPE) },
	{ TARGET("deliver_to"), .type = CONFIG_TYPE_TEMPLATE,
	    IN_TARGET(deliver_to), .initial = "{user}@{domain}",
	    .targets = BIT(LMTP) | BIT(PIPE) },
	{ TARGET("command"), .type = CONFIG_TYPE_COMMAND, IN_TARGET(command),
	    .initial = "", ONLY(PIPE) },
	{ TARGET("shell"), .type = CONFIG_TYPE_BOOLEAN, IN_TARGET(shell),
	    .initial = "no", ONLY(PIPE) },
	{ TARGET("memory_limit"), .type = CONFIG_TYPE_SIZE,
	    IN_TARGET(memory_limit), .initial = "0", .minimum = 0,
	    .maximum = 1024 * GIB, ONLY(PIPE) },
	{ TARGET("host"), .type = CONFIG_TYPE_HOST, IN_TARGET(host),
	    .initial = "", .never_empty = true, SERVERS },
	{ TARGET("port"), .type = CONFIG_TYPE_PORT, IN_TARGET(port),
	    .initial = "0", .minimum = 0, .maximum = 65535, SERVERS },
	{ TARGET("socket"), .type = CONFIG_TYPE_PATH, IN_TARGET(socket),
	    .initial = "", ONLY(LMTP) },
	{ TARGET("tls"), .type = CONFIG_TYPE_CHOICE, IN_TARGET(tls),
	    .initial = "", .choices = tls_modes, SERVERS },
	{ TARGET("tls_pin"), .type = CONFIG_TYPE_PINS, IN_TARGET(tls_pin),
	    .initial = "", SERVERS },
	{ TARGET("tls_ca"), .type = CONFIG_TYPE_PATH, IN_TARGET(tls_ca),
	    .initial = "", NETWORKS },
	{ TARGET("tls_cert"), .type = CONFIG_TYPE_PATH, IN_TARGET(tls_cert),
	    .initial = "", NETWORKS },
	{ TARGET("tls_key"), .type = CONFIG_TYPE_PATH, IN_TARGET(tls_key),
	    .initial = "", NETWORKS },
	{ TARGET("proxy"), .type = CONFIG_TYPE_PROXY, IN_TARGET(proxy),
	    .initial = "", NETWORKS },
	{ TARGET("source_address"), .type = CONFIG_TYPE_ADDRESS,
	    IN_TARGET(source_address), .initial = "", NETWORKS },
	{ TARGET("allow_cleartext"), .type = CONFIG_TYPE_BOOLEAN,
	    IN_TARGET(allow_cleartext), .initial = "no" },
	{ TARGET("user"), .type = CONFIG_TYPE_TEXT, IN_TARGET(user),
	    .initial = "", LOGINS },
	{ TARGET("password"), .type = CONFIG_TYPE_SECRET,
	    IN_TARGET(password.literal), .initial = "", SERVERS },
	{ TARGET("password_file"), .type = CONFIG_TYPE_PATH,
	    IN_TARGET(password.file), .initial = "", .never_empty = true,
	    SERVERS },
	{ TARGET("password_command"), .type = CONFIG_TYPE_COMMAND,
	    IN_TARGET(password.command), .initial = "", SERVERS },
	{ TARGET("password_credential"), .type = CONFIG_TYPE_CREDENTIAL,
	    IN_TARGET(password.credential), .initial = "", SERVERS },
	{ TARGET("password_sealed"), .type = CONFIG_TYPE_MARKED,
	    IN_TARGET(password.sealed), .initial = "", SERVERS,
	    .mark = "evpop-password-1:", .made_by = "evpopctl seal" },
	{ TARGET("token_command"), .type = CONFIG_TYPE_COMMAND,
	    IN_TARGET(token_command), .initial = "", LOGINS },
	OAUTH2(TARGET, struct config_target, ONLY(GMAIL)),
	{ TARGET("auth"), .type = CONFIG_TYPE_MECHANISMS, IN_TARGET(auth),
	    .initial = "auto", SERVERS },
	{ TARGET("url"), .type = CONFIG_TYPE_URL, IN_TARGET(url), .initial = "",
	    .never_empty = true, WEBS },
	{ TARGET("body"), .type = CONFIG_TYPE_CHOICE, IN_TARGET(body),
	    .initial = "message", .choices = target_bodies, ONLY(HTTP) },
	{ TARGET("secret"), .type = CONFIG_TYPE_SECRET,
	    IN_TARGET(secret.literal), .initial = "", ONLY(HTTP) },
	{ TARGET("secret_file"), .type = CONFIG_TYPE_PATH,
	    IN_TARGET(secret.file), .initial = "", .never_empty = true,
	    ONLY(HTTP) },
	{ TARGET("secret_command"), .type = CONFIG_TYPE_COMMAND,
	    IN_TARGET(secret.command), .initial = "", ONLY(HTTP) },
	{ TARGET("secret_credential"), .type = CONFIG_TYPE_CREDENTIAL,
	    IN_TARGET(secret.credential), .initial = "", ONLY(HTTP) },
	{ TARGET("secret_sealed"), .type = CONFIG_TYPE_MARKED,
	    IN_TARGET(secret.sealed), .initial = "", ONLY(HTTP),
	    .mark = "evpop-password-1:", .made_by = "evpopctl seal" },
	{ TARGET("allow_private"), .type = CONFIG_TYPE_BOOLEAN,
	    IN_TARGET(allow_private), .initial = "no", WEBS },
	{ TARGET("timeout"), .type = CONFIG_TYPE_DURATION,
	    IN_TARGET(timeout_ms), .initial = "5m", .minimum = TIMEOUT_LEAST_MS,
	    .maximum = TIMEOUT_MOST_MS },
	{ TARGET("concurrency"), .type = CONFIG_TYPE_COUNT,
	    IN_TARGET(concurrency), .initial = "4", .minimum = 1,
	    .maximum = CONCURRENCY_MOST },
	{ TARGET("rate"), .type = CONFIG_TYPE_COUNT, IN_TARGET(rate),
	    .initial = "0", .minimum = 0, .maximum = 1000000 },
	{ TARGET("order"), .type = CONFIG_TYPE_CHOICE, IN_TARGET(order),
	    .initial = "any", .choices = target_orders },
	{ TARGET("retry_min"), .type = CONFIG_TYPE_DURATION,
	    IN_TARGET(retry_min_ms), .initial = "1m",
	    .minimum = TIMEOUT_LEAST_MS, .maximum = RETRY_MOST_MS },
	{ TARGET("retry_max"), .type = CONFIG_TYPE_DURATION,
	    IN_TARGET(retry_max_ms), .initial = "1h",
	    .minimum = TIMEOUT_LEAST_MS, .maximum = RETRY_MOST_MS },
	{ TARGET("give_up_after"), .type = CONFIG_TYPE_DURATION,
	    IN_TARGET(give_up_after_ms), .initial = "0s", .minimum = 0,
	    .maximum = 3650 * EVPOP_DAY_MS },
	{ TARGET("max_waiting"), .type = CONFIG_TYPE_COUNT,
	    IN_TARGET(max_waiting), .initial = "100000", .minimum = 0,
	    .maximum = 1000000000 },
	{ TARGET("rspamd"), .type = CONFIG_TYPE_URL, IN_TARGET(rspamd),
	    .initial = "" },
	{ TARGET("rspamd_down"), .type = CONFIG_TYPE_CHOICE,
	    IN_TARGET(rspamd_down), .initial = "wait",
	    .choices = rspamd_downs },
	{ TARGET("spam_target"), .type = CONFIG_TYPE_TEXT,
	    IN_TARGET(spam_target), .initial = "" },

	{ ACCOUNT("id"), .type = CONFIG_TYPE_TEXT, IN_ACCOUNT(id),
	    .initial = "" },
	{ ACCOUNT("host"), .type = CONFIG_TYPE_HOST, IN_ACCOUNT(host),
	    .initial = "", .never_empty = true },
	{ ACCOUNT("port"), .type = CONFIG_TYPE_PORT, IN_ACCOUNT(port),
	    .initial = "0", .minimum = 0, .maximum = 65535 },
	{ ACCOUNT("tls"), .type = CONFIG_TYPE_CHOICE, IN_ACCOUNT(tls),
	    .initial = "implicit", .choices = tls_modes },
	{ ACCOUNT("tls_pin"), .type = CONFIG_TYPE_PINS, IN_ACCOUNT(tls_pin),
	    .initial = "" },
	{ ACCOUNT("tls_ca"), .type = CONFIG_TYPE_PATH, IN_ACCOUNT(tls_ca),
	    .initial = "" },
	{ ACCOUNT("tls_cert"), .type = CONFIG_TYPE_PATH, IN_ACCOUNT(tls_cert),
	    .initial = "" },
	{ ACCOUNT("tls_key"), .type = CONFIG_TYPE_PATH, IN_ACCOUNT(tls_key),
	    .initial = "" },
	{ ACCOUNT("proxy"), .type = CONFIG_TYPE_PROXY, IN_ACCOUNT(proxy),
	    .initial = "" },
	{ ACCOUNT("source_address"), .type = CONFIG_TYPE_ADDRESS,
	    IN_ACCOUNT(source_address), .initial = "" },
	{ ACCOUNT("user"), .type = CONFIG_TYPE_TEXT, IN_ACCOUNT(user),
	    .initial = "", .never_empty = true },
	{ ACCOUNT("password"), .type = CONFIG_TYPE_SECRET, IN_ACCOUNT(password),
	    .initial = "" },
	{ ACCOUNT("password_file"), .type = CONFIG_TYPE_PATH,
	    IN_ACCOUNT(password_file), .initial = "", .never_empty = true },
	{ ACCOUNT("password_command"), .type = CONFIG_TYPE_COMMAND,
	    IN_ACCOUNT(password_command), .initial = "" },
	{ ACCOUNT("password_credential"), .type = CONFIG_TYPE_CREDENTIAL,
	    IN_ACCOUNT(password_credential), .initial = "" },
	{ ACCOUNT("password_sealed"), .type = CONFIG_TYPE_MARKED,
	    IN_ACCOUNT(password_sealed), .initial = "",
	    .mark = "evpop-password-1:", .made_by = "evpopctl seal" },
	{ ACCOUNT("token_command"), .type = CONFIG_TYPE_COMMAND,
	    IN_ACCOUNT(token_command), .initial = "" },
	{ ACCOUNT("provider"), .type = CONFIG_TYPE_PROVIDER,
	    IN_ACCOUNT(provider), .initial = "" },
	OAUTH2(ACCOUNT, struct config_account, .targets = 0),
	{ ACCOUNT("auth"), .type = CONFIG_TYPE_MECHANISMS, IN_ACCOUNT(auth),
	    .initial = "auto" },
	{ ACCOUNT("allow_cleartext"), .type = CONFIG_TYPE_BOOLEAN,
	    IN_ACCOUNT(allow_cleartext), .initial = "no" },
	{ TIMEOUT(resolve, "20s", TIMEOUT_MOST_MS) },
	{ TIMEOUT(connect, "30s", TIMEOUT_MOST_MS) },
	{ TIMEOUT(handshake, "30s", TIMEOUT_MOST_MS) },
	{ TIMEOUT(greeting, "1m", TIMEOUT_MOST_MS) },
	{ TIMEOUT(login, "3m", TIMEOUT_MOST_MS) },
	{ TIMEOUT(command, "1m", TIMEOUT_MOST_MS) },
	{ TIMEOUT(body, "1m", TIMEOUT_MOST_MS) },
	{ TIMEOUT(quit, "1m", TIMEOUT_MOST_MS) },
	{ TIMEOUT(session, "4h", SESSION_MOST_MS) },
	{ ACCOUNT("interval"), .type = CONFIG_TYPE_DURATION,
	    IN_ACCOUNT(interval_ms), .initial = "5m",
	    .minimum = INTERVAL_LEAST_MS, .maximum = INTERVAL_MOST_MS },
	{ ACCOUNT("interval_min"), .type = CONFIG_TYPE_DURATION,
	    IN_ACCOUNT(interval_min_ms), .initial = "",
	    .minimum = INTERVAL_LEAST_MS, .maximum = INTERVAL_MOST_MS },
	{ ACCOUNT("interval_max"), .type = CONFIG_TYPE_DURATION,
	    IN_ACCOUNT(interval_max_ms), .initial = "",
	    .minimum = INTERVAL_LEAST_MS, .maximum = INTERVAL_MOST_MS },
	{ ACCOUNT("enabled"), .type = CONFIG_TYPE_BOOLEAN, IN_ACCOUNT(enabled),
	    .initial = "yes" },
	{ ACCOUNT("keep"), .deletes = true, .type = CONFIG_TYPE_KEEP,
	    IN_ACCOUNT(keep), .initial = "forever", .minimum = EVPOP_HOUR_MS,
	    .maximum = 3650 * EVPOP_DAY_MS },
	{ ACCOUNT("deliver"), .type = CONFIG_TYPE_DELIVER, IN_ACCOUNT(deliver),
	    .initial = "" },
	{ ACCOUNT("deliver_to"), .type = CONFIG_TYPE_TEMPLATE,
	    IN_ACCOUNT(deliver_to), .initial = "" },
	{ ACCOUNT("retain"), .deletes = true, .type = CONFIG_TYPE_RETAIN,
	    IN_ACCOUNT(retain_ms), .initial = "", .minimum = EVPOP_HOUR_MS,
	    .maximum = RETAIN_MOST_MS },
	{ ACCOUNT("delete_above"), .deletes = true, .type = CONFIG_TYPE_SIZE,
	    IN_ACCOUNT(delete_above), .initial = "0", .minimum = 0,
	    .maximum = 1024 * GIB },
	{ ACCOUNT("max_deletes_per_session"), .type = CONFIG_TYPE_COUNT,
	    IN_ACCOUNT(max_deletes_per_session), .initial = "1000",
	    .minimum = 0, .maximum = 1000000000 },
	{ ACCOUNT("delete_guard"), .deletes = true, .type = CONFIG_TYPE_COUNT,
	    IN_ACCOUNT(delete_guard), .initial = "500", .minimum = 0,
	    .maximum = 1000000000 },
	{ ACCOUNT("baseline"), .type = CONFIG_TYPE_BOOLEAN,
	    IN_ACCOUNT(baseline), .initial = "no" },
	{ ACCOUNT("fetch_after"), .type = CONFIG_TYPE_DURATION,
	    IN_ACCOUNT(fetch_after_ms), .initial = "0s", .minimum = 0,
	    .maximum = 3650 * EVPOP_DAY_MS },
	{ ACCOUNT("max_message_size"), .type = CONFIG_TYPE_SIZE,
	    IN_ACCOUNT(max_message_size), .initial = "0", .minimum = 0,
	    .maximum = 1024 * GIB },
	{ ACCOUNT("max_messages_per_poll"), .type = CONFIG_TYPE_COUNT,
	    IN_ACCOUNT(max_messages_per_poll), .initial = "0", .minimum = 0,
	    .maximum = 1000000000 },
	{ ACCOUNT("max_octets_per_day"), .type = CONFIG_TYPE_SIZE,
	    IN_ACCOUNT(max_octets_per_day), .initial = "0", .minimum = 0,
	    .maximum = 1024 * GIB },
	{ ACCOUNT("order"), .type = CONFIG_TYPE_CHOICE, IN_ACCOUNT(order),
	    .initial = "oldest", .choices = orders },
};
const size_t config_option_count =
    sizeof(config_options) / sizeof(config_options[0]);
_Static_assert(
    sizeof(config_options) / sizeof(config_options[0]) <= CONFIG_OPTIONS_MAX,
    "a place for each option");

const char *
config_scope_name(enum config_scope scope)
{
	return scope_names[scope];
}

const struct config_option *
config_option_find(enum config_scope scope, const char *key)
{
	for (size_t i = 0; i < config_option_count; i++)
		if (config_options[i].scope == scope &&
		    strcmp(config_options[i].key, key) == 0)
			return &config_options[i];
	return NULL;
}

bool
config_scope_is_named(enum config_scope scope)
{
	return scope == CONFIG_SCOPE_TARGET || scope == CONFIG_SCOPE_ACCOUNT;
}

enum config_scope
config_scope_find(const char *section, const char **name_r)
{
	for (int i = 0; i < CONFIG_SCOPE_COUNT; i++) {
		const enum config_scope scope = (enum config_scope)i;
		const size_t length = strlen(scope_names[i]);

		char next;

		if (strncmp(section, scope_names[i], length) != 0)
			continue;
		next = section[length];
		if (next != '\0' && (!config_scope_is_named(scope) ||
					(next != ' ' && next != '\t')))
			continue;
		*name_r = section + length;
		return scope;
	}
	return CONFIG_SCOPE_COUNT;
}

/* How many others stand before the options of a scope; counted once. */
static size_t
option_count_others(enum config_scope scope)
{
	static size_t counts[CONFIG_SCOPE_COUNT];
	size_t *count = &counts[scope];

	while (config_options[*count].scope != scope)
		++*count;
	return *count;
}

unsigned
config_option_rank(const struct config_option *option)
{
	const size_t rank = (size_t)(option - config_options) -
			    option_count_others(option->scope);

	assert(config_scope_is_named(option->scope) &&
	       rank < CONFIG_SECTION_OPTIONS_MAX);
	return (unsigned)rank;
}

uint64_t
config_option_bit(const struct config_option *option)
{
	return UINT64_C(1) << config_option_rank(option);
}
