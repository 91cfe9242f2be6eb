#include "daemon/control/recent.h"

#include <assert.h>
#include <stdlib.h>

struct recent_slot {
	void *bytes; /* as it was added, or the text of it; NULL: lost */
	size_t size;
	bool is_text;
};

struct recent {
	struct recent_slot *slots; /* by id, modulo their count */
	size_t count, octets_max, octets;
	uint64_t first_id, oldest_id, next_id;
	recent_render render;
};

static struct recent_slot *
recent_slot(const struct recent *recent, uint64_t id)
{
	return &recent->slots[id % recent->count];
}

struct recent *
recent_new(size_t count, size_t octets, uint64_t first_id, recent_render render)
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
	recent->render = render;
	recent->first_id = recent->oldest_id = recent->next_id = first_id;
	return recent;
}

static void
recent_forget_oldest(struct recent *recent)
{
	struct recent_slot *slot = recent_slot(recent, recent->oldest_id);

	recent->octets -= slot->size;
	free(slot->bytes);
	*slot = (struct recent_slot){ .bytes = NULL };
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
recent_add(struct recent *recent, void *kept, size_t size)
{
	if (kept == NULL || size > recent->octets_max) {
		free(kept);
		kept = NULL;
		size = 0;
	}
	/* Texts may have grown above the bound. */
	while (recent->oldest_id < recent->next_id &&
	       (recent->next_id - recent->oldest_id >= recent->count ||
		   recent->octets + size > recent->octets_max))
		recent_forget_oldest(recent);
	*recent_slot(recent, recent->next_id) =
	    (struct recent_slot){ .bytes = kept, .size = size };
	recent->octets += size;
	recent->next_id++;
}

/* From what was kept to its text. */
static void
recent_make_text(struct recent *recent, uint64_t id, struct recent_slot *slot)
{
	size_t length = 0;
	char *text = recent->render(id, slot->bytes, &length);

	free(slot->bytes);
	recent->octets -= slot->size;
	*slot = (struct recent_slot){ .bytes = text,
		.size = text != NULL ? length : 0,
		.is_text = true };
	recent->octets += slot->size;
}

const char *
recent_text(struct recent *recent, uint64_t id, size_t *length_r)
{
	struct recent_slot *slot = recent_slot(recent, id);

	assert(id >= recent->oldest_id && id < recent->next_id);
	if (slot->bytes != NULL && !slot->is_text)
		recent_make_text(recent, id, slot);
	*length_r = slot->size;
	return slot->bytes;
}
