#include "daemon/config/file_set.h"

#include <stdint.h>
#include <stdlib.h>

#define FILE_SET_FIRST ((size_t)16)

/* The slot of a file, or the free one where it belongs. */
static struct config_file_id *
find(struct config_file_id *slots, size_t size, dev_t device, ino_t inode)
{
	uint64_t mixed = ((uint64_t)inode ^ (uint64_t)device << 32) *
			 UINT64_C(0x9e3779b97f4a7c15);
	size_t i = (size_t)(mixed >> 32) & (size - 1);

	while (slots[i].inode != 0 &&
	       (slots[i].inode != inode || slots[i].device != device))
		i = (i + 1) & (size - 1);
	return &slots[i];
}

static int
grow(struct config_file_set *set)
{
	size_t size = set->size == 0 ? FILE_SET_FIRST : set->size * 2;
	struct config_file_id *slots = calloc(size, sizeof(*slots));

	if (slots == NULL)
		return -1;
	for (size_t i = 0; i < set->size; i++)
		if (set->slots[i].inode != 0)
			*find(slots, size, set->slots[i].device,
			    set->slots[i].inode) = set->slots[i];
	free(set->slots);
	set->slots = slots;
	set->size = size;
	return 0;
}

int
config_file_set_add(struct config_file_set *set, dev_t device, ino_t inode)
{
	struct config_file_id *slot;

	if (set->count * 2 >= set->size && grow(set) != 0)
		return -1;
	slot = find(set->slots, set->size, device, inode);
	if (slot->inode != 0)
		return 0;
	*slot = (struct config_file_id){ device, inode };
	set->count++;
	return 1;
}

void
config_file_set_free(struct config_file_set *set)
{
	free(set->slots);
	*set = (struct config_file_set){ 0 };
}
