#include "daemon/ctl/pace.h"

#include <inttypes.h>
#include <string.h>

#include "daemon/ctl/print.h"
#include "lib/base/clock.h"

#define SHOW_INTERVAL_MS 200
/* A rate of less time would jump. */
#define RATE_LEAST_MS 1000
#define LINE_SIZE     256

void
pace_begin(struct pace *pace_r, const struct ctl *ctl)
{
	memset(pace_r, 0, sizeof(*pace_r));
	pace_r->ctl = ctl;
	pace_r->begun_ms = evpop_clock_monotonic_ms();
}

void
pace_expect(struct pace *pace, uint64_t messages, uint64_t bytes)
{
	pace->messages += messages;
	pace->bytes += bytes;
}

void
pace_advance(struct pace *pace, uint64_t messages, uint64_t bytes)
{
	if (pace->messages_done == 0)
		pace->begun_ms = evpop_clock_monotonic_ms();
	pace->messages_done += messages;
	pace->bytes_done += bytes;
}

const char *
pace_count(uint64_t count, char text_r[PACE_COUNT_SIZE])
{
	char digits[PACE_COUNT_SIZE];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	char *out = text_r;

	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
	return text_r;
}

/* Seconds that the rest takes; -1 where nobody can say. */
static int64_t
pace_left(const struct pace *pace, int64_t elapsed_ms)
{
	double done = (double)pace->bytes_done, all = (double)pace->bytes;

	if (elapsed_ms < RATE_LEAST_MS || pace->bytes_done == 0 ||
	    pace->bytes <= pace->bytes_done)
		return -1;
	return (int64_t)((all - done) * (double)elapsed_ms / done / 1000 + 0.5);
}

void
pace_text(const struct pace *pace, const char *doing, int64_t elapsed_ms,
    char *text_r, size_t size)
{
	char done[PACE_COUNT_SIZE], all[PACE_COUNT_SIZE], rate[PACE_COUNT_SIZE];
	char octets[EVPOP_UNIT_SIZE], left[EVPOP_UNIT_SIZE];
	int64_t seconds = pace_left(pace, elapsed_ms);
	int length;

	if (pace->messages_done == 0) {
		snprintf(text_r, size, "%s %s messages, %s ...", doing,
		    pace_count(pace->messages, all),
		    evpop_unit_size(pace->bytes, octets));
		return;
	}
	length = snprintf(text_r, size, "%s %s", doing,
	    pace_count(pace->messages_done, done));
	if (pace->messages > 0)
		length += snprintf(text_r + length, size - (size_t)length,
		    " of %s", pace_count(pace->messages, all));
	length += snprintf(text_r + length, size - (size_t)length, " messages");
	if (pace->bytes_done > 0)
		length += snprintf(text_r + length, size - (size_t)length,
		    ", %s", evpop_unit_size(pace->bytes_done, octets));
	/* Of files it is known how large they are, but not what is in them. */
	if (pace->messages == 0 && pace->bytes > 0)
		length += snprintf(text_r + length, size - (size_t)length,
		    " of %s", evpop_unit_size(pace->bytes, octets));
	if (elapsed_ms >= RATE_LEAST_MS)
		length +=
		    snprintf(text_r + length, size - (size_t)length, ", %s/s",
			pace_count(
			    pace->messages_done * 1000 / (uint64_t)elapsed_ms,
			    rate));
	if (seconds >= 0)
		snprintf(text_r + length, size - (size_t)length, ", %s left",
		    evpop_unit_span(seconds, left));
}

void
pace_show(struct pace *pace, const char *doing)
{
	const struct ctl *ctl = pace->ctl;
	int64_t now_ms;
	char text[LINE_SIZE];

	if (!ctl->is_terminal || ctl->json)
		return;
	now_ms = evpop_clock_monotonic_ms();
	if (pace->is_shown && now_ms - pace->shown_ms < SHOW_INTERVAL_MS)
		return;
	pace_clear(pace);
	pace_text(pace, doing, now_ms - pace->begun_ms, text, sizeof(text));
	/* A line that wraps could not be cleared. */
	if (ctl->width > 0 && strlen(text) >= ctl->width)
		text[ctl->width - 1] = '\0';
	fprintf(ctl->out, "%s", text);
	fflush(ctl->out);
	pace->shown_ms = now_ms;
	pace->is_shown = true;
}

void
pace_clear(struct pace *pace)
{
	if (pace->is_shown)
		progress_clear(pace->ctl);
	pace->is_shown = false;
}
