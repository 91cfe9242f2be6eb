/* What came of a poll, and the row that it leaves in the store's history. */
#ifndef POLL_RECORD_H
#define POLL_RECORD_H

struct deposit;
struct evpop_sync_report;
struct run_progress;
struct store_poll;

/* The figures of a poll whose sync is done. */
void record_of_report(const struct evpop_sync_report *, const struct deposit *,
    struct run_progress *progress);

/* Texts are borrowed from the progress of a poll that is over. */
void record_of_poll(const struct run_progress *, struct store_poll *poll_r);

#endif
