#include "daemon/control/download.h"

#include <string.h>

#include "daemon/control/etag.h"
#include "daemon/control/exchange.h"

/* RFC 9110 section 13.1.5: another version is sent whole. */
static bool
download_range_applies(const struct exchange *exchange, const char *etag)
{
	const char *condition = exchange_header(exchange, "If-Range");

	return !exchange_is_head(exchange) &&
	       (condition == NULL || strcmp(condition, etag) == 0);
}

bool
download_choose(struct exchange *exchange, const char *etag, uint64_t octets,
    struct download *download_r)
{
	const char *known = exchange_header(exchange, "If-None-Match");
	const char *range = exchange_header(exchange, "Range");
	enum range_result wanted;

	exchange_set_header(exchange, "ETag", etag);
	exchange_set_header(exchange, "Accept-Ranges", "bytes");
	if (known != NULL && etag_is_listed(known, etag)) {
		exchange_answer_not_modified(exchange);
		return false;
	}
	wanted =
	    range_read(download_range_applies(exchange, etag) ? range : NULL,
		octets, &download_r->range);
	if (wanted == RANGE_UNSATISFIABLE) {
		exchange_set_content_range(exchange, 0, 0, octets);
		exchange_answer(
		    exchange, response_error(416, "range_not_satisfiable", NULL,
				  "what is asked for ends after %llu bytes",
				  (unsigned long long)octets));
		return false;
	}
	download_r->whole = octets;
	download_r->is_part = wanted == RANGE_PART;
	return true;
}

bool
download_begin(struct exchange *exchange, const char *content_type,
    const struct download *download)
{
	if (download->is_part)
		return exchange_stream_range(exchange, content_type,
		    download->range.first, download->range.length,
		    download->whole);
	return exchange_stream(exchange, content_type, download->whole);
}
