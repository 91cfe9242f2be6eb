/*
 * A mutex that threads of the store share.  To lock one cannot fail unless the
 * program is wrong.
 */
#ifndef STORE_LOCK_H
#define STORE_LOCK_H

#include <assert.h>
#include <pthread.h>

static inline void
store_lock(pthread_mutex_t *mutex)
{
	int failed = pthread_mutex_lock(mutex);

	assert(failed == 0);
}

static inline void
store_unlock(pthread_mutex_t *mutex)
{
	int failed = pthread_mutex_unlock(mutex);

	assert(failed == 0);
}

#endif
