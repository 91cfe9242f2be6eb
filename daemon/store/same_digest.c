#include "daemon/store/same_digest.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/header_filter.h"

struct store_same_digest {
	enum store_same_wish wish;
	struct evpop_header_filter filter;
	struct store_digest *digest;
	uint64_t fed, told; /* octets of the header */
	bool in_body;
	bool is_plain; /* it is the digest of the whole */
};

static void
same_take_header(
    const unsigned char *bytes, size_t length, bool is_added, void *arg)
{
	struct store_same_digest *same = arg;

	same->told += length;
	if (is_added)
		return;
	store_digest_update(same->digest, bytes, length);
}

struct store_same_digest *
store_same_digest_new(enum store_same_wish wish)
{
	struct store_same_digest *same = calloc(1, sizeof(*same));

	if (same == NULL)
		return NULL;
	same->wish = wish;
	same->digest = store_digest_new();
	if (same->digest == NULL) {
		free(same);
		return NULL;
	}
	evpop_header_filter_init(&same->filter, same_take_header, same);
	return same;
}

void
store_same_digest_free(struct store_same_digest *same)
{
	if (same == NULL)
		return;
	store_digest_free(same->digest);
	free(same);
}

/* The empty line, which the filter does not tell of. */
static void
same_end_header(struct store_same_digest *same)
{
	static const char empty_line[] = "\r\n";
	const uint64_t length = same->fed - same->told;

	same->in_body = true;
	if (length <= 2)
		store_digest_update(
		    same->digest, empty_line + 2 - length, (size_t)length);
	same->is_plain = same->wish == STORE_SAME_UNLESS_PLAIN &&
			 evpop_header_filter_added_octets(&same->filter) == 0;
}

/* Line by line, for the filter does not tell where the header has ended. */
void
store_same_digest_feed(
    struct store_same_digest *same, const void *data, size_t length)
{
	const unsigned char *bytes = data;

	while (length > 0 && !same->in_body) {
		const unsigned char *end = memchr(bytes, '\n', length);
		size_t line = end == NULL ? length : (size_t)(end - bytes) + 1;

		evpop_header_filter_feed(&same->filter, bytes, line);
		same->fed += line;
		if (evpop_header_filter_is_complete(&same->filter))
			same_end_header(same);
		bytes += line;
		length -= line;
	}
	if (!same->is_plain)
		store_digest_update(same->digest, bytes, length);
}

bool
store_same_digest_finish(
    struct store_same_digest *same, unsigned char digest_r[STORE_DIGEST_SIZE])
{
	if (same->is_plain)
		return false;
	evpop_header_filter_finish(&same->filter);
	store_digest_final(same->digest, digest_r);
	return true;
}
