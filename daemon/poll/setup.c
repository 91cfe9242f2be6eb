#include "daemon/poll/setup.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/unit.h"

/* ---- the client ---- */

void
setup_client(
    struct evpop_client_config *client, const struct config_account *account)
{
	*client = (struct evpop_client_config){
		.host = account->host,
		.port = account->port,
		.tls = (enum evpop_tls)account->tls,
		.allow_cleartext = account->allow_cleartext,
		.proxy = account->proxy,
		.source_address = account->source_address,
		/* Some servers list a size without the CR of a line's end. */
		.limits.body = 2 * account->max_message_size,
		.timeouts = {
			.resolve_ms = account->timeout_resolve_ms,
			.connect_ms = account->timeout_connect_ms,
			.handshake_ms = account->timeout_handshake_ms,
			.greeting_ms = account->timeout_greeting_ms,
			.login_ms = account->timeout_login_ms,
			.command_ms = account->timeout_command_ms,
			.body_ms = account->timeout_body_ms,
			.quit_ms = account->timeout_quit_ms,
			.session_ms = account->timeout_session_ms,
		},
	};
}

/* ---- the policy ---- */

void
policy_of_order(struct evpop_policy *policy, const struct run_order *order)
{
	static const enum evpop_keep keeps[] = {
		[CONFIG_KEEP_FOREVER] = EVPOP_KEEP_FOREVER,
		[CONFIG_KEEP_DELETE] = EVPOP_KEEP_NONE,
		[CONFIG_KEEP_AGE] = EVPOP_KEEP_AGE,
		[CONFIG_KEEP_DELIVERED] = EVPOP_KEEP_UNTIL_OWED,
	};
	const struct config_account *account = order->account;

	*policy = (struct evpop_policy){
		.keep = keeps[account->keep.kind],
		.keep_ms = account->keep.age_ms,
		.max_message_octets = account->max_message_size,
		.max_messages = account->max_messages_per_poll,
		.order = account->order == CONFIG_ORDER_NEWEST
			     ? EVPOP_ORDER_NEWEST
			     : EVPOP_ORDER_OLDEST,
		.fetch_after_ms = account->fetch_after_ms,
		.delete_above_octets = account->delete_above,
		.max_session_deletes = account->max_deletes_per_session,
		.baseline = order->wish == POLLER_WISH_BASELINE,
		.dry_run = order->wish == POLLER_WISH_DRY_RUN,
		.fetch_unidentified = true,
		.verify_deletes = true,
		.expect_nothing =
		    order->expect_nothing && order->wish == POLLER_WISH_POLL,
	};
}

struct policy_present
policy_present(const struct run_order *order)
{
	/* Behind each deletion there is a delivery: none is a surprise. */
	const bool is_guarded =
	    order->wish != POLLER_WISH_CONFIRM &&
	    order->account->keep.kind != CONFIG_KEEP_DELIVERED;

	return (struct policy_present){
		.baseline = order->account->baseline,
		.delete_guard = is_guarded ? order->account->delete_guard : 0,
		.day_octets = order->account->max_octets_per_day,
		.wish = order->wish,
	};
}

void
policy_of_past(struct evpop_policy *policy, const struct store_account *account,
    const struct policy_present *present)
{
	uint64_t usual = (uint64_t)account->usual_deletes * POLICY_UNUSUAL;

	if (present->baseline && !account->listed)
		policy->baseline = true;
	/* As the daemon before it, or the last --once, would have done. */
	if (present->wish == POLLER_WISH_POLL && !policy->baseline &&
	    account->quiet_polls >= POLICY_QUIET_POLLS)
		policy->expect_nothing = true;
	if (present->delete_guard == 0)
		return;
	if (usual < present->delete_guard)
		usual = present->delete_guard;
	policy->max_deletes = usual < UINT32_MAX ? (uint32_t)usual : UINT32_MAX;
}

/* In local time: people say "tomorrow". */
int64_t
policy_day_ms(int64_t now_ms)
{
	time_t now = (time_t)(now_ms / 1000), midnight;
	struct tm tm;

	if (localtime_r(&now, &tm) == NULL)
		return now_ms - EVPOP_DAY_MS;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	midnight = mktime(&tm);
	/* There are days without a midnight. */
	return midnight == (time_t)-1 || midnight > now
		   ? now_ms - EVPOP_DAY_MS
		   : (int64_t)midnight * 1000;
}

void
policy_of_day(
    struct evpop_policy *policy, uint64_t day_octets, uint64_t fetched_octets)
{
	/* With one octet left there is room for no message. */
	policy->max_octets =
	    fetched_octets < day_octets ? day_octets - fetched_octets : 1;
	/* Or a message that is larger than any day would never be fetched. */
	policy->may_exceed_first = fetched_octets == 0;
}

/* ---- TLS ---- */

struct tls_entry {
	struct tls_entry *next;
	struct evpop_tls_context *context;
	char *key; /* all that makes it what it is, a line each */
};

static size_t
tls_key_length(const char *text)
{
	return text == NULL ? 0 : strlen(text);
}

static char *
tls_key_append(char *at, const char *text)
{
	return stpcpy(stpcpy(at, text == NULL ? "" : text), "\n");
}

static char *
tls_make_key(const struct config_account *account)
{
	const struct config_strings *pins = &account->tls_pin;
	size_t i, length;
	char *key, *at;

	length = tls_key_length(account->tls_ca) +
		 tls_key_length(account->tls_cert) +
		 tls_key_length(account->tls_key) + 4;
	for (i = 0; i < pins->count; i++)
		length += strlen(pins->items[i]) + 1;
	key = malloc(length);
	if (key == NULL)
		return NULL;
	at = tls_key_append(key, account->tls_ca);
	at = tls_key_append(at, account->tls_cert);
	at = tls_key_append(at, account->tls_key);
	for (i = 0; i < pins->count; i++)
		at = tls_key_append(at, pins->items[i]);
	return key;
}

static struct tls_entry *
tls_make_entry(
    const struct config_account *account, struct evpop_result *result)
{
	const struct evpop_tls_options options = {
		.ca = account->tls_ca,
		.cert = account->tls_cert,
		.key = account->tls_key,
		.pins = (const char *const *)account->tls_pin.items,
		.pin_count = account->tls_pin.count,
	};
	struct tls_entry *entry;

	entry = calloc(1, sizeof *entry);
	if (entry == NULL) {
		evpop_result_set(result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_NONE,
		    "no memory for TLS");
		return NULL;
	}
	entry->context = evpop_tls_context_new(&options, result);
	if (entry->context == NULL) {
		free(entry);
		return NULL;
	}
	return entry;
}

struct evpop_tls_context *
tls_get(struct tls_table *table, const struct config_account *account,
    struct evpop_result *result)
{
	struct tls_entry *entry;
	char *key;

	key = tls_make_key(account);
	if (key == NULL) {
		evpop_result_set(result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_NONE,
		    "no memory for TLS");
		return NULL;
	}
	for (entry = table->entries; entry != NULL; entry = entry->next) {
		if (strcmp(entry->key, key) == 0) {
			free(key);
			return entry->context;
		}
	}
	entry = tls_make_entry(account, result);
	if (entry == NULL) {
		free(key);
		return NULL;
	}
	entry->key = key;
	entry->next = table->entries;
	table->entries = entry;
	return entry->context;
}

void
tls_table_clear(struct tls_table *table)
{
	struct tls_entry *entry;

	while ((entry = table->entries) != NULL) {
		table->entries = entry->next;
		evpop_tls_context_free(entry->context);
		free(entry->key);
		free(entry);
	}
}
