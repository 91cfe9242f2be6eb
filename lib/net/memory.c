#include "lib/net/memory.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"
#include "lib/core/listing.h"

#define FACTS_VERSION "1"

#define HOUR_S        3600
#define NEWS_LONGEST  (24 * HOUR_S)
#define NEWS_DOUBLING 5 /* times an hour is doubled, until that is more */

static const char *const news_names[EVPOP_NEWS_COUNT] = {
	[EVPOP_NEWS_FLIGHT] = "no-flight",
	[EVPOP_NEWS_PIPELINING] = "no-pipelining",
	[EVPOP_NEWS_TOP] = "no-top",
	[EVPOP_NEWS_BINDING] = "no-binding",
};

static const char *const set_names[EVPOP_SET_COUNT] = {
	[EVPOP_SET_FLIGHTS] = "flights",
	[EVPOP_SET_FLIGHTS_LOST] = "flights-lost",
	[EVPOP_SET_INITIAL_WORKS] = "initial-works",
	[EVPOP_SET_INITIAL_REFUSED] = "initial-refused",
};

void
evpop_facts_note_change(struct evpop_facts *facts)
{
	if (facts->changed == NULL || facts->is_changed)
		return;
	facts->is_changed = true;
	STAILQ_INSERT_TAIL(facts->changed, facts, changed_entry);
}

bool
evpop_news_is_believed(const struct evpop_news *news, int64_t now_s)
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

void
evpop_news_confirm(struct evpop_news *news, int64_t now_s)
{
	if (evpop_news_is_believed(news, now_s))
		return;
	news->since_s = now_s;
	news->times++;
}

/* ---- as text ---- */

/* Being written. */
struct text {
	char *bytes;
	size_t length;
};

static void __attribute__((format(printf, 2, 3)))
facts_text_add(struct text *text, const char *format, ...)
{
	size_t room = EVPOP_FACTS_TEXT - text->length;
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
facts_text_capabilities(struct text *text, const char *name,
    const struct evpop_capabilities *capabilities)
{
	if (!capabilities->known)
		return;
	facts_text_add(text, ";%s=", name);
	if (capabilities->top)
		facts_text_add(text, "TOP|");
	if (capabilities->user)
		facts_text_add(text, "USER|");
	if (capabilities->uidl)
		facts_text_add(text, "UIDL|");
	if (capabilities->pipelining)
		facts_text_add(text, "PIPELINING|");
	if (capabilities->resp_codes)
		facts_text_add(text, "RESP-CODES|");
	if (capabilities->auth_resp_code)
		facts_text_add(text, "AUTH-RESP-CODE|");
	if (capabilities->stls)
		facts_text_add(text, "STLS|");
	if (capabilities->lang)
		facts_text_add(text, "LANG|");
	if (capabilities->utf8)
		facts_text_add(
		    text, "UTF8%s|", capabilities->utf8_user ? " USER" : "");
	if (capabilities->login_delay)
		facts_text_add(text, "LOGIN-DELAY %" PRIu32 "%s|",
		    capabilities->login_delay_s,
		    capabilities->login_delay_user ? " USER" : "");
	if (capabilities->expire_never)
		facts_text_add(text, "EXPIRE NEVER%s|",
		    capabilities->expire_user ? " USER" : "");
	else if (capabilities->expire)
		facts_text_add(text, "EXPIRE %" PRIu32 "%s|",
		    capabilities->expire_days,
		    capabilities->expire_user ? " USER" : "");
	if (capabilities->sasl[0] != '\0')
		facts_text_add(text, "SASL %s|", capabilities->sasl);
}

bool
evpop_facts_same_offer(
    const struct evpop_capabilities *a, const struct evpop_capabilities *b)
{
	char bytes[2][EVPOP_FACTS_TEXT] = { "", "" };
	struct text first = { .bytes = bytes[0] };
	struct text second = { .bytes = bytes[1] };

	facts_text_capabilities(&first, "offer", a);
	facts_text_capabilities(&second, "offer", b);
	return strcmp(bytes[0], bytes[1]) == 0;
}

static void
facts_text_mechanisms(struct text *text, const char *name, unsigned int set)
{
	unsigned int mechanism;
	const char *before = "=";

	if (set == 0)
		return;
	facts_text_add(text, ";%s", name);
	for (mechanism = 0; mechanism < EVPOP_MECHANISM_COUNT; mechanism++) {
		if ((set & EVPOP_MECHANISM_BIT(mechanism)) == 0)
			continue;
		facts_text_add(text, "%s%s", before,
		    evpop_mechanism_name((enum evpop_mechanism)mechanism));
		before = ",";
	}
}

/* In one line, with semicolons between. */
static void
facts_write(const struct evpop_facts *facts, char bytes[EVPOP_FACTS_TEXT])
{
	struct text own = { .bytes = bytes }, *text = &own;
	const struct evpop_news *news;
	unsigned int i;

	facts_text_add(text, "version=" FACTS_VERSION);
	facts_text_capabilities(text, "before", &facts->before);
	facts_text_capabilities(text, "after", &facts->after);
	for (i = 0; i < EVPOP_SET_COUNT; i++)
		facts_text_mechanisms(text, set_names[i], facts->sets[i]);
	for (i = 0; i < EVPOP_NEWS_COUNT; i++) {
		news = &facts->news[i];
		if (news->times > 0)
			facts_text_add(text, ";%s=%u,%" PRId64, news_names[i],
			    news->times, news->since_s);
	}
}

static void
facts_read_capabilities(char *value, struct evpop_capabilities *capabilities)
{
	char *line, *rest = value;

	capabilities->known = true;
	while ((line = strsep(&rest, "|")) != NULL)
		evpop_capability_line(
		    capabilities, (const unsigned char *)line, strlen(line));
}

static void
facts_read_mechanisms(char *value, unsigned int *set)
{
	enum evpop_mechanism mechanism;
	char *name, *rest = value;

	while ((name = strsep(&rest, ",")) != NULL)
		if (evpop_mechanism_find(name, &mechanism))
			*set |= EVPOP_MECHANISM_BIT(mechanism);
}

static void
facts_read_news(const char *name, const char *value, struct evpop_facts *facts)
{
	unsigned int i, times;
	int64_t since_s;

	for (i = 0; i < EVPOP_NEWS_COUNT; i++) {
		if (strcmp(name, news_names[i]) == 0 &&
		    sscanf(value, "%u,%" SCNd64, &times, &since_s) == 2) {
			facts->news[i].times = times;
			facts->news[i].since_s = since_s;
		}
	}
}

/* False where the name is that of no set. */
static bool
facts_read_set(const char *name, char *value, struct evpop_facts *facts)
{
	unsigned int i;

	for (i = 0; i < EVPOP_SET_COUNT; i++) {
		if (strcmp(name, set_names[i]) != 0)
			continue;
		facts_read_mechanisms(value, &facts->sets[i]);
		return true;
	}
	return false;
}

static void
facts_read_fact(const char *name, char *value, struct evpop_facts *facts)
{
	if (strcmp(name, "before") == 0)
		facts_read_capabilities(value, &facts->before);
	else if (strcmp(name, "after") == 0)
		facts_read_capabilities(value, &facts->after);
	else if (!facts_read_set(name, value, facts))
		facts_read_news(name, value, facts);
}

/*
 * Add what the text says, which is cut up.  What cannot be read, of another
 * version for example, is passed over.
 */
static void
facts_read(struct evpop_facts *facts, char *text)
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
		facts_read_fact(fact, value, facts);
	}
}

/* ---- the memory ---- */

/* A power of two.  Few programs know more servers than this well. */
#define BUCKETS 1024

struct entry {
	struct evpop_facts facts; /* the first: what is found by it is this */
	struct entry *next;
	char *host;
	uint16_t port;
	enum evpop_tls tls;
};

struct evpop_memory {
	struct entry *buckets[BUCKETS];
	struct evpop_facts_list changed; /* since they were last given out */
	struct evpop_keys *keys;         /* NULL: none was needed yet */
};

struct evpop_memory *
evpop_memory_new(void)
{
	struct evpop_memory *memory = calloc(1, sizeof *memory);

	if (memory != NULL)
		STAILQ_INIT(&memory->changed);
	return memory;
}

static void
memory_entry_free(struct entry *entry)
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
			memory_entry_free(entry);
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

static size_t
memory_bucket(const char *host, uint16_t port)
{
	return (size_t)(evpop_hash_name(host) ^ port) & (BUCKETS - 1);
}

static struct entry *
memory_entry_new(const char *host, uint16_t port, enum evpop_tls tls)
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
	struct entry **bucket = &memory->buckets[memory_bucket(host, port)];
	struct entry *entry;

	for (entry = *bucket; entry != NULL; entry = entry->next) {
		if (entry->port == port && entry->tls == tls &&
		    strcasecmp(entry->host, host) == 0)
			return entry;
	}
	entry = memory_entry_new(host, port, tls);
	if (entry == NULL)
		return NULL;
	entry->facts.changed = &memory->changed;
	entry->next = *bucket;
	*bucket = entry;
	return entry;
}

struct evpop_facts *
evpop_memory_facts(struct evpop_memory *memory, const char *host, uint16_t port,
    enum evpop_tls tls)
{
	struct entry *entry = memory_entry(memory, host, port, tls);

	return entry != NULL ? &entry->facts : NULL;
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
		facts_read(&entry->facts, text);
	free(text);
	return text != NULL && entry != NULL;
}

void
evpop_memory_changed(
    struct evpop_memory *memory, evpop_memory_cb callback, void *arg)
{
	struct evpop_memory_entry told;
	struct evpop_facts *facts;
	const struct entry *entry;
	char text[EVPOP_FACTS_TEXT];

	while ((facts = STAILQ_FIRST(&memory->changed)) != NULL) {
		STAILQ_REMOVE_HEAD(&memory->changed, changed_entry);
		facts->is_changed = false;
		facts_write(facts, text);
		entry = (const struct entry *)facts;
		told = (struct evpop_memory_entry){
			.host = entry->host,
			.port = entry->port,
			.tls = entry->tls,
			.facts = text,
		};
		callback(&told, arg);
	}
}
