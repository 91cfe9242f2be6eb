/*
 * A record of what happened in one run, to compare with that of another.
 */
#ifndef FUZZ_RECORD_H
#define FUZZ_RECORD_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed, it is empty. */
struct fuzz_record {
	unsigned char *bytes;
	size_t length, room;
};

void fuzz_record_bytes(struct fuzz_record *, const void *bytes, size_t length);
void fuzz_record_text(struct fuzz_record *, const char *text);
void fuzz_record_number(struct fuzz_record *, uint64_t number);

/* Both are the same; else they are printed, and the run aborts. */
void fuzz_record_same(const struct fuzz_record *, const struct fuzz_record *);

void fuzz_record_free(struct fuzz_record *);

#endif
