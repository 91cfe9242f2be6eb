#include "daemon/metrics/certificates.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"

struct certificates {
	struct certificate **list; /* sorted */
	size_t count, room;
};

struct certificates *
certificates_new(void)
{
	return calloc(1, sizeof(struct certificates));
}

void
certificates_free(struct certificates **certificates_p)
{
	struct certificates *certificates = *certificates_p;
	size_t i;

	*certificates_p = NULL;
	if (certificates == NULL)
		return;
	for (i = 0; i < certificates->count; i++)
		free(certificates->list[i]);
	free(certificates->list);
	free(certificates);
}

static int
certificate_compare(
    const struct certificate *certificate, const char *host, uint16_t port)
{
	int order = strcmp(certificate->host, host);

	return order != 0 ? order : certificate->port - port;
}

/* The place of the first one that is not before, or not up to, these. */
static size_t
certificates_search(const struct certificates *certificates, const char *host,
    uint16_t port, bool is_behind)
{
	size_t low = 0, high = certificates->count, middle;
	int order;

	while (low < high) {
		middle = low + (high - low) / 2;
		order =
		    certificate_compare(certificates->list[middle], host, port);
		if (order < 0 || (order == 0 && is_behind))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* NULL without memory, or for a longer host than is kept. */
static struct certificate *
certificates_insert(struct certificates *certificates, size_t at,
    const char *host, uint16_t port)
{
	struct certificate **list, *certificate;
	size_t length = strlen(host) + 1;

	if (length > CERTIFICATES_HOST_SIZE)
		return NULL;
	list = evpop_array_grow(certificates->list, certificates->count,
	    &certificates->room, sizeof(*list));
	if (list == NULL)
		return NULL;
	certificates->list = list;
	certificate = malloc(sizeof(*certificate) + length);
	if (certificate == NULL)
		return NULL;
	certificate->port = port;
	memcpy(certificate->host, host, length);
	memmove(&list[at + 1], &list[at],
	    (certificates->count - at) * sizeof(*list));
	list[at] = certificate;
	certificates->count++;
	return certificate;
}

void
certificates_note(struct certificates *certificates, const char *host,
    uint16_t port, int64_t expires_s, int64_t now_ms)
{
	size_t at = certificates_search(certificates, host, port, false);
	struct certificate *certificate =
	    at < certificates->count ? certificates->list[at] : NULL;

	if (certificate == NULL ||
	    certificate_compare(certificate, host, port) != 0)
		certificate = certificates_insert(certificates, at, host, port);
	if (certificate == NULL)
		return;
	certificate->expires_s = expires_s;
	certificate->seen_ms = now_ms;
}

void
certificates_sweep(struct certificates *certificates, int64_t now_ms)
{
	struct certificate *certificate;
	size_t i, kept = 0;

	for (i = 0; i < certificates->count; i++) {
		certificate = certificates->list[i];
		if (now_ms - certificate->seen_ms > CERTIFICATES_AGE_MS)
			free(certificate);
		else
			certificates->list[kept++] = certificate;
	}
	certificates->count = kept;
}

const struct certificate *
certificates_find(
    const struct certificates *certificates, const char *host, uint16_t port)
{
	size_t at = certificates_search(certificates, host, port, false);

	return at < certificates->count &&
		       certificate_compare(
			   certificates->list[at], host, port) == 0
		   ? certificates->list[at]
		   : NULL;
}

const struct certificate *
certificates_behind(
    const struct certificates *certificates, const char *host, uint16_t port)
{
	size_t at = certificates_search(certificates, host, port, true);

	return at < certificates->count ? certificates->list[at] : NULL;
}
