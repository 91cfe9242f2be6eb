#include "tests/unit/test_store_faulty.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "tests/unit/test_store_fixture.h"

/* What SQLite allocates for a file: ours, then the real one's. */
struct faulty_file {
	sqlite3_file base;
	sqlite3_file *real;
};

/* What becomes of one operation; any thread. */
struct rule {
	atomic_int code;
	atomic_long skip, times;
};

static struct rule rules[FAULTY_OPERATION_COUNT];
static sqlite3_vfs faulty;
static sqlite3_vfs *underlying;
static void (*before_operation)(void);
static void (*operation_failed)(enum faulty_operation, int code);

/* The SQLite code that an operation is to fail with, or 0. */
static int
failure(enum faulty_operation operation)
{
	struct rule *rule = &rules[operation];
	int code;

	if (before_operation != NULL)
		before_operation();
	code = atomic_load(&rule->code);
	if (code == 0 || atomic_fetch_sub(&rule->skip, 1) > 0 ||
	    atomic_fetch_sub(&rule->times, 1) <= 0)
		return 0;
	if (operation_failed != NULL)
		operation_failed(operation, code);
	return code;
}

static sqlite3_file *
real(sqlite3_file *file)
{
	return ((struct faulty_file *)file)->real;
}

static int
close_file(sqlite3_file *file)
{
	return real(file)->pMethods->xClose(real(file));
}

static int
read_file(sqlite3_file *file, void *to, int length, sqlite3_int64 at)
{
	int code = failure(FAULTY_READ);

	if (code != 0)
		return code;
	return real(file)->pMethods->xRead(real(file), to, length, at);
}

static int
write_file(sqlite3_file *file, const void *from, int length, sqlite3_int64 at)
{
	int code = failure(FAULTY_WRITE);

	if (code != 0)
		return code;
	return real(file)->pMethods->xWrite(real(file), from, length, at);
}

static int
truncate_file(sqlite3_file *file, sqlite3_int64 size)
{
	return real(file)->pMethods->xTruncate(real(file), size);
}

static int
sync_file(sqlite3_file *file, int flags)
{
	int code = failure(FAULTY_SYNC);

	if (code != 0)
		return code;
	/* No test cuts the power, and a disk takes its time. */
	(void)file;
	(void)flags;
	return SQLITE_OK;
}

static int
file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return real(file)->pMethods->xFileSize(real(file), size);
}

static int
lock_file(sqlite3_file *file, int level)
{
	return real(file)->pMethods->xLock(real(file), level);
}

static int
unlock_file(sqlite3_file *file, int level)
{
	return real(file)->pMethods->xUnlock(real(file), level);
}

static int
check_lock(sqlite3_file *file, int *reserved)
{
	return real(file)->pMethods->xCheckReservedLock(real(file), reserved);
}

static int
control_file(sqlite3_file *file, int operation, void *arg)
{
	return real(file)->pMethods->xFileControl(real(file), operation, arg);
}

static int
sector_size(sqlite3_file *file)
{
	return real(file)->pMethods->xSectorSize(real(file));
}

static int
characteristics(sqlite3_file *file)
{
	return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

static int
shm_map(
    sqlite3_file *file, int page, int size, int extend, void volatile **memory)
{
	return real(file)->pMethods->xShmMap(
	    real(file), page, size, extend, memory);
}

static int
shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
	return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}

static void
shm_barrier(sqlite3_file *file)
{
	real(file)->pMethods->xShmBarrier(real(file));
}

static int
shm_unmap(sqlite3_file *file, int remove)
{
	return real(file)->pMethods->xShmUnmap(real(file), remove);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = close_file,
	.xRead = read_file,
	.xWrite = write_file,
	.xTruncate = truncate_file,
	.xSync = sync_file,
	.xFileSize = file_size,
	.xLock = lock_file,
	.xUnlock = unlock_file,
	.xCheckReservedLock = check_lock,
	.xFileControl = control_file,
	.xSectorSize = sector_size,
	.xDeviceCharacteristics = characteristics,
	.xShmMap = shm_map,
	.xShmLock = shm_lock,
	.xShmBarrier = shm_barrier,
	.xShmUnmap = shm_unmap,
};

static int
open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
    int *flags_r)
{
	struct faulty_file *ours = (struct faulty_file *)file;
	int code;

	(void)vfs;
	ours->base.pMethods = NULL;
	ours->real = (sqlite3_file *)(ours + 1);
	code = underlying->xOpen(underlying, name, ours->real, flags, flags_r);
	if (code == SQLITE_OK)
		ours->base.pMethods = &methods;
	return code;
}

void
faulty_install(void)
{
	underlying = sqlite3_vfs_find(NULL);
	memcpy(&faulty, underlying, sizeof(faulty));
	faulty.zName = "faulty";
	faulty.szOsFile += (int)sizeof(struct faulty_file);
	faulty.xOpen = open_file;
	sqlite3_vfs_register(&faulty, 1);
}

void
faulty_set(int write_code, int sync_code)
{
	faulty_set_rule(FAULTY_WRITE, write_code, 0, -1);
	faulty_set_rule(FAULTY_SYNC, sync_code, 0, -1);
}

void
faulty_set_rule(
    enum faulty_operation operation, int code, long skip, long times)
{
	struct rule *rule = &rules[operation];

	atomic_store(&rule->code, 0);
	atomic_store(&rule->skip, skip);
	atomic_store(&rule->times, times < 0 ? LONG_MAX : times);
	atomic_store(&rule->code, code);
}

void
faulty_watch(
    void (*before)(void), void (*failed)(enum faulty_operation, int code))
{
	before_operation = before;
	operation_failed = failed;
}

int
faulty_setup_group(void **state)
{
	(void)state;
	faulty_install();
	return 0;
}
