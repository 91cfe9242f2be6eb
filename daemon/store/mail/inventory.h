/*
 * What a message holds: each part that is no multipart, with a number, its
 * size and the digest of its bytes as they were before they were encoded.
 * Memory is bounded for any message.
 */
#ifndef STORE_MAIL_INVENTORY_H
#define STORE_MAIL_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store/digest.h"
#include "daemon/store/mail/part.h"

struct mail_item {
	unsigned number; /* from 1, in the order of the message */
	unsigned within; /* the enclosed message that it is in; 0: none */
	char *type;
	char *charset; /* NULL where none is named */
	char *name;    /* of its file, fit to show; NULL: none */
	enum mail_disposition disposition;
	bool is_attached; /* counted as an attachment of the message */
	uint64_t octets;
	unsigned char digest[STORE_DIGEST_SIZE];
};

struct mail_inventory;

/* NULL without memory. */
struct mail_inventory *mail_inventory_new(void)
    __attribute__((warn_unused_result));
void mail_inventory_free(struct mail_inventory *);

/* As mail_whole_feed() and mail_whole_finish(). */
bool mail_inventory_feed(struct mail_inventory *, const char *bytes,
    size_t length) __attribute__((warn_unused_result));
bool mail_inventory_finish(struct mail_inventory *)
    __attribute__((warn_unused_result));

/* All of them, in order; they are the inventory's. */
const struct mail_item *mail_inventory_items(
    const struct mail_inventory *, size_t *count_r);

/* Whether parts are missing, being too many or nested too deep. */
bool mail_inventory_is_cut(const struct mail_inventory *);

#endif
