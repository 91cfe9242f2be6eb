#include "daemon/ctl/command.h"
#include "daemon/ctl/list.h"

static const struct print_field deleted_columns[] = {
	{ "ID", .member = "id", .kind = PRINT_COUNT },
	{ "ACCOUNT", .member = "account", .fit = PRINT_CUT_MIDDLE },
	{ "DELETED", .member = "deleted_at", .kind = PRINT_TIME },
	{ "BY", .member = "deleted_by", .fit = PRINT_CUT_MIDDLE },
	{ "DATE", .member = "date", .kind = PRINT_TIME },
	{ "SIZE", .member = "bytes", .kind = PRINT_SIZE },
	{ "REASON", .member = "reason", .fit = PRINT_WRAP },
};

enum ctl_exit
deleted_run(const struct ctl *ctl, const struct invocation *invocation)
{
	static const struct list list = { "tombstones", deleted_columns,
		PRINT_FIELD_COUNT(deleted_columns),
		"no message was deleted here\n", NULL };
	struct target target;
	size_t limit;
	enum ctl_exit code = list_limit(ctl, invocation, &limit);

	if (code != CTL_OK)
		return code;
	target_begin(&target, "/v1/tombstones", NULL);
	target_parameter(
	    &target, "account", command_value(invocation, "account"));
	return list_print(ctl, &list, &target, limit);
}
