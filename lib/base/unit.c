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
