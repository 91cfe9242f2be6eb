#include "daemon/control/record.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/keeping.h"
#include "lib/base/clock.h"
#include "lib/base/hash.h"

/* What is read again within this time is not recorded again. */
#define AGAIN_MS 60000

/*
 * The readings of the last minute, by their hash.  One that takes the place of
 * another only makes a row more.
 */
#define READINGS 4096

struct reading {
	uint64_t hash;
	int64_t at_ms; /* monotonic */
};

struct record {
	struct store *store;
	struct reading readings[READINGS];
};

struct record *
record_new(struct store *store)
{
	struct record *record = calloc(1, sizeof(*record));

	if (record != NULL)
		record->store = store;
	return record;
}

void
record_free(struct record *record)
{
	free(record);
}

static bool
record_was_just_read(struct record *record, const char *who, const char *object)
{
	const int64_t now_ms = evpop_clock_monotonic_ms();
	const uint64_t hash =
	    evpop_hash_add(evpop_hash_text(who), object, strlen(object));
	struct reading *reading = &record->readings[hash % READINGS];

	if (reading->hash == hash && now_ms - reading->at_ms < AGAIN_MS)
		return true;
	*reading = (struct reading){ .hash = hash, .at_ms = now_ms };
	return false;
}

/* Longer than any name of an account, and than any word before it. */
#define OBJECT_SIZE 1200
#define ACTION_SIZE 16

void
record_add(
    struct record *record, const char *who, const char *deed, const char *name)
{
	const size_t word = strcspn(deed, " ");
	const char *rest = deed + word + strspn(deed + word, " ");
	const size_t before = strcspn(rest, "*");
	char action[ACTION_SIZE], object[OBJECT_SIZE];
	struct store_deed told = { .who = who, .action = action };
	bool is_read;

	snprintf(action, sizeof(action), "%.*s", (int)word, deed);
	snprintf(object, sizeof(object), "%.*s%s", (int)before, rest,
	    rest[before] == '*' ? name : "");
	told.object = object;
	is_read = strcmp(action, "read") == 0;
	if (is_read && record_was_just_read(record, who, object))
		return;
	/* What a poll changes is on record as a poll: its wish can wait. */
	if (is_read || strcmp(action, "poll") == 0)
		store_deed_note(record->store, &told);
	else
		store_deed_record(record->store, &told);
}
