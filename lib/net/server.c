#include "lib/net/server.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/core/capability.h"

/* A power of two.  Few programs know more servers than this well. */
#define BUCKETS 1024

/* Of the text that facts are kept as. */
#define FACTS_VERSION "1"
#define FACTS_SIZE    2048

#define HOUR_S        3600
#define NEWS_LONGEST  (24 * HOUR_S)
#define NEWS_DOUBLING 5 /* times an hour is doubled, until that is more */

/* Something a server turned out not to take. */
struct news {
	int64_t since_s;    /* Unix time */
	unsigned int times; /* 0: there is none */
};

enum bad_news {
	NEWS_FLIGHT,     /* lost what was sent behind a log-in */
	NEWS_PIPELINING, /* lost replies, or misplaced them */
	NEWS_TOP,        /* ended the session on a TOP */
	NEWS_BINDING,    /* refused a log-in for its channel binding */
	NEWS_COUNT
};

static const char *const news_names[NEWS_COUNT] = {
	[NEWS_FLIGHT] = "no-flight",
	[NEWS_PIPELINING] = "no-pipelining",
	[NEWS_TOP] = "no-top",
	[NEWS_BINDING] = "no-binding",
};

/* Sets are of mechanisms. */
struct facts {
	struct evpop_capabilities before, after; /* the log-in */
	bool is_stale;             /* the capabilities are to be asked again */
	unsigned int flights;      /* behind these it takes commands */
	unsigned int flights_lost; /* behind these it does not */
	unsigned int initial_works, initial_refused;
	bool is_flight_suspected; /* until a careful session gets through */
	struct news news[NEWS_COUNT];
};

struct entry {
	struct entry *next;
	char *host;
	uint16_t port;
	enum evpop_tls tls;
	bool is_changed; /* since it was last given out */
	struct facts facts;
};

struct evpop_memory {
	struct entry *buckets[BUCKETS];
	struct evpop_keys *keys; /* NULL: none was needed yet */
};

enum ahead {
	AHEAD_NOTHING = 0,
	AHEAD_BEHIND_LOGIN, /* not answered yet */
	AHEAD_COMMANDS
};

struct evpop_server {
	struct entry *entry; /* the memory's, or its own */
	struct evpop_memory *memory;
	struct facts facts; /* as the session began, and what it learned */
	bool is_careful;
	enum ahead ahead;
	enum evpop_mechanism flight; /* of AHEAD_BEHIND_LOGIN */
};

/* ---- bad news ---- */

static bool
news_is_believed(const struct news *news, int64_t now_s)
{
	unsigned int doublings = news->times - 1;
	int64_t span_s = NEWS_LONGEST;

	if (news->times == 0)
		return false;
	if (doublings < NEWS_DOUBLING)
		span_s = (int64_t)HOUR_S << doublings;
	/* A clock that went back makes nothing last for ever. */
	return now_s < news->since_s + span_s &&
	       now_s > news->since_s - NEWS_LONGEST;
}

/* Many sessions that fail at the same time are one piece of news. */
static void
news_confirm(struct news *news, int64_t now_s)
{
	if (news_is_believed(news, now_s))
		return;
	news->since_s = now_s;
	news->times++;
}

static bool
is_believed(const struct evpop_server *server, enum bad_news which)
{
	return news_is_believed(
	    &server->facts.news[which], (int64_t)time(NULL));
}

/* ---- the memory ---- */

struct evpop_memory *
evpop_memory_new(void)
{
	return calloc(1, sizeof(struct evpop_memory));
}

static void
entry_free(struct entry *entry)
{
	if (entry != NULL)
		free(entry->host);
	free(entry);
}

void
evpop_memory_free(struct evpop_memory *memory)
{
	struct entry *entry;
	size_t i;

	if (memory == NULL)
		return;
	for (i = 0; i < BUCKETS; i++) {
		while ((entry = memory->buckets[i]) != NULL) {
			memory->buckets[i] = entry->next;
			entry_free(entry);
		}
	}
	evpop_keys_free(memory->keys);
	free(memory);
}

struct evpop_keys *
evpop_memory_keys(struct evpop_memory *memory)
{
	if (memory->keys == NULL)
		memory->keys = evpop_keys_new(EVPOP_KEYS_MAX);
	return memory->keys;
}

/* FNV-1a; a person names the servers, so nobody makes them collide. */
static size_t
bucket_of(const char *host, uint16_t port)
{
	uint32_t hash = 2166136261u ^ port;

	for (; *host != '\0'; host++)
		hash = (hash ^ (uint32_t)tolower((unsigned char)*host)) *
		       16777619u;
	return hash & (BUCKETS - 1);
}

static struct entry *
entry_new(const char *host, uint16_t port, enum evpop_tls tls)
{
	struct entry *entry;

	entry = calloc(1, sizeof *entry);
	if (entry == NULL)
		return NULL;
	entry->host = strdup(host);
	entry->port = port;
	entry->tls = tls;
	if (entry->host != NULL)
		return entry;
	free(entry);
	return NULL;
}

/* The entry of a server, made where missing; NULL without memory. */
static struct entry *
memory_entry(struct evpop_memory *memory, const char *host, uint16_t port,
    enum evpop_tls tls)
{
	struct entry **bucket = &memory->buckets[bucket_of(host, port)];
	struct entry *entry;

	for (entry = *bucket; entry != NULL; entry = entry->next) {
		if (entry->port == port && entry->tls == tls &&
		    strcasecmp(entry->host, host) == 0)
			return entry;
	}
	entry = entry_new(host, port, tls);
	if (entry == NULL)
		return NULL;
	entry->next = *bucket;
	*bucket = entry;
	return entry;
}

/* ---- facts as text ---- */

struct text {
	char bytes[FACTS_SIZE];
	size_t length;
};

static void __attribute__((format(printf, 2, 3)))
text_add(struct text *text, const char *format, ...)
{
	size_t room = sizeof text->bytes - text->length;
	va_list ap;
	int length;

	va_start(ap, format);
	length = vsnprintf(text->bytes + text->length, room, format, ap);
	va_end(ap);
	if (length > 0)
		text->length +=
		    (size_t)length < room ? (size_t)length : room - 1;
}

/* As lines of CAPA, with bars between. */
static void
text_capabilities(struct text *text, const char *name,
    const struct evpop_capabilities *capabilities)
{
	if (!capabilities->known)
		return;
	text_add(text, ";%s=", name);
	if (capabilities->top)
		text_add(text, "TOP|");
	if (capabilities->user)
		text_add(text, "USER|");
	if (capabilities->uidl)
		text_add(text, "UIDL|");
	if (capabilities->pipelining)
		text_add(text, "PIPELINING|");
	if (capabilities->resp_codes)
		text_add(text, "RESP-CODES|");
	if (capabilities->auth_resp_code)
		text_add(text, "AUTH-RESP-CODE|");
	if (capabilities->stls)
		text_add(text, "STLS|");
	if (capabilities->lang)
		text_add(text, "LANG|");
	if (capabilities->utf8)
		text_add(
		    text, "UTF8%s|", capabilities->utf8_user ? " USER" : "");
	if (capabilities->login_delay)
		text_add(text, "LOGIN-DELAY %" PRIu32 "%s|",
		    capabilities->login_delay_s,
		    capabilities->login_delay_user ? " USER" : "");
	if (capabilities->sasl[0] != '\0')
		text_add(text, "SASL %s|", capabilities->sasl);
}

static void
text_mechanisms(struct text *text, const char *name, unsigned int set)
{
	unsigned int mechanism;
	const char *before = "=";

	if (set == 0)
		return;
	text_add(text, ";%s", name);
	for (mechanism = 0; mechanism < EVPOP_MECHANISM_COUNT; mechanism++) {
		if ((set & EVPOP_MECHANISM_BIT(mechanism)) == 0)
			continue;
		text_add(text, "%s%s", before,
		    evpop_mechanism_name((enum evpop_mechanism)mechanism));
		before = ",";
	}
}

static void
text_facts(struct text *text, const struct facts *facts)
{
	const struct news *news;
	unsigned int i;

	text->length = 0;
	text_add(text, "version=" FACTS_VERSION);
	text_capabilities(text, "before", &facts->before);
	text_capabilities(text, "after", &facts->after);
	text_mechanisms(text, "flights", facts->flights);
	text_mechanisms(text, "flights-lost", facts->flights_lost);
	text_mechanisms(text, "initial-works", facts->initial_works);
	text_mechanisms(text, "initial-refused", facts->initial_refused);
	for (i = 0; i < NEWS_COUNT; i++) {
		news = &facts->news[i];
		if (news->times > 0)
			text_add(text, ";%s=%u,%" PRId64, news_names[i],
			    news->times, news->since_s);
	}
}

static void
read_capabilities(char *value, struct evpop_capabilities *capabilities)
{
	char *line, *rest = value;

	capabilities->known = true;
	while ((line = strsep(&rest, "|")) != NULL)
		evpop_capability_line(
		    capabilities, (const unsigned char *)line, strlen(line));
}

static void
read_mechanisms(char *value, unsigned int *set)
{
	enum evpop_mechanism mechanism;
	char *name, *rest = value;

	while ((name = strsep(&rest, ",")) != NULL)
		if (evpop_mechanism_find(name, &mechanism))
			*set |= EVPOP_MECHANISM_BIT(mechanism);
}

static void
read_news(const char *name, const char *value, struct facts *facts)
{
	unsigned int i, times;
	int64_t since_s;

	for (i = 0; i < NEWS_COUNT; i++) {
		if (strcmp(name, news_names[i]) == 0 &&
		    sscanf(value, "%u,%" SCNd64, &times, &since_s) == 2) {
			facts->news[i].times = times;
			facts->news[i].since_s = since_s;
		}
	}
}

static void
read_fact(const char *name, char *value, struct facts *facts)
{
	if (strcmp(name, "before") == 0)
		read_capabilities(value, &facts->before);
	else if (strcmp(name, "after") == 0)
		read_capabilities(value, &facts->after);
	else if (strcmp(name, "flights") == 0)
		read_mechanisms(value, &facts->flights);
	else if (strcmp(name, "flights-lost") == 0)
		read_mechanisms(value, &facts->flights_lost);
	else if (strcmp(name, "initial-works") == 0)
		read_mechanisms(value, &facts->initial_works);
	else if (strcmp(name, "initial-refused") == 0)
		read_mechanisms(value, &facts->initial_refused);
	else
		read_news(name, value, facts);
}

static void
read_facts(char *text, struct facts *facts)
{
	char *fact, *value, *rest = text;

	fact = strsep(&rest, ";");
	if (fact == NULL || strcmp(fact, "version=" FACTS_VERSION) != 0)
		return;
	while ((fact = strsep(&rest, ";")) != NULL) {
		value = strchr(fact, '=');
		if (value == NULL)
			continue;
		*value++ = '\0';
		read_fact(fact, value, facts);
	}
}

bool
evpop_memory_restore(
    struct evpop_memory *memory, const struct evpop_memory_entry *kept)
{
	struct entry *entry;
	char *text;

	text = strdup(kept->facts);
	entry = memory_entry(memory, kept->host, kept->port, kept->tls);
	if (text != NULL && entry != NULL)
		read_facts(text, &entry->facts);
	free(text);
	return text != NULL && entry != NULL;
}

void
evpop_memory_changed(
    struct evpop_memory *memory, evpop_memory_cb callback, void *arg)
{
	struct evpop_memory_entry told;
	struct entry *entry;
	struct text text;
	size_t i;

	for (i = 0; i < BUCKETS; i++) {
		for (entry = memory->buckets[i]; entry != NULL;
		     entry = entry->next) {
			if (!entry->is_changed)
				continue;
			entry->is_changed = false;
			text_facts(&text, &entry->facts);
			told = (struct evpop_memory_entry){
				.host = entry->host,
				.port = entry->port,
				.tls = entry->tls,
				.facts = text.bytes,
			};
			callback(&told, arg);
		}
	}
}

/* ---- a session's view ---- */

struct evpop_server *
evpop_server_new(struct evpop_memory *memory, const char *host, uint16_t port,
    enum evpop_tls tls, bool one_by_one)
{
	struct evpop_server *server;

	server = calloc(1, sizeof *server);
	if (server == NULL)
		return NULL;
	server->memory = memory;
	server->is_careful = one_by_one;
	server->entry = memory != NULL ? memory_entry(memory, host, port, tls)
				       : entry_new(host, port, tls);
	if (server->entry == NULL) {
		free(server);
		return NULL;
	}
	server->facts = server->entry->facts;
	/* What it offers now is asked; the rest is learned of refusals. */
	if (one_by_one || server->facts.is_stale)
		server->facts.before.known = false;
	return server;
}

void
evpop_server_free(struct evpop_server *server)
{
	if (server == NULL)
		return;
	if (server->memory == NULL)
		entry_free(server->entry);
	free(server);
}

const struct evpop_capabilities *
evpop_server_before(const struct evpop_server *server)
{
	return &server->facts.before;
}

const struct evpop_capabilities *
evpop_server_after(const struct evpop_server *server)
{
	return &server->facts.after;
}

bool
evpop_server_pipelines(const struct evpop_server *server)
{
	const struct facts *facts = &server->facts;

	return !server->is_careful && !is_believed(server, NEWS_PIPELINING) &&
	       (facts->before.pipelining || facts->after.pipelining);
}

static bool
has_lost_flight(const struct evpop_server *server, unsigned int mechanisms)
{
	return (server->facts.flights_lost & mechanisms) != 0 &&
	       is_believed(server, NEWS_FLIGHT);
}

bool
evpop_server_takes_flight(
    const struct evpop_server *server, enum evpop_mechanism mechanism)
{
	unsigned int bit = EVPOP_MECHANISM_BIT(mechanism);

	return evpop_server_pipelines(server) &&
	       (server->facts.flights & bit) != 0 &&
	       !has_lost_flight(server, bit);
}

/*
 * The first session with a server sends nothing that it might lose.  What
 * offers PIPELINING before the log-in promises to take it there (RFC 2449
 * section 6.6); not all keep that promise.
 */
bool
evpop_server_wants_probe(
    const struct evpop_server *server, enum evpop_mechanism mechanism)
{
	unsigned int bit = EVPOP_MECHANISM_BIT(mechanism);

	return evpop_server_pipelines(server) &&
	       server->facts.before.pipelining && server->facts.after.known &&
	       (server->facts.flights & bit) == 0 &&
	       !has_lost_flight(server, bit);
}

bool
evpop_server_takes_session(const struct evpop_server *server)
{
	const struct facts *facts = &server->facts;

	/* A second log-in would come too soon (RFC 2449 section 6.5). */
	return evpop_server_pipelines(server) && facts->before.known &&
	       facts->flights != 0 &&
	       !has_lost_flight(server, facts->flights) &&
	       !facts->before.login_delay && !facts->after.login_delay;
}

enum evpop_initial
evpop_server_initial(
    const struct evpop_server *server, enum evpop_mechanism mechanism)
{
	unsigned int bit = EVPOP_MECHANISM_BIT(mechanism);

	if ((server->facts.initial_works & bit) != 0)
		return EVPOP_INITIAL_WORKS;
	return (server->facts.initial_refused & bit) != 0
		   ? EVPOP_INITIAL_REFUSED
		   : EVPOP_INITIAL_UNTRIED;
}

bool
evpop_server_can_top(const struct evpop_server *server)
{
	return !is_believed(server, NEWS_TOP);
}

bool
evpop_server_refuses_binding(const struct evpop_server *server)
{
	return is_believed(server, NEWS_BINDING);
}

/* ---- learning ---- */

static void
learn_capabilities(struct evpop_server *server, struct evpop_capabilities *kept,
    struct evpop_capabilities *own, const struct evpop_capabilities *said)
{
	*own = *said;
	if (memcmp(kept, said, sizeof *kept) == 0)
		return;
	*kept = *said;
	server->entry->is_changed = true;
}

void
evpop_server_learn_before(
    struct evpop_server *server, const struct evpop_capabilities *said)
{
	server->entry->facts.is_stale = false;
	learn_capabilities(
	    server, &server->entry->facts.before, &server->facts.before, said);
}

void
evpop_server_learn_after(
    struct evpop_server *server, const struct evpop_capabilities *said)
{
	learn_capabilities(
	    server, &server->entry->facts.after, &server->facts.after, said);
}

static void
set_add(struct evpop_server *server, unsigned int *kept, unsigned int *own,
    unsigned int bit)
{
	*own |= bit;
	if ((*kept & bit) == 0)
		server->entry->is_changed = true;
	*kept |= bit;
}

static void
set_remove(struct evpop_server *server, unsigned int *kept, unsigned int *own,
    unsigned int bit)
{
	*own &= ~bit;
	if ((*kept & bit) != 0)
		server->entry->is_changed = true;
	*kept &= ~bit;
}

static void
learn_bad(struct evpop_server *server, enum bad_news which)
{
	struct news *news = &server->entry->facts.news[which];

	if (which == NEWS_FLIGHT)
		server->entry->facts.is_flight_suspected = false;
	news_confirm(news, (int64_t)time(NULL));
	server->facts.news[which] = *news;
	server->entry->is_changed = true;
}

static void
learn_good(struct evpop_server *server, enum bad_news which)
{
	struct news *news = &server->entry->facts.news[which];

	if (which == NEWS_FLIGHT)
		server->entry->facts.is_flight_suspected = false;
	if (news->times > 0)
		server->entry->is_changed = true;
	*news = (struct news){ .times = 0 };
	server->facts.news[which] = *news;
}

void
evpop_server_learn_login(struct evpop_server *server,
    enum evpop_mechanism mechanism, enum evpop_initial initial)
{
	unsigned int bit = EVPOP_MECHANISM_BIT(mechanism);
	struct facts *kept = &server->entry->facts, *own = &server->facts;

	if (initial == EVPOP_INITIAL_WORKS) {
		set_add(server, &kept->initial_works, &own->initial_works, bit);
		set_remove(
		    server, &kept->initial_refused, &own->initial_refused, bit);
	} else if (initial == EVPOP_INITIAL_REFUSED) {
		set_add(
		    server, &kept->initial_refused, &own->initial_refused, bit);
		set_remove(
		    server, &kept->initial_works, &own->initial_works, bit);
	}
}

void
evpop_server_learn_refusal(struct evpop_server *server)
{
	server->entry->facts.is_stale = true;
}

void
evpop_server_learn_binding(struct evpop_server *server)
{
	learn_bad(server, NEWS_BINDING);
}

void
evpop_server_note_flight(
    struct evpop_server *server, enum evpop_mechanism mechanism)
{
	server->ahead = AHEAD_BEHIND_LOGIN;
	server->flight = mechanism;
}

static void
lose_flight(struct evpop_server *server)
{
	unsigned int bit = EVPOP_MECHANISM_BIT(server->flight);
	struct facts *kept = &server->entry->facts, *own = &server->facts;

	set_remove(server, &kept->flights, &own->flights, bit);
	set_add(server, &kept->flights_lost, &own->flights_lost, bit);
}

void
evpop_server_learn_flight(struct evpop_server *server, bool taken)
{
	unsigned int bit = EVPOP_MECHANISM_BIT(server->flight);
	struct facts *kept = &server->entry->facts, *own = &server->facts;

	if (server->ahead != AHEAD_BEHIND_LOGIN)
		return;
	server->ahead = AHEAD_NOTHING;
	if (!taken) {
		lose_flight(server);
		learn_bad(server, NEWS_FLIGHT);
		return;
	}
	set_add(server, &kept->flights, &own->flights, bit);
	set_remove(server, &kept->flights_lost, &own->flights_lost, bit);
	if (kept->flights_lost == 0)
		learn_good(server, NEWS_FLIGHT);
}

void
evpop_server_note_ahead(struct evpop_server *server)
{
	if (server->ahead == AHEAD_NOTHING)
		server->ahead = AHEAD_COMMANDS;
}

static bool
learn_success(struct evpop_server *server)
{
	if (server->ahead == AHEAD_COMMANDS)
		learn_good(server, NEWS_PIPELINING);
	if (server->is_careful && server->entry->facts.is_flight_suspected)
		learn_bad(server, NEWS_FLIGHT);
	return false;
}

/*
 * A connection may break for many reasons: only where a session without a
 * flight gets through, that was one.
 */
static bool
suspect_flight(struct evpop_server *server, bool is_lost)
{
	lose_flight(server);
	if (is_lost)
		learn_bad(server, NEWS_FLIGHT);
	else
		server->entry->facts.is_flight_suspected = true;
	return true;
}

bool
evpop_server_learn_end(
    struct evpop_server *server, const struct evpop_server_end *end)
{
	bool lost = end->error == EVPOP_ERROR_PROTOCOL ||
		    end->error == EVPOP_ERROR_TIMEOUT;

	if (end->error == EVPOP_ERROR_NONE)
		return learn_success(server);
	if (end->awaited == EVPOP_COMMAND_TOP &&
	    (lost || end->error == EVPOP_ERROR_LIMIT))
		learn_bad(server, NEWS_TOP);
	if (server->is_careful)
		return false;
	/* Who hangs up on a refused log-in does not do so for the flight. */
	if (server->ahead == AHEAD_BEHIND_LOGIN &&
	    (end->logged_in || !end->refused) &&
	    (lost || end->error == EVPOP_ERROR_IO))
		return suspect_flight(server, lost);
	if (server->ahead != AHEAD_COMMANDS || !end->logged_in || !lost)
		return false;
	learn_bad(server, NEWS_PIPELINING);
	return true;
}
