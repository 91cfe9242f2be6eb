#include <string.h>

#include "daemon/ctl/command.h"
#include "daemon/ctl/list.h"
#include "daemon/ctl/local.h"
#include "daemon/ctl/names.h"
#include "daemon/ctl/print.h"

/* What the daemon has counted so far. */
struct delivery {
	uint64_t messages, bytes, had, sealed;
	char to[PHRASE_SIZE]; /* where an account's mail goes; "" */
};

struct delivering {
	const struct ctl *ctl;
	const struct invocation *invocation;
	struct target request; /* without account, message and place */
	bool is_dry;
	struct delivery sum;
	uint64_t shown; /* accounts that have a line */
};

/* ---- asking ---- */

/* A page; *after_id_r is for the next one, and 0 behind the last. */
static bool
deliver_page(struct delivering *delivering, const struct target *request,
    int64_t *after_id, struct delivery *delivery, struct client_error *error_r)
{
	struct target page = *request;
	const char *to;
	json_t *answer;
	char after[24];

	snprintf(after, sizeof(after), "%lld", (long long)*after_id);
	target_parameter(&page, "after_id", *after_id > 0 ? after : NULL);
	if (!client_ask(delivering->ctl, "POST", &page, &answer, error_r))
		return false;
	delivery->messages += ctl_count(answer, "messages");
	delivery->bytes += ctl_count(answer, "bytes");
	delivery->had += ctl_count(answer, "had");
	delivery->sealed += ctl_count(answer, "sealed");
	to = ctl_text(answer, "to");
	if (to != NULL)
		snprintf(delivery->to, sizeof(delivery->to), "%s", to);
	*after_id = (int64_t)ctl_count(answer, "next_after_id");
	json_decref(answer);
	return true;
}

/* All that a request means. */
static enum ctl_exit
deliver_ask(struct delivering *delivering, const char *name, const char *value,
    struct delivery *delivery_r)
{
	struct delivery *sum = &delivering->sum;
	struct target request = delivering->request;
	struct client_error error;
	int64_t after_id = 0;
	bool is_there;

	*delivery_r = (struct delivery){ 0 };
	if (name != NULL)
		target_parameter(&request, name, value);
	do {
		is_there = deliver_page(
		    delivering, &request, &after_id, delivery_r, &error);
		progress_show(delivering->ctl, "looking for messages",
		    sum->messages + delivery_r->messages, 0, "messages");
	} while (is_there && after_id > 0);
	progress_clear(delivering->ctl);
	sum->messages += delivery_r->messages;
	sum->bytes += delivery_r->bytes;
	sum->had += delivery_r->had;
	sum->sealed += delivery_r->sealed;
	return is_there ? CTL_OK : client_report(delivering->ctl, &error);
}

/* ---- what is said ---- */

static json_t *
deliver_json(const struct delivery *delivery)
{
	return json_pack("{sI sI sI sI}", "messages",
	    (json_int_t)delivery->messages, "bytes",
	    (json_int_t)delivery->bytes, "had", (json_int_t)delivery->had,
	    "sealed", (json_int_t)delivery->sealed);
}

static enum ctl_exit
deliver_print(const struct ctl *ctl, const char *label, json_t *json)
{
	struct phrase phrase;
	enum ctl_exit code = CTL_OK;

	if (json == NULL)
		return ctl_no_memory(ctl);
	phrase_begin(&phrase);
	print_form(ctl,
	    "{messages} message{s}|{bytes:size}|?to {to}|"
	    "?{had} passed over, for the target was given them before|"
	    "?{sealed} passed over, for they are sealed",
	    json, &phrase);
	if (ctl->json)
		code = ctl_print_json(ctl, json);
	else
		print_detail(ctl, label, phrase.text);
	json_decref(json);
	return code;
}

/* A dry run tells of each account that has anything to do with it. */
static enum ctl_exit
deliver_account(struct delivering *delivering, const char *name)
{
	struct delivery delivery;
	json_t *json;
	enum ctl_exit code =
	    deliver_ask(delivering, "account", name, &delivery);

	if (code != CTL_OK || !delivering->is_dry ||
	    delivery.messages + delivery.had + delivery.sealed == 0)
		return code;
	delivering->shown++;
	json = deliver_json(&delivery);
	if (json != NULL)
		(void)json_object_set_new(json, "account", json_string(name));
	if (json != NULL && delivery.to[0] != '\0')
		(void)json_object_set_new(json, "to", json_string(delivery.to));
	return deliver_print(delivering->ctl, name, json);
}

static enum ctl_exit
deliver_end(struct delivering *delivering, enum ctl_exit code)
{
	if (code != CTL_OK && delivering->sum.messages == 0)
		return code;
	ctl_keep_first(
	    &code, deliver_print(delivering->ctl,
		       delivering->is_dry ? "would deliver" : "to deliver",
		       deliver_json(&delivering->sum)));
	return code;
}

/* ---- of which messages ---- */

static enum ctl_exit
deliver_messages(struct delivering *delivering)
{
	const struct invocation *invocation = delivering->invocation;
	enum ctl_exit first = CTL_OK;
	struct delivery delivery;

	for (size_t i = 0; i < invocation->count; i++)
		ctl_keep_first(
		    &first, deliver_ask(delivering, "message",
				invocation->arguments[i], &delivery));
	return first;
}

static enum ctl_exit
deliver_names(struct delivering *delivering, const struct names *names)
{
	enum ctl_exit first = CTL_OK;

	for (size_t i = 0; i < names->count; i++) {
		enum ctl_exit code =
		    deliver_account(delivering, names->items[i]);

		ctl_keep_first(&first, code);
		if (code == CTL_UNAVAILABLE || code == CTL_NO_PERMISSION)
			break;
	}
	return first;
}

/* Also those that are configured no more. */
static enum ctl_exit
deliver_former(struct delivering *delivering)
{
	enum ctl_exit first = CTL_OK;
	struct client_error error;
	struct target target;
	const json_t *row;
	json_t *answer;
	size_t i;

	target_begin(&target, "/v1/store/accounts", NULL);
	if (!client_ask(delivering->ctl, "GET", &target, &answer, &error))
		return client_report(delivering->ctl, &error);
	json_array_foreach(ctl_member(answer, "not_configured"), i, row)
	{
		ctl_keep_first(&first,
		    deliver_account(delivering, ctl_text(row, "account")));
	}
	json_decref(answer);
	return first;
}

/* What a dry run tells is told of each account; else one request will do. */
static enum ctl_exit
deliver_selected(struct delivering *delivering)
{
	const char *account = command_value(delivering->invocation, "account");
	char *words[] = { (char *)(uintptr_t)account };
	struct names names = { NULL, 0, 0 };
	struct delivery delivery;
	enum ctl_exit code;

	if (account == NULL && !delivering->is_dry)
		return deliver_ask(delivering, NULL, NULL, &delivery);
	code = account != NULL
		   ? names_of_words(delivering->ctl, words, 1, NULL, &names)
		   : names_of_all(delivering->ctl, NULL, &names);
	if (code == CTL_OK)
		code = deliver_names(delivering, &names);
	if (code == CTL_OK && account == NULL)
		code = deliver_former(delivering);
	names_free(&names);
	return code;
}

static bool
deliver_is_consistent(
    const struct ctl *ctl, const struct invocation *invocation)
{
	const bool selects = command_given(invocation, "account") ||
			     command_given(invocation, "since") ||
			     command_given(invocation, "before");
	const bool all = command_given(invocation, "all");

	if (command_value(invocation, "to") == NULL)
		ctl_warn(ctl, "deliver: to which target? --to TARGET");
	else if (invocation->count > 0 && (selects || all))
		ctl_warn(ctl, "deliver: either ids or --account, --since, "
			      "--before, --all");
	else if (invocation->count == 0 && !selects && !all)
		ctl_warn(ctl, "deliver: which messages? name ids, an "
			      "--account, a time, or say --all");
	else
		return true;
	return false;
}

enum ctl_exit
deliver_run(const struct ctl *ctl, const struct invocation *invocation)
{
	struct delivering delivering = { .ctl = ctl,
		.invocation = invocation,
		.is_dry = command_given(invocation, "dry-run") };
	struct target *request = &delivering.request;

	if (!deliver_is_consistent(ctl, invocation))
		return command_usage(ctl, invocation->command);
	target_begin(request, "/v1/deliver", NULL);
	target_parameter(request, "target", command_value(invocation, "to"));
	target_time(request, "since", command_value(invocation, "since"));
	target_time(request, "before", command_value(invocation, "before"));
	target_parameter(
	    request, "again", command_given(invocation, "again") ? "1" : NULL);
	target_parameter(request, "dry_run", delivering.is_dry ? "1" : NULL);
	return deliver_end(&delivering, invocation->count > 0
					    ? deliver_messages(&delivering)
					    : deliver_selected(&delivering));
}
