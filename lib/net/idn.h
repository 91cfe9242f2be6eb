/*
 * Internationalized host names: from the letters that people type to the
 * A-labels that the DNS, certificates and proxies know, "xn--...".  Done once,
 * where a client is configured; all that follows sees ASCII only.
 */
#ifndef EVPOP_LIB_NET_IDN_H
#define EVPOP_LIB_NET_IDN_H

#include <evpop/error.h>

/*
 * A host in UTF-8 as ASCII, to be freed: mapped and encoded by UTS #46,
 * non-transitional (IDNA 2008).  ASCII, and so any address, passes untouched.
 * False with the reason where the name cannot exist, or without memory.
 */
bool evpop_idn_to_ascii(const char *host, char **ascii_r,
    struct evpop_result *result_r) EVPOP_MUST_USE;

#endif
