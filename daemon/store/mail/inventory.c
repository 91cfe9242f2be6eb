#include "daemon/store/mail/inventory.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/mail/boundary.h"
#include "daemon/store/mail/whole.h"
#include "lib/base/array.h"

/* A part under way; within it others are, where it is a message. */
struct open_item {
	unsigned number;
	bool is_message;
	struct store_digest *digest;
};

struct mail_inventory {
	struct mail_whole *whole;
	struct mail_item *items;
	size_t count, room;
	struct open_item open[MAIL_BOUNDARY_DEPTH + 2];
	size_t depth;
	bool has_failed;
	/* The charset of the first text that names one, for raw names. */
	char hint[MAIL_CHARSET_SIZE];
};

static bool
inventory_reserve(struct mail_inventory *inventory)
{
	struct mail_item *grown = evpop_array_grow(inventory->items,
	    inventory->count, &inventory->room, sizeof *grown);

	if (grown == NULL)
		return false;
	inventory->items = grown;
	return true;
}

/* NULL where there is none, or no memory for it. */
static char *
inventory_name(struct mail_inventory *inventory, const struct mail_text *name)
{
	struct mail_text decoded;
	char *clean = NULL;

	if (name->length == 0)
		return NULL;
	mail_text_init(&decoded, MAIL_FILE_NAME_MAX);
	mail_charset_add(&decoded, NULL,
	    inventory->hint[0] != '\0' ? inventory->hint : NULL, name->bytes,
	    name->length);
	clean = mail_text_finish(&decoded, MAIL_FILE_NAME_MAX, NULL);
	inventory->has_failed |= clean == NULL;
	mail_text_free(&decoded);
	if (clean != NULL && clean[0] == '\0') {
		free(clean);
		return NULL;
	}
	return clean;
}

static void
inventory_fill(struct mail_inventory *inventory, struct mail_item *item,
    const struct mail_part *part, const char *header, size_t length)
{
	char type[MAIL_TYPE_SIZE];

	memset(item, 0, sizeof(*item));
	item->number = (unsigned)inventory->count + 1;
	for (size_t i = inventory->depth; i-- > 0 && item->within == 0;)
		if (inventory->open[i].is_message)
			item->within = inventory->open[i].number;
	mail_part_type(part, header, length, type);
	item->type = strdup(type);
	if (part->has_charset) {
		item->charset = strdup(part->charset);
		inventory->has_failed |= item->charset == NULL;
		if (inventory->hint[0] == '\0')
			strcpy(inventory->hint, part->charset);
	}
	item->name = inventory_name(inventory, &part->file_name);
	item->disposition = mail_part_disposition(header, length);
	item->is_attached = part->is_attached;
	inventory->has_failed |= item->type == NULL;
}

static unsigned
inventory_begins(void *arg, const struct mail_part *part, unsigned depth,
    const char *header, size_t length)
{
	struct mail_inventory *inventory = arg;
	struct open_item *open = &inventory->open[inventory->depth];

	(void)depth;
	if (part->form == MAIL_PART_MULTIPART || inventory->has_failed)
		return 0;
	open->digest = store_digest_new();
	if (open->digest == NULL || !inventory_reserve(inventory)) {
		store_digest_free(open->digest);
		inventory->has_failed = true;
		return 0;
	}
	inventory_fill(inventory, &inventory->items[inventory->count], part,
	    header, length);
	open->number = (unsigned)++inventory->count;
	open->is_message = part->form == MAIL_PART_MESSAGE;
	inventory->depth++;
	return open->number;
}

static struct open_item *
inventory_find(struct mail_inventory *inventory, unsigned number)
{
	size_t i = inventory->depth;

	while (inventory->open[--i].number != number)
		;
	return &inventory->open[i];
}

static void
inventory_content(void *arg, unsigned number, const char *bytes, size_t length)
{
	struct mail_inventory *inventory = arg;

	inventory->items[number - 1].octets += length;
	store_digest_update(
	    inventory_find(inventory, number)->digest, bytes, length);
}

/* What is in others ends before them. */
static void
inventory_ends(void *arg, unsigned number)
{
	struct mail_inventory *inventory = arg;
	struct open_item *open = &inventory->open[--inventory->depth];

	store_digest_final(open->digest, inventory->items[number - 1].digest);
	store_digest_free(open->digest);
}

static const struct mail_parts_sink sink = {
	.begins = inventory_begins,
	.content = inventory_content,
	.ends = inventory_ends,
};

struct mail_inventory *
mail_inventory_new(void)
{
	struct mail_inventory *inventory = calloc(1, sizeof(*inventory));

	if (inventory == NULL)
		return NULL;
	inventory->whole = mail_whole_new(&sink, NULL, inventory);
	if (inventory->whole != NULL)
		return inventory;
	free(inventory);
	return NULL;
}

void
mail_inventory_free(struct mail_inventory *inventory)
{
	if (inventory == NULL)
		return;
	mail_whole_free(inventory->whole);
	while (inventory->depth > 0)
		store_digest_free(inventory->open[--inventory->depth].digest);
	for (size_t i = 0; i < inventory->count; i++) {
		free(inventory->items[i].type);
		free(inventory->items[i].charset);
		free(inventory->items[i].name);
	}
	free(inventory->items);
	free(inventory);
}

bool
mail_inventory_feed(
    struct mail_inventory *inventory, const char *bytes, size_t length)
{
	return mail_whole_feed(inventory->whole, bytes, length) &&
	       !inventory->has_failed;
}

bool
mail_inventory_finish(struct mail_inventory *inventory)
{
	return mail_whole_finish(inventory->whole) && !inventory->has_failed;
}

const struct mail_item *
mail_inventory_items(const struct mail_inventory *inventory, size_t *count_r)
{
	*count_r = inventory->count;
	return inventory->items;
}

bool
mail_inventory_is_cut(const struct mail_inventory *inventory)
{
	return mail_whole_is_cut(inventory->whole);
}
