#include <string.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/human.h"
#include "daemon/ctl/list.h"
#include "daemon/ctl/print.h"
#include "daemon/ctl/target.h"

static const struct table_column columns[] = {
	{ "ID", TABLE_RIGHT, false },
	{ "STORED", TABLE_LEFT, false },
	{ "ACCOUNT", TABLE_LEFT, true },
	{ "SIZE", TABLE_RIGHT, false },
	{ "FROM", TABLE_LEFT, true },
	{ "SUBJECT", TABLE_LEFT, true },
};

static enum ctl_exit
print_page(struct ctl *ctl, const json_t *messages, void *arg)
{
	struct table *table = arg;
	char time[CTL_TIME_SIZE], size[HUMAN_SIZE];

	for (size_t i = 0; i < json_array_size(messages); i++) {
		const json_t *message = json_array_get(messages, i);

		table_cell_count(table, ctl_count(message, "id"));
		table_cell(table, ctl_time(ctl, message, "stored_at", time));
		table_cell(table, ctl_text(message, "account"));
		table_cell(
		    table, human_octets(ctl_count(message, "size"), size));
		table_cell(table, ctl_text(message, "sender"));
		table_cell(table, ctl_text(message, "subject"));
	}
	if (!table_print(table, ctl->out, ctl->width, ctl->colour)) {
		ctl_warn(ctl, "out of memory");
		return CTL_TEMPORARY;
	}
	return CTL_OK;
}

static void
begin_messages(struct target *target_r, const struct invocation *invocation)
{
	target_begin(target_r, "/v1/messages");
	target_parameter(
	    target_r, "account", command_value(invocation, "account"));
	target_parameter(target_r, "from", command_value(invocation, "from"));
	target_parameter(target_r, "q", command_value(invocation, "query"));
	target_parameter(target_r, "since", command_value(invocation, "since"));
	target_parameter(
	    target_r, "before", command_value(invocation, "before"));
}

enum ctl_exit
messages_run(struct ctl *ctl, const struct invocation *invocation)
{
	struct table *table;
	struct pages pages = { .list = "messages",
		.begin = begin_messages,
		.invocation = invocation,
		.page = print_page };
	enum ctl_exit code;

	code = pages_limit(ctl, invocation, &pages.limit);
	if (code != CTL_OK)
		return code;
	if (command_given(invocation, "all")) {
		if (command_given(invocation, "limit")) {
			ctl_warn(ctl, "messages: either --all or --limit");
			return CTL_USAGE;
		}
		pages.limit = PAGES_ALL;
	}
	table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	if (table == NULL) {
		ctl_warn(ctl, "out of memory");
		return CTL_TEMPORARY;
	}
	pages.arg = table;
	code = pages_walk(ctl, &pages);
	table_free(&table);
	return code;
}

static void
print_message(struct ctl *ctl, const json_t *message)
{
	char text[64], size[HUMAN_SIZE], time[CTL_TIME_SIZE];
	uint64_t attachments = ctl_count(message, "attachments");

	ctl_print_detail(ctl, "From", ctl_text(message, "sender"));
	ctl_print_detail(ctl, "To", ctl_text(message, "recipients"));
	ctl_print_detail(ctl, "Cc", ctl_text(message, "cc"));
	ctl_print_detail(ctl, "Subject", ctl_text(message, "subject"));
	ctl_print_detail(ctl, "Date", ctl_text(message, "date"));
	ctl_print_detail(ctl, "Message-ID", ctl_text(message, "message_id"));
	ctl_print_detail(ctl, "Account", ctl_text(message, "account"));
	ctl_print_detail(
	    ctl, "Stored", ctl_time(ctl, message, "stored_at", time));
	snprintf(text, sizeof(text), "%s (%llu octets)",
	    human_octets(ctl_count(message, "size"), size),
	    (unsigned long long)ctl_count(message, "size"));
	ctl_print_detail(ctl, "Size", text);
	if (attachments > 0) {
		snprintf(text, sizeof(text), "%llu",
		    (unsigned long long)attachments);
		ctl_print_detail(ctl, "Attachments", text);
	}
	if (json_is_true(json_object_get(message, "cut")))
		ctl_print_detail(ctl, "Too long",
		    "not all of it is shown here, or found by its words");
	ctl_print_detail(ctl, "Unique-id", ctl_text(message, "unique_id"));
	ctl_print_detail(ctl, "", ctl_text(message, "unique_id_hex"));
	ctl_print_detail(ctl, "Digest", ctl_text(message, "digest"));
	if (ctl->is_terminal)
		fprintf(ctl->out, "\nThe message itself: evpopctl raw %llu\n",
		    (unsigned long long)ctl_count(message, "id"));
}

enum ctl_exit
show_run(struct ctl *ctl, const struct invocation *invocation)
{
	struct target target;
	struct http_error error;
	json_t *message;
	enum ctl_exit code = CTL_OK;

	target_begin(&target, "/v1/messages/");
	target_segment(&target, invocation->arguments[0]);
	if (!http_ask(ctl, "GET", &target, &message, &error))
		return http_report(ctl, &error);
	if (ctl->json)
		code = ctl_print_json(ctl, message);
	else
		print_message(ctl, message);
	json_decref(message);
	return code;
}
