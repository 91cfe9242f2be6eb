/* What a session waits for, and what is said when it has waited enough. */
#ifndef EVPOP_LIB_NET_AWAITED_H
#define EVPOP_LIB_NET_AWAITED_H

#include <evpop/proto.h>

/* The phase; `is_inside` of a multi-line response. */
enum evpop_phase evpop_awaited_phase(
    const struct evpop_proto *, bool is_inside);

/* It was not over within the limit, as "20 s". */
void evpop_awaited_describe(const struct evpop_proto *, enum evpop_phase,
    const char *limit, struct evpop_result *result_r);

#endif
