/*
 * A file that nobody can change: SQLite keeps a log and its index beside every
 * file that it reads, and where it cannot make them it must be told that it
 * needs none.
 */
#ifndef STORE_SQL_UNCHANGING_H
#define STORE_SQL_UNCHANGING_H

/*
 * The name by which SQLite opens the file, as a URI, for free(): one that does
 * without a log where the folder cannot be written and there is no log in it,
 * as on a read-only file system.  NULL without memory.
 */
char *sqlite_reading_uri(const char *path) __attribute__((warn_unused_result));

#endif
