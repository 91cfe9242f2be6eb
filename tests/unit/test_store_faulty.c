#include "tests/unit/test_store_faulty.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

/* What SQLite allocates for a file: ours, then the real one's. */
struct faulty_file {
	sqlite3_file base;
	sqlite3_file *real;
};

static atomic_int write_fails, sync_fails;
static sqlite3_vfs faulty;
static sqlite3_vfs *underlying;

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
	return real(file)->pMethods->xRead(real(file), to, length, at);
}

static int
write_file(sqlite3_file *file, const void *from, int length, sqlite3_int64 at)
{
	int code = atomic_load(&write_fails);

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
	int code = atomic_load(&sync_fails);

	if (code != 0)
		return code;
	return real(file)->pMethods->xSync(real(file), flags);
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
	atomic_store(&write_fails, write_code);
	atomic_store(&sync_fails, sync_code);
}
