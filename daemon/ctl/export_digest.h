/*
 * The digest of a message from its bytes: a store has another one of it, once
 * it seals mail.
 */
#ifndef CTL_EXPORT_DIGEST_H
#define CTL_EXPORT_DIGEST_H

#include "daemon/store/scan.h"

struct export_digest {
	/* Private. */
	struct store_scan_held held;
	struct store_scan *scan; /* NULL without memory */
	char text[STORE_DIGEST_HEX];
};

void export_digest_begin(struct export_digest *digest_r);
/* The next bytes; false without memory. */
bool export_digest_take(const char *bytes, size_t length, void *digest);
/*
 * In lower-case hex, as long as the struct is there; NULL if there was no
 * memory, and nothing that says anything if not all of its bytes came.
 */
const char *export_digest_end(struct export_digest *)
    __attribute__((warn_unused_result));

#endif
