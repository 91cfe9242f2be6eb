#include "daemon/control/parameters.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/limits.h"
#include "daemon/control/when.h"
#include "daemon/store/question.h"
#include "lib/base/hex.h"
#include "lib/base/near.h"
#include "lib/base/text.h"

void
problem_set(
    struct problem *problem_r, const char *hint, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(
	    problem_r->message, sizeof(problem_r->message), format, arguments);
	va_end(arguments);
	snprintf(problem_r->hint, sizeof(problem_r->hint), "%s", hint);
}

bool
percent_decode(char *text, bool plus_is_space)
{
	char *to = text;

	for (const char *from = text; *from != '\0'; from++) {
		int octet;

		if (*from == '+' && plus_is_space) {
			*to++ = ' ';
			continue;
		}
		if (*from != '%') {
			*to++ = *from;
			continue;
		}
		octet = evpop_hex_octet(from + 1);
		if (octet == -1 || octet == '\0')
			return false;
		*to++ = (char)octet;
		from += 2;
	}
	*to = '\0';
	return evpop_text_is_utf8(text);
}

static void
parameters_report_unknown(
    struct problem *problem_r, const char *name, const char *const *known)
{
	struct evpop_near near = { NULL, 0 };
	char hint[PROBLEM_SIZE] = "this address takes no parameters";
	size_t used;

	for (size_t i = 0; known[i] != NULL; i++)
		evpop_near_consider(&near, name, known[i]);
	if (near.word != NULL) {
		snprintf(hint, sizeof(hint), "did you mean \"%s\"?", near.word);
	} else if (known[0] != NULL) {
		used = (size_t)snprintf(hint, sizeof(hint), "known are");
		for (size_t i = 0; known[i] != NULL && used < sizeof(hint); i++)
			used +=
			    (size_t)snprintf(hint + used, sizeof(hint) - used,
				"%s %s", i > 0 ? "," : "", known[i]);
	}
	problem_set(problem_r, hint, "unknown parameter \"%.64s\"", name);
}

static bool
parameters_is_known(const char *name, const char *const *known)
{
	for (; *known != NULL; known++) {
		if (strcmp(name, *known) == 0)
			return true;
	}
	return false;
}

/* Read one "name=value". */
static bool
parameters_take(struct parameters *parameters, char *item,
    const char *const *known, struct problem *problem_r)
{
	char *value = strchr(item, '=');

	if (value != NULL)
		*value++ = '\0';
	if (!percent_decode(item, true)) {
		problem_set(problem_r, "encode names as %XX of UTF-8",
		    "the name of a parameter is badly encoded");
		return false;
	}
	if (!parameters_is_known(item, known)) {
		parameters_report_unknown(problem_r, item, known);
		return false;
	}
	if (parameters_text(parameters, item) != NULL) {
		problem_set(problem_r, "give it once",
		    "parameter \"%s\" is given twice", item);
		return false;
	}
	if (value == NULL || *value == '\0') {
		problem_set(problem_r, "leave it out, or give a value",
		    "parameter \"%s\" is empty", item);
		return false;
	}
	if (!percent_decode(value, true)) {
		problem_set(problem_r, "encode values as %XX of UTF-8",
		    "the value of parameter \"%s\" is badly encoded", item);
		return false;
	}
	if (parameters->count == PARAMETERS_MAX) {
		problem_set(problem_r, "", "too many parameters");
		return false;
	}
	parameters->items[parameters->count].name = item;
	parameters->items[parameters->count].value = value;
	parameters->count++;
	return true;
}

bool
parameters_parse(struct parameters *parameters_r, const char *query,
    const char *const *known, struct problem *problem_r)
{
	char *rest, *item;

	memset(parameters_r, 0, sizeof(*parameters_r));
	if (query == NULL || *query == '\0')
		return true;
	parameters_r->storage = rest = strdup(query);
	if (rest == NULL) {
		problem_set(problem_r, "", "out of memory");
		return false;
	}
	while ((item = strsep(&rest, "&")) != NULL) {
		if (*item == '\0')
			continue;
		if (!parameters_take(parameters_r, item, known, problem_r)) {
			parameters_free(parameters_r);
			return false;
		}
	}
	return true;
}

void
parameters_free(struct parameters *parameters)
{
	free(parameters->storage);
	memset(parameters, 0, sizeof(*parameters));
}

const char *
parameters_text(const struct parameters *parameters, const char *name)
{
	for (size_t i = 0; i < parameters->count; i++) {
		if (strcmp(parameters->items[i].name, name) == 0)
			return parameters->items[i].value;
	}
	return NULL;
}

bool
number_parse(const char *text, int64_t least, int64_t most, int64_t *value_r)
{
	int64_t value = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		int64_t digit = *text - '0';

		if (digit < 0 || digit > 9 || value > (INT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (value < least || value > most)
		return false;
	*value_r = value;
	return true;
}

bool
parameters_number(const struct parameters *parameters, const char *name,
    int64_t least, int64_t most, int64_t *value_r, struct problem *problem_r)
{
	const char *text = parameters_text(parameters, name);
	char hint[PROBLEM_SIZE];

	if (text == NULL || number_parse(text, least, most, value_r))
		return true;
	if (most == INT64_MAX)
		snprintf(hint, sizeof(hint),
		    "expected a whole number of at least %lld",
		    (long long)least);
	else
		snprintf(hint, sizeof(hint),
		    "expected a whole number from %lld to %lld",
		    (long long)least, (long long)most);
	problem_set(problem_r, hint, "invalid %s \"%.64s\"", name, text);
	return false;
}

bool
parameters_time(const struct parameters *parameters, const char *name,
    int64_t now_ms, bool *given_r, int64_t *time_ms_r,
    struct problem *problem_r)
{
	const char *text = parameters_text(parameters, name);

	if (given_r != NULL)
		*given_r = text != NULL;
	if (text == NULL || when_parse(text, now_ms, time_ms_r))
		return true;
	problem_set(problem_r,
	    "expected a date (2024-02-29), a time (2024-02-29T12:34:56Z, "
	    "UTC unless it has an offset) or an age (90s, 30m, 24h, 7d, 2w)",
	    "invalid %s \"%.64s\"", name, text);
	return false;
}

bool
parameters_page(const struct parameters *parameters, unsigned *limit_r,
    int64_t *below_id_r, struct problem *problem_r)
{
	const char *cursor = parameters_text(parameters, "cursor");
	int64_t limit = LIMITS_PAGE_DEFAULT;

	*below_id_r = 0;
	if (!parameters_number(
		parameters, "limit", 1, STORE_PAGE_MAX, &limit, problem_r))
		return false;
	*limit_r = (unsigned)limit;
	if (cursor == NULL || number_parse(cursor, 1, INT64_MAX, below_id_r))
		return true;
	problem_set(problem_r, "take the next_cursor of the page before",
	    "invalid cursor \"%.64s\"", cursor);
	return false;
}
