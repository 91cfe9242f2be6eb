/*
 * What the command line says of an export's files.
 */
#ifndef CTL_EXPORT_OPTIONS_H
#define CTL_EXPORT_OPTIONS_H

#include "daemon/ctl/command.h"
#include "daemon/ctl/export.h"

/* The form and its path; false, unless it is one. */
bool export_options_form(const struct invocation *, struct export_options *)
    __attribute__((warn_unused_result));
/* The folders, and the first id; false after saying what is wrong. */
bool export_options_folders(const struct ctl *, const struct invocation *,
    struct export_options *) __attribute__((warn_unused_result));
bool export_options_after(const struct ctl *, const struct invocation *,
    int64_t *after_r) __attribute__((warn_unused_result));

/*
 * In one line: an mbox goes on only with what it was begun with.  For free();
 * NULL without memory.
 */
char *export_options_choice(const struct invocation *)
    __attribute__((warn_unused_result));

#endif
