/*
 * How what was asked of the store went, for programs and in words.
 */
#ifndef STORE_STATUS_H
#define STORE_STATUS_H

enum store_status {
	STORE_OK = 0,
	STORE_FULL,      /* no space: disk, quota or page limit */
	STORE_IO,        /* the disk failed */
	STORE_BUSY,      /* another process holds the file */
	STORE_READ_ONLY, /* no permission to write */
	STORE_DAMAGED,   /* not a database, or a corrupt one */
	STORE_NEWER,     /* the schema is of a later version */
	STORE_NOT_FOUND,
	STORE_MEMORY,
	STORE_CLOSED,   /* the store was closed, or the asker left, before it
			   got to it */
	STORE_SLOW,     /* no answer to a question within its time */
	STORE_REPLACED, /* its file was moved, removed or written over */
	STORE_SEALED,   /* only the holder of a secret key can read it */
	STORE_NO_KEY,   /* the daemon's key is missing, or another one */
	STORE_STATUS_COUNT
};

/* "ok", "full", "io"...; and a sentence on what to do about it. */
const char *store_status_name(enum store_status);
const char *store_status_hint(enum store_status);

/* An answer that is no more than that. */
typedef void (*store_done_cb)(enum store_status, void *arg);

/* Why an open failed or polls have to wait, in words. */
#define STORE_ERROR_SIZE 256
struct store_error {
	enum store_status status;
	char text[STORE_ERROR_SIZE];
};

/* Fill *error_r, cutting what is too long; returns the status. */
enum store_status store_error_set(
    struct store_error *error_r, enum store_status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
