/*
 * The routes' handlers, by subject.  Each ends its exchange with an answer,
 * at once or when the store has spoken.
 */
#ifndef CONTROL_HANDLERS_H
#define CONTROL_HANDLERS_H

struct exchange;

/* status.c */
void status_get(struct exchange *);
void status_reload(struct exchange *);

/* accounts.c */
void accounts_list(struct exchange *);
void accounts_get(struct exchange *);
void accounts_poll(struct exchange *);
void accounts_pause(struct exchange *);
void accounts_resume(struct exchange *);

/* plan.c */
void plan_get(struct exchange *);

/* polls.c */
void polls_list(struct exchange *);

/* messages.c */
void messages_list(struct exchange *);
void messages_get(struct exchange *);

/* raw.c */
void raw_get(struct exchange *);
void raw_get_quarantined(struct exchange *);

/* quarantine.c */
void quarantine_list(struct exchange *);
void quarantine_get(struct exchange *);
void quarantine_retry(struct exchange *);
void quarantine_retry_all(struct exchange *);

/* check.c */
void check_start(struct exchange *);
void check_get(struct exchange *);

#endif
