#include "daemon/control/recent.h"

#include <assert.h>
#include <stdlib.h>

struct recent_slot {
	char *text;
	size_t length;
};

struct recent {
	struct recent_slot *slots; /* by id, modulo their count */
	size_t count, octets_max, octets;
	uint64_t first_id, oldest_id, next_id;
};

static struct recent_slot *
recent_slot(const struct recent *recent, uint64_t id)
{
	return &recent->slots[id % recent->count];
}

struct recent *
recent_new(size_t count, size_t octets, uint64_t first_id)
{
	struct recent *recent = calloc(1, sizeof(*recent));

	assert(count > 0 && first_id > 0);
	if (recent == NULL)
		return NULL;
	recent->slots = calloc(count, sizeof(*recent->slots));
	if (recent->slots == NULL) {
		free(recent);
		return NULL;
	}
	recent->count = count;
	recent->octets_max = octets;
	recent->first_id = recent->oldest_id = recent->next_id = first_id;
	return recent;
}

static void
recent_forget_oldest(struct recent *recent)
{
	struct recent_slot *slot = recent_slot(recent, recent->oldest_id);

	recent->octets -= slot->length;
	free(slot->text);
	*slot = (struct recent_slot){ NULL, 0 };
	recent->oldest_id++;
}

void
recent_free(struct recent **recent_ref)
{
	struct recent *recent = *recent_ref;

	*recent_ref = NULL;
	if (recent == NULL)
		return;
	while (recent->oldest_id < recent->next_id)
		recent_forget_oldest(recent);
	free(recent->slots);
	free(recent);
}

uint64_t
recent_next_id(const struct recent *recent)
{
	return recent->next_id;
}

uint64_t
recent_oldest_id(const struct recent *recent)
{
	return recent->oldest_id;
}

uint64_t
recent_first_id(const struct recent *recent)
{
	return recent->first_id;
}

void
recent_add(struct recent *recent, char *text, size_t length)
{
	if (text == NULL || length > recent->octets_max) {
		free(text);
		text = NULL;
		length = 0;
	}
	while (recent->next_id - recent->oldest_id >= recent->count ||
	       recent->octets > recent->octets_max - length)
		recent_forget_oldest(recent);
	*recent_slot(recent, recent->next_id) =
	    (struct recent_slot){ text, length };
	recent->octets += length;
	recent->next_id++;
}

const char *
recent_text(const struct recent *recent, uint64_t id, size_t *length_r)
{
	const struct recent_slot *slot = recent_slot(recent, id);

	assert(id >= recent->oldest_id && id < recent->next_id);
	*length_r = slot->length;
	return slot->text;
}
