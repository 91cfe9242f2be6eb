/*
 * libcurl on the loop: one transfer at a time, over connections that stay open
 * between them.
 */
#ifndef HTTP_WEB_LOOP_H
#define HTTP_WEB_LOOP_H

#include <stdbool.h>

#include <curl/curl.h>

struct event_base;
struct web_loop;

/* The transfer is over and removed; from the loop, and it may free. */
typedef void (*web_loop_cb)(CURLcode, void *arg);

/* NULL without memory. */
struct web_loop *web_loop_new(struct event_base *, web_loop_cb, void *arg)
    __attribute__((warn_unused_result));

/* Begin a transfer, which is the only one; false without memory. */
bool web_loop_add(struct web_loop *, CURL *)
    __attribute__((warn_unused_result));
/* End it: no callback.  Nothing happens where it is not under way. */
void web_loop_remove(struct web_loop *, CURL *);

/* Closes the connections, of a transfer that is removed; sets to NULL. */
void web_loop_free(struct web_loop **);

#endif
