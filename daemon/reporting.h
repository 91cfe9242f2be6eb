/* What a reload has changed, told to who asked for it, the log and the rest. */
#ifndef EVPOPD_REPORTING_H
#define EVPOPD_REPORTING_H

#include "daemon/config/config.h"
#include "daemon/control/reload.h"

struct notify;

void reporting_reload(
    struct notify *, struct reload *report, const struct config_diff *);

#endif
