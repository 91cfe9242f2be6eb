#include "daemon/store/roster.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- the orders ---- */

static int
roster_compare_texts(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return (a != NULL) - (b != NULL);
	return strcmp(a, b);
}

static int
roster_compare_maildrops(
    const char *host, const char *user, const struct store_roster_row *row)
{
	int order;

	if (row->host == NULL || row->user == NULL)
		return 1;
	order = strcasecmp(host, row->host);
	return order != 0 ? order : strcmp(user, row->user);
}

static int
roster_compare_account_names(const void *a, const void *b)
{
	return strcmp((*(const struct store_configured *const *)a)->name,
	    (*(const struct store_configured *const *)b)->name);
}

static int
roster_compare_names(const void *a, const void *b)
{
	return strcmp((*(struct store_roster_row *const *)a)->name,
	    (*(struct store_roster_row *const *)b)->name);
}

static int
roster_compare_ids(const void *a, const void *b)
{
	return roster_compare_texts(
	    (*(struct store_roster_row *const *)a)->stable_id,
	    (*(struct store_roster_row *const *)b)->stable_id);
}

/* Of one maildrop, the newest first. */
static int
roster_compare_row_maildrops(const void *a, const void *b)
{
	const struct store_roster_row *x = *(struct store_roster_row *const *)a;
	const struct store_roster_row *y = *(struct store_roster_row *const *)b;
	int order;

	if (x->host == NULL || x->user == NULL)
		order = (y->host != NULL && y->user != NULL) ? -1 : 0;
	else
		order = roster_compare_maildrops(x->host, x->user, y);
	return order != 0 ? order : (x->id < y->id) - (x->id > y->id);
}

static struct store_roster_row **
roster_sort(struct store_roster_row *rows, size_t count,
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
roster_sort_all(struct store_roster *roster)
{
	size_t count = roster->account_count;

	roster->owned = calloc(count + 1, sizeof(*roster->owned));
	roster->by_name = calloc(count + 1, sizeof(*roster->by_name));
	roster->rows_by_name =
	    roster_sort(roster->rows, roster->row_count, roster_compare_names);
	roster->rows_by_id =
	    roster_sort(roster->rows, roster->row_count, roster_compare_ids);
	roster->rows_by_maildrop = roster_sort(
	    roster->rows, roster->row_count, roster_compare_row_maildrops);
	if (roster->owned == NULL || roster->by_name == NULL ||
	    roster->rows_by_name == NULL || roster->rows_by_id == NULL ||
	    roster->rows_by_maildrop == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		roster->by_name[i] = &roster->accounts[i];
	qsort(roster->by_name, count, sizeof(*roster->by_name),
	    roster_compare_account_names);
	return true;
}

/* ---- who is there ---- */

static const struct store_configured *
roster_find_account(const struct store_roster *roster, const char *name)
{
	const struct store_configured key = { .name = name }, *at = &key;
	const struct store_configured **found =
	    bsearch(&at, roster->by_name, roster->account_count,
		sizeof(*roster->by_name), roster_compare_account_names);

	return found != NULL ? *found : NULL;
}

static struct store_roster_row *
roster_find_row(struct store_roster_row **order, size_t count,
    struct store_roster_row *key, int (*compare)(const void *, const void *))
{
	struct store_roster_row **found =
	    bsearch(&key, order, count, sizeof(*order), compare);

	return found != NULL && !(*found)->is_taken ? *found : NULL;
}

/* Each NULL where it is taken. */
static struct store_roster_row *
roster_find_name(const struct store_roster *roster, const char *name)
{
	struct store_roster_row key = { .name = name };

	return roster_find_row(roster->rows_by_name, roster->row_count, &key,
	    roster_compare_names);
}

static struct store_roster_row *
roster_find_id(const struct store_roster *roster, const char *stable_id)
{
	struct store_roster_row key = { .stable_id = stable_id };

	return roster_find_row(
	    roster->rows_by_id, roster->row_count, &key, roster_compare_ids);
}

static struct store_roster_row **
roster_owned(
    const struct store_roster *roster, const struct store_configured *account)
{
	return &roster->owned[account - roster->accounts];
}

static void
roster_take(struct store_roster *roster, const struct store_configured *account,
    struct store_roster_row *row)
{
	*roster_owned(roster, account) = row;
	row->is_taken = true;
}

/* Whether its maildrop speaks for this account, and not for the other. */
static bool
roster_is_maildrop_of(const struct store_roster_row *row,
    const struct store_configured *account,
    const struct store_configured *other)
{
	return roster_compare_maildrops(account->host, account->user, row) ==
		   0 &&
	       roster_compare_maildrops(other->host, other->user, row) != 0;
}

/* ---- the rules, from the surest on ---- */

/* The row says of itself that it is this account's. */
static void
roster_match_id(
    struct store_roster *roster, const struct store_configured *account)
{
	struct store_roster_row *row =
	    account->stable_id != NULL
		? roster_find_id(roster, account->stable_id)
		: roster_find_name(roster, account->name);

	if (row != NULL &&
	    (account->stable_id != NULL || row->stable_id == NULL))
		roster_take(roster, account, row);
}

/*
 * The account that has this name now, if it has found no row of its own yet:
 * then the one of its name may be meant for it.
 */
static const struct store_configured *
roster_find_rival(const struct store_roster *roster, const char *name,
    const struct store_configured *account)
{
	const struct store_configured *found =
	    roster_find_account(roster, name);

	return found != NULL && found != account &&
		       *roster_owned(roster, found) == NULL
		   ? found
		   : NULL;
}

/* It had no id before: its id is its former name. */
static struct store_roster_row *
roster_match_former_name(const struct store_roster *roster,
    const struct store_configured *account, bool contested)
{
	struct store_roster_row *row =
	    roster_find_name(roster, account->stable_id);
	const struct store_configured *other;

	if (row == NULL || row->stable_id != NULL)
		return NULL;
	other = roster_find_rival(roster, account->stable_id, account);
	if (other == NULL)
		return row;
	return contested && !roster_is_maildrop_of(row, other, account) ? row
									: NULL;
}

/* It has no id any more, and its name is what the id was. */
static struct store_roster_row *
roster_match_former_id(const struct store_roster *roster,
    const struct store_configured *account, bool contested)
{
	struct store_roster_row *row = roster_find_id(roster, account->name);
	const struct store_roster_row *own =
	    roster_find_name(roster, account->name);
	const struct store_configured *other;

	if (row == NULL)
		return NULL;
	/* A matching name is weaker than a matching maildrop. */
	if (own != NULL &&
	    (roster_compare_maildrops(account->host, account->user, row) != 0 ||
		roster_compare_maildrops(account->host, account->user, own) ==
		    0))
		return NULL;
	other = roster_find_rival(roster, row->name, account);
	if (other == NULL || other->stable_id != NULL)
		return row;
	return contested && roster_is_maildrop_of(row, account, other) ? row
								       : NULL;
}

static void
roster_match_former(struct store_roster *roster,
    const struct store_configured *account, bool contested)
{
	struct store_roster_row *row =
	    account->stable_id != NULL
		? roster_match_former_name(roster, account, contested)
		: roster_match_former_id(roster, account, contested);

	if (row != NULL)
		roster_take(roster, account, row);
}

/*
 * It has an id since now, or has none any more.  With an id of its own that is
 * another one, the row is another account's.
 */
static void
roster_match_name(
    struct store_roster *roster, const struct store_configured *account)
{
	struct store_roster_row *row = roster_find_name(roster, account->name);

	if (row != NULL &&
	    (account->stable_id == NULL || row->stable_id == NULL))
		roster_take(roster, account, row);
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
	if (!roster_sort_all(roster))
		return false;
	for (size_t i = 0; i < account_count; i++)
		roster_match_id(roster, &accounts[i]);
	for (int contested = 0; contested <= 1; contested++)
		for (size_t i = 0; i < account_count; i++)
			if (roster->owned[i] == NULL)
				roster_match_former(
				    roster, &accounts[i], contested != 0);
	for (size_t i = 0; i < account_count; i++)
		if (roster->owned[i] == NULL)
			roster_match_name(roster, &accounts[i]);
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
		    roster_compare_maildrops(
			account->host, account->user, row) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < roster->row_count; low++) {
		row = roster->rows_by_maildrop[low];
		if (roster_compare_maildrops(
			account->host, account->user, row) != 0)
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
	return roster_find_name(roster, account->name);
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
