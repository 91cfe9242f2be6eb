/*
 * The files around a store before SQLite sees them: the folder, the lock that
 * says which daemon owns the store, and the file's mode.
 */
#ifndef STORE_SQL_FILES_H
#define STORE_SQL_FILES_H

#include "daemon/store/store.h"

/*
 * Check the folder, take PATH.lock, and make PATH (0600) where it is missing.
 * *fd_r holds the lock until store_files_unlock(); -1 on failure, with the
 * reason in *error_r.
 */
enum store_status store_files_lock(const char *path, int *fd_r,
    struct store_error *error_r) __attribute__((warn_unused_result));
void store_files_unlock(int *fd);

/* The file is there and can be read, or why it cannot. */
enum store_status store_files_exist(const char *path,
    struct store_error *error_r) __attribute__((warn_unused_result));

/* Whether an earlier process has left a write-ahead log with anything in it. */
bool store_files_have_log(const char *path);

/* Octets that are free where it is; UINT64_MAX where nobody says. */
uint64_t store_files_room(const char *path);

/* Sync a file that was just made, and its folder. */
enum store_status store_files_sync(const char *path)
    __attribute__((warn_unused_result));

#endif
