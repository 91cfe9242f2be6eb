/*
 * The routes' handlers, by file.  Each answers its exchange at once or after
 * the store has.  The functions that make JSON are here for tests.
 */
#ifndef CONTROL_HANDLERS_H
#define CONTROL_HANDLERS_H

#include <jansson.h>

#include "daemon/control/exchange.h"
#include "daemon/poll/poller.h"
#include "daemon/store/question.h"

/* health.c */
void health_get(struct exchange *);

/* openapi.c */
void openapi_get(struct exchange *);

/* status.c */
void status_get(struct exchange *);
json_t *status_json(const struct exchange_context *,
    const struct poller_status *, const struct store_error *health,
    const struct store_clock *, const struct store_stats *,
    const struct store_check *, int64_t now_ms, int64_t elapsed_ms);

/*
 * attention.c: what a person has to look at, worst first; an empty list where
 * all is well.
 */
json_t *attention_json(const struct poller_status *, const struct store_error *,
    const struct store_clock *, const struct store_stats *,
    const struct store_check *);
/* Add the hooks that failed, of which there may be none (NULL). */
void attention_add_hooks(json_t *list, const struct hook *);
/* Add what keeps mail from its targets; NULL: nothing is delivered. */
void attention_add_deliveries(json_t *list, const struct deliver *);

/* reload.c */
void reload_post(struct exchange *);

/* account.c */
void account_get(struct exchange *);

/* accounts.c; `row` is NULL if the store has none or failed */
void accounts_list(struct exchange *);
void accounts_poll(struct exchange *);
void accounts_pause(struct exchange *);
void accounts_resume(struct exchange *);
json_t *account_json(
    const struct poller_account_status *, const struct store_account_row *row);
/* Where in the poller the accounts behind this name begin; NULL: all. */
size_t accounts_place_behind(const struct poller *, const char *name);
/* Behind the name of every account, for store_accounts(). */
#define ACCOUNTS_LAST_NAME "\xf4\x8f\xbf\xbf"

/* authorize.c */
void authorize_post(struct exchange *);
void authorize_delete(struct exchange *);
void authorize_post_target(struct exchange *);
void authorize_delete_target(struct exchange *);
/*
 * How the tokens of the path's account, or target, stand; null where it has
 * none of its own.
 */
json_t *authorize_account_json(const struct exchange *);
json_t *authorize_target_json(const struct exchange *);

/* metrics.c */
void metrics_get(struct exchange *);

/* stored.c: accounts where no daemon runs */
void stored_accounts_list(struct exchange *);
void stored_accounts_get(struct exchange *);

/* plan.c */
void plan_get(struct exchange *);

/* polls.c */
void polls_list(struct exchange *);
json_t *poll_json(const struct store_poll_row *);

/* raw.c */
void messages_get_raw(struct exchange *);
void messages_get_raw_quarantined(struct exchange *);

/* search.c */
void messages_list(struct exchange *);
void messages_get_thread(struct exchange *);

/* events.c */
void events_get(struct exchange *);

/* message.c */
void message_get(struct exchange *);
void message_get_headers(struct exchange *);
void message_get_text(struct exchange *);
/* Answer what has gone wrong with this message. */
void message_fail(struct exchange *, enum store_status, int64_t id);

/* part.c */
void message_get_part(struct exchange *);

/* feed.c; of messages_list(), where "after_id" is given */
void feed_list(struct exchange *);

/* quarantine.c */
void quarantine_list(struct exchange *);
void quarantine_get(struct exchange *);
void quarantine_retry(struct exchange *);
void quarantine_retry_all(struct exchange *);

/* outbox.c */
void outbox_list(struct exchange *);
void outbox_get(struct exchange *);
void outbox_retry(struct exchange *);
void outbox_drop(struct exchange *);
void outbox_retry_all(struct exchange *);
void outbox_drop_all(struct exchange *);

/* delivery.c */
void delivery_post(struct exchange *);

/* targets.c */
void targets_list(struct exchange *);
void targets_get(struct exchange *);
void targets_pause(struct exchange *);
void targets_resume(struct exchange *);
void targets_probe(struct exchange *);

/* keeping.c */
void message_hold(struct exchange *);
void message_release(struct exchange *);
void message_delete(struct exchange *);
void messages_delete(struct exchange *);
void former_list(struct exchange *);

/* tombstones.c */
void tombstones_list(struct exchange *);

/* audit.c */
void audit_list(struct exchange *);

/* imports.c */
void imports_post(struct exchange *);

/* seen.c */
void seen_post(struct exchange *);

/* reseal.c */
void keys_list(struct exchange *);
void keys_post(struct exchange *);

/* backup.c */
void backup_start(struct exchange *);
void backup_get(struct exchange *);

/* check.c */
void check_start(struct exchange *);
void check_get(struct exchange *);

#endif
