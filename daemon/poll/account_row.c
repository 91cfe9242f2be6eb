#include "daemon/poll/account_row.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/failpoint/failpoint.h"
#include "daemon/log/log.h"

#define NOTE_SIZE 512

struct account_row {
	struct store *store;
	char *name, *user;
	char *stable_id;              /* NULL: none */
	char *place;                  /* of its server */
	struct store_account account; /* without texts */
	bool is_recalled; /* from the last poll: the store was not asked */
	bool is_bound, is_elsewhere;
	char note[NOTE_SIZE]; /* "": none */

	/* Of the answer that is owed. */
	store_account_cb known;
	store_done_cb bound;
	void *arg;
};

struct account_row *
account_row_new(struct store *store, const struct config_account *account)
{
	struct account_row *row;

	row = calloc(1, sizeof *row);
	if (row == NULL)
		return NULL;
	row->store = store;
	row->name = strdup(account->name);
	row->user = strdup(account->user);
	row->place = config_account_place(account);
	if (account->id != NULL)
		row->stable_id = strdup(account->id);
	if (row->name == NULL || row->user == NULL || row->place == NULL ||
	    (account->id != NULL && row->stable_id == NULL))
		account_row_free(&row);
	return row;
}

/* ---- the row ---- */

static void
account_row_take(struct account_row *row, const struct store_account *account)
{
	row->account = *account;
	row->account.host = row->account.user = NULL;
	row->is_recalled = false;
	row->is_bound = account->host != NULL && account->user != NULL &&
			strcasecmp(account->host, row->place) == 0 &&
			strcmp(account->user, row->user) == 0;
	row->is_elsewhere = account->host != NULL && !row->is_bound;
}

static void
account_row_known(
    enum store_status status, const struct store_account *account, void *arg)
{
	struct account_row *row = arg;

	if (status == STORE_OK)
		account_row_take(row, account);
	row->known(status, account, row->arg);
}

void
account_row_ask(struct account_row *row, store_account_cb known, void *arg)
{
	row->known = known;
	row->arg = arg;
	store_account(
	    row->store, row->name, row->stable_id, account_row_known, row);
}

void
account_row_recall(struct account_row *row, int64_t account_id)
{
	row->account.id = account_id;
	row->is_recalled = true;
}

/* ---- its maildrop ---- */

static void
account_row_add_note(struct account_row *row, const char *before,
    uint64_t count, const char *one, const char *more)
{
	size_t length = strlen(row->note);

	if (count > 0)
		snprintf(row->note + length, sizeof row->note - length,
		    "%s%" PRIu64 " %s", before, count, count == 1 ? one : more);
}

static void
account_row_describe(struct account_row *row, const struct store_bound *bound)
{
	snprintf(row->note, sizeof row->note,
	    "its maildrop was that of %.128s at %.128s before",
	    bound->former_user, bound->former_host);
	account_row_add_note(row, ": ", bound->distrusted,
	    "unique-id is not trusted here, and its message is recognised by "
	    "size, header and digest",
	    "unique-ids are not trusted here, and their messages are "
	    "recognised by size, header and digest");
	account_row_add_note(row, "; ", bound->restored,
	    "unique-id of an earlier time here counts again",
	    "unique-ids of an earlier time here count again");
	account_row_add_note(row, "; ", bound->seen,
	    "unique-id still counts as seen", "unique-ids still count as seen");
	account_row_add_note(row, "; ", bound->waiting,
	    "message waits anew (fetch_after)",
	    "messages wait anew (fetch_after)");
}

static void
account_row_bound(
    enum store_status status, const struct store_bound *bound, void *arg)
{
	struct account_row *row = arg;

	FAILPOINT("account bound");
	if (status == STORE_OK) {
		row->is_bound = true;
		row->is_elsewhere = false;
		if (bound->is_moved) {
			account_row_describe(row, bound);
			log_write(
			    LOG_LEVEL_WARNING, row->name, "%s", row->note);
		}
	}
	row->bound(status, row->arg);
}

static void
account_row_tried(
    enum store_status status, const struct store_account *account, void *arg)
{
	struct account_row *row = arg;

	if (status == STORE_OK)
		account_row_take(row, account);
	if (status != STORE_OK || row->is_bound)
		row->bound(status, row->arg);
	else
		store_account_bind(row->store, row->account.id, row->place,
		    row->user, account_row_bound, row);
}

bool
account_row_is_elsewhere(const struct account_row *row)
{
	return row->is_elsewhere;
}

void
account_row_bind(struct account_row *row, store_done_cb bound, void *arg)
{
	row->bound = bound;
	row->arg = arg;
	if (row->is_recalled)
		store_account_again(
		    row->store, row->account.id, account_row_tried, row);
	else if (row->is_bound)
		row->bound(STORE_OK, row->arg);
	else
		store_account_bind(row->store, row->account.id, row->place,
		    row->user, account_row_bound, row);
}

const struct store_account *
account_row_account(const struct account_row *row)
{
	return &row->account;
}

const char *
account_row_note(const struct account_row *row)
{
	return row->note[0] != '\0' ? row->note : NULL;
}

void
account_row_free(struct account_row **row_p)
{
	struct account_row *row = *row_p;

	if (row == NULL)
		return;
	*row_p = NULL;
	free(row->name);
	free(row->user);
	free(row->stable_id);
	free(row->place);
	free(row);
}
