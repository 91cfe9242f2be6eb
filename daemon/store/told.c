#include "daemon/store/told.h"

#include "daemon/store/lock.h"

bool
store_told_init(struct store_told *told)
{
	return pthread_mutex_init(&told->mutex, NULL) == 0;
}

void
store_told_destroy(struct store_told *told)
{
	pthread_mutex_destroy(&told->mutex);
}

void
store_told_set_health(struct store_told *told, const struct store_error *health)
{
	store_lock(&told->mutex);
	told->health = *health;
	store_unlock(&told->mutex);
}

void
store_told_add_commit(struct store_told *told, int64_t duration_us)
{
	store_lock(&told->mutex);
	histogram_add(&told->commits, duration_us);
	store_unlock(&told->mutex);
}

void
store_told_set_clock(struct store_told *told, struct store_clock clock)
{
	store_lock(&told->mutex);
	told->clock = clock;
	store_unlock(&told->mutex);
}

void
store_told_look(struct store_told *told, struct store_error *health_r,
    struct histogram *commits_r)
{
	store_lock(&told->mutex);
	*health_r = told->health;
	*commits_r = told->commits;
	store_unlock(&told->mutex);
}

struct store_clock
store_told_clock(struct store_told *told)
{
	struct store_clock clock;

	store_lock(&told->mutex);
	clock = told->clock;
	store_unlock(&told->mutex);
	return clock;
}
