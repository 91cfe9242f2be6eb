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
	if (keep->kind == CONFIG_KEEP_AGE)
		account_add_span(json, "keep", keep->age_ms);
	else
		field_text(json, "keep",
		    keep->kind == CONFIG_KEEP_DELETE ? "delete" : "forever");
}

static void
account_add_pins(json_t *json, const struct config_strings *pins)
{
	json_t *list = json_array();

	for (size_t i = 0; i < pins->count; i++)
		(void)json_array_append_new(list, json_string(pins->items[i]));
	field_value(json, "tls_pins", list);
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
	field_text(json, "tls_ca", section->tls_ca);
	account_add_pins(json, &section->tls_pin);
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
account_json_whole(const struct exchange_context *context,
    const struct poller_account_status *account,
    const struct store_account_row *row)
{
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
	const struct exchange_context *context;
	const char *name;

	if (!exchange_resume(exchange))
		return;
	context = exchange_context(exchange);
	name = exchange_name(exchange);
	exchange_answer(exchange,
	    poller_account_status(context->poller, name, &account)
		? response_json(200, account_json_whole(context, &account, row))
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
