#include <evpop/client.h>
#include <string.h>

#include "daemon/config/config.h"
#include "daemon/control/field.h"
#include "daemon/control/handlers.h"
#include "daemon/metrics/certificates.h"
#include "daemon/metrics/metrics.h"
#include "lib/base/clock.h"
#include "lib/base/unit.h"

/* GET /v1/accounts/NAME: what its section says, and what is known of it. */

/* A span as people write it into the configuration. */
#define SPAN_SIZE 32

static void
account_add_span(json_t *json, const char *name, int64_t span_ms)
{
	char text[SPAN_SIZE];

	evpop_unit_text(span_ms, evpop_unit_durations, text, sizeof(text));
	field_text(json, name, text);
}

static void
account_add_keep(json_t *json, const struct config_keep *keep)
{
	static const char *const words[] = {
		[CONFIG_KEEP_FOREVER] = "forever",
		[CONFIG_KEEP_DELETE] = "delete",
		[CONFIG_KEEP_DELIVERED] = "until-delivered",
	};

	if (keep->kind == CONFIG_KEEP_AGE)
		account_add_span(json, "keep", keep->age_ms);
	else
		field_text(json, "keep", words[keep->kind]);
}

static void
account_add_pins(json_t *json, const struct config_strings *pins)
{
	json_t *list = json_array();

	for (size_t i = 0; i < pins->count; i++)
		(void)json_array_append_new(list, json_string(pins->items[i]));
	field_value(json, "tls_pins", list);
}

/* The names of the targets that its mail goes to. */
static void
account_add_deliver(json_t *json, const struct config_account *section)
{
	json_t *list = json_array();

	for (size_t i = 0; i < section->deliver.count; i++)
		(void)json_array_append_new(
		    list, json_string(section->deliver.items[i]));
	field_value(json, "deliver", list);
	field_text(json, "deliver_to", section->deliver_to);
}

/* Where the daemon goes through, but not with which password. */
static void
account_add_proxy(json_t *json, const char *proxy)
{
	bool has_password = proxy != NULL && evpop_proxy_has_password(proxy);
	const char *host = has_password ? strrchr(proxy, '@') : NULL;

	field_text(json, "proxy", host != NULL ? host + 1 : proxy);
	field_value(json, "proxy_has_password", json_boolean(has_password));
}

/* Those that are allowed; none is named where any safe one is. */
static void
account_add_mechanisms(json_t *json, unsigned mechanisms)
{
	json_t *list = json_array();

	for (int i = 0; i < EVPOP_MECHANISM_COUNT; i++)
		if (mechanisms & EVPOP_MECHANISM_BIT(i))
			(void)json_array_append_new(list,
			    json_string(
				evpop_mechanism_name((enum evpop_mechanism)i)));
	field_value(json, "auth", list);
}

/* `store_retain_ms` is what accounts have that have none of their own. */
static void
account_add_section(
    json_t *json, const struct config_account *section, int64_t store_retain_ms)
{
	int64_t retain_ms =
	    section->retain_ms != 0 ? section->retain_ms : store_retain_ms;

	account_add_keep(json, &section->keep);
	if (retain_ms == 0 || retain_ms == CONFIG_RETAIN_FOREVER)
		field_text(json, "retain", "forever");
	else
		account_add_span(json, "retain", retain_ms);
	if (section->fetch_after_ms > 0)
		account_add_span(json, "fetch_after", section->fetch_after_ms);
	else
		field_text(json, "fetch_after", NULL);
	field_count(json, "max_octets_per_day", section->max_octets_per_day);
	account_add_deliver(json, section);
	field_text(json, "tls_ca", section->tls_ca);
	field_text(json, "tls_cert", section->tls_cert);
	field_text(json, "tls_key", section->tls_key);
	account_add_pins(json, &section->tls_pin);
	account_add_proxy(json, section->proxy);
	field_text(json, "source_address", section->source_address);
	account_add_mechanisms(json, section->auth);
	field_value(
	    json, "allow_cleartext", json_boolean(section->allow_cleartext));
}

/* NULL where no session has seen it lately. */
static const struct certificate *
account_certificate(const struct exchange_context *context,
    const struct poller_account_status *account)
{
	const struct certificate *found = NULL;

	if (context->metrics != NULL)
		found =
		    certificates_find(metrics_certificates(context->metrics),
			account->host, account->port);
	return found != NULL && evpop_clock_elapsed_ms() - found->seen_ms <=
				    CERTIFICATES_AGE_MS
		   ? found
		   : NULL;
}

static json_t *
account_json_whole(const struct exchange *exchange,
    const struct poller_account_status *account,
    const struct store_account_row *row)
{
	const struct exchange_context *context = exchange_context(exchange);
	const struct certificate *certificate =
	    account_certificate(context, account);
	json_t *json = account_json(account, row);
	char advice[POLLER_ADVICE_SIZE];

	if (account->section != NULL)
		account_add_section(
		    json, account->section, context->store_retain_ms);
	field_text(json, "mechanism", account->mechanism);
	field_time(json, "certificate_expires",
	    certificate != NULL ? certificate->expires_s * 1000 : 0);
	field_value(json, "authorization", authorize_account_json(exchange));
	field_text(json, "advice",
	    poller_account_advice(context->poller, account->name, advice)
		? advice
		: NULL);
	return json;
}

static void
account_row(enum store_status status, const struct store_account_row *rows,
    size_t count, void *arg)
{
	struct exchange *exchange = arg;
	const struct store_account_row *row =
	    status == STORE_OK && count > 0 ? rows : NULL;
	struct poller_account_status account;
	const char *name;

	if (!exchange_resume(exchange))
		return;
	name = exchange_name(exchange);
	exchange_answer(
	    exchange, poller_account_status(
			  exchange_context(exchange)->poller, name, &account)
			  ? response_json(200,
				account_json_whole(exchange, &account, row))
			  : response_no_account(name));
}

void
account_get(struct exchange *exchange)
{
	const struct exchange_context *context = exchange_context(exchange);
	struct poller_account_status account;

	if (!poller_account_status(
		context->poller, exchange_name(exchange), &account)) {
		exchange_answer(
		    exchange, response_no_account(exchange_name(exchange)));
		return;
	}
	exchange_wait(exchange);
	store_accounts(
	    context->store, account.name, account.name, account_row, exchange);
}
