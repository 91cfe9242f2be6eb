#include "daemon/ctl/watched.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/accounts.h"
#include "lib/base/clock.h"

/* Figures that grow, to see how fast. */
struct figures {
	int64_t taken_us; /* 0: never */
	uint64_t polls, messages, bytes;
};

struct watched {
	json_t *status, *page; /* NULL: no answer yet */
	const json_t **rows;   /* of the page, in order */
	size_t row_count;
	struct figures before, now;
	enum watched_order order;
};

struct watched *
watched_new(void)
{
	return calloc(1, sizeof(struct watched));
}

void
watched_free(struct watched **watched_ref)
{
	struct watched *watched = *watched_ref;

	*watched_ref = NULL;
	if (watched == NULL)
		return;
	free(watched->rows);
	json_decref(watched->page);
	json_decref(watched->status);
	free(watched);
}

/* ---- the order ---- */

static int
watched_compare_counts(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int
watched_compare_state(const json_t *a, const json_t *b)
{
	bool is_polling = ctl_is(a, "state", "polling");

	if (is_polling != ctl_is(b, "state", "polling"))
		return is_polling ? -1 : 1;
	return watched_compare_counts(accounts_rank(a), accounts_rank(b));
}

static int
watched_compare_next(const json_t *a, const json_t *b)
{
	const char *x = ctl_text(a, "next"), *y = ctl_text(b, "next");

	if (x == NULL || y == NULL)
		return (x == NULL) - (y == NULL);
	return strcmp(x, y);
}

static int
watched_compare_name(const json_t *a, const json_t *b)
{
	const char *x = ctl_text(a, "account"), *y = ctl_text(b, "account");

	return strcmp(x != NULL ? x : "", y != NULL ? y : "");
}

static int
watched_compare(const void *left, const void *right, void *arg)
{
	const json_t *a = *(const json_t *const *)left;
	const json_t *b = *(const json_t *const *)right;
	const struct watched *watched = arg;
	int result = 0;

	switch (watched->order) {
	case WATCHED_BY_STATE:
		result = watched_compare_state(a, b);
		break;
	case WATCHED_BY_MESSAGES:
		result = watched_compare_counts(ctl_count(b, "stored.messages"),
		    ctl_count(a, "stored.messages"));
		break;
	case WATCHED_BY_NEXT:
		result = watched_compare_next(a, b);
		break;
	case WATCHED_BY_NAME:
	case WATCHED_ORDER_COUNT:
		break;
	}
	return result != 0 ? result : watched_compare_name(a, b);
}

static void
watched_sort(struct watched *watched)
{
	if (watched->row_count > 0)
		qsort_r(watched->rows, watched->row_count,
		    sizeof(*watched->rows), watched_compare, watched);
}

const char *
watched_order_name(const struct watched *watched)
{
	static const char *const names[] = { "state", "name", "messages",
		"next" };

	_Static_assert(sizeof(names) / sizeof(names[0]) == WATCHED_ORDER_COUNT,
	    "a name for each order");
	return names[watched->order];
}

void
watched_order_next(struct watched *watched)
{
	watched->order = (watched->order + 1) % WATCHED_ORDER_COUNT;
	watched_sort(watched);
}

/* ---- what the daemon says ---- */

static void
watched_take_status(struct watched *watched, json_t *status)
{
	json_decref(watched->status);
	watched->status = status;
	watched->before = watched->now;
	watched->now = (struct figures){
		.taken_us = evpop_clock_monotonic_us(),
		.polls = ctl_count(status, "polls.total"),
		.messages = ctl_count(status, "polls.messages"),
		.bytes = ctl_count(status, "polls.bytes"),
	};
	/* Another run of the daemon begins at zero. */
	if (watched->now.polls < watched->before.polls)
		watched->before = watched->now;
}

static bool
watched_take_page(struct watched *watched, json_t *page)
{
	const json_t *accounts = json_object_get(page, "accounts"), *row;
	const json_t **rows =
	    calloc(json_array_size(accounts) + 1, sizeof(*rows));
	size_t i;

	if (rows == NULL) {
		json_decref(page);
		return false;
	}
	free(watched->rows);
	json_decref(watched->page);
	json_array_foreach(accounts, i, row) rows[i] = row;
	watched->page = page;
	watched->rows = rows;
	watched->row_count = i;
	watched_sort(watched);
	return true;
}

bool
watched_look(struct watched *watched, const struct ctl *ctl,
    const struct watched_filter *filter, struct client_error *error_r)
{
	struct target target;
	json_t *json;

	target_begin(&target, "/v1/status", NULL);
	if (!client_ask(ctl, "GET", &target, &json, error_r))
		return false;
	watched_take_status(watched, json);
	target_begin(&target, "/v1/accounts", NULL);
	target_parameter(&target, "limit", WATCHED_MOST);
	target_parameter(
	    &target, "state", filter->only_failing ? "failing" : NULL);
	target_parameter(&target, "name",
	    filter->pattern[0] != '\0' ? filter->pattern : NULL);
	if (!client_ask(ctl, "GET", &target, &json, error_r))
		return false;
	if (watched_take_page(watched, json))
		return true;
	client_fail(error_r, CTL_TEMPORARY, NULL, "out of memory");
	return false;
}

/* ---- what is there ---- */

const json_t *
watched_status(const struct watched *watched)
{
	return watched->status;
}

size_t
watched_count(const struct watched *watched)
{
	return watched->row_count;
}

const json_t *
watched_account(const struct watched *watched, size_t row)
{
	return row < watched->row_count ? watched->rows[row] : NULL;
}

const char *
watched_name(const struct watched *watched, size_t row)
{
	const char *name = row < watched->row_count
			       ? ctl_text(watched->rows[row], "account")
			       : NULL;

	return name != NULL ? name : "";
}

size_t
watched_find(const struct watched *watched, const char *name)
{
	size_t row = 0;

	while (row < watched->row_count &&
	       !ctl_is(watched->rows[row], "account", name))
		row++;
	return row;
}

bool
watched_has_more(const struct watched *watched)
{
	return ctl_text(watched->page, "next_cursor") != NULL;
}

static double
watched_rate(const struct watched *watched, uint64_t before, uint64_t now)
{
	int64_t us = watched->now.taken_us - watched->before.taken_us;

	return watched->before.taken_us == 0 || us <= 0
		   ? 0
		   : (double)(now - before) * 1e6 / (double)us;
}

struct watched_rates
watched_rates(const struct watched *watched)
{
	const struct figures *before = &watched->before, *now = &watched->now;

	return (struct watched_rates){
		.polls = watched_rate(watched, before->polls, now->polls),
		.messages =
		    watched_rate(watched, before->messages, now->messages),
		.bytes = watched_rate(watched, before->bytes, now->bytes),
	};
}
