/*
 * GET /metrics: the daemon's figures, and some of each account.  There may be a
 * hundred thousand accounts: the answer is written a page at a time, each once
 * the one before it has gone out.
 */
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/figures.h"
#include "daemon/control/handlers.h"
#include "daemon/control/route.h"
#include "daemon/control/target_figures.h"
#include "daemon/metrics/certificates.h"
#include "daemon/metrics/exposition.h"
#include "daemon/metrics/metrics.h"
#include "lib/base/clock.h"

/* Accounts, or servers, that are looked at in one turn of the loop. */
#define METRICS_PAGE 250

/* Which accounts are shown. */
enum metrics_accounts {
	METRICS_ALL = 0,
	METRICS_FAILING,
	METRICS_NONE,
	METRICS_ACCOUNTS_COUNT
};
static const char *const accounts_names[] = { "all", "failing", "none" };

/* What is said of an account; below 0, nothing is. */
struct metrics_of_account {
	struct exposition_family family;
	bool is_time;
	bool needs_row; /* the store's, which knows of earlier daemons */
	int64_t (*value)(const struct poller_account_status *,
	    const struct store_account_row *);
};

struct metrics_answer {
	struct exposition exposition;
	struct event *turn; /* goes on with the next page */
	enum metrics_accounts accounts;
	/* The server whose certificate was written last; all are first. */
	char host[CERTIFICATES_HOST_SIZE];
	uint16_t port;
	bool has_servers; /* that follow */
	bool has_targets; /* likewise */
	struct target_figures targets;
	size_t family; /* of accounts, that is being written */
	/* The last account that was, or ""; others may come and go meanwhile.
	 */
	char after[ROUTE_NAME_SIZE];
	size_t first, count; /* of the page, by places in the poller */
};

/* ---- what is said of an account ---- */

static int64_t
metrics_last_success(const struct poller_account_status *account,
    const struct store_account_row *row)
{
	int64_t success_ms = account->last_success_ms;

	/* Of one that is not polled, nobody expects any. */
	if (account->state == POLLER_PAUSED ||
	    account->state == POLLER_DISABLED)
		return -1;
	if (row != NULL && row->last_success_ms > success_ms)
		success_ms = row->last_success_ms;
	return success_ms > 0 ? success_ms : -1;
}

static int64_t
metrics_failing_since(const struct poller_account_status *account,
    const struct store_account_row *row)
{
	(void)row;
	return account->failing_since_ms > 0 ? account->failing_since_ms : -1;
}

static int64_t
metrics_needs_attention(const struct poller_account_status *account,
    const struct store_account_row *row)
{
	(void)row;
	return account->health == POLLER_REFUSED ? 1 : -1;
}

static int64_t
metrics_held(const struct poller_account_status *account,
    const struct store_account_row *row)
{
	(void)row;
	return account->tally.held > 0 ? (int64_t)account->tally.held : -1;
}

static const struct metrics_of_account of_account[] = {
	{ { "evpopd_account_last_success_timestamp_seconds", EXPOSITION_GAUGE,
	      "seconds",
	      "When a poll of the account last went well, as Unix time; "
	      "missing if none ever did, or if it is paused or disabled" },
	    true, true, metrics_last_success },
	{ { "evpopd_account_failing_since_timestamp_seconds", EXPOSITION_GAUGE,
	      "seconds",
	      "Since when the account fails, as Unix time; missing if it does "
	      "not" },
	    true, false, metrics_failing_since },
	{ { "evpopd_account_needs_attention", EXPOSITION_GAUGE, NULL,
	      "1 if the account fails until a person sees to it, else "
	      "missing" },
	    false, false, metrics_needs_attention },
	{ { "evpopd_account_held_deletions", EXPOSITION_GAUGE, NULL,
	      "Deletions of the account that wait for a person; missing if "
	      "none do" },
	    false, false, metrics_held },
};
#define FAMILIES (sizeof of_account / sizeof of_account[0])

/* ---- certificates ---- */

static void
servers_begin(struct metrics_answer *answer, const struct metrics *metrics)
{
	static const struct exposition_family family = {
		"evpopd_certificate_expiry_timestamp_seconds", EXPOSITION_GAUGE,
		"seconds",
		"When the certificate of a server expires, as Unix time"
	};

	certificates_sweep(
	    metrics_certificates(metrics), evpop_clock_elapsed_ms());
	answer->has_servers = true;
	exposition_begin(&answer->exposition, &family);
}

static void
servers_write_page(struct metrics_answer *answer, const struct metrics *metrics)
{
	const struct certificates *all = metrics_certificates(metrics);
	const struct certificate *certificate = NULL;
	char port[8];
	size_t i;

	for (i = 0; i < METRICS_PAGE; i++) {
		certificate =
		    certificates_behind(all, answer->host, answer->port);
		if (certificate == NULL)
			break;
		snprintf(port, sizeof port, "%u", certificate->port);
		exposition_ms(&answer->exposition,
		    (const char *const[]){
			"host", certificate->host, "port", port, NULL },
		    certificate->expires_s * 1000);
		snprintf(
		    answer->host, sizeof answer->host, "%s", certificate->host);
		answer->port = certificate->port;
	}
	answer->has_servers = certificate != NULL;
}

/* ---- a page of accounts ---- */

/* Accounts are sorted by name: those behind the last one written. */
static void
page_find(struct metrics_answer *answer, const struct poller *poller)
{
	struct poller_status all;

	poller_status(poller, &all);
	answer->first = accounts_place_behind(poller, answer->after);
	answer->count = all.accounts - answer->first;
	if (answer->count > METRICS_PAGE)
		answer->count = METRICS_PAGE;
}

static void
page_write_account(struct metrics_answer *answer,
    const struct poller_account_status *account,
    const struct store_account_row *row)
{
	const struct metrics_of_account *family = &of_account[answer->family];
	const char *const labels[] = { "account", account->name, NULL };
	int64_t value;

	if (answer->accounts == METRICS_FAILING &&
	    account->failing_since_ms == 0)
		return;
	value = family->value(account, row);
	if (value < 0)
		return;
	if (family->is_time)
		exposition_ms(&answer->exposition, labels, value);
	else
		exposition_count(&answer->exposition, labels, (uint64_t)value);
}

/* Rows are sorted by name as well; where the store has failed there are none.
 */
static void
page_write(struct metrics_answer *answer, const struct poller *poller,
    const struct store_account_row *rows, size_t row_count)
{
	struct poller_account_status account = { .name = "" };
	size_t i, row = 0;
	int order = 1;

	for (i = 0; i < answer->count; i++) {
		if (!poller_account_status_at(
			poller, answer->first + i, &account))
			break;
		while (row < row_count &&
		       (order = strcmp(rows[row].name, account.name)) < 0)
			row++;
		page_write_account(answer, &account,
		    row < row_count && order == 0 ? &rows[row] : NULL);
	}
	/* Those behind the last page may be gone by now: it stays the last. */
	if (i > 0)
		snprintf(
		    answer->after, sizeof answer->after, "%s", account.name);
}

/* ---- the answer ---- */

static void metrics_send(struct exchange *);

static void
metrics_rows(enum store_status status, const struct store_account_row *rows,
    size_t count, void *arg)
{
	struct exchange *exchange = arg;

	if (!exchange_resume(exchange))
		return;
	page_find(exchange_state(exchange), exchange_context(exchange)->poller);
	page_write(exchange_state(exchange), exchange_context(exchange)->poller,
	    rows, status == STORE_OK ? count : 0);
	metrics_send(exchange);
}

/* The names of the page's first and last account are the store's to answer. */
static void
metrics_ask_rows(struct exchange *exchange)
{
	const struct exchange_context *context = exchange_context(exchange);
	const struct metrics_answer *answer = exchange_state(exchange);
	struct poller_account_status first, last;

	if (!poller_account_status_at(context->poller, answer->first, &first) ||
	    !poller_account_status_at(
		context->poller, answer->first + answer->count - 1, &last))
		return;
	exchange_wait(exchange);
	store_accounts(
	    context->store, first.name, last.name, metrics_rows, exchange);
}

static void
metrics_begin_family(struct metrics_answer *answer)
{
	answer->after[0] = '\0';
	if (answer->family < FAMILIES)
		exposition_begin(
		    &answer->exposition, &of_account[answer->family].family);
	else
		exposition_end(&answer->exposition);
}

/* What was written has gone out: write what follows. */
static void
metrics_go_on(struct exchange *exchange)
{
	struct metrics_answer *answer = exchange_state(exchange);
	const struct exchange_context *context = exchange_context(exchange);
	const struct poller *poller = context->poller;

	if (answer->has_servers) {
		servers_write_page(answer, context->metrics);
		answer->has_targets = !answer->has_servers;
		metrics_send(exchange);
		return;
	}
	if (answer->has_targets) {
		answer->has_targets = target_figures_write(
		    &answer->targets, &answer->exposition, context->deliver);
		if (!answer->has_targets)
			metrics_begin_family(answer);
		metrics_send(exchange);
		return;
	}
	if (answer->family == FAMILIES) {
		exchange_stream_end(exchange);
		return;
	}
	page_find(answer, poller);
	if (answer->count > 0 && of_account[answer->family].needs_row) {
		metrics_ask_rows(exchange);
		return;
	}
	if (answer->count > 0)
		page_write(answer, poller, NULL, 0);
	else {
		answer->family++;
		metrics_begin_family(answer);
	}
	metrics_send(exchange);
}

/*
 * A page in which there was nothing to say is no reason to hold the loop: what
 * is made active comes before all that waits for a descriptor, a timer does
 * not.
 */
static void
metrics_send(struct exchange *exchange)
{
	static const struct timeval at_once = { 0, 0 };
	struct metrics_answer *answer = exchange_state(exchange);
	struct evbuffer *out = answer->exposition.out;

	if (evbuffer_get_length(out) > 0)
		exchange_stream_buffer(exchange, out, metrics_go_on);
	else
		evtimer_add(answer->turn, &at_once);
}

static void
metrics_turn(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	metrics_go_on(arg);
}

static void
answer_free(void *state)
{
	struct metrics_answer *answer = state;

	if (answer->exposition.out != NULL)
		evbuffer_free(answer->exposition.out);
	if (answer->turn != NULL)
		event_free(answer->turn);
	free(answer);
}

/* It belongs to the exchange; NULL without memory. */
static struct metrics_answer *
answer_new(struct exchange *exchange)
{
	struct metrics_answer *answer = calloc(1, sizeof *answer);

	if (answer == NULL)
		return NULL;
	exchange_set_state(exchange, answer, answer_free);
	answer->exposition.out = evbuffer_new();
	answer->exposition.format =
	    exposition_choose(exchange_header(exchange, "Accept"));
	answer->turn =
	    evtimer_new(exchange_base(exchange), metrics_turn, exchange);
	return answer->exposition.out == NULL || answer->turn == NULL ? NULL
								      : answer;
}

/* Which accounts; false, after answering, where that makes no sense. */
static bool
metrics_read_accounts(
    struct exchange *exchange, enum metrics_accounts *accounts_r)
{
	const char *text =
	    parameters_text(exchange_parameters(exchange), "accounts");
	struct problem problem;

	_Static_assert(sizeof accounts_names / sizeof accounts_names[0] ==
			   METRICS_ACCOUNTS_COUNT,
	    "a name for each");
	*accounts_r = METRICS_ALL;
	if (text == NULL)
		return true;
	for (; *accounts_r < METRICS_ACCOUNTS_COUNT; (*accounts_r)++)
		if (strcmp(text, accounts_names[*accounts_r]) == 0)
			return true;
	problem_set(&problem, "all, failing, none",
	    "bad value \"%.64s\" of \"accounts\"", text);
	exchange_answer_problem(exchange, &problem);
	return false;
}

void
metrics_get(struct exchange *exchange)
{
	struct metrics_answer *answer;
	enum metrics_accounts accounts;

	if (!metrics_read_accounts(exchange, &accounts))
		return;
	answer = answer_new(exchange);
	if (answer == NULL) {
		exchange_answer(exchange, response_no_memory());
		return;
	}
	answer->accounts = accounts;
	if (!exchange_stream(exchange,
		exposition_type(answer->exposition.format), EXCHANGE_UNTIL_END))
		return;
	figures_write(&answer->exposition, exchange_context(exchange));
	servers_begin(answer, exchange_context(exchange)->metrics);
	if (accounts == METRICS_NONE)
		answer->family = FAMILIES;
	metrics_send(exchange);
}
