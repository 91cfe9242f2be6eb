/*
 * evhttp refuses by itself what is no HTTP, what is too large and methods that
 * it does not know, and says so in HTML.  The API's errors are JSON, whoever
 * refuses: this puts them in the place of such a page before it is sent.
 */
#ifndef CONTROL_REFUSAL_H
#define CONTROL_REFUSAL_H

struct bufferevent;

/*
 * Reword the page that waits in the output; anything else there stays as it is.
 */
void refusal_reword(struct bufferevent *);

/*
 * Send an error at once, as far as it goes without waiting, past evhttp: of
 * "503 Service Unavailable" that there are too many connections.
 */
void refusal_send(struct bufferevent *, const char *status);

#endif
