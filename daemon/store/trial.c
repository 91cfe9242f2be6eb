#include "daemon/store/trial.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "lib/base/clock.h"

/* A commit that is no older has tried as much. */
#define TRIAL_INTERVAL_MS 1000

/*
 * Below this a file system counts as full: a small write may go well in it,
 * where the log has pages to spare, and the next message not.
 */
#define ROOM_LEAST ((uint64_t)1024 * 1024)

enum store_status
store_trial_room(struct store_writer *writer)
{
	struct statvfs found;
	uint64_t room;

	if (statvfs(writer->path, &found) != 0 || found.f_blocks == 0)
		return STORE_OK;
	room = (uint64_t)found.f_bavail * found.f_frsize;
	if (room >= ROOM_LEAST)
		return STORE_OK;
	return sql_fail(writer->db.sql, STORE_FULL,
	    "only %" PRIu64 " KiB are free", room / 1024);
}

enum store_status
store_trial(struct store_writer *writer)
{
	static const char sql[] =
	    "INSERT INTO meta(key, value) VALUES('tried_ms', ?1)"
	    " ON CONFLICT(key) DO UPDATE SET value = excluded.value";
	struct sql_statement use;
	enum store_status status;

	if (evpop_clock_monotonic_ms() - writer->log_idle_ms <
	    TRIAL_INTERVAL_MS)
		return STORE_OK;
	status = store_trial_room(writer);
	if (status != STORE_OK)
		return status;
	sql_prepare(&use, writer->db.sql, sql);
	sql_bind_int(&use, 1, writer->db.now_ms);
	return sql_run(&use);
}
