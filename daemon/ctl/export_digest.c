#include "daemon/ctl/export_digest.h"

#include <string.h>

#include "lib/base/hex.h"

void
export_digest_begin(struct export_digest *digest_r)
{
	memset(digest_r, 0, sizeof(*digest_r));
	digest_r->scan = store_scan_new(&digest_r->held, STORE_SCAN_FOR_ROW);
}

static void
digest_give_up(struct export_digest *digest)
{
	store_scan_free(digest->scan);
	digest->scan = NULL;
}

bool
export_digest_take(const char *bytes, size_t length, void *arg)
{
	struct export_digest *digest = arg;

	if (digest->scan != NULL &&
	    !store_scan_feed(digest->scan, bytes, length))
		digest_give_up(digest);
	return digest->scan != NULL;
}

const char *
export_digest_end(struct export_digest *digest)
{
	struct store_scan_result scanned;
	bool is_known =
	    digest->scan != NULL && store_scan_finish(digest->scan, &scanned);

	if (is_known)
		evpop_hex_encode(
		    scanned.digest, sizeof(scanned.digest), digest->text);
	digest_give_up(digest);
	return is_known ? digest->text : NULL;
}
