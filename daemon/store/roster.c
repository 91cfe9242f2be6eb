#include "daemon/store/roster.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- the orders ---- */

static int
compare_texts(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return (a != NULL) - (b != NULL);
	return strcmp(a, b);
}

static int
compare_maildrops(
    const char *host, const char *user, const struct store_roster_row *row)
{
	int order;

	if (row->host == NULL || row->user == NULL)
		return 1;
	order = strcasecmp(host, row->host);
	return order != 0 ? order : strcmp(user, row->user);
}

static int
account_names(const void *a, const void *b)
{
	return strcmp((*(const struct store_configured *const *)a)->name,
	    (*(const struct store_configured *const *)b)->name);
}

static int
row_names(const void *a, const void *b)
{
	return strcmp((*(struct store_roster_row *const *)a)->name,
	    (*(struct store_roster_row *const *)b)->name);
}

static int
row_ids(const void *a, const void *b)
{
	return compare_texts((*(struct store_roster_row *const *)a)->stable_id,
	    (*(struct store_roster_row *const *)b)->stable_id);
}

/* Of one maildrop, the newest first. */
static int
row_maildrops(const void *a, const void *b)
{
	const struct store_roster_row *x = *(struct store_roster_row *const *)a;
	const struct store_roster_row *y = *(struct store_roster_row *const *)b;
	int order;

	if (x->host == NULL || x->user == NULL)
		order = (y->host != NULL && y->user != NULL) ? -1 : 0;
	else
		order = compare_maildrops(x->host, x->user, y);
	return order != 0 ? order : (x->id < y->id) - (x->id > y->id);
}

static struct store_roster_row **
ordered(struct store_roster_row *rows, size_t count,
    int (*compare)(const void *, const void *))
{
	struct store_roster_row **order = calloc(count + 1, sizeof(*order));

	if (order == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++)
		order[i] = &rows[i];
	qsort(order, count, sizeof(*order), compare);
	return order;
}

static bool
set_orders(struct store_roster *roster)
{
	size_t count = roster->account_count;

	roster->owned = calloc(count + 1, sizeof(*roster->owned));
	roster->by_name = calloc(count + 1, sizeof(*roster->by_name));
	roster->rows_by_name =
	    ordered(roster->rows, roster->row_count, row_names);
	roster->rows_by_id = ordered(roster->rows, roster->row_count, row_ids);
	roster->rows_by_maildrop =
	    ordered(roster->rows, roster->row_count, row_maildrops);
	if (roster->owned == NULL || roster->by_name == NULL ||
	    roster->rows_by_name == NULL || roster->rows_by_id == NULL ||
	    roster->rows_by_maildrop == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		roster->by_name[i] = &roster->accounts[i];
	qsort(roster->by_name, count, sizeof(*roster->by_name), account_names);
	return true;
}

/* ---- who is there ---- */

static const struct store_configured *
account_named(const struct store_roster *roster, const char *name)
{
	const struct store_configured key = { .name = name }, *at = &key;
	const struct store_configured **found = bsearch(&at, roster->by_name,
	    roster->account_count, sizeof(*roster->by_name), account_names);

	return found != NULL ? *found : NULL;
}

static struct store_roster_row *
row_of(struct store_roster_row **order, size_t count,
    struct store_roster_row *key, int (*compare)(const void *, const void *))
{
	struct store_roster_row **found =
	    bsearch(&key, order, count, sizeof(*order), compare);

	return found != NULL && !(*found)->is_taken ? *found : NULL;
}

/* Each NULL where it is taken. */
static struct store_roster_row *
row_named(const struct store_roster *roster, const char *name)
{
	struct store_roster_row key = { .name = name };

	return row_of(roster->rows_by_name, roster->row_count, &key, row_names);
}

static struct store_roster_row *
row_identified(const struct store_roster *roster, const char *stable_id)
{
	struct store_roster_row key = { .stable_id = stable_id };

	return row_of(roster->rows_by_id, roster->row_count, &key, row_ids);
}

static struct store_roster_row **
owned(const struct store_roster *roster, const struct store_configured *account)
{
	return &roster->owned[account - roster->accounts];
}

static void
take(struct store_roster *roster, const struct store_configured *account,
    struct store_roster_row *row)
{
	*owned(roster, account) = row;
	row->is_taken = true;
}

/* Whether its maildrop speaks for this account, and not for the other. */
static bool
speaks_for(const struct store_roster_row *row,
    const struct store_configured *account,
    const struct store_configured *other)
{
	return compare_maildrops(account->host, account->user, row) == 0 &&
	       compare_maildrops(other->host, other->user, row) != 0;
}

/* ---- the rules, from the surest on ---- */

/* The row says of itself that it is this account's. */
static void
by_identity(struct store_roster *roster, const struct store_configured *account)
{
	struct store_roster_row *row =
	    account->stable_id != NULL
		? row_identified(roster, account->stable_id)
		: row_named(roster, account->name);

	if (row != NULL &&
	    (account->stable_id != NULL || row->stable_id == NULL))
		take(roster, account, row);
}

/*
 * The account that has this name now, if it has found no row of its own yet:
 * then the one of its name may be meant for it.
 */
static const struct store_configured *
rival(const struct store_roster *roster, const char *name,
    const struct store_configured *account)
{
	const struct store_configured *found = account_named(roster, name);

	return found != NULL && found != account &&
		       *owned(roster, found) == NULL
		   ? found
		   : NULL;
}

/* It had no id before: its id is its former name. */
static struct store_roster_row *
by_former_name(const struct store_roster *roster,
    const struct store_configured *account, bool contested)
{
	struct store_roster_row *row = row_named(roster, account->stable_id);
	const struct store_configured *other;

	if (row == NULL || row->stable_id != NULL)
		return NULL;
	other = rival(roster, account->stable_id, account);
	if (other == NULL)
		return row;
	return contested && !speaks_for(row, other, account) ? row : NULL;
}

/* It has no id any more, and its name is what the id was. */
static struct store_roster_row *
by_former_id(const struct store_roster *roster,
    const struct store_configured *account, bool contested)
{
	struct store_roster_row *row = row_identified(roster, account->name);
	const struct store_roster_row *own = row_named(roster, account->name);
	const struct store_configured *other;

	if (row == NULL)
		return NULL;
	/* Of the two, what it is called is less than whose mail it has. */
	if (own != NULL &&
	    (compare_maildrops(account->host, account->user, row) != 0 ||
		compare_maildrops(account->host, account->user, own) == 0))
		return NULL;
	other = rival(roster, row->name, account);
	if (other == NULL || other->stable_id != NULL)
		return row;
	return contested && speaks_for(row, account, other) ? row : NULL;
}

static void
by_former(struct store_roster *roster, const struct store_configured *account,
    bool contested)
{
	struct store_roster_row *row =
	    account->stable_id != NULL
		? by_former_name(roster, account, contested)
		: by_former_id(roster, account, contested);

	if (row != NULL)
		take(roster, account, row);
}

/*
 * It has an id since now, or has none any more.  With an id of its own that is
 * another one, the row is another account's.
 */
static void
by_name(struct store_roster *roster, const struct store_configured *account)
{
	struct store_roster_row *row = row_named(roster, account->name);

	if (row != NULL &&
	    (account->stable_id == NULL || row->stable_id == NULL))
		take(roster, account, row);
}

bool
store_roster_match(struct store_roster *roster,
    const struct store_configured *accounts, size_t account_count,
    struct store_roster_row *rows, size_t row_count)
{
	*roster = (struct store_roster){ .accounts = accounts,
		.account_count = account_count,
		.rows = rows,
		.row_count = row_count };
	if (!set_orders(roster))
		return false;
	for (size_t i = 0; i < account_count; i++)
		by_identity(roster, &accounts[i]);
	for (int contested = 0; contested <= 1; contested++)
		for (size_t i = 0; i < account_count; i++)
			if (roster->owned[i] == NULL)
				by_former(roster, &accounts[i], contested != 0);
	for (size_t i = 0; i < account_count; i++)
		if (roster->owned[i] == NULL)
			by_name(roster, &accounts[i]);
	return true;
}

/* ---- resemblance ---- */

const struct store_roster_row *
store_roster_twin(
    const struct store_roster *roster, const struct store_configured *account)
{
	size_t low = 0, high = roster->row_count, middle;
	const struct store_roster_row *row =
	    roster->owned[account - roster->accounts];

	if (row != NULL && !row->is_empty)
		return NULL;
	while (low < high) {
		middle = low + (high - low) / 2;
		row = roster->rows_by_maildrop[middle];
		/* Those of unknown ones come first. */
		if (row->host == NULL || row->user == NULL ||
		    compare_maildrops(account->host, account->user, row) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < roster->row_count; low++) {
		row = roster->rows_by_maildrop[low];
		if (compare_maildrops(account->host, account->user, row) != 0)
			break;
		if (!row->is_taken)
			return row;
	}
	return NULL;
}

const struct store_roster_row *
store_roster_replaced(
    const struct store_roster *roster, const struct store_configured *account)
{
	return row_named(roster, account->name);
}

void
store_roster_free(struct store_roster *roster)
{
	free(roster->owned);
	free(roster->by_name);
	free(roster->rows_by_name);
	free(roster->rows_by_id);
	free(roster->rows_by_maildrop);
	*roster = (struct store_roster){ 0 };
}
