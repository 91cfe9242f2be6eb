/* What every engine does alike. */
#include "daemon/store/sql/engine.h"

#include <string.h>
#include <time.h>

#include "lib/base/clock.h"

bool
sql_column_bytes(
    struct sql_statement *statement, int column, void *bytes_r, size_t size)
{
	size_t length;
	const void *bytes = sql_column_blob(statement, column, &length);

	if (bytes == NULL || length != size)
		return false;
	memcpy(bytes_r, bytes, size);
	return true;
}

enum store_status
sql_run(struct sql_statement *statement)
{
	while (sql_step(statement))
		;
	return sql_end(statement);
}

enum store_status
sql_integer(struct sql_db *db, const char *text, int64_t *value_r)
{
	struct sql_statement statement;

	*value_r = 0;
	sql_prepare_once(&statement, db, text);
	if (sql_step(&statement))
		*value_r = sql_column_int(&statement, 0);
	return sql_end(&statement);
}

/* Most who hold the file do so for a moment. */
#define NAP_FIRST_MS 1
#define NAP_LAST_MS  50

static int64_t
nap_of(int count)
{
	int64_t nap_ms = NAP_FIRST_MS;

	while (count-- > 0 && nap_ms < NAP_LAST_MS)
		nap_ms *= 2;
	return nap_ms < NAP_LAST_MS ? nap_ms : NAP_LAST_MS;
}

bool
sql_patience_wait(struct sql_patience *patience, int count)
{
	const int64_t now_ms = evpop_clock_monotonic_ms();
	int64_t nap_ms = nap_of(count), left_ms;

	if (count == 0)
		patience->since_ms = now_ms;
	left_ms = patience->since_ms + patience->busy_ms - now_ms;
	if (left_ms <= 0 || patience->is_over(patience->arg))
		return false;
	if (nap_ms > left_ms)
		nap_ms = left_ms;
	nanosleep(&(const struct timespec){ .tv_nsec = (long)nap_ms * 1000000 },
	    NULL);
	return true;
}
