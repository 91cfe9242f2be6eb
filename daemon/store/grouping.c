#include "daemon/store/grouping.h"

#include "daemon/store/queue.h"

#define OCTETS_MAX ((size_t)4 * 1024 * 1024)
#define WORK_MS    50

#define CROWD    4
#define PAUSE_MS 5

void
store_grouping_begin(struct store_grouping *grouping, int64_t now_ms)
{
	grouping->begun_ms = now_ms;
	grouping->octets = grouping->count = 0;
}

void
store_grouping_add(struct store_grouping *grouping, size_t octets)
{
	grouping->octets += octets;
	grouping->count++;
}

bool
store_grouping_is_full(const struct store_grouping *grouping, int64_t now_ms)
{
	return grouping->octets >= OCTETS_MAX ||
	       now_ms - grouping->begun_ms >= WORK_MS;
}

int64_t
store_grouping_until_ms(const struct store_grouping *grouping, int64_t now_ms)
{
	const int64_t until_ms = grouping->ended_ms + PAUSE_MS;

	return grouping->is_crowded && until_ms > now_ms ? until_ms
							 : STORE_QUEUE_NOW;
}

void
store_grouping_end(struct store_grouping *grouping, int64_t now_ms)
{
	grouping->is_crowded = grouping->count >= CROWD;
	grouping->ended_ms = now_ms;
}
