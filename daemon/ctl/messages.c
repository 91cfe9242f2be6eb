#include "daemon/ctl/command.h"
#include "daemon/ctl/list.h"

static const struct print_field message_columns[] = {
	{ "ID", .member = "id", .kind = PRINT_COUNT },
	{ "STORED", .member = "stored_at", .kind = PRINT_TIME },
	{ "ACCOUNT", .member = "account", .fit = PRINT_CUT_MIDDLE },
	{ "SIZE", .member = "bytes", .kind = PRINT_SIZE, .drop = 1 },
	{ "FROM", .member = "sender", .fit = PRINT_CUT_END },
	{ "SUBJECT", .member = "subject", .fit = PRINT_CUT_END },
};

enum ctl_exit
messages_run(const struct ctl *ctl, const struct invocation *invocation)
{
	static const struct list list = { "messages", message_columns,
		PRINT_FIELD_COUNT(message_columns), NULL, NULL };
	static const struct {
		const char *option, *parameter;
	} filters[] = {
		{ "account", "account" },
		{ "from", "from" },
		{ "query", "q" },
		{ "since", "since" },
		{ "before", "before" },
		{ "after-id", "after_id" },
	};
	struct target target;
	size_t limit;
	enum ctl_exit code = list_limit(ctl, invocation, &limit);

	if (code != CTL_OK)
		return code;
	if (command_given(invocation, "all")) {
		if (command_given(invocation, "limit")) {
			ctl_warn(ctl, "messages: either --all or --limit");
			return CTL_USAGE;
		}
		limit = LIST_ALL;
	}
	target_begin(&target, "/v1/messages", NULL);
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
		target_parameter(&target, filters[i].parameter,
		    command_value(invocation, filters[i].option));
	return list_print(ctl, &list, &target, limit);
}

static const struct print_field message_fields[] = {
	{ "From", .member = "sender" },
	{ "To", .member = "recipients" },
	{ "Cc", .member = "cc" },
	{ "Subject", .member = "subject" },
	{ "Date", .member = "date" },
	{ "Message-ID", .member = "message_id" },
	{ "Account", .member = "account" },
	{ "Stored", .member = "stored_at", .kind = PRINT_TIME },
	{ "Size", .form = "{bytes:size} ({bytes} bytes)" },
	{ "Attachments", .member = "attachments", .kind = PRINT_COUNT },
	{ "Too long", .form =
			  "?{cut:none}not all of it is shown here or found by "
			  "its words" },
	{ "Unique-id", .member = "unique_id" },
	{ "", .member = "unique_id_hex" },
	{ "Digest", .member = "digest" },
};

static void
message_print(const struct ctl *ctl, const json_t *message)
{
	print_fields(
	    ctl, message_fields, PRINT_FIELD_COUNT(message_fields), message);
	if (ctl->is_terminal)
		fprintf(ctl->out, "\nThe message itself: evpopctl raw %llu\n",
		    (unsigned long long)ctl_count(message, "id"));
}

enum ctl_exit
show_run(const struct ctl *ctl, const struct invocation *invocation)
{
	struct target target;

	target_begin(&target, "/v1/messages/*", invocation->arguments[0]);
	return client_print(ctl, "GET", &target, message_print);
}
