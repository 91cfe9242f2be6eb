#include "daemon/deliver/retry.h"

#define MINUTE_US INT64_C(60000000)

int64_t
retry_delay_ms(
    unsigned failures, uint32_t least_ms, uint32_t most_ms, uint32_t random)
{
	int64_t delay_ms = least_ms > 0 ? least_ms : 1;

	for (unsigned i = 1; i < failures && delay_ms < most_ms; i++)
		delay_ms *= 2;
	if (most_ms > 0 && delay_ms > most_ms)
		delay_ms = most_ms;
	return delay_ms + (int64_t)(random % 256) * (delay_ms / 4) / 255;
}

int64_t
retry_rate_wait_ms(
    const struct retry_rate *rate, uint32_t per_minute, int64_t now_ms)
{
	int64_t ahead_us;

	if (per_minute == 0)
		return 0;
	/* So far ahead of an even pace they may be. */
	ahead_us = MINUTE_US / per_minute * (per_minute / 60);
	ahead_us = rate->free_us - now_ms * 1000 - ahead_us;
	return ahead_us <= 0 ? 0 : (ahead_us + 999) / 1000;
}

void
retry_rate_count(struct retry_rate *rate, uint32_t per_minute, int64_t now_ms)
{
	if (per_minute == 0)
		return;
	if (rate->free_us < now_ms * 1000)
		rate->free_us = now_ms * 1000;
	rate->free_us += MINUTE_US / per_minute;
}
