#include "daemon/config/option.h"

#include <evpop/client.h>
#include <string.h>

#include "daemon/config/config.h"
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

static const char *const scope_names[] = { "daemon", "store", "control", "hook",
	"account" };
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
#define IN(type, member)                  \
	.offset = offsetof(type, member), \
	.size = sizeof(((const type *)NULL)->member)
#define IN_CONFIG(member)  IN(struct config, member)
#define IN_ACCOUNT(member) IN(struct config_account, member)
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
	{ DAEMON("include"), .type = CONFIG_TYPE_INCLUDE, .initial = "",
	    .reload = true },

	{ STORE("path"), .type = CONFIG_TYPE_PATH, IN_CONFIG(store_path),
	    .initial = "/var/lib/evpopd/mail.db" },
	{ STORE("compress"), .type = CONFIG_TYPE_CHOICE,
	    IN_CONFIG(store_compress), .initial = "none",
	    .choices = compressions },
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
	{ ACCOUNT("token_command"), .type = CONFIG_TYPE_COMMAND,
	    IN_ACCOUNT(token_command), .initial = "" },
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
_Static_assert(sizeof(config_options) / sizeof(config_options[0]) <=
		   CONFIG_ACCOUNT_OPTIONS_MAX,
    "a bit for each option");

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
