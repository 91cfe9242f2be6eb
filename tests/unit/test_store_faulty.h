/*
 * A file system that fails on demand: SQLite's own one, in between.
 */
#ifndef TEST_STORE_FAULTY_H
#define TEST_STORE_FAULTY_H

/* Become the default for files that are opened from now on. */
void faulty_install(void);

/* From now on, writes and syncs answer these SQLite codes; 0: they work. */
void faulty_set(int write_code, int sync_code);

#endif
