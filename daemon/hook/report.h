/*
 * What the command of a hook is told of a batch: in a line, in variables of its
 * environment, and as JSON.  Everything that servers said is printable and
 * bounded.
 */
#ifndef HOOK_REPORT_H
#define HOOK_REPORT_H

#include "daemon/hook/batch.h"

enum hook_kind {
	HOOK_ON_FAILURE = 0,
	HOOK_ON_RECOVERY,
	HOOK_ON_MESSAGE,
	HOOK_KIND_COUNT
};

/* The key: "on_failure". */
const char *hook_kind_name(enum hook_kind);

/* Variables, "NAME=value", then NULL; NULL without memory. */
char **report_environment(enum hook_kind, const struct batch *,
    bool is_reminder) __attribute__((warn_unused_result));
void report_environment_free(char **);

/* An object in one line, for free(); NULL without memory. */
char *report_json(enum hook_kind, const struct batch *, bool is_reminder,
    int64_t now_ms) __attribute__((warn_unused_result));

#endif
