/*
 * Whole sessions of clients with servers that do well or badly at every point,
 * by chance; several accounts at one host, and what was learned of it is kept
 * between their polls.  Every seed is another world, the same each time.
 *
 * EVPOP_MODEL_SEEDS says how many, EVPOP_MODEL_FIRST which one is the first;
 * EVPOP_MODEL_SHOW=1 shows every line, EVPOP_MODEL_RECORD=FOLDER keeps each
 * world there as an input of fuzz_client.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/fuzz/model_world.h"

#define SEEDS 2000

static char running[64];

/* An assertion of the library's does not know the seed. */
static void
say_seed(int number)
{
	ssize_t written;

	written = write(STDERR_FILENO, running, strlen(running));
	(void)written;
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

static unsigned long
from_environment(const char *name, unsigned long otherwise)
{
	const char *value = getenv(name);

	return value != NULL ? strtoul(value, NULL, 10) : otherwise;
}

static void
show(const struct model_statistics *statistics)
{
	unsigned kind;

	print_message("%lu polls, %lu sessions, %lu commands, %lu choices; "
		      "%lu log-ins, %lu refused; %lu bodies, %lu deletions\n",
	    statistics->polls, statistics->sessions, statistics->commands,
	    statistics->choices, statistics->log_ins, statistics->refused,
	    statistics->bodies, statistics->deletions);
	for (kind = 1; kind < MODEL_FAULT_COUNT; kind++)
		print_message("%8lu %s\n", statistics->faults[kind],
		    model_fault_names[kind]);
}

static FILE *
record_open(unsigned long seed)
{
	const char *folder = getenv("EVPOP_MODEL_RECORD");
	char path[512];
	FILE *record;

	if (folder == NULL)
		return NULL;
	snprintf(path, sizeof path, "%s/seed-%lu.input", folder, seed);
	record = fopen(path, "wb");
	assert_non_null(record);
	return record;
}

static void
run_seeds(unsigned long first, unsigned long count)
{
	static const unsigned rates[] = { 4, 12, 40, 200 };
	struct model_statistics statistics = { .sessions = 0 };
	struct model_choice choice;
	struct model_plan plan;
	unsigned long seed;

	for (seed = first; seed < first + count; seed++) {
		snprintf(running, sizeof running,
		    "failed with EVPOP_MODEL_FIRST=%lu\n", seed);
		choice = model_choice_seed(seed, rates[seed % 4]);
		choice.record = record_open(seed);
		model_plan_make(&plan, &choice);
		model_world_compare(&plan, &choice, &statistics);
		if (choice.record != NULL)
			assert_int_equal(fclose(choice.record), 0);
	}
	show(&statistics);
}

static void
test_by_chance(void **state)
{
	(void)state;
	run_seeds(from_environment("EVPOP_MODEL_FIRST", 1),
	    from_environment("EVPOP_MODEL_SEEDS", SEEDS));
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_by_chance) };

	(void)signal(SIGABRT, say_seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
