/* How accounts are shown, for those who show them in another way. */
#ifndef CTL_ACCOUNTS_H
#define CTL_ACCOUNTS_H

#include "daemon/ctl/print.h"

/* The columns of a screen that is redrawn: a line for each account. */
const struct print_field *accounts_live_columns(size_t *count_r);

/* Those that need attention first, then those that fail, then the rest. */
unsigned accounts_rank(const json_t *account);

/* One account in full. */
void accounts_print_one(const struct ctl *, const json_t *account);

#endif
