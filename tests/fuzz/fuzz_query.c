/*
 * The query of a request to the daemon, and points in time as people write
 * them.  Two lines: the query; a time by itself.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/parameters.h"
#include "daemon/control/when.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/showable.h"
#include "tests/fuzz/target.h"

#define NOW_MS INT64_C(1700000000123)

static const char *const known[] = { "account", "q", "from", "since", "before",
	"limit", "cursor", NULL };

/* The words about what is wrong go into JSON, which makes them UTF-8. */
static void
check_problem(const struct problem *problem)
{
	assert(problem->message[0] != '\0');
	assert(memchr(problem->message, '\0', sizeof(problem->message)));
	assert(memchr(problem->hint, '\0', sizeof(problem->hint)));
}

/* A time within the calendar is written as it is read. */
static void
check_time(int64_t time_ms)
{
	char text[WHEN_SIZE];
	int64_t again_ms;

	if (!when_format(time_ms, text)) {
		assert(text[0] == '\0');
		return;
	}
	assert(strlen(text) == WHEN_SIZE - 1);
	assert(when_parse(text, NOW_MS, &again_ms) && again_ms == time_ms);
}

static void
check_when(const char *text)
{
	int64_t time_ms;
	bool first, second;

	first = when_parse(text, NOW_MS, &time_ms);
	if (first)
		check_time(time_ms);
	/* Only how long ago something was depends on what time it is. */
	second = when_parse(text, 0, &time_ms);
	assert(first == second);
}

static void
check_times(const struct parameters *parameters)
{
	static const char *const names[] = { "since", "before" };
	struct problem problem;
	int64_t time_ms;
	size_t i;
	bool given;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!parameters_time(parameters, names[i], NOW_MS, &given,
			&time_ms, &problem)) {
			assert(given);
			check_problem(&problem);
		} else if (given)
			check_time(time_ms);
	}
}

static void
check_page(const struct parameters *parameters)
{
	struct problem problem;
	unsigned limit;
	int64_t below_id;

	if (!parameters_page(parameters, &limit, &below_id, &problem)) {
		check_problem(&problem);
		return;
	}
	assert(limit > 0);
	assert(below_id >= 0);
}

static void
check_query(const char *query)
{
	struct parameters parameters;
	struct problem problem;
	const char *value;
	size_t i, count = 0;

	if (!parameters_parse(&parameters, query, known, &problem)) {
		check_problem(&problem);
		return;
	}
	for (i = 0; known[i] != NULL; i++) {
		value = parameters_text(&parameters, known[i]);
		if (value == NULL)
			continue;
		count++;
		assert(*value != '\0' && fuzz_is_utf8(value, strlen(value)));
	}
	assert(count == parameters.count);
	check_times(&parameters);
	check_page(&parameters);
	parameters_free(&parameters);
}

static void
check_decoding(const char *text)
{
	char *decoded = fuzz_string(text, strlen(text));

	if (percent_decode(decoded, false)) {
		assert(strlen(decoded) <= strlen(text));
		assert(fuzz_is_utf8(decoded, strlen(decoded)));
	}
	free(decoded);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	struct fuzz_input line = fuzz_up_to(&input, '\n');
	char *query = fuzz_string(line.at, line.left);
	char *when = fuzz_string(input.at, input.left);

	check_query(query);
	check_decoding(query);
	check_when(when);
	free(query);
	free(when);
	return 0;
}
