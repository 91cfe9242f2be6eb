/*
 * Long output on a terminal goes through the user's pager; what fits on the
 * screen does not.
 */
#ifndef CTL_PAGER_H
#define CTL_PAGER_H

#include "daemon/ctl/ctl.h"

struct pager;

/*
 * *paged_r is what to print to from now on: `ctl` itself, with another output
 * where that is a terminal and a pager is there.  PAGER names it, "cat" and ""
 * stand for none; without PAGER it is less, else more.  NULL if there is none.
 */
struct pager *pager_begin(const struct ctl *, struct ctl *paged_r);

/*
 * Print what is left and wait until the reader has had enough; returns `code`,
 * or why the pager could not be run, which is reported.
 */
enum ctl_exit pager_end(struct pager *, const struct ctl *, enum ctl_exit code);

#endif
