/*
 * Parts of a message that are files, saved by the names that the message gives
 * them, made safe.
 */
#ifndef CTL_ATTACHMENT_H
#define CTL_ATTACHMENT_H

#include "daemon/ctl/ctl.h"

struct invocation;

/* Whether a part is none of the text that `show` prints. */
bool attachment_is_one(const json_t *part);

/* The part with this number; reported where there is none. */
enum ctl_exit attachment_find(const struct ctl *, const json_t *message,
    const char *number, const json_t **part_r);

/*
 * Save what --attachment names, a number or "all", where --output says: a file,
 * or a folder.
 */
enum ctl_exit attachment_save(
    const struct ctl *, const struct invocation *, const json_t *message);

/*
 * A file's name from one that a stranger has chosen: the last component, that
 * hides nothing and means nothing to a shell's options; "" where nothing is
 * left.
 */
#define ATTACHMENT_NAME_SIZE 256
void attachment_name(const char *name, char name_r[ATTACHMENT_NAME_SIZE]);

#endif
