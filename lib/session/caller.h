/* Who uses a sync: the callbacks, of which most may be missing. */
#ifndef EVPOP_SESSION_CALLER_H
#define EVPOP_SESSION_CALLER_H

#include <evpop/sync.h>

struct evpop_caller {
	struct evpop_sync *sync;
	const struct evpop_sync_callbacks *callbacks;
	void *arg;
	size_t held; /* octets of memory that were asked for */
};

/* As the callbacks of the same names; what is missing lets all go on. */
void evpop_caller_gone(const struct evpop_caller *, const struct evpop_known *);
void evpop_caller_matched(
    const struct evpop_caller *, const struct evpop_plan *);
void evpop_caller_planned(
    const struct evpop_caller *, const struct evpop_plan *);
enum evpop_flow evpop_caller_begin(const struct evpop_caller *,
    const struct evpop_entry *, enum evpop_action, void **message_r);
enum evpop_flow evpop_caller_data(const struct evpop_caller *, void *message,
    const unsigned char *bytes, size_t length);
void evpop_caller_end(const struct evpop_caller *, const struct evpop_entry *,
    void *message, const struct evpop_result *);
void evpop_caller_refused(const struct evpop_caller *,
    const struct evpop_entry *, const struct evpop_result *);
void evpop_caller_deleted(
    const struct evpop_caller *, const struct evpop_entry *);
bool evpop_caller_hold(struct evpop_caller *, size_t octets);
void evpop_caller_trace(
    const struct evpop_caller *, bool from_server, const char *line);

#endif
