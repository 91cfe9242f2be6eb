#include "daemon/store/tally.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 64

/* The entry, or the empty one where it belongs.  The digest is a good hash. */
static struct store_tally_entry *
find(struct store_tally_entry *entries, size_t room,
    const unsigned char digest[STORE_DIGEST_SIZE])
{
	size_t at;

	memcpy(&at, digest, sizeof(at));
	for (at &= room - 1; entries[at].used; at = (at + 1) & (room - 1))
		if (memcmp(entries[at].digest, digest, STORE_DIGEST_SIZE) == 0)
			break;
	return &entries[at];
}

static bool
grow(struct store_tally *tally)
{
	size_t room = tally->room == 0 ? FIRST_ROOM : tally->room * 2;
	struct store_tally_entry *grown = calloc(room, sizeof(*grown));

	if (grown == NULL)
		return false;
	for (size_t i = 0; i < tally->room; i++)
		if (tally->entries[i].used)
			*find(grown, room, tally->entries[i].digest) =
			    tally->entries[i];
	free(tally->entries);
	tally->entries = grown;
	tally->room = room;
	return true;
}

struct store_tally_entry *
store_tally_get(
    struct store_tally *tally, const unsigned char digest[STORE_DIGEST_SIZE])
{
	struct store_tally_entry *entry = NULL;

	if (tally->room > 0)
		entry = find(tally->entries, tally->room, digest);
	if (entry != NULL && entry->used)
		return entry;
	if (entry == NULL || tally->count >= tally->room / 2) {
		if (!grow(tally))
			return NULL;
		entry = find(tally->entries, tally->room, digest);
	}
	memcpy(entry->digest, digest, STORE_DIGEST_SIZE);
	entry->used = true;
	tally->count++;
	return entry;
}

void
store_tally_free(struct store_tally *tally)
{
	free(tally->entries);
	memset(tally, 0, sizeof(*tally));
}
