#include "daemon/store/epoch.h"

#include <event2/util.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/store/meta.h"
#include "lib/base/hex.h"

#define EPOCH_KEY "epoch"
#define FILE_KEY  "epoch_file"
#define FILE_SIZE 64

/*
 * A number may be given to the file that comes after; when it was made tells
 * them apart, where the file system knows it.
 */
static void
epoch_describe(const char *path, char file_r[FILE_SIZE])
{
	struct statx found = { .stx_mask = 0 };

	file_r[0] = '\0';
	if (statx(AT_FDCWD, path, 0, STATX_INO | STATX_BTIME, &found) == 0)
		snprintf(file_r, FILE_SIZE, "%llu %lld.%09u",
		    (unsigned long long)found.stx_ino,
		    (long long)found.stx_btime.tv_sec,
		    (unsigned)found.stx_btime.tv_nsec);
}

static enum store_status
epoch_make(struct sql_db *db, const char *file)
{
	unsigned char random[(STORE_EPOCH_SIZE - 1) / 2];
	char epoch[STORE_EPOCH_SIZE];
	enum store_status status;

	evutil_secure_rng_get_bytes(random, sizeof(random));
	evpop_hex_encode(random, sizeof(random), epoch);
	status = store_meta_set_text(db, EPOCH_KEY, epoch);
	return status == STORE_OK ? store_meta_set_text(db, FILE_KEY, file)
				  : status;
}

enum store_status
store_epoch_begin(struct sql_db *db, const char *path)
{
	char epoch[STORE_EPOCH_SIZE], noted[FILE_SIZE], file[FILE_SIZE];
	bool has_epoch, has_file = false;
	enum store_status status = store_meta_get_text(
	    db, EPOCH_KEY, epoch, sizeof(epoch), &has_epoch);

	if (status == STORE_OK)
		status = store_meta_get_text(
		    db, FILE_KEY, noted, sizeof(noted), &has_file);
	if (status != STORE_OK)
		return status;
	epoch_describe(path, file);
	if (has_epoch && has_file && strcmp(noted, file) == 0)
		return STORE_OK;
	return epoch_make(db, file);
}

enum store_status
store_epoch_get(struct sql_db *db, char epoch_r[STORE_EPOCH_SIZE])
{
	bool found;

	return store_meta_get_text(
	    db, EPOCH_KEY, epoch_r, STORE_EPOCH_SIZE, &found);
}
