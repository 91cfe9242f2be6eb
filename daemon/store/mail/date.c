#include "daemon/store/mail/date.h"

#include <string.h>
#include <strings.h>

/* A date has ten words; what is longer is a text. */
#define WORDS_MAX 16
#define WORD_SIZE 40

struct word {
	char text[WORD_SIZE];
	size_t length;
};

struct date {
	int year, month, day; /* month 1 to 12; 0: not seen */
	int hour, minute, second;
	int zone; /* minutes east */
	bool has_year, has_time, has_zone, is_afternoon, is_morning;
};

/* How they begin; German ones cannot be taken for anything else. */
static const struct {
	const char *name;
	int month;
} months[] = {
	{ "jan", 1 },
	{ "feb", 2 },
	{ "mar", 3 },
	{ "m\xc3\xa4r", 3 },
	{ "m\xe4r", 3 },
	{ "mrz", 3 },
	{ "apr", 4 },
	{ "may", 5 },
	{ "mai", 5 },
	{ "jun", 6 },
	{ "jul", 7 },
	{ "aug", 8 },
	{ "sep", 9 },
	{ "oct", 10 },
	{ "okt", 10 },
	{ "nov", 11 },
	{ "dec", 12 },
	{ "dez", 12 },
};

/* RFC 5322, section 4.3, and what Europe's and Asia's programs write. */
static const struct {
	const char *name;
	int minutes;
} zones[] = {
	{ "UT", 0 },
	{ "UTC", 0 },
	{ "GMT", 0 },
	{ "Z", 0 },
	{ "WET", 0 },
	{ "WEST", 60 },
	{ "BST", 60 },
	{ "CET", 60 },
	{ "MET", 60 },
	{ "MEZ", 60 },
	{ "CEST", 120 },
	{ "MEST", 120 },
	{ "MESZ", 120 },
	{ "EET", 120 },
	{ "EEST", 180 },
	{ "MSK", 180 },
	{ "HKT", 480 },
	{ "JST", 540 },
	{ "KST", 540 },
	{ "AEST", 600 },
	{ "AEDT", 660 },
	{ "NZST", 720 },
	{ "NZDT", 780 },
	{ "EST", -300 },
	{ "EDT", -240 },
	{ "CST", -360 },
	{ "CDT", -300 },
	{ "MST", -420 },
	{ "MDT", -360 },
	{ "PST", -480 },
	{ "PDT", -420 },
};

/* ---- words ---- */

static bool
date_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
date_separates(char c)
{
	return c == '\0' || c == '\r' || c == '\n' || c == '"' ||
	       strchr(" \t,;", c) != NULL;
}

/* Without comments.  0: there are too many. */
static size_t
date_split(const char *value, size_t length, struct word words_r[WORDS_MAX])
{
	size_t count = 0, comments = 0;
	bool is_inside = false;

	for (size_t i = 0; i < length; i++) {
		char c = value[i];
		struct word *word;

		comments += c == '(';
		if (comments > 0 || date_separates(c)) {
			comments -= comments > 0 && c == ')';
			is_inside = false;
			continue;
		}
		if (!is_inside) {
			if (count == WORDS_MAX)
				return 0;
			words_r[count++].length = 0;
			is_inside = true;
		}
		word = &words_r[count - 1];
		if (word->length + 1 == WORD_SIZE)
			return 0;
		word->text[word->length++] = c;
		word->text[word->length] = '\0';
	}
	return count;
}

/* Up to `most` digits; moves behind them, and tells how many there were. */
static int
date_number(const char **at, size_t most, size_t *digits_r)
{
	int number = 0;
	size_t digits = 0;

	while (digits < most && date_is_digit(**at)) {
		number = number * 10 + (**at - '0');
		(*at)++;
		digits++;
	}
	*digits_r = digits;
	return number;
}

/* ---- what a word may be ---- */

/* RFC 5322, section 4.3: years of two and of three digits. */
static int
date_year(int number, size_t digits)
{
	if (digits <= 2)
		return number < 50 ? 2000 + number : 1900 + number;
	return digits == 3 ? 1900 + number : number;
}

static int
date_month(const char *text, size_t length)
{
	for (size_t i = 0; i < sizeof(months) / sizeof(months[0]); i++) {
		size_t wanted = strlen(months[i].name);

		if (length >= wanted &&
		    strncasecmp(text, months[i].name, wanted) == 0)
			return months[i].month;
	}
	return 0;
}

/* "+0200", "+02:00", "+2"; whether all of the text is one. */
static bool
date_read_offset(struct date *date, const char *text)
{
	const char *at = text + 1;
	size_t digits, more = 0;
	int number, minutes = 0;

	if (*text != '+' && *text != '-')
		return false;
	number = date_number(&at, 4, &digits);
	if (digits == 0)
		return false;
	if (*at == ':') {
		at++;
		minutes = date_number(&at, 2, &more);
	} else if (digits > 2) {
		minutes = number % 100;
		number /= 100;
	}
	if (*at != '\0' || number > 23 || minutes > 59)
		return false;
	date->zone = (number * 60 + minutes) * (*text == '-' ? -1 : 1);
	date->has_zone = true;
	return true;
}

/* A name, or a name and what it is away from there: "GMT+0200". */
static bool
date_read_zone(struct date *date, const char *text)
{
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		size_t length = strlen(zones[i].name);

		if (strncasecmp(text, zones[i].name, length) != 0)
			continue;
		if (text[length] == '\0') {
			if (!date->has_zone)
				date->zone = zones[i].minutes;
			date->has_zone = true;
			return true;
		}
		if (zones[i].minutes == 0 &&
		    date_read_offset(date, text + length))
			return true;
	}
	return date_read_offset(date, text);
}

/* "10:00", "10:00:00", "10.00.00", "10:00:00.123+01:00", "10:00Z". */
static bool
date_read_time(struct date *date, const char *text)
{
	const char *at = text;
	size_t digits;
	char mark;

	date->hour = date_number(&at, 2, &digits);
	mark = *at;
	if (digits == 0 || (mark != ':' && mark != '.'))
		return false;
	at++;
	date->minute = date_number(&at, 2, &digits);
	if (digits == 0)
		return false;
	if (*at == mark) {
		at++;
		date->second = date_number(&at, 2, &digits);
		if (digits == 0)
			return false;
	}
	if (*at == '.' || *at == ',')
		for (at++; date_is_digit(*at); at++)
			;
	date->has_time = true;
	if (*at == '\0')
		return true;
	if (strcasecmp(at, "am") == 0 || strcasecmp(at, "pm") == 0) {
		date->is_afternoon = (*at | 0x20) == 'p';
		date->is_morning = !date->is_afternoon;
		return true;
	}
	return date_read_zone(date, at);
}

/* "2022-02-13", "2022/02/13", "20220213", and with "T10:00:00Z" behind it. */
static bool
date_read_iso(struct date *date, const char *text)
{
	const char *at = text;
	size_t digits;
	char mark;

	date->year = date_number(&at, 4, &digits);
	if (digits != 4)
		return false;
	mark = *at == '-' || *at == '/' ? *at++ : '\0';
	date->month = date_number(&at, 2, &digits);
	if (digits == 0 || (mark != '\0' && *at++ != mark))
		return false;
	date->day = date_number(&at, 2, &digits);
	if (digits == 0)
		return false;
	date->has_year = true;
	if (*at == '\0')
		return true;
	return (*at == 'T' || *at == 't') && date_read_time(date, at + 1);
}

/* "02-Mar-26", "2-Mar-2026". */
static bool
date_read_dashed(struct date *date, const char *text)
{
	const char *at = text;
	size_t digits;

	date->day = date_number(&at, 2, &digits);
	if (digits == 0 || *at++ != '-')
		return false;
	date->month = date_month(at, strcspn(at, "-"));
	at += strcspn(at, "-");
	if (date->month == 0 || *at++ != '-')
		return false;
	date->year = date_number(&at, 4, &digits);
	date->year = date_year(date->year, digits);
	date->has_year = true;
	return digits >= 2 && *at == '\0';
}

/* "3/2/2026", as in America, unless it can only be the other way. */
static bool
date_read_slashed(struct date *date, const char *text)
{
	const char *at = text;
	size_t digits;

	date->month = date_number(&at, 2, &digits);
	if (digits == 0 || *at++ != '/')
		return false;
	date->day = date_number(&at, 2, &digits);
	if (digits == 0 || *at++ != '/')
		return false;
	date->year = date_number(&at, 4, &digits);
	date->has_year = true;
	if (date->month > 12) {
		int day = date->month;

		date->month = date->day;
		date->day = day;
	}
	return digits == 4 && *at == '\0';
}

/* A day comes first, if it can be one, and a year after the month. */
static bool
date_read_number(struct date *date, const char *text)
{
	const char *at = text;
	size_t digits;
	int number = date_number(&at, 4, &digits);

	if (digits == 0 || *at != '\0')
		return false;
	if (date->day == 0 && digits <= 2) {
		date->day = number;
		return number > 0;
	}
	if (date->has_year) {
		/* A zone that has lost its sign. */
		if (digits != 4 || !date->has_time || date->has_zone)
			return false;
		date->zone = number / 100 * 60 + number % 100;
		date->has_zone = true;
		return number / 100 <= 14;
	}
	date->year = date_year(number, digits);
	date->has_year = true;
	return true;
}

static bool
date_is_weekday(const char *text)
{
	static const char *const names[] = { "mon", "tue", "wed", "thu", "fri",
		"sat", "sun" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncasecmp(text, names[i], 3) == 0)
			return true;
	return false;
}

static bool
date_read_letters(struct date *date, const char *text, size_t length)
{
	int month = date_month(text, length);

	if (month > 0 && date->month == 0) {
		date->month = month;
		return true;
	}
	if (strcasecmp(text, "am") == 0 || strcasecmp(text, "pm") == 0) {
		date->is_afternoon = (*text | 0x20) == 'p';
		date->is_morning = !date->is_afternoon;
		return true;
	}
	/* Days of the week in other languages, and zones that nobody knows. */
	return date_read_zone(date, text) || date_is_weekday(text) ||
	       date->month == 0 || date->has_time;
}

static bool
date_read_word(struct date *date, const struct word *word)
{
	static bool (*const forms[])(struct date *, const char *) = {
		date_read_iso, date_read_dashed, date_read_slashed
	};
	struct date tried = *date;

	if (!date_is_digit(word->text[0])) {
		if (word->text[0] == '+' || word->text[0] == '-')
			return date_read_offset(date, word->text);
		return date_read_letters(date, word->text, word->length);
	}
	if (!date->has_time && date_read_time(&tried, word->text)) {
		*date = tried;
		return true;
	}
	if (date->day == 0 && date->month == 0 && !date->has_year)
		for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
			tried = *date;
			if (!forms[i](&tried, word->text))
				continue;
			*date = tried;
			return true;
		}
	return date_read_number(date, word->text);
}

/* ---- the calendar ---- */

static bool
date_is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool
date_is_real(const struct date *date)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };

	if (!date->has_year || date->year < 1 || date->year > 9999 ||
	    date->month < 1 || date->month > 12 || date->day < 1)
		return false;
	/* A second may leap, and a day end at 24:00. */
	return date->day <=
		   days[date->month - 1] +
		       (date->month == 2 && date_is_leap(date->year)) &&
	       date->hour <= 24 && date->minute <= 59 && date->second <= 60;
}

/* Days since 1970, of the calendar that is used for all years. */
static int64_t
date_days(int year, int month, int day)
{
	/* Years begin in March, so that the leap day comes last. */
	int64_t shifted = year - (month <= 2);
	int64_t era = shifted / 400, of_era = shifted % 400;
	int64_t of_year =
	    (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
	       of_year - 719468;
}

bool
mail_date_read(const char *value, size_t length, int64_t *date_ms_r)
{
	struct word words[WORDS_MAX];
	struct date date = { .year = 0 };
	size_t count = date_split(value, length, words);
	int64_t seconds;

	for (size_t i = 0; i < count; i++)
		if (!date_read_word(&date, &words[i]))
			return false;
	if (count == 0 || !date_is_real(&date))
		return false;
	if (date.is_afternoon && date.hour < 12)
		date.hour += 12;
	if (date.is_morning && date.hour == 12)
		date.hour = 0;
	seconds = date_days(date.year, date.month, date.day) * 86400 +
		  date.hour * 3600 + date.minute * 60 + date.second -
		  date.zone * 60;
	if (seconds < INT64_C(-62135596800) || seconds > INT64_C(253402300799))
		return false;
	*date_ms_r = seconds * 1000;
	return true;
}
