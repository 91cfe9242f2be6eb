#include "daemon/http/web_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include <evpop/client.h>
#include <evpop/error.h>

#include "daemon/http/network.h"
#include "lib/base/clock.h"
#include "lib/net/address.h"
#include "lib/net/resolve.h"

/* libcurl keeps what it is told: names are asked for anew after so long. */
#define WEB_PLACE_AGE_MS INT64_C(60000)
/* "host:port:" and all addresses with what stands between them. */
#define WEB_PLACE_LINE (512 + 2 * EVPOP_RESOLVE_ADDRESSES * EVPOP_ADDRESS_TEXT)

struct web_place {
	char *url;
	char *host; /* NULL: the URL has none; IPv6 without brackets */
	uint16_t port;
	bool is_encrypted, is_address;
	struct curl_slist *addresses;
	int64_t found_ms; /* monotonic; 0: never */
	/* The question under way. */
	struct evpop_resolve *resolve;
	web_place_cb found;
	void *arg;
	char line[WEB_PLACE_LINE];
	size_t length, count;
};

/* ---- the URL ---- */

static void
web_place_take_host(struct web_place *place, const char *host)
{
	struct evpop_address address;
	size_t length = strlen(host);

	if (length > 2 && host[0] == '[') {
		host++;
		length -= 2;
	}
	place->host = strndup(host, length);
	place->is_address = place->host != NULL &&
			    evpop_address_parse(&address, place->host, 0);
}

static void
web_place_read(struct web_place *place, CURLU *url)
{
	char *scheme = NULL, *host = NULL, *port = NULL;

	if (curl_url_set(url, CURLUPART_URL, place->url,
		CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
	    curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	    curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	    curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) ==
		CURLUE_OK) {
		place->port = (uint16_t)strtoul(port, NULL, 10);
		place->is_encrypted = strcmp(scheme, "https") == 0;
		web_place_take_host(place, host);
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
}

struct web_place *
web_place_new(const char *url_text)
{
	struct web_place *place = calloc(1, sizeof(*place));
	CURLU *url = curl_url();

	if (place == NULL || url == NULL ||
	    (place->url = strdup(url_text)) == NULL) {
		curl_url_cleanup(url);
		free(place);
		return NULL;
	}
	web_place_read(place, url);
	curl_url_cleanup(url);
	return place;
}

const char *
web_place_host(const struct web_place *place)
{
	return place->host != NULL ? place->host : place->url;
}

void
web_place_free(struct web_place **place_r)
{
	struct web_place *place = *place_r;

	if (place == NULL)
		return;
	*place_r = NULL;
	web_place_cancel(place);
	curl_slist_free_all(place->addresses);
	free(place->host);
	free(place->url);
	free(place);
}

/* ---- its addresses ---- */

static void
web_place_add(struct web_place *place, const struct evpop_address *address)
{
	char text[EVPOP_ADDRESS_TEXT];
	size_t room = sizeof(place->line) - place->length;
	int put;

	evpop_address_bare(address, text);
	put = snprintf(place->line + place->length, room,
	    strchr(text, ':') != NULL ? "%s[%s]" : "%s%s",
	    place->count > 0 ? "," : "", text);
	if (put > 0 && (size_t)put < room) {
		place->length += (size_t)put;
		place->count++;
	} else
		place->line[place->length] = '\0';
}

static bool
web_place_keep(struct web_place *place)
{
	struct curl_slist *list = curl_slist_append(NULL, place->line);

	if (list == NULL)
		return false;
	curl_slist_free_all(place->addresses);
	place->addresses = list;
	place->found_ms = evpop_clock_monotonic_ms();
	return true;
}

/* Both families are waited for: one of them may lead nowhere. */
static void
web_place_resolved(const struct evpop_address *addresses, size_t count,
    const struct evpop_result *why, void *arg)
{
	struct web_place *place = arg;
	size_t i;

	for (i = 0; i < count; i++)
		web_place_add(place, &addresses[i]);
	if (place->resolve != NULL)
		return;
	if (place->count == 0)
		place->found(
		    why != NULL ? why->text : "it has no address", place->arg);
	else if (!web_place_keep(place))
		place->found("out of memory", place->arg);
	else
		place->found(NULL, place->arg);
}

void
web_place_find(struct web_place *place, struct evpop_names *names,
    web_place_cb found, void *arg)
{
	int64_t age_ms = evpop_clock_monotonic_ms() - place->found_ms;

	if (place->host == NULL) {
		found("this is no URL with a host", arg);
		return;
	}
	if (place->is_address ||
	    (place->found_ms != 0 && age_ms < WEB_PLACE_AGE_MS)) {
		found(NULL, arg);
		return;
	}
	place->found = found;
	place->arg = arg;
	place->count = 0;
	place->length = (size_t)snprintf(
	    place->line, 512, "%.300s:%u:", place->host, (unsigned)place->port);
	evpop_resolve_start(&place->resolve, evpop_names_dns(names),
	    place->host, place->port, web_place_resolved, place);
}

void
web_place_cancel(struct web_place *place)
{
	evpop_resolve_cancel(&place->resolve);
}

struct curl_slist *
web_place_addresses(const struct web_place *place)
{
	return place->addresses;
}

/* ---- whether mail may go there ---- */

bool
web_place_allows(const struct web_place *place, unsigned rules,
    const struct sockaddr *to, socklen_t length, char why_r[WEB_PLACE_TEXT])
{
	struct evpop_address address = { .length = length };
	struct network_address bare;
	char text[EVPOP_ADDRESS_TEXT];

	if (length > sizeof(address.storage))
		return false;
	memcpy(&address.storage, to, length);
	evpop_address_bare(&address, text);
	/* Without its scope: only a link-local address has one. */
	text[strcspn(text, "%")] = '\0';
	if ((rules & WEB_PLACE_ALLOW_PRIVATE) == 0 &&
	    (!network_address_read(text, &bare) || !network_is_public(&bare))) {
		snprintf(why_r, WEB_PLACE_TEXT,
		    "its address %s is not one of the Internet; "
		    "\"allow_private = yes\" allows it",
		    text);
		return false;
	}
	if ((rules & WEB_PLACE_ALLOW_CLEARTEXT) == 0 && !place->is_encrypted &&
	    !evpop_address_is_loopback(&address)) {
		snprintf(why_r, WEB_PLACE_TEXT,
		    "mail would go to %s without TLS; take an https URL, or "
		    "\"allow_cleartext = yes\"",
		    text);
		return false;
	}
	return true;
}
