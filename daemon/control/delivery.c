#include <stdlib.h>

#include "daemon/config/target.h"
#include "daemon/control/field.h"
#include "daemon/control/handlers.h"
#include "daemon/deliver/deliver.h"
#include "daemon/store/outbox.h"
#include "lib/base/clock.h"

/* POST /v1/deliver: mail that is here already goes to a target, a step. */

static bool
delivery_take_flag(const struct parameters *parameters, const char *name,
    bool *flag_r, struct problem *problem_r)
{
	int64_t value = 0;

	if (!parameters_number(parameters, name, 0, 1, &value, problem_r))
		return false;
	*flag_r = value == 1;
	return true;
}

static bool
delivery_take(const struct parameters *parameters,
    struct store_outbox_add *add_r, struct problem *problem_r)
{
	int64_t now_ms = evpop_clock_unix_ms(), limit = STORE_PAGE_MAX;

	*add_r = (struct store_outbox_add){
		.target = parameters_text(parameters, "target"),
		.account = parameters_text(parameters, "account"),
		.before_ms = INT64_MAX,
	};
	if (add_r->target == NULL) {
		problem_set(problem_r, "GET /v1/targets lists them",
		    "say to which target");
		return false;
	}
	if (!parameters_number(parameters, "message", 1, INT64_MAX,
		&add_r->message_id, problem_r) ||
	    !parameters_number(parameters, "after_id", 0, INT64_MAX,
		&add_r->after_id, problem_r) ||
	    !parameters_number(
		parameters, "limit", 1, STORE_PAGE_MAX, &limit, problem_r) ||
	    !parameters_time(parameters, "since", now_ms, NULL,
		&add_r->since_ms, problem_r) ||
	    !parameters_time(parameters, "before", now_ms, NULL,
		&add_r->before_ms, problem_r) ||
	    !delivery_take_flag(
		parameters, "again", &add_r->again, problem_r) ||
	    !delivery_take_flag(
		parameters, "dry_run", &add_r->is_dry, problem_r))
		return false;
	add_r->limit = (unsigned)limit;
	return true;
}

/* Of what does not exist: the message, or else the account. */
static struct response
delivery_not_found(const struct exchange *exchange)
{
	const struct parameters *parameters = exchange_parameters(exchange);
	const char *account = parameters_text(parameters, "account");
	int64_t id = 0;
	struct problem problem;

	if (parameters_number(
		parameters, "message", 1, INT64_MAX, &id, &problem) &&
	    id != 0)
		return response_no_message(id);
	return account != NULL ? response_no_account(account)
			       : response_store(STORE_NOT_FOUND, NULL);
}

/* The template that says where at the target it goes; NULL: nothing more. */
static const char *
delivery_template(const struct config_target *target,
    const struct config_account *account, bool *is_path_r)
{
	*is_path_r = true;
	switch (target->type) {
	case CONFIG_TARGET_MAILDIR:
	case CONFIG_TARGET_MBOX:
		return target->path;
	case CONFIG_TARGET_IMAP:
		return target->folder;
	default:
		*is_path_r = false;
		return account->deliver_to != NULL ? account->deliver_to
						   : target->deliver_to;
	}
}

/* Where the mail of the account goes, in words; null where nobody knows. */
static json_t *
delivery_place(
    const struct exchange *exchange, const struct deliver_status *target)
{
	const char *name =
	    parameters_text(exchange_parameters(exchange), "account");
	struct poller_account_status account;
	const char *template;
	char *place = NULL;
	json_t *json;
	bool is_path;

	if (name == NULL ||
	    !poller_account_status(
		exchange_context(exchange)->poller, name, &account) ||
	    account.section == NULL)
		return json_null();
	template =
	    delivery_template(target->section, account.section, &is_path);
	if (template != NULL)
		place = config_template_expand(template,
		    &(struct config_template_facts){
			account.name, account.user, account.host },
		    is_path);
	if (place == NULL || target->section->type == CONFIG_TARGET_MAILDIR ||
	    target->section->type == CONFIG_TARGET_MBOX)
		json = json_string(place != NULL ? place : target->where);
	else
		json = json_sprintf("%s at %s", place, target->where);
	free(place);
	return json;
}

static json_t *
delivery_json(const struct exchange *exchange,
    const struct deliver_status *target, const struct store_outbox_added *added)
{
	json_t *json = json_object();

	field_count(json, "messages", added->added);
	field_count(json, "bytes", added->octets);
	field_count(json, "had", added->had);
	field_count(json, "sealed", added->sealed);
	field_value(json, "to", delivery_place(exchange, target));
	field_value(json, "next_after_id",
	    added->more ? json_integer(added->last_id) : json_null());
	return json;
}

static void
delivery_added(
    enum store_status status, const struct store_outbox_added *added, void *arg)
{
	struct exchange *exchange = arg;
	const struct exchange_context *context = exchange_context(exchange);
	const char *name =
	    parameters_text(exchange_parameters(exchange), "target");
	struct deliver_status target;

	if (!exchange_resume(exchange))
		return;
	if (status == STORE_NOT_FOUND) {
		exchange_answer(exchange, delivery_not_found(exchange));
		return;
	}
	if (status != STORE_OK) {
		exchange_answer(exchange, response_store(status, NULL));
		return;
	}
	/* A reload has taken it out of the configuration. */
	if (!deliver_status(context->deliver, name, &target)) {
		exchange_answer(exchange, response_no_target(name));
		return;
	}
	if (added->added > 0)
		deliver_kick(context->deliver, name);
	exchange_answer(exchange,
	    response_json(200, delivery_json(exchange, &target, added)));
}

void
delivery_post(struct exchange *exchange)
{
	const struct exchange_context *context = exchange_context(exchange);
	struct store_outbox_add add;
	struct deliver_status status;
	struct problem problem;

	if (!delivery_take(exchange_parameters(exchange), &add, &problem)) {
		exchange_answer_problem(exchange, &problem);
		return;
	}
	if (!deliver_status(context->deliver, add.target, &status)) {
		exchange_answer(exchange, response_no_target(add.target));
		return;
	}
	exchange_set_deed_of(
	    exchange, add.is_dry ? NULL : "deliver messages to *", add.target);
	exchange_wait(exchange);
	store_outbox_add(context->store, &add, delivery_added, exchange);
}
