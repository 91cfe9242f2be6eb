/*
 * How far long work has come, on a terminal's last line; nothing elsewhere.
 */
#ifndef CTL_PROGRESS_H
#define CTL_PROGRESS_H

#include <stdint.h>

#include "daemon/ctl/ctl.h"

/*
 * Draw the line anew.  `total` 0: not known yet.  Nothing where `ctl` is no
 * terminal or prints JSON.
 */
void progress_show(struct ctl *, const char *what, uint64_t done,
    uint64_t total, const char *unit);

/* Take the line away. */
void progress_clear(struct ctl *);

/* The line itself, as wide as `width` at most; for tests. */
void progress_text(const char *what, uint64_t done, uint64_t total,
    const char *unit, size_t width, char *text_r, size_t size);

#endif
