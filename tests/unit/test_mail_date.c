#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "daemon/store/mail/date.h"

static void
shown(int64_t date_ms, char text_r[32])
{
	time_t seconds = (time_t)(date_ms / 1000);
	struct tm broken;

	assert_non_null(gmtime_r(&seconds, &broken));
	assert_true(strftime(text_r, 32, "%Y-%m-%d %H:%M:%S", &broken) > 0);
}

static void
dates_are_read(void **state)
{
	static const struct {
		const char *value, *utc; /* NULL: no date */
	} cases[] = {
		{ "Fri, 2 Jan 2026 04:04:05 +0100", "2026-01-02 03:04:05" },
		{ "2 Jan 2026 03:04:05 GMT", "2026-01-02 03:04:05" },
		{ " Fri,2 Jan 2026 03:04:05 -0000 (UTC)",
		    "2026-01-02 03:04:05" },
		{ "Fri, 2 Jan 2026 03:04", "2026-01-02 03:04:00" },
		{ "Fri, 2 Jan 2026", "2026-01-02 00:00:00" },
		{ "Fri,\r\n 2 Jan 2026\r\n\t03:04:05 +0000",
		    "2026-01-02 03:04:05" },
		{ "Fri, 02 January 2026 03:04:05 +0000",
		    "2026-01-02 03:04:05" },
		/* Zones by name, and what is away from them. */
		{ "2 Jan 2026 03:04:05 GMT+0200", "2026-01-02 01:04:05" },
		{ "2 Jan 2026 03:04:05 GMT-05:30", "2026-01-02 08:34:05" },
		{ "2 Jan 2026 03:04:05 UTC+2", "2026-01-02 01:04:05" },
		{ "2 Jan 2026 03:04:05 +02:00", "2026-01-02 01:04:05" },
		{ "2 Jan 2026 03:04:05 EST", "2026-01-02 08:04:05" },
		{ "2 Jan 2026 03:04:05 CEST", "2026-01-02 01:04:05" },
		{ "2 Jan 2026 03:04:05 -0500 CEST", "2026-01-02 08:04:05" },
		{ "2 Jan 2026 03:04:05 WET", "2026-01-02 03:04:05" },
		{ "2 Jan 2026 03:04:05 XYZ", "2026-01-02 03:04:05" },
		{ "2 Jan 2026 03:04:05 \"GMT\"", "2026-01-02 03:04:05" },
		{ "2 Jan 2026 03:04:05 +0100 (CET (winter))",
		    "2026-01-02 02:04:05" },
		/* Years of two and of three digits. */
		{ "Fri, 14 Dec 01 09:30 WET", "2001-12-14 09:30:00" },
		{ "Fri, 14 Dec 101 09:30 WET", "2001-12-14 09:30:00" },
		{ "14 Dec 126 09:30 UT", "2026-12-14 09:30:00" },
		{ "14 Dec 99 09:30 Z", "1999-12-14 09:30:00" },
		/* Other orders. */
		{ "Fri Jan  2 03:04:05 2026", "2026-01-02 03:04:05" },
		{ "Fri Jan  2 03:04:05 CET 2026", "2026-01-02 02:04:05" },
		{ "Friday, 02-Jan-26 03:04:05 GMT", "2026-01-02 03:04:05" },
		{ "January 2, 2026 3:04 PM", "2026-01-02 15:04:00" },
		{ "2 Jan 2026 12:04am", "2026-01-02 00:04:00" },
		{ "2 Jan 2026 03.04.05 +0000", "2026-01-02 03:04:05" },
		{ "2022-02-13T10:00:00Z", "2022-02-13 10:00:00" },
		{ "2022-02-13T10:00:00.123+01:00", "2022-02-13 09:00:00" },
		{ "2022-02-13 10:00:00 +0100", "2022-02-13 09:00:00" },
		{ "2022/02/13 10:00", "2022-02-13 10:00:00" },
		{ "20220213T100000", NULL },
		{ "2022-02-13", "2022-02-13 00:00:00" },
		{ "3/2/2026 3:04:05 PM", "2026-03-02 15:04:05" },
		{ "13/2/2026 10:00", "2026-02-13 10:00:00" },
		{ "2026 Mar 2 10:00", "2026-03-02 10:00:00" },
		{ "Mo, 2 M\xc3\xa4rz 2026 10:00 +0100", "2026-03-02 09:00:00" },
		{ "Mi, 2 Dez 2026 10:00 MEZ", "2026-12-02 09:00:00" },
		{ "Mon, 2 Mar 2026 10:00:00 0100", "2026-03-02 09:00:00" },
		{ "Mon, 2 Mar 2026 10:00:00 +100", "2026-03-02 09:00:00" },
		/* The calendar. */
		{ "29 Feb 2024 00:00:00 +0000", "2024-02-29 00:00:00" },
		{ "29 Feb 2025 00:00:00 +0000", NULL },
		{ "29 Feb 2000 00:00:00 +0000", "2000-02-29 00:00:00" },
		{ "29 Feb 1900 00:00:00 +0000", NULL },
		{ "31 Dec 1969 23:59:59 +0000", "1969-12-31 23:59:59" },
		{ "31 Dec 9999 23:59:59 +0000", "9999-12-31 23:59:59" },
		{ "31 Dec 9999 23:59:59 -0100", NULL },
		{ "31 Dec 2016 23:59:60 +0000", "2017-01-01 00:00:00" },
		/* None. */
		{ "", NULL },
		{ " ", NULL },
		{ "yesterday", NULL },
		{ "Fri", NULL },
		{ "Jan 2026", NULL },
		{ "99 Jan 2026 00:00:00", NULL },
		{ "0 Jan 2026 00:00:00", NULL },
		{ "2 Jan 2026 25:00:00", NULL },
		{ "2 Jan 2026 00:61:00", NULL },
		{ "2 Jan 2026 2027", NULL },
		{ "2 Jan 2026 00:00 2027", NULL },
		{ "13/13/2026 10:00", NULL },
		{ "1/2/26 10:00", NULL },
		{ "2 Jan 2026 00:00 +9999", NULL },
		{ "2 Jan 20266 00:00", NULL },
		{ "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", NULL },
		{ "((((2 Jan 2026", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *value = cases[i].value;
		char text[32] = "none";
		int64_t date_ms;

		if (mail_date_read(value, strlen(value), &date_ms))
			shown(date_ms, text);
		if (strcmp(text,
			cases[i].utc != NULL ? cases[i].utc : "none") != 0)
			fail_msg("%s: %s", value, text);
	}
}

static void
every_day_comes_after_the_day_before(void **state)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	int64_t before = 0, date_ms;
	char value[64];

	(void)state;
	for (int year = 1600; year <= 2400; year++)
		for (int month = 1; month <= 12; month++) {
			bool leaps = month == 2 && year % 4 == 0 &&
				     (year % 100 != 0 || year % 400 == 0);

			for (int day = 1; day <= days[month - 1] + leaps;
			     day++) {
				int length = snprintf(value, sizeof(value),
				    "%04d-%02d-%02d", year, month, day);

				assert_true(mail_date_read(
				    value, (size_t)length, &date_ms));
				if (before != 0)
					assert_true(
					    date_ms == before + 86400000);
				before = date_ms;
			}
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_are_read),
		cmocka_unit_test(every_day_comes_after_the_day_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
