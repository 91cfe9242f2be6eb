/* What to do about a log-in that a server refuses. */
#ifndef CTL_REFUSED_H
#define CTL_REFUSED_H

#include "daemon/config/provider.h"
#include "daemon/ctl/ctl.h"

/* Say so, as hints; the provider may be NULL. */
void refused_hint(const struct ctl *, enum config_refusal, const char *user,
    const struct config_provider *);

#endif
