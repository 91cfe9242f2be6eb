/*
 * Where a URL leads: its host, the host's addresses, and whether mail may go
 * there.
 */
#ifndef HTTP_WEB_PLACE_H
#define HTTP_WEB_PLACE_H

#include <stdbool.h>
#include <sys/socket.h>

struct curl_slist;
struct evpop_names;
struct web_place;

/* NULL without memory; a URL that is none has no addresses. */
struct web_place *web_place_new(const char *url)
    __attribute__((warn_unused_result));

/* "hooks.example.org", or the URL where it has none; for people. */
const char *web_place_host(const struct web_place *);

/*
 * Find its addresses, which are known for a minute then.  The callback runs
 * once, maybe inside this call, with NULL or with why there are none; not after
 * web_place_cancel().
 */
typedef void (*web_place_cb)(const char *why, void *arg);
void web_place_find(
    struct web_place *, struct evpop_names *, web_place_cb, void *arg);
void web_place_cancel(struct web_place *);

/* For CURLOPT_RESOLVE; NULL where the URL has an address instead of a name. */
struct curl_slist *web_place_addresses(const struct web_place *);

enum web_place_rule {
	WEB_PLACE_ALLOW_PRIVATE = 1 << 0,  /* addresses not of the Internet */
	WEB_PLACE_ALLOW_CLEARTEXT = 1 << 1 /* no TLS, but to this machine */
};
#define WEB_PLACE_TEXT 256
/* Whether to connect to it; why not goes to why_r. */
bool web_place_allows(const struct web_place *, unsigned rules,
    const struct sockaddr *, socklen_t length, char why_r[WEB_PLACE_TEXT]);

/* Sets the pointer to NULL, which it may be. */
void web_place_free(struct web_place **);

#endif
