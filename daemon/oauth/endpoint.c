#include "daemon/oauth/endpoint.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "daemon/http/web.h"
#include "daemon/oauth/form.h"
#include "lib/base/text.h"

/* Connections to one endpoint; more would look like an attack. */
#define ENDPOINT_LINES 4
/* An answer is a few tokens. */
#define ENDPOINT_ANSWER ((size_t)64 * 1024)

/* A connection. */
struct endpoint_line {
	struct endpoint_pool *pool;
	struct web *web; /* NULL: not yet, or no more */
	struct endpoint_request *request;
};

/* All connections to a URL by one way, and who waits for one. */
struct endpoint_pool {
	struct endpoints *endpoints;
	TAILQ_ENTRY(endpoint_pool) entry;
	char *url, *proxy, *source_address;
	struct endpoint_line lines[ENDPOINT_LINES];
	TAILQ_HEAD(, endpoint_request) waiting;
	struct event idle;
};

struct endpoint_request {
	struct endpoint_pool *pool;
	struct endpoint_line *line; /* NULL: it waits */
	TAILQ_ENTRY(endpoint_request) entry;
	struct form form;
	endpoint_cb cb;
	void *arg;
};

struct endpoints {
	struct event_base *base;
	struct evpop_names *names;
	uint32_t timeout_ms;
	TAILQ_HEAD(, endpoint_pool) pools;
};

static void pool_serve(struct endpoint_pool *);

static void
request_free(struct endpoint_request *request)
{
	if (request->line == NULL)
		TAILQ_REMOVE(&request->pool->waiting, request, entry);
	else
		request->line->request = NULL;
	form_clear(&request->form);
	free(request);
}

/* ---- a connection ---- */

static void
line_more(void *arg)
{
	struct endpoint_line *line = arg;
	const struct form *form = &line->request->form;

	web_lend(line->web, form->text, form->length);
}

/* The form is lent whole. */
static void
line_rewind(void *arg)
{
	(void)arg;
}

static void
line_done(const struct web_answer *answer, void *arg)
{
	struct endpoint_line *line = arg;
	struct endpoint_request *request = line->request;
	struct endpoint_pool *pool = line->pool;

	if (request != NULL) {
		const endpoint_cb cb = request->cb;
		void *const cb_arg = request->arg;

		request_free(request);
		cb(answer, cb_arg);
	}
	pool_serve(pool);
}

static const struct web_handler line_handler = { line_more, line_rewind,
	line_done };

/* False without memory. */
static bool
line_open(struct endpoint_line *line)
{
	const struct endpoint_pool *pool = line->pool;

	if (line->web == NULL)
		line->web = web_new(
		    &(struct web_options){ .base = pool->endpoints->base,
			.names = pool->endpoints->names,
			.url = pool->url,
			.proxy = pool->proxy,
			.source_address = pool->source_address,
			.rules = WEB_PLACE_ALLOW_PRIVATE,
			.timeout_ms = pool->endpoints->timeout_ms,
			.answer_most = ENDPOINT_ANSWER,
			.is_secret = true },
		    &line_handler, line);
	return line->web != NULL;
}

static void
line_begin(struct endpoint_line *line, struct endpoint_request *request)
{
	static const char *const headers[] = {
		"Content-Type: application/x-www-form-urlencoded",
		"Accept: application/json", NULL
	};

	TAILQ_REMOVE(&line->pool->waiting, request, entry);
	request->line = line;
	line->request = request;
	web_post(line->web, headers, request->form.length);
}

/* ---- all connections to one endpoint ---- */

static void
pool_free(struct endpoint_pool *pool)
{
	struct endpoint_request *request;

	for (size_t i = 0; i < ENDPOINT_LINES; i++) {
		if (pool->lines[i].request != NULL)
			request_free(pool->lines[i].request);
		web_free(&pool->lines[i].web);
	}
	while ((request = TAILQ_FIRST(&pool->waiting)) != NULL)
		request_free(request);
	TAILQ_REMOVE(&pool->endpoints->pools, pool, entry);
	(void)event_del(&pool->idle);
	free(pool->url);
	free(pool->proxy);
	free(pool->source_address);
	free(pool);
}

static void
pool_idle(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	pool_free(arg);
}

/*
 * Begin what waits.  Where nothing does, the connections are closed with the
 * loop's next turn: some versions of libcurl keep what has passed through their
 * buffers for as long as that of the last request.
 */
static void
pool_serve(struct endpoint_pool *pool)
{
	static const struct timeval at_once = { 0, 0 };
	bool is_busy = false;

	for (size_t i = 0; i < ENDPOINT_LINES; i++) {
		struct endpoint_line *line = &pool->lines[i];
		struct endpoint_request *next = TAILQ_FIRST(&pool->waiting);

		if (line->request == NULL && next != NULL && line_open(line))
			line_begin(line, next);
		is_busy = is_busy || line->request != NULL;
	}
	if (is_busy)
		(void)event_del(&pool->idle);
	else
		(void)event_add(&pool->idle, &at_once);
}

static char *
pool_copy(const char *text, bool *failed)
{
	char *copy = text != NULL ? strdup(text) : NULL;

	*failed = *failed || (text != NULL && copy == NULL);
	return copy;
}

static struct endpoint_pool *
pool_new(struct endpoints *endpoints, const struct endpoint *endpoint)
{
	struct endpoint_pool *pool = calloc(1, sizeof(*pool));
	bool failed = false;

	if (pool == NULL)
		return NULL;
	pool->endpoints = endpoints;
	TAILQ_INIT(&pool->waiting);
	TAILQ_INSERT_HEAD(&endpoints->pools, pool, entry);
	for (size_t i = 0; i < ENDPOINT_LINES; i++)
		pool->lines[i].pool = pool;
	(void)evtimer_assign(&pool->idle, endpoints->base, pool_idle, pool);
	pool->url = pool_copy(endpoint->url, &failed);
	pool->proxy = pool_copy(endpoint->proxy, &failed);
	pool->source_address = pool_copy(endpoint->source_address, &failed);
	if (!failed && line_open(&pool->lines[0]))
		return pool;
	pool_free(pool);
	return NULL;
}

static struct endpoint_pool *
pool_find(struct endpoints *endpoints, const struct endpoint *endpoint)
{
	struct endpoint_pool *pool;

	TAILQ_FOREACH(pool, &endpoints->pools, entry)
		if (evpop_text_equal(pool->url, endpoint->url) &&
		    evpop_text_equal(pool->proxy, endpoint->proxy) &&
		    evpop_text_equal(
			pool->source_address, endpoint->source_address))
			return pool;
	return pool_new(endpoints, endpoint);
}

/* ---- the calls ---- */

struct endpoints *
endpoints_new(
    struct event_base *base, struct evpop_names *names, uint32_t timeout_ms)
{
	struct endpoints *endpoints = calloc(1, sizeof(*endpoints));

	if (endpoints == NULL)
		return NULL;
	endpoints->base = base;
	endpoints->names = names;
	endpoints->timeout_ms = timeout_ms;
	TAILQ_INIT(&endpoints->pools);
	return endpoints;
}

void
endpoints_free(struct endpoints **endpoints_p)
{
	struct endpoints *endpoints = *endpoints_p;
	struct endpoint_pool *pool;

	*endpoints_p = NULL;
	if (endpoints == NULL)
		return;
	while ((pool = TAILQ_FIRST(&endpoints->pools)) != NULL)
		pool_free(pool);
	free(endpoints);
}

struct endpoint_request *
endpoint_post(struct endpoints *endpoints, const struct endpoint *endpoint,
    struct form *form, endpoint_cb cb, void *arg)
{
	struct endpoint_pool *pool = NULL;
	struct endpoint_request *request = NULL;

	if (form->text != NULL && !form->has_failed)
		pool = pool_find(endpoints, endpoint);
	if (pool != NULL)
		request = calloc(1, sizeof(*request));
	if (request == NULL) {
		form_clear(form);
		return NULL;
	}
	request->pool = pool;
	request->form = *form;
	*form = (struct form){ 0 };
	request->cb = cb;
	request->arg = arg;
	TAILQ_INSERT_TAIL(&pool->waiting, request, entry);
	pool_serve(pool);
	return request;
}

void
endpoint_cancel(struct endpoint_request **request_p)
{
	struct endpoint_request *request = *request_p;
	struct endpoint_pool *pool;
	struct endpoint_line *line;

	*request_p = NULL;
	if (request == NULL)
		return;
	pool = request->pool;
	line = request->line;
	request_free(request);
	/* What is half asked is asked no further. */
	if (line != NULL)
		web_free(&line->web);
	pool_serve(pool);
}
