#include <stdio.h>
#include <string.h>

#include "daemon/control/handlers.h"
#include "lib/base/hash.h"

/* The build makes this from openapi.json. */
extern const char *const openapi_text[];

void
openapi_get(struct exchange *exchange)
{
	const char *text = openapi_text[0];
	char etag[24];

	snprintf(etag, sizeof(etag), "\"%016llx\"",
	    (unsigned long long)evpop_hash_text(text));
	exchange_answer_fixed(
	    exchange, "application/json", etag, text, strlen(text));
}
