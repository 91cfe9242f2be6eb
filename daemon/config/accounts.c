#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <evpop/auth.h>
#include <evpop/client.h>

#include "daemon/config/provided.h"
#include "daemon/config/read.h"
#include "daemon/config/value.h"
#include "lib/base/array.h"
#include "lib/base/unit.h"

struct config_draft *
config_begin_account(struct config_reading *reading, const char *name,
    const char *file, unsigned line)
{
	struct config_account *account =
	    evpop_arena_take(reading->arena, sizeof(*account));
	struct config_draft *drafts = evpop_array_grow(reading->drafts,
	    reading->draft_count, &reading->draft_capacity, sizeof(*drafts));

	if (drafts != NULL)
		reading->drafts = drafts;
	if (account != NULL) {
		account->name =
		    evpop_arena_copy(reading->arena, name, strlen(name));
		account->file = evpop_arena_share(reading->arena, file);
		account->line = line;
	}
	if (drafts == NULL || account == NULL || account->name == NULL ||
	    account->file == NULL) {
		config_report_no_memory(&reading->report);
		return NULL;
	}
	drafts[reading->draft_count] =
	    (struct config_draft){ account, 0, reading->draft_count };
	return &drafts[reading->draft_count++];
}

static uint64_t
account_option_bit(const char *key)
{
	return config_option_bit(config_option_find(CONFIG_SCOPE_ACCOUNT, key));
}

/* The bit of an option in a set; 0 where no account has it. */
static uint64_t
option_bit(size_t i)
{
	return config_options[i].scope == CONFIG_SCOPE_ACCOUNT
		   ? config_option_bit(&config_options[i])
		   : 0;
}

/* The options that are sources of the password or token, as bits. */
static uint64_t
account_source_bits(void)
{
	static const char *const keys[] = { "password", "password_file",
		"password_command", "password_credential", "password_sealed",
		"token_command", "oauth2_client_id" };
	uint64_t bits = 0;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		bits |= account_option_bit(keys[i]);
	return bits;
}

/* A key with a bad value is not missing; its value was reported. */
static bool
account_is_given(const struct config_reading *reading,
    const struct config_draft *draft, uint64_t bits)
{
	if ((draft->given & bits) != 0)
		return true;
	for (size_t i = 0; i < config_option_count; i++)
		if ((bits & option_bit(i)) != 0 &&
		    reading->places[i].file != NULL)
			return true;
	return false;
}

/* An account with its own password source inherits none from [defaults]. */
static void
account_inherit(struct config_reading *reading,
    const struct config_draft *draft, uint64_t sources)
{
	struct config_account *account = draft->account;
	uint64_t given = draft->given;

	if ((given & sources) != 0)
		given |= sources;
	for (size_t i = 0; i < config_option_count; i++)
		if (config_options[i].scope == CONFIG_SCOPE_ACCOUNT &&
		    (given & option_bit(i)) == 0 &&
		    !config_value_share(&config_options[i], account,
			&reading->defaults, reading->arena))
			config_report_no_memory(&reading->report);
	if (account->oauth2 != NULL && account->oauth2->client_id == NULL)
		account->oauth2 = NULL;
}

/* Whether what is sent stays on this machine; behind a proxy it may not. */
static bool
account_is_loopback(const struct config_account *account)
{
	return account->proxy == NULL && evpop_host_is_loopback(account->host);
}

/* Names the first two of the given sources. */
static void
account_name_sources(
    uint64_t given, const char **first_r, const char **second_r)
{
	*first_r = *second_r = NULL;
	for (size_t i = 0; i < config_option_count && *second_r == NULL; i++) {
		if ((given & option_bit(i)) == 0)
			continue;
		if (*first_r == NULL)
			*first_r = config_options[i].key;
		else
			*second_r = config_options[i].key;
	}
}

/* What to call the sources: a token is not a password. */
static const char *
account_source_noun(const char *second)
{
	return strcmp(second, "token_command") == 0 ||
		       strcmp(second, "oauth2_client_id") == 0
		   ? " of them"
		   : " source of the password";
}

/* Whether it logs in by its TLS client certificate alone. */
static bool
account_is_by_certificate(const struct config_account *account)
{
	return account->auth == EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_EXTERNAL) &&
	       account->tls_cert != NULL;
}

static void
account_check_sources(struct config_reading *reading,
    const struct config_draft *draft, uint64_t sources)
{
	const struct config_account *account = draft->account;
	const char *first, *second;

	account_name_sources(draft->given & sources, &first, &second);
	if (second != NULL)
		config_report_error(&reading->report, account->file,
		    account->line,
		    "[account %s]: %s and %s are both given; expected one%s",
		    account->name, first, second, account_source_noun(second));
	else if (!account_is_given(reading, draft, sources) &&
		 !account_is_by_certificate(account))
		config_report_error(&reading->report, account->file,
		    account->line,
		    "[account %s]: no password; expected password, "
		    "password_file, password_command, password_credential, "
		    "password_sealed, token_command or oauth2_client_id",
		    account->name);
}

static void
account_check_tls(
    struct config_reading *reading, const struct config_draft *draft)
{
	const struct config_account *account = draft->account;
	struct config_report *report = &reading->report;
	uint64_t only_tls =
	    account_option_bit("tls_pin") | account_option_bit("tls_ca") |
	    account_option_bit("tls_cert") | account_option_bit("tls_key");

	if (account->tls == EVPOP_TLS_NONE && account->host != NULL &&
	    !account->allow_cleartext && !account_is_loopback(account))
		config_report_error(report, account->file, account->line,
		    "[account %s]: tls = none would show the %s to the "
		    "network; expected tls = implicit or tls = stls "
		    "(or allow_cleartext = yes)",
		    account->name,
		    config_account_is_by_token(account) ? "token" : "password");
	if (account->tls_key != NULL && account->tls_cert == NULL)
		config_report_error(report, account->file, account->line,
		    "[account %s]: tls_key without tls_cert", account->name);
	if (account->tls == EVPOP_TLS_NONE && (draft->given & only_tls) != 0)
		config_report_warning(report, account->file, account->line,
		    "[account %s]: tls = none does not use tls_pin, tls_ca, "
		    "tls_cert or tls_key",
		    account->name);
	if (account->tls == EVPOP_TLS_IMPLICIT && account->port == EVPOP_PORT)
		config_report_warning(report, account->file, account->line,
		    "[account %s]: servers begin without TLS at port 110; did "
		    "you mean tls = stls?",
		    account->name);
	if (account->tls != EVPOP_TLS_IMPLICIT &&
	    account->port == EVPOP_PORT_TLS)
		config_report_warning(report, account->file, account->line,
		    "[account %s]: servers begin with TLS at port 995; did you "
		    "mean tls = implicit?",
		    account->name);
}

static void
account_check_policy(
    struct config_reading *reading, const struct config_draft *draft)
{
	const struct config_account *account = draft->account;

	if (account->delete_above != 0 && account->max_message_size != 0 &&
	    account->delete_above >= account->max_message_size)
		config_report_warning(&reading->report, account->file,
		    account->line,
		    "[account %s]: delete_above deletes nothing: what is "
		    "larger than max_message_size is never stored",
		    account->name);
}

static void
account_report_bound(struct config_reading *reading,
    const struct config_account *account, const char *key, uint32_t bound_ms,
    const char *what)
{
	char interval[24], bound[24];

	evpop_unit_text(account->interval_ms, evpop_unit_durations, interval,
	    sizeof(interval));
	evpop_unit_text(bound_ms, evpop_unit_durations, bound, sizeof(bound));
	config_report_error(&reading->report, account->file, account->line,
	    "[account %s]: %s = %s is %s than interval = %s", account->name,
	    key, bound, what, interval);
}

static void
account_check_delivery(
    struct config_reading *reading, const struct config_draft *draft)
{
	const struct config_account *account = draft->account;
	const struct config *config = reading->config;
	const struct config_report_place place = { &reading->report,
		account->file, account->line };
	char who[192];

	if ((draft->given & account_option_bit("deliver")) != 0) {
		(void)snprintf(
		    who, sizeof(who), "[account %s]: deliver", account->name);
		config_targets_resolve(&reading->targets, reading->arena,
		    &place, who, &account->deliver);
	}
	if (account->keep.kind == CONFIG_KEEP_DELIVERED &&
	    account->deliver.count == 0)
		config_report_error(&reading->report, account->file,
		    account->line,
		    "[account %s]: keep = until-delivered without deliver: "
		    "nothing would be delivered, and nothing deleted; expected "
		    "deliver = TARGET, or another keep",
		    account->name);
	if (config->store_seal_to != NULL && account->deliver.count > 0)
		config_report_error(&reading->report, account->file,
		    account->line,
		    "[account %s]: deliver with seal_to in [store]: the daemon "
		    "cannot read what is sealed, and so cannot deliver it; "
		    "expected one of them",
		    account->name);
}

/* The interval must lie within its bounds. */
static void
account_check_interval(
    struct config_reading *reading, const struct config_draft *draft)
{
	const struct config_account *account = draft->account;
	uint32_t least = account->interval_min_ms;
	uint32_t most = account->interval_max_ms;

	if (least > account->interval_ms)
		account_report_bound(
		    reading, account, "interval_min", least, "longer");
	if (most != 0 && most < account->interval_ms)
		account_report_bound(
		    reading, account, "interval_max", most, "shorter");
}

static void
account_check(struct config_reading *reading, const struct config_draft *draft,
    uint64_t sources)
{
	const struct config_account *account = draft->account;

	config_provided_check(account, draft->given, &reading->report);
	if (account->host == NULL && account->provider == NULL &&
	    !account_is_given(reading, draft, account_option_bit("host")))
		config_report_error(&reading->report, account->file,
		    account->line, "[account %s]: host is missing",
		    account->name);
	if (!account_is_given(reading, draft, account_option_bit("user")))
		config_report_error(&reading->report, account->file,
		    account->line, "[account %s]: user is missing",
		    account->name);
	account_check_sources(reading, draft, sources);
	account_check_tls(reading, draft);
	account_check_policy(reading, draft);
	account_check_delivery(reading, draft);
	account_check_interval(reading, draft);
}

/* What [defaults] gives, as bits. */
static uint64_t
defaults_given(const struct config_reading *reading)
{
	uint64_t given = 0;

	for (size_t i = 0; i < config_option_count; i++)
		if (reading->places[i].file != NULL)
			given |= option_bit(i);
	return given;
}

static void
defaults_check_delivery(struct config_reading *reading)
{
	const struct config_place *given =
	    &reading
		 ->places[config_option_find(CONFIG_SCOPE_ACCOUNT, "deliver") -
			  config_options];
	const struct config_report_place place = { &reading->report,
		given->file, given->line };

	if (given->file != NULL)
		config_targets_resolve(&reading->targets, reading->arena,
		    &place, "deliver", &reading->defaults.deliver);
}

static void
defaults_check(struct config_reading *reading, uint64_t sources, uint64_t given)
{
	const struct config_place *place;
	const char *first, *second;

	defaults_check_delivery(reading);
	account_name_sources(given & sources, &first, &second);
	if (second == NULL)
		return;
	place =
	    &reading->places[config_option_find(CONFIG_SCOPE_ACCOUNT, second) -
			     config_options];
	config_report_error(&reading->report, place->file, place->line,
	    "%s: [defaults] gives %s too; expected one%s", second, first,
	    account_source_noun(second));
}

static int
draft_compare_orders(const struct config_draft *a, const struct config_draft *b)
{
	return (a->order > b->order) - (a->order < b->order);
}

static int
draft_compare_names(const void *a, const void *b)
{
	const struct config_draft *left = a, *right = b;
	int order = strcmp(left->account->name, right->account->name);

	return order != 0 ? order : draft_compare_orders(left, right);
}

static const char *
account_id(const struct config_account *account)
{
	return account->id != NULL ? account->id : account->name;
}

static int
draft_compare_ids(const void *a, const void *b)
{
	const struct config_draft *left = a, *right = b;
	int order =
	    strcmp(account_id(left->account), account_id(right->account));

	return order != 0 ? order : draft_compare_orders(left, right);
}

static int
draft_compare_maildrops(const void *a, const void *b)
{
	const struct config_draft *left = a, *right = b;
	const struct config_account *x = left->account, *y = right->account;
	int order = 0;

	if (x->host != y->host)
		order = x->host == NULL   ? -1
			: y->host == NULL ? 1
					  : strcasecmp(x->host, y->host);
	if (order == 0 && x->user != y->user)
		order = x->user == NULL   ? -1
			: y->user == NULL ? 1
					  : strcmp(x->user, y->user);
	if (order == 0)
		order = config_account_port(x) - config_account_port(y);
	return order != 0 ? order : draft_compare_orders(left, right);
}

static void
account_report_same_id(struct config_reading *reading,
    const struct config_account *first, const struct config_account *again)
{
	/* Equal names are reported elsewhere. */
	if (strcmp(first->name, again->name) == 0)
		return;
	config_report_error(&reading->report, again->file, again->line,
	    "[account %s]: its id %s is that of [account %s] at %s:%u",
	    again->name, account_id(again), first->name, first->file,
	    first->line);
}

static void
accounts_check_ids(struct config_reading *reading)
{
	const struct config_draft *drafts = reading->drafts, *first = drafts;

	qsort(reading->drafts, reading->draft_count, sizeof(*drafts),
	    draft_compare_ids);
	for (size_t i = 1; i < reading->draft_count; i++) {
		if (strcmp(account_id(first->account),
			account_id(drafts[i].account)) == 0)
			account_report_same_id(
			    reading, first->account, drafts[i].account);
		else
			first = &drafts[i];
	}
}

static void
accounts_check_maildrops(struct config_reading *reading)
{
	const struct config_draft *drafts = reading->drafts, *first = drafts;

	qsort(reading->drafts, reading->draft_count, sizeof(*drafts),
	    draft_compare_maildrops);
	for (size_t i = 1; i < reading->draft_count; i++) {
		const struct config_account *a = first->account;
		const struct config_account *b = drafts[i].account;

		if (a->host == NULL || a->user == NULL || b->host == NULL ||
		    b->user == NULL || strcasecmp(a->host, b->host) != 0 ||
		    strcmp(a->user, b->user) != 0 ||
		    config_account_port(a) != config_account_port(b)) {
			first = &drafts[i];
			continue;
		}
		config_report_warning(&reading->report, b->file, b->line,
		    "[account %s]: the same host and user as [account %s] at "
		    "%s:%u",
		    b->name, a->name, a->file, a->line);
	}
}

static void
accounts_check_names(struct config_reading *reading)
{
	const struct config_draft *drafts = reading->drafts, *first = drafts;

	qsort(reading->drafts, reading->draft_count, sizeof(*drafts),
	    draft_compare_names);
	for (size_t i = 1; i < reading->draft_count; i++) {
		const struct config_account *a = first->account;
		const struct config_account *b = drafts[i].account;

		if (strcmp(a->name, b->name) != 0) {
			first = &drafts[i];
			continue;
		}
		config_report_error(&reading->report, b->file, b->line,
		    "[account %s]: defined before at %s:%u", b->name, a->file,
		    a->line);
	}
}

void
config_finish_accounts(struct config_reading *reading)
{
	struct config_provided_given given = { 0, defaults_given(reading) };
	uint64_t sources = account_source_bits();

	defaults_check(reading, sources, given.defaults);
	for (size_t i = 0; i < reading->draft_count; i++) {
		account_inherit(reading, &reading->drafts[i], sources);
		given.own = reading->drafts[i].given;
		config_provided_take(reading->drafts[i].account, &given,
		    reading->arena, &reading->report);
		account_check(reading, &reading->drafts[i], sources);
	}
	if (reading->draft_count > 0) {
		accounts_check_maildrops(reading);
		accounts_check_ids(reading);
		/* Last: the accounts of a config are sorted by name. */
		accounts_check_names(reading);
	}
}

const struct config_account **
config_list_accounts(struct config_reading *reading)
{
	const struct config_account **accounts = evpop_arena_take(
	    reading->arena, (reading->draft_count + 1) * sizeof(*accounts));

	if (accounts == NULL) {
		config_report_no_memory(&reading->report);
		return NULL;
	}
	for (size_t i = 0; i < reading->draft_count; i++)
		accounts[i] = reading->drafts[i].account;
	return accounts;
}
