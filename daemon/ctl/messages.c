#include "daemon/ctl/command.h"
#include "daemon/ctl/list.h"
#include "daemon/ctl/local.h"

static void
message_date(const struct ctl *ctl, const json_t *row, struct phrase *phrase)
{
	char date[LOCAL_SIZE];

	(void)ctl;
	local_date(row, "date", date);
	phrase_add(phrase, "%s", date);
}

#define MESSAGE_ID                                        \
	{                                                 \
		"ID", .member = "id", .kind = PRINT_COUNT \
	}
#define MESSAGE_DATE                          \
	{                                     \
		"DATE", .words = message_date \
	}
#define MESSAGE_REST                                                      \
	{ "ACCOUNT", .member = "account", .fit = PRINT_CUT_MIDDLE },      \
	    { "SIZE", .member = "bytes", .kind = PRINT_SIZE, .drop = 1 }, \
	    { "FROM", .member = "sender", .fit = PRINT_CUT_END },         \
	{                                                                 \
		"SUBJECT", .member = "subject", .fit = PRINT_CUT_END      \
	}

static const struct print_field message_columns[] = { MESSAGE_ID, MESSAGE_DATE,
	MESSAGE_REST };
static const struct print_field message_stored_columns[] = { MESSAGE_ID,
	MESSAGE_DATE, { "STORED", .member = "stored_at", .kind = PRINT_TIME },
	MESSAGE_REST };

#define MESSAGE_EMPTY "no message is stored\n"
#define MESSAGE_NONE  "nothing found\n"

/* How many attachments it has is known of opened mail alone. */
static bool
message_is_closed(const json_t *row)
{
	return json_is_true(json_object_get(row, "sealed")) &&
	       json_is_null(json_object_get(row, "attachments"));
}

static void
messages_say_closed(const struct ctl *ctl, const json_t *page)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(page, "messages"), i, row)
	{
		if (!message_is_closed(row))
			continue;
		fprintf(ctl->err,
		    "some of this is sealed: \"evpopctl --key FILE\" shows who "
		    "wrote what\n");
		return;
	}
}

/* What a page does not show; and a conversation that is longer than looked at.
 */
static void
messages_after(const struct ctl *ctl, const json_t *page)
{
	messages_say_closed(ctl, page);
	if (json_is_true(json_object_get(page, "thread_cut")))
		fprintf(ctl->err,
		    "the conversation is longer: these are some of it\n");
	list_say_left_out(ctl, page);
}

static const char *const message_filters[] = { "account", "from", "query",
	"since", "before", "after-id" };
#define FILTER_COUNT (sizeof(message_filters) / sizeof(message_filters[0]))

static const char *
messages_filter(const struct invocation *invocation)
{
	for (size_t i = 0; i < FILTER_COUNT; i++)
		if (command_given(invocation, message_filters[i]))
			return message_filters[i];
	return NULL;
}

static void
messages_target(const struct invocation *invocation, struct target *target_r)
{
	const char *thread = command_value(invocation, "thread");

	if (thread != NULL) {
		target_begin(target_r, "/v1/messages/*/thread", thread);
		return;
	}
	target_begin(target_r, "/v1/messages", NULL);
	target_parameter(
	    target_r, "account", command_value(invocation, "account"));
	target_parameter(target_r, "from", command_value(invocation, "from"));
	target_query(target_r, "q", command_value(invocation, "query"));
	target_time(target_r, "since", command_value(invocation, "since"));
	target_time(target_r, "before", command_value(invocation, "before"));
	target_parameter(
	    target_r, "after_id", command_value(invocation, "after-id"));
}

enum ctl_exit
messages_run(const struct ctl *ctl, const struct invocation *invocation)
{
	const char *filter = messages_filter(invocation);
	struct list list = { "messages", message_columns,
		PRINT_FIELD_COUNT(message_columns),
		filter != NULL ? MESSAGE_NONE : MESSAGE_EMPTY, messages_after };
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
	if (command_given(invocation, "thread") && filter != NULL) {
		ctl_warn(ctl, "messages: either --thread or --%s", filter);
		return CTL_USAGE;
	}
	if (command_given(invocation, "stored")) {
		list.fields = message_stored_columns;
		list.field_count = PRINT_FIELD_COUNT(message_stored_columns);
	}
	messages_target(invocation, &target);
	return list_print(ctl, &list, &target, limit);
}
