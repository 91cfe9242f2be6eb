#include "tests/unit/poll_day.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct world world;

uint32_t
day_draw(void)
{
	world.seed ^= world.seed << 13;
	world.seed ^= world.seed >> 7;
	world.seed ^= world.seed << 17;
	return (uint32_t)(world.seed * 0x2545f4914f6cdd1du >> 32);
}

bool
day_percent(unsigned chance)
{
	return day_draw() % 100 < chance;
}

int64_t
day_least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t
day_most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* ---- the accounts ---- */

static const struct {
	size_t hosts, accounts; /* of each */
} sizes[] = { { 1, 30000 }, { 1, 10000 }, { 10, 3000 }, { 100, 200 },
	{ 1000, 5 }, { 5000, 1 } };

static void
make_account(struct account *account, struct site *site, size_t number)
{
	static const int64_t intervals[] = { 30 * MINUTE, HOUR, HOUR, 2 * HOUR,
		3 * HOUR, 6 * HOUR };
	static const enum kind kinds[] = { STEADY, STEADY, STEADY, STEADY,
		ADAPTIVE, ADAPTIVE, FLOORED, FLAKY, FLAKY, FLAKY };

	account->site = site;
	account->kind = kinds[day_draw() % 10];
	if (number % 500 == 0)
		account->kind = HOPELESS;
	account->pace.interval_ms = intervals[day_draw() % 6];
	account->mail_percent = day_percent(20) ? 60 : 3;
	account->floor_s =
	    account->kind == FLOORED ? 600 + day_draw() % 4800 : 0;
	if (account->kind == ADAPTIVE && number % 3 != 0)
		account->pace.min_ms = account->pace.interval_ms / 6;
	if (account->kind == ADAPTIVE && number % 3 != 1)
		account->pace.max_ms = account->pace.interval_ms * 2;
	account->started = account->earliest = NEVER;
	account->latest = INT64_MAX;
	account->interval = account->pace.interval_ms;
	account->present = true;
	(void)snprintf(account->name, sizeof(account->name), "user%zu", number);
	agenda_add(&world.agenda, &account->item, account->name, site->host);
}

void
day_make(void)
{
	size_t number = 0;
	char name[32];

	world.seed = 20240229;
	world.accounts = calloc(ACCOUNTS, sizeof(*world.accounts));
	world.sites = calloc(7000, sizeof(*world.sites));
	assert_non_null(world.accounts);
	assert_non_null(world.sites);
	agenda_init(&world.agenda, NULL);
	world.limits = (struct queue_limits){ 200, 40, RATE_MAX };
	agenda_set_limits(&world.agenda, &world.limits, 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (size_t h = 0; h < sizes[i].hosts; h++) {
			struct site *site = &world.sites[world.site_count];

			(void)snprintf(name, sizeof(name), "pop%zu.example.org",
			    world.site_count);
			site->host = agenda_host(&world.agenda, name);
			assert_non_null(site->host);
			site->last_start = site->last_queued = NEVER / 2;
			site->out_from = NEVER;
			/* One after the other, from the largest on. */
			if (world.site_count < OUTAGES)
				site->out_from =
				    (int64_t)(2 + 3 * world.site_count) * HOUR;
			for (size_t r = 0; r < RATE_MAX; r++)
				site->starts[r] = NEVER / 2;
			world.site_count++;
			for (size_t a = 0; a < sizes[i].accounts; a++, number++)
				make_account(
				    &world.accounts[number], site, number);
		}
	assert_int_equal(number, ACCOUNTS);
	assert_true(agenda_reserve(&world.agenda, ACCOUNTS));
	assert_true(schedule_reserve(&world.ends, ACCOUNTS));
	for (number = 0; number < ACCOUNTS; number++)
		agenda_hurry(&world.agenda, &world.accounts[number].item, 0);
}

void
day_free(void)
{
	agenda_clear(&world.agenda);
	schedule_clear(&world.ends);
	free(world.accounts);
	free(world.sites);
}

/* ---- hosts ---- */

bool
day_is_out(const struct site *site)
{
	return site->out_from != NEVER && world.now >= site->out_from &&
	       world.now < site->out_from + OUTAGE_LASTS;
}

/* Also while it catches up. */
bool
day_is_troubled(const struct site *site)
{
	return site->out_from != NEVER && world.now >= site->out_from &&
	       world.now < site->out_from + OUTAGE_LASTS + OUTAGE_RECOVERS;
}

/* Whether a site may not start a session now, by its limits. */
bool
day_is_held(const struct site *site)
{
	int64_t spacing = (SECOND + world.limits.logins_per_host - 1) /
			  world.limits.logins_per_host;

	return site->sessions >= world.limits.sessions_per_host ||
	       world.now < site->last_start + spacing;
}

/* ---- wishes ---- */

void
day_add_wish(struct account *account)
{
	account->wished = true;
	world.wishes[world.wish_count++] = account;
}

void
day_drop_wish(struct account *account)
{
	size_t i = 0;

	if (!account->wished)
		return;
	account->wished = false;
	while (world.wishes[i] != account)
		i++;
	memmove(&world.wishes[i], &world.wishes[i + 1],
	    (--world.wish_count - i) * sizeof(world.wishes[0]));
}
