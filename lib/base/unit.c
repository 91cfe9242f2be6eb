#include "lib/base/unit.h"

#include <stdio.h>
#include <string.h>

#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

const struct evpop_unit evpop_unit_none[] = { { "", 1 }, { NULL, 0 } };
const struct evpop_unit evpop_unit_durations[] = { { "d", EVPOP_DAY_MS },
	{ "h", EVPOP_HOUR_MS }, { "m", EVPOP_MINUTE_MS },
	{ "s", EVPOP_SECOND_MS }, { "ms", 1 }, { NULL, 0 } };
const struct evpop_unit evpop_unit_ages[] = { { "w", 7 * EVPOP_DAY_MS },
	{ "d", EVPOP_DAY_MS }, { "h", EVPOP_HOUR_MS }, { "m", EVPOP_MINUTE_MS },
	{ "s", EVPOP_SECOND_MS }, { NULL, 0 } };
const struct evpop_unit evpop_unit_sizes[] = { { "G", GIB }, { "M", MIB },
	{ "K", KIB }, { "", 1 }, { "g", GIB }, { "m", MIB }, { "k", KIB },
	{ NULL, 0 } };
const struct evpop_unit evpop_unit_bytes[] = { { " GiB", GIB }, { " MiB", MIB },
	{ " KiB", KIB }, { " bytes", 1 }, { NULL, 0 } };

bool
evpop_unit_parse(
    const char *text, const struct evpop_unit *units, int64_t *value_r)
{
	int64_t value = 0;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *text - '0', &value))
			return false;
	for (; units->suffix != NULL; units++)
		if (strcmp(text, units->suffix) == 0)
			return !__builtin_mul_overflow(
			    value, units->factor, value_r);
	return false;
}

void
evpop_unit_text(
    int64_t value, const struct evpop_unit *units, char *text, size_t size)
{
	while (units->factor > 1 && (value == 0 || value % units->factor != 0))
		units++;
	(void)snprintf(text, size, "%lld%s", (long long)(value / units->factor),
	    units->suffix);
}

const char *
evpop_unit_size(uint64_t bytes, char text[EVPOP_UNIT_SIZE])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB",
		"PiB", "EiB" };
	size_t unit = 0;
	unsigned tenths = 0;

	/* Tenths are cut, never rounded up: "1.0 MiB" is at least that. */
	for (; bytes >= 1024; bytes /= 1024, unit++)
		tenths = (unsigned)(bytes % 1024 * 10 / 1024);
	if (unit > 0 && bytes < 10)
		(void)snprintf(text, EVPOP_UNIT_SIZE, "%u.%u %s",
		    (unsigned)bytes, tenths, units[unit]);
	else
		(void)snprintf(text, EVPOP_UNIT_SIZE, "%u %s", (unsigned)bytes,
		    units[unit]);
	return text;
}

/* Write the number of the largest span that fits; what is left goes on. */
static const struct evpop_unit *
unit_first_span(
    int64_t *seconds, const struct evpop_unit *spans, char *text, size_t size)
{
	while (spans->factor > 1 && *seconds < spans->factor)
		spans++;
	(void)snprintf(text, size, "%lld%s",
	    (long long)(*seconds / spans->factor), spans->suffix);
	*seconds %= spans->factor;
	return spans + 1;
}

static const struct evpop_unit unit_spans[] = { { " y", 365 * 86400 },
	{ " d", 86400 }, { " h", 3600 }, { " min", 60 }, { " s", 1 },
	{ NULL, 0 } };

const char *
evpop_unit_about(int64_t seconds, char text[EVPOP_UNIT_SIZE])
{
	(void)unit_first_span(&seconds, unit_spans, text, EVPOP_UNIT_SIZE);
	return text;
}

const char *
evpop_unit_span(int64_t seconds, char text[EVPOP_UNIT_SIZE])
{
	const struct evpop_unit *next =
	    unit_first_span(&seconds, unit_spans, text, EVPOP_UNIT_SIZE);
	size_t used = strlen(text);

	if (next->suffix != NULL && seconds >= next->factor) {
		text[used++] = ' ';
		(void)unit_first_span(
		    &seconds, next, text + used, EVPOP_UNIT_SIZE - used);
	}
	return text;
}
