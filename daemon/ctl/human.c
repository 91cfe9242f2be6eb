#include "daemon/ctl/human.h"

#include <stdbool.h>
#include <stdio.h>

const char *
human_octets(uint64_t octets, char text_r[HUMAN_SIZE])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB",
		"PiB", "EiB" };
	size_t unit = 0;
	uint64_t whole = octets, tenths = 0;

	/* Tenths are cut, never rounded up: "1.0 MiB" is at least that. */
	while (whole >= 1024) {
		tenths = whole % 1024 * 10 / 1024;
		whole /= 1024;
		unit++;
	}
	if (unit > 0 && whole < 10)
		snprintf(text_r, HUMAN_SIZE, "%u.%u %s", (unsigned)whole,
		    (unsigned)tenths, units[unit]);
	else
		snprintf(
		    text_r, HUMAN_SIZE, "%u %s", (unsigned)whole, units[unit]);
	return text_r;
}

static const struct {
	int64_t seconds;
	const char *name;
} spans[] = { { 365 * 86400, "y" }, { 86400, "d" }, { 3600, "h" },
	{ 60, "min" }, { 1, "s" } };

#define SPAN_COUNT (sizeof(spans) / sizeof(spans[0]))

void
human_age(int64_t time_ms, int64_t now_ms, char *text_r, size_t text_size)
{
	bool past = time_ms <= now_ms;
	int64_t seconds = (past ? now_ms - time_ms : time_ms - now_ms) / 1000;
	size_t span = 0;

	if (seconds == 0) {
		snprintf(text_r, text_size, "just now");
		return;
	}
	while (seconds < spans[span].seconds)
		span++;
	snprintf(text_r, text_size, "%s%lld %s%s", past ? "" : "in ",
	    (long long)(seconds / spans[span].seconds), spans[span].name,
	    past ? " ago" : "");
}

const char *
human_duration(int64_t seconds, char *text_r, size_t text_size)
{
	size_t span = 0;
	int used;

	while (span + 1 < SPAN_COUNT && seconds < spans[span].seconds)
		span++;
	used = snprintf(text_r, text_size, "%lld %s",
	    (long long)(seconds / spans[span].seconds), spans[span].name);
	seconds %= spans[span].seconds;
	span++;
	if (span < SPAN_COUNT && seconds >= spans[span].seconds && used > 0 &&
	    (size_t)used < text_size)
		snprintf(text_r + used, text_size - (size_t)used, " %lld %s",
		    (long long)(seconds / spans[span].seconds),
		    spans[span].name);
	return text_r;
}
