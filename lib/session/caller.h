/*
 * Who uses a sync: the callbacks, of which most may be missing.  A sync may be
 * freed in each of them; from then on its caller is gone, and told of nothing.
 */
#ifndef EVPOP_SESSION_CALLER_H
#define EVPOP_SESSION_CALLER_H

#include <evpop/sync.h>

struct evpop_caller {
	struct evpop_sync *sync;
	const struct evpop_sync_callbacks *callbacks;
	void *arg;
	size_t held; /* bytes of memory that were asked for */
	bool is_gone;
};

/* As the callbacks of the same names; what is missing lets all go on. */
void evpop_caller_gone(const struct evpop_caller *, const struct evpop_known *);
void evpop_caller_matched(
    const struct evpop_caller *, const struct evpop_plan *);
void evpop_caller_planned(
    const struct evpop_caller *, const struct evpop_plan *);
void evpop_caller_header(const struct evpop_caller *, struct evpop_header *);
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
void evpop_caller_trace(
    const struct evpop_caller *, bool from_server, const char *line);
void evpop_caller_done(
    const struct evpop_caller *, const struct evpop_sync_report *);

/* False, too, where the caller is gone. */
bool evpop_caller_hold(struct evpop_caller *, size_t octets);

#endif
