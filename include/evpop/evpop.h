/* All of libevpop.  Each header also stands alone. */
#ifndef EVPOP_EVPOP_H
#define EVPOP_EVPOP_H

#include <evpop/auth.h>
#include <evpop/client.h>
#include <evpop/easy.h>
#include <evpop/error.h>
#include <evpop/proto.h>
#include <evpop/sync.h>
#include <evpop/telemetry.h>

#endif
