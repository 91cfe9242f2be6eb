/*
 * What all sessions of a program remember: the facts known about each server,
 * kept as text between runs, and the keys derived for log-ins.
 */
#ifndef EVPOP_LIB_NET_MEMORY_H
#define EVPOP_LIB_NET_MEMORY_H

#include <sys/queue.h>

#include <evpop/client.h>

#include "lib/auth/keys.h"

/*
 * Something a server turned out not to take.  It fades: it is doubted after an
 * hour, and where it is confirmed after two, four and so on up to a day.
 */
struct evpop_news {
	int64_t since_s;    /* Unix time */
	unsigned int times; /* 0: there is none */
};

enum evpop_bad_news {
	EVPOP_NEWS_FLIGHT,     /* lost what was sent behind a log-in */
	EVPOP_NEWS_PIPELINING, /* lost replies, or misplaced them */
	EVPOP_NEWS_TOP,        /* ended the session on a TOP */
	EVPOP_NEWS_BINDING,    /* refused a log-in for its channel binding */
	EVPOP_NEWS_COUNT
};

/* Sets of mechanisms. */
enum evpop_facts_set {
	EVPOP_SET_FLIGHTS,       /* behind these it takes commands */
	EVPOP_SET_FLIGHTS_LOST,  /* behind these it does not */
	EVPOP_SET_INITIAL_WORKS, /* of these it takes initial responses */
	EVPOP_SET_INITIAL_REFUSED,
	EVPOP_SET_COUNT
};

STAILQ_HEAD(evpop_facts_list, evpop_facts);

struct evpop_facts {
	struct evpop_capabilities before, after; /* the log-in */
	unsigned int sets[EVPOP_SET_COUNT];
	struct evpop_news news[EVPOP_NEWS_COUNT];
	/* These are not kept. */
	struct evpop_facts_list *changed; /* NULL: nobody wants to know */
	STAILQ_ENTRY(evpop_facts) changed_entry;
	bool is_changed;          /* it is in that list */
	bool is_stale;            /* capabilities are to be asked again */
	bool is_flight_suspected; /* until a careful session gets through */
};

/* They have changed: they go into the list of those that did. */
void evpop_facts_note_change(struct evpop_facts *);

bool evpop_news_is_believed(const struct evpop_news *, int64_t now_s);
/* It was seen.  Many sessions that fail at one time are one piece of news. */
void evpop_news_confirm(struct evpop_news *, int64_t now_s);

/* Whether two offers are the same, as far as they are kept. */
bool evpop_facts_same_offer(
    const struct evpop_capabilities *, const struct evpop_capabilities *);

/* Room for any facts as text. */
#define EVPOP_FACTS_TEXT 2048

/* ---- the memory ---- */

/* The facts of a server, made where missing; NULL without memory. */
struct evpop_facts *evpop_memory_facts(struct evpop_memory *, const char *host,
    uint16_t port, enum evpop_tls) EVPOP_MUST_USE;

/* The keys derived for log-ins, of all accounts; NULL without memory. */
struct evpop_keys *evpop_memory_keys(struct evpop_memory *);

#endif
