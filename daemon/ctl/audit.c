#include "daemon/ctl/command.h"
#include "daemon/ctl/list.h"

static const struct print_field audit_columns[] = {
	{ "WHEN", .member = "at", .kind = PRINT_TIME },
	{ "WHO", .member = "who", .fit = PRINT_CUT_MIDDLE },
	{ "ACTION", .member = "action" },
	{ "OBJECT", .member = "object", .fit = PRINT_CUT_MIDDLE },
	{ "REASON", .member = "reason", .fit = PRINT_WRAP },
};

enum ctl_exit
audit_run(const struct ctl *ctl, const struct invocation *invocation)
{
	static const struct list list = { "audit", audit_columns,
		PRINT_FIELD_COUNT(audit_columns), "nothing is recorded\n",
		NULL };
	struct target target;
	size_t limit;
	enum ctl_exit code = list_limit(ctl, invocation, &limit);

	if (code != CTL_OK)
		return code;
	target_begin(&target, "/v1/audit", NULL);
	target_parameter(&target, "who", command_value(invocation, "who"));
	target_parameter(
	    &target, "action", command_value(invocation, "action"));
	return list_print(ctl, &list, &target, limit);
}
