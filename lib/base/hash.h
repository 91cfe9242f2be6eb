/*
 * FNV-1a of 64 bits: for tables of names that an administrator has written,
 * which nobody makes collide, and to notice a change.  Nothing secret.
 */
#ifndef EVPOP_BASE_HASH_H
#define EVPOP_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define EVPOP_HASH_START UINT64_C(14695981039346656037)

/* The hash of what `hash` is of, and these bytes behind it. */
uint64_t evpop_hash_add(uint64_t hash, const void *bytes, size_t length);

uint64_t evpop_hash_text(const char *text);

/* Likewise, but ASCII letters count as small ones: names of hosts. */
uint64_t evpop_hash_name(const char *name);

#endif
