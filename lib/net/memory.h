/*
 * What all sessions of a program remember: of each server what is known of it,
 * and the keys that were derived for log-ins.
 */
#ifndef EVPOP_LIB_NET_MEMORY_H
#define EVPOP_LIB_NET_MEMORY_H

#include <evpop/client.h>

#include "lib/auth/keys.h"
#include "lib/net/facts.h"

/* The facts of a server, made where missing; NULL without memory. */
struct evpop_facts *evpop_memory_facts(struct evpop_memory *, const char *host,
    uint16_t port, enum evpop_tls) EVPOP_MUST_USE;

/* The keys derived for log-ins, of all accounts; NULL without memory. */
struct evpop_keys *evpop_memory_keys(struct evpop_memory *);

#endif
