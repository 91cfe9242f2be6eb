#include "daemon/control/when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/unit.h"

/* 0001-01-01 and the end of 9999-12-31. */
#define FIRST_MS (-62135596800000)
#define LAST_MS  253402300799999

/* A century is long enough to look back. */
#define AGO_MOST_MS (36525 * EVPOP_DAY_MS)

bool
when_format(int64_t time_ms, char text_r[WHEN_SIZE])
{
	int64_t rest_ms;
	time_t seconds;
	struct tm tm;

	text_r[0] = '\0';
	if (time_ms < FIRST_MS || time_ms > LAST_MS)
		return false;
	/* Times before 1970 have their milliseconds forward, too. */
	rest_ms =
	    (time_ms % EVPOP_SECOND_MS + EVPOP_SECOND_MS) % EVPOP_SECOND_MS;
	seconds = (time_t)((time_ms - rest_ms) / EVPOP_SECOND_MS);
	if (gmtime_r(&seconds, &tm) == NULL)
		return false;
	snprintf(text_r, WHEN_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
	    (unsigned)(tm.tm_year + 1900) % 10000,
	    (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100,
	    (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
	    (unsigned)tm.tm_sec % 100, (unsigned)rest_ms);
	return true;
}

/*
 * Whether the text begins like the shape, in which 0 stands for a digit:
 * strptime() would take fewer digits, and blanks before them.
 */
static bool
when_has_shape(const char *text, const char *shape)
{
	for (; *shape != '\0'; text++, shape++) {
		if (*shape == '0' ? *text < '0' || *text > '9'
				  : *text != *shape)
			return false;
	}
	return true;
}

/*
 * HH:MM[:SS[.fraction]]; a leap second counts as the next minute's first.
 * Returns what follows it, or NULL.
 */
static const char *
when_parse_clock(const char *text, struct tm *tm, int64_t *fraction_ms_r)
{
	int64_t weight = 100;

	if (!when_has_shape(text, "00:00"))
		return NULL;
	text = strptime(text, "%H:%M", tm);
	if (text == NULL || *text != ':')
		return text;
	if (!when_has_shape(text, ":00"))
		return NULL;
	text = strptime(text, ":%S", tm);
	if (text == NULL || tm->tm_sec > 60 || *text != '.')
		return text == NULL || tm->tm_sec > 60 ? NULL : text;
	if (!when_has_shape(text, ".0"))
		return NULL;
	for (text++; *text >= '0' && *text <= '9'; text++, weight /= 10)
		*fraction_ms_r += (*text - '0') * weight;
	return text;
}

/* Z, +HH:MM, +HHMM or +HH. */
static bool
when_parse_offset(const char *text, long *seconds_r)
{
	struct tm tm = { .tm_gmtoff = 0 };

	*seconds_r = 0;
	if (*text == '\0' || strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
		return true;
	if (!when_has_shape(text, "+00") && !when_has_shape(text, "-00"))
		return false;
	text = strptime(text, "%z", &tm);
	*seconds_r = tm.tm_gmtoff;
	return text != NULL && *text == '\0' && labs(tm.tm_gmtoff) < 86400;
}

/* Fewer digits are rather a year than a moment of the year 1970. */
#define UNIX_DIGITS_LEAST 9
#define UNIX_DIGITS_MOST  19

/* Zeros may stand before it. */
static bool
when_parse_unix(const char *text, int64_t *time_ms_r)
{
	size_t length = strlen(text);
	int64_t seconds = 0;

	if (length < UNIX_DIGITS_LEAST || length > UNIX_DIGITS_MOST)
		return false;
	for (; *text != '\0'; text++) {
		seconds = seconds * 10 + (*text - '0');
		if (seconds > LAST_MS / EVPOP_SECOND_MS)
			return false;
	}
	*time_ms_r = seconds * EVPOP_SECOND_MS;
	return true;
}

bool
when_parse(const char *text, int64_t now_ms, int64_t *time_ms_r)
{
	struct tm tm = { .tm_sec = 0 }, midnight;
	int64_t age_ms, fraction_ms = 0;
	long offset = 0;

	if (evpop_unit_parse(text, evpop_unit_ages, &age_ms)) {
		*time_ms_r = now_ms - age_ms;
		return age_ms <= AGO_MOST_MS;
	}
	if (text[strspn(text, "0123456789")] == '\0')
		return when_parse_unix(text, time_ms_r);
	if (!when_has_shape(text, "0000-00-00"))
		return false;
	text = strptime(text, "%Y-%m-%d", &tm);
	if (text == NULL || tm.tm_year < 1 - 1900)
		return false;
	/* strptime() takes 31 February, and timegm() makes it 3 March. */
	midnight = tm;
	(void)timegm(&midnight);
	if (midnight.tm_mday != tm.tm_mday)
		return false;
	if (*text != '\0') {
		if (strchr("Tt ", *text) == NULL)
			return false;
		text = when_parse_clock(text + 1, &tm, &fraction_ms);
		if (text == NULL || !when_parse_offset(text, &offset))
			return false;
	}
	*time_ms_r =
	    ((int64_t)timegm(&tm) - offset) * EVPOP_SECOND_MS + fraction_ms;
	return true;
}
