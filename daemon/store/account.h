/*
 * Accounts, as the store knows them: a part of store.h.  Names and ids of the
 * configuration tell which row belongs to which account, and each row is bound
 * to the maildrop that its unique-ids are of.
 */
#ifndef STORE_ACCOUNT_H
#define STORE_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store/status.h"

struct store;

struct store_account {
	int64_t id;
	bool listed; /* a poll of it went well before, or left unique-ids */
	/*
	 * The most that one of its last polls deleted on the server, of those
	 * that deleted anything.
	 */
	uint32_t usual_deletes;
	/*
	 * So many of its last polls in a row found nothing to do, of those that
	 * went well and are written; STORE_QUIET_POLLS at the most.
	 */
	uint32_t quiet_polls;
	/*
	 * The setting of the clock by which its ages are judged, see
	 * store_age_now_ms().  0: they cannot be judged, because the clock is
	 * behind, or was set and no poll has gone by since.
	 */
	uint64_t setting;
	int64_t failing_since_ms; /* Unix time; 0: its last poll went well */
	/* Whose maildrop it is bound to; borrowed; NULL: to none yet. */
	const char *host, *user;
};
#define STORE_QUIET_POLLS 4
/* Borrowed; NULL unless STORE_OK. */
typedef void (*store_account_cb)(
    enum store_status, const struct store_account *, void *arg);

/* An account of the configuration, and whose maildrop it polls. */
struct store_configured {
	const char *name;
	const char *stable_id; /* NULL: its name */
	const char *host, *user;
};

/* What happened to one of them since the last time. */
enum store_account_kind {
	STORE_ACCOUNT_RENAMED = 0, /* its row had another name */
	/*
	 * It has no row, or one of which no poll ever went well; and there is
	 * one of the same maildrop, of an account that is not configured any
	 * more.
	 */
	STORE_ACCOUNT_RESEMBLES,
	/* A row with mail had its name, that no account has from now on. */
	STORE_ACCOUNT_REPLACES,
	STORE_ACCOUNT_PAUSED, /* by store_account_pause(), and not resumed */
	STORE_ACCOUNT_REFUSED /* its credentials, since its last success */
};
/* The last time of several in a row. */
struct store_refusal {
	int64_t at_ms; /* Unix time */
	uint32_t times;
	uint32_t credentials_mark; /* as store_poll_record() got it */
	bool has_worked;           /* a poll went well before */
};
struct store_account_news {
	enum store_account_kind kind;
	const char *name;
	const char *former_name; /* of that row; the one that it gets */
	const char *former_id;   /* the `id` by which it is found */
	int64_t paused_ms;       /* Unix time */
	const char *paused_by;   /* NULL: not known */
	struct store_refusal refusal;
};
/* Borrowed until the callback returns. */
typedef void (*store_configure_cb)(enum store_status,
    const struct store_account_news *, size_t count, void *arg);

/*
 * All accounts that are configured, once the configuration is read: their rows
 * get the names that these have now.  A row is found by its id, where it has
 * none by its name; an id also finds the row that had it as its name.  Where
 * several could be meant, the host and user of the row decide.  The accounts
 * are copied.
 */
void store_configure(struct store *, const struct store_configured *,
    size_t count, store_configure_cb, void *arg);

/*
 * The row of a configured account, made where missing, with `stable_id` (or
 * NULL).
 */
void store_account(struct store *, const char *name, const char *stable_id,
    store_account_cb, void *arg);
/* The same for a row that exists, whatever its name is now. */
void store_account_again(
    struct store *, int64_t account_id, store_account_cb, void *arg);

/*
 * The account of this name is paused from now on, by whom is told if it is
 * known (or NULL); its row is made where missing.  Or it is paused no more.
 * Either is durable when it is answered.
 */
void store_account_pause(struct store *, const char *name,
    const char *stable_id, int64_t now_ms, const char *who, store_done_cb,
    void *arg);
void store_account_resume(struct store *, const char *name,
    const char *stable_id, store_done_cb, void *arg);

struct store_bound {
	bool is_moved; /* it was bound to another maildrop */
	const char *former_host, *former_user; /* NULL: to none */
	uint64_t distrusted; /* unique-ids that count no more as known */
	uint64_t restored;   /* of an earlier time at this maildrop */
	uint64_t seen;       /* that were counted as seen, and still are */
	uint64_t waiting;    /* that were WAITING, and are forgotten */
};
/* Borrowed until the callback returns; NULL unless STORE_OK. */
typedef void (*store_bound_cb)(
    enum store_status, const struct store_bound *, void *arg);

/*
 * From now on the row's unique-ids are those of this maildrop.  If the row was
 * bound to another one, no id counts as known by its text: messages are
 * recognised by size, header and digest, and nothing is deleted before they
 * are.  Long ids that were only counted as seen stay where the user is the
 * same.  If the row was bound to this maildrop before, what was known of it
 * comes back.
 */
void store_account_bind(struct store *, int64_t account_id, const char *host,
    const char *user, store_bound_cb, void *arg);

#endif
