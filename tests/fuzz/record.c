#include "tests/fuzz/record.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
fuzz_record_bytes(struct fuzz_record *record, const void *bytes, size_t length)
{
	while (length > record->room - record->length) {
		record->room = record->room == 0 ? 256 : record->room * 2;
		record->bytes = realloc(record->bytes, record->room);
		assert(record->bytes != NULL);
	}
	if (length > 0)
		memcpy(record->bytes + record->length, bytes, length);
	record->length += length;
}

void
fuzz_record_text(struct fuzz_record *record, const char *text)
{
	fuzz_record_bytes(record, text, strlen(text));
}

void
fuzz_record_number(struct fuzz_record *record, uint64_t number)
{
	char text[24];
	int length = snprintf(text, sizeof(text), " %" PRIu64, number);

	assert(length > 0 && (size_t)length < sizeof(text));
	fuzz_record_bytes(record, text, (size_t)length);
}

static void
show(const char *which, const struct fuzz_record *record)
{
	fprintf(stderr, "---- %s\n", which);
	fwrite(record->bytes, 1, record->length, stderr);
	fputc('\n', stderr);
}

void
fuzz_record_same(const struct fuzz_record *a, const struct fuzz_record *b)
{
	if (a->length == b->length &&
	    (a->length == 0 || memcmp(a->bytes, b->bytes, a->length) == 0))
		return;
	show("one way", a);
	show("the other", b);
	abort();
}

void
fuzz_record_free(struct fuzz_record *record)
{
	free(record->bytes);
	memset(record, 0, sizeof(*record));
}
