#include "daemon/config/unit.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

/* The largest first: the first that divides is the one to show. */
const struct config_unit config_duration_units[] = { { "d", DAY_MS },
	{ "h", HOUR_MS }, { "m", MINUTE_MS }, { "s", SECOND_MS }, { "ms", 1 },
	{ NULL, 0 } };
const struct config_unit config_size_units[] = { { "G", INT64_C(1) << 30 },
	{ "M", INT64_C(1) << 20 }, { "K", INT64_C(1) << 10 }, { "", 1 },
	{ "g", INT64_C(1) << 30 }, { "m", INT64_C(1) << 20 },
	{ "k", INT64_C(1) << 10 }, { NULL, 0 } };
const struct config_unit config_plain_units[] = { { "", 1 }, { NULL, 0 } };
const struct config_unit config_keep_units[] = { { "h", HOUR_MS },
	{ "d", DAY_MS }, { "w", 7 * DAY_MS }, { NULL, 0 } };

static void
unit_text(
    const struct config_unit *units, int64_t value, char *text, size_t size)
{
	while (units->factor > 1 && (value == 0 || value % units->factor != 0))
		units++;
	(void)snprintf(text, size, "%lld%s", (long long)(value / units->factor),
	    units->suffix);
}

void
config_duration_text(int64_t ms, char *text, size_t size)
{
	unit_text(config_duration_units, ms, text, size);
}

void
config_size_text(uint64_t octets, char *text, size_t size)
{
	unit_text(config_size_units, (int64_t)octets, text, size);
}

bool
config_unit_parse(
    const char *text, const struct config_unit *units, int64_t *value_r)
{
	int64_t value = 0;

	if (!isdigit((unsigned char)*text))
		return false;
	for (; isdigit((unsigned char)*text); text++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *text - '0', &value))
			return false;
	for (; units->suffix != NULL; units++)
		if (strcmp(text, units->suffix) == 0)
			return !__builtin_mul_overflow(
			    value, units->factor, value_r);
	return false;
}
