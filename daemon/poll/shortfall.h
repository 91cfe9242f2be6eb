/*
 * What a poll falls short of, in words for people: what happened, to what, why,
 * and what to do about it.
 */
#ifndef POLL_SHORTFALL_H
#define POLL_SHORTFALL_H

#include <evpop/error.h>

#include <stdint.h>

/*
 * The session went well, and all that could be fetched was; but so many
 * messages stay on the server for want of anything to know them by.  The
 * result's scope is the message: it delays no other.
 */
void shortfall_unidentified(struct evpop_result *result_r, uint32_t messages);

/*
 * Likewise for what stands on lines of the listing that cannot be read.
 * `first` is the first of them, printable, or NULL.
 */
void shortfall_unreadable(
    struct evpop_result *result_r, uint32_t lines, const char *first);

/*
 * The poll holds more of the memory for listings than all polls may together.
 */
void shortfall_memory(
    struct evpop_result *result_r, uint64_t capacity, uint64_t octets_in);

/*
 * A session ended before its listing was complete.  Where that is longer than
 * one may be, add what allows for more.
 */
void shortfall_listing(struct evpop_result *result, uint64_t octets_in);

#endif
