/* What a request of libcurl is given: lines of its header, TLS, its way. */
#ifndef HTTP_WEB_SETUP_H
#define HTTP_WEB_SETUP_H

#include <curl/curl.h>

struct web_options;

/* Copies of the lines, NULL behind the last.  NULL without memory. */
struct curl_slist *web_setup_headers(const char *const *headers)
    __attribute__((warn_unused_result));
/* Wipes them: a token may be among them.  Sets the pointer to NULL. */
void web_setup_forget(struct curl_slist **);

void web_setup_tls(CURL *, const struct web_options *);
/* By which proxy, and from which address. */
void web_setup_way(CURL *, const struct web_options *);

#endif
