#include "daemon/control/when.h"

#include <stdio.h>
#include <string.h>

#define SECOND_MS ((int64_t)1000)
#define DAY_MS    (86400 * SECOND_MS)

/* Days from 0001-01-01 to 1970-01-01, and to 9999-12-31's end. */
#define EPOCH_DAYS 719162
#define LAST_DAYS  3652059

/*
 * A century is long enough to look back, and short enough that nothing
 * overflows.
 */
#define AGO_DAYS_MAX 36525

static bool
leap_year(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t
days_before_year(int64_t year)
{
	int64_t past = year - 1;

	return past * 365 + past / 4 - past / 100 + past / 400;
}

static int64_t
days_in_month(int64_t year, int64_t month)
{
	static const int64_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };

	return days[month - 1] + (month == 2 && leap_year(year) ? 1 : 0);
}

bool
when_format(int64_t time_ms, char text_r[WHEN_SIZE])
{
	int64_t days = time_ms / DAY_MS, rest = time_ms % DAY_MS;
	int64_t year, month = 1;

	text_r[0] = '\0';
	if (rest < 0) {
		rest += DAY_MS;
		days--;
	}
	if (days < -EPOCH_DAYS || days >= LAST_DAYS - EPOCH_DAYS)
		return false;
	days += EPOCH_DAYS;
	/* The mean year is a little shorter than 366 days: never too far. */
	year = days / 366 + 1;
	while (days >= days_before_year(year + 1))
		year++;
	days -= days_before_year(year);
	while (days >= days_in_month(year, month)) {
		days -= days_in_month(year, month);
		month++;
	}
	snprintf(text_r, WHEN_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
	    (unsigned)year % 10000, (unsigned)month % 100,
	    (unsigned)(days + 1) % 100, (unsigned)(rest / 3600000) % 100,
	    (unsigned)(rest / 60000 % 60), (unsigned)(rest / 1000 % 60),
	    (unsigned)(rest % 1000));
	return true;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Take exactly `digits` digits. */
static bool
take_digits(const char **text, unsigned digits, int64_t *value_r)
{
	*value_r = 0;
	for (unsigned i = 0; i < digits; i++, (*text)++) {
		if (!is_digit(**text))
			return false;
		*value_r = *value_r * 10 + (**text - '0');
	}
	return true;
}

static bool
take_char(const char **text, char wanted)
{
	if (**text != wanted)
		return false;
	(*text)++;
	return true;
}

/* How many milliseconds one of the unit lasts; 0: no such unit. */
static int64_t
unit_ms(char unit)
{
	switch (unit) {
	case 's':
		return SECOND_MS;
	case 'm':
		return 60 * SECOND_MS;
	case 'h':
		return 3600 * SECOND_MS;
	case 'd':
		return DAY_MS;
	case 'w':
		return 7 * DAY_MS;
	default:
		return 0;
	}
}

static bool
parse_ago(const char *text, int64_t now_ms, int64_t *time_ms_r)
{
	int64_t count = 0, unit;

	if (!is_digit(*text))
		return false;
	for (; is_digit(*text); text++) {
		count = count * 10 + (*text - '0');
		if (count > AGO_DAYS_MAX * (DAY_MS / SECOND_MS))
			return false;
	}
	unit = unit_ms(*text);
	if (unit == 0 || text[1] != '\0' ||
	    count > AGO_DAYS_MAX * DAY_MS / unit)
		return false;
	*time_ms_r = now_ms - count * unit;
	return true;
}

static bool
parse_date(const char **text, int64_t *ms_r)
{
	int64_t year, month, day;

	if (!take_digits(text, 4, &year) || !take_char(text, '-') ||
	    !take_digits(text, 2, &month) || !take_char(text, '-') ||
	    !take_digits(text, 2, &day))
		return false;
	if (year < 1 || month < 1 || month > 12 || day < 1 ||
	    day > days_in_month(year, month))
		return false;
	day += days_before_year(year) - EPOCH_DAYS - 1;
	for (int64_t m = 1; m < month; m++)
		day += days_in_month(year, m);
	*ms_r = day * DAY_MS;
	return true;
}

/* HH:MM[:SS[.fraction]]; a leap second counts as the next minute's first. */
static bool
parse_clock(const char **text, int64_t *ms_r)
{
	int64_t hour, minute, second = 0, fraction_ms = 0;

	if (!take_digits(text, 2, &hour) || !take_char(text, ':') ||
	    !take_digits(text, 2, &minute))
		return false;
	if (take_char(text, ':')) {
		if (!take_digits(text, 2, &second))
			return false;
		if (take_char(text, '.')) {
			if (!is_digit(**text))
				return false;
			for (int64_t weight = 100; is_digit(**text);
			     weight /= 10, (*text)++)
				fraction_ms += (**text - '0') * weight;
		}
	}
	if (hour > 23 || minute > 59 || second > 60)
		return false;
	*ms_r = ((hour * 60 + minute) * 60 + second) * SECOND_MS + fraction_ms;
	return true;
}

/* Z, +HH:MM, +HHMM or +HH. */
static bool
parse_offset(const char **text, int64_t *ms_r)
{
	int64_t hours, minutes = 0, sign = **text == '-' ? -1 : 1;

	*ms_r = 0;
	if (**text == '\0' || take_char(text, 'Z') || take_char(text, 'z'))
		return true;
	if (!take_char(text, '+') && !take_char(text, '-'))
		return false;
	if (!take_digits(text, 2, &hours))
		return false;
	if (take_char(text, ':') || **text != '\0') {
		if (!take_digits(text, 2, &minutes))
			return false;
	}
	if (hours > 23 || minutes > 59)
		return false;
	*ms_r = sign * (hours * 60 + minutes) * 60 * SECOND_MS;
	return true;
}

bool
when_parse(const char *text, int64_t now_ms, int64_t *time_ms_r)
{
	int64_t date_ms, clock_ms = 0, offset_ms = 0;

	if (parse_ago(text, now_ms, time_ms_r))
		return true;
	if (!parse_date(&text, &date_ms))
		return false;
	if (*text != '\0') {
		if (!take_char(&text, 'T') && !take_char(&text, 't') &&
		    !take_char(&text, ' '))
			return false;
		if (!parse_clock(&text, &clock_ms) ||
		    !parse_offset(&text, &offset_ms) || *text != '\0')
			return false;
	}
	*time_ms_r = date_ms + clock_ms - offset_ms;
	return true;
}
