/*
 * What a refusal means for the credentials and for a later try, by its
 * response code (RFC 2449 section 8, RFC 3206).
 */
#ifndef EVPOP_CORE_REFUSAL_H
#define EVPOP_CORE_REFUSAL_H

#include <evpop/error.h>

/* Complete a result of class REFUSED; `login`: it answers a log-in. */
void evpop_refusal_judge(struct evpop_result *, bool login);

#endif
