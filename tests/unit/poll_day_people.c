#include "tests/unit/poll_day.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* ---- people ---- */

static void
wish(struct account *account)
{
	account->touched = true;
	if (account->session != NULL)
		account->again = true;
	else if (!account->wished) {
		if (account->rests != POLLER_WAITING)
			account->comes_back = account->rests;
		day_add_wish(account);
	}
	agenda_wish(&world.agenda, &account->item);
}

static void
pause_account(struct account *account)
{
	account->touched = true;
	if (account->session != NULL)
		account->pause = true;
	else {
		day_drop_wish(account);
		account->comes_back = POLLER_WAITING;
		account->rests = POLLER_PAUSED;
	}
	agenda_pause(&world.agenda, &account->item);
}

/* It is due at once, or as soon as its server's LOGIN-DELAY is over. */
static void
expect_soon(struct account *account)
{
	account->rests = POLLER_WAITING;
	account->earliest = NEVER;
	account->latest = INT64_MAX;
	account->queued_at = agenda_state(&account->item) == POLLER_WAITING
				 ? account->item.time.due_ms
				 : world.now;
}

static void
resume(struct account *account)
{
	bool fails = agenda_health(&account->item) != POLLER_WELL;
	bool queued = agenda_state(&account->item) == POLLER_QUEUED;

	account->touched = true;
	account->pause = false;
	agenda_resume(&world.agenda, &account->item, world.now);
	/* Its poll is no longer the only one. */
	if (account->comes_back != POLLER_WAITING)
		account->comes_back = account->rests = POLLER_WAITING;
	/* What fails, and is being polled, is polled once more. */
	else if (account->session != NULL)
		account->renewed |= fails;
	else if (!account->wished && !queued &&
		 (account->rests != POLLER_WAITING || fails))
		expect_soon(account);
}

void
day_interfere(void)
{
	struct account *account = &world.accounts[day_draw() % ACCOUNTS];
	unsigned dice = day_draw() % 100;

	if (!account->present || account->removed)
		return;
	if (dice < 60)
		wish(account);
	else if (dice < 75)
		pause_account(account);
	else
		resume(account);
	/* At times somebody wants all of a large host at once. */
	if (day_draw() % 500 == 0)
		for (size_t i = 0; i < 300; i++) {
			account = &world.accounts[day_draw() % 40000];
			if (account->present && !account->removed)
				wish(account);
		}
}

/* ---- the reload ---- */

static void
change(struct account *account, bool elsewhere)
{
	struct site *site = &world.sites[day_draw() % world.site_count];
	bool queued = agenda_state(&account->item) == POLLER_QUEUED;
	bool waits = account->session == NULL && !queued &&
		     account->rests != POLLER_PAUSED;

	account->touched = true;
	account->failures = account->refusals = 0;
	account->pace.interval_ms = 2 * HOUR;
	account->pace.min_ms = account->pace.max_ms = 0;
	account->interval = 2 * HOUR;
	if (elsewhere) {
		account->known_floor_s = account->floor_s = 0;
		account->site = site;
	}
	agenda_renew(&world.agenda, &account->item, true, elsewhere, world.now);
	if (elsewhere)
		agenda_move(&world.agenda, &account->item, site->host);
	/* There it is the last, which came last. */
	if (elsewhere && queued)
		account->queued_at = world.now;
	if (elsewhere && account->wished) {
		day_drop_wish(account);
		day_add_wish(account);
	}
	account->renewed = account->session != NULL;
	if (!waits)
		return;
	account->comes_back = POLLER_WAITING;
	expect_soon(account);
}

/* As after a trouble of the store: whom it made fail need not wait longer. */
static void
recover(void)
{
	struct account *account;

	for (size_t i = 0; i < ACCOUNTS; i += 2) {
		account = &world.accounts[i];
		if (agenda_state(&account->item) != POLLER_WAITING ||
		    account->failures == 0)
			continue;
		agenda_hurry(&world.agenda, &account->item, world.now);
		expect_soon(account);
	}
}

/* While many wait, by the clock and by persons' wishes. */
void
day_reload(void)
{
	struct account *account;

	recover();
	for (size_t i = 0; i < 300; i++)
		wish(&world.accounts[day_draw() % ACCOUNTS]);
	for (size_t i = 0; i < ACCOUNTS; i++) {
		account = &world.accounts[i];
		switch (day_draw() % 100) {
		case 0:
			account->removed = true;
			account->touched = true;
			day_drop_wish(account);
			if (account->session != NULL)
				break;
			account->present = false;
			agenda_remove(&world.agenda, &account->item);
			break;
		case 1:
			change(account, false);
			break;
		case 2:
			change(account, true);
			break;
		}
	}
	agenda_sweep_hosts(&world.agenda);
	world.limits = (struct queue_limits){ 150, 30, 15 };
	agenda_set_limits(&world.agenda, &world.limits, world.now);
	/* The new rate holds from here on. */
	for (size_t s = 0; s < world.site_count; s++) {
		for (size_t r = 0; r < RATE_MAX; r++)
			world.sites[s].starts[r] = NEVER / 2;
		world.sites[s].next_start = 0;
		if (world.sites[s].last_start > NEVER / 2)
			world.sites[s].last_start = world.now;
	}
}
