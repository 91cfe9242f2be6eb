#include "daemon/control/imports.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "daemon/config/config.h"
#include "daemon/control/field.h"
#include "daemon/control/handlers.h"
#include "daemon/control/limits.h"
#include "daemon/notify/notify.h"
#include "daemon/store/import.h"
#include "lib/base/clock.h"

/* Messages in pieces at a time; each holds a body of the store open. */
#define IMPORTS_MOST 16

/* Whoever sends pieces of one sends the next soon. */
#define IMPORTS_IDLE_MS (60 * 1000)
#define IMPORTS_LOOK_S  10

#define TOKEN_SIZE 65

struct import {
	TAILQ_ENTRY(import) link;
	struct imports *imports;
	char token[TOKEN_SIZE];
	char *account; /* owned; its pieces go nowhere else */
	struct store_body *body;
	uint64_t octets;
	int64_t used_ms;          /* monotonic */
	struct exchange *waiting; /* for the store to take more; or NULL */
};

struct imports {
	struct store *store;
	struct event *timer;
	struct notify_subscription subscription;
	TAILQ_HEAD(, import) list;
	size_t count;
};

/* A request, until it is known which row its account has. */
struct import_request {
	char token[TOKEN_SIZE]; /* "": the message is whole */
	int64_t offset;
	bool has_more;
};

/* ---- those that come in pieces ---- */

static struct import *
import_find(struct imports *imports, const char *account, const char *token)
{
	struct import *import;

	TAILQ_FOREACH(import, &imports->list, link)
		if (strcmp(import->token, token) == 0 &&
		    strcmp(import->account, account) == 0)
			return import;
	return NULL;
}

/* The body is another's by now, or was dropped. */
static void
import_free(struct import *import)
{
	TAILQ_REMOVE(&import->imports->list, import, link);
	import->imports->count--;
	free(import->account);
	free(import);
}

static struct import *
import_new(struct imports *imports, const char *account, const char *token,
    struct store_body *body)
{
	struct import *import = calloc(1, sizeof(*import));

	if (import == NULL)
		return NULL;
	import->account = strdup(account);
	if (import->account == NULL) {
		free(import);
		return NULL;
	}
	snprintf(import->token, sizeof(import->token), "%s", token);
	import->imports = imports;
	import->body = body;
	import->used_ms = evpop_clock_monotonic_ms();
	TAILQ_INSERT_TAIL(&imports->list, import, link);
	imports->count++;
	return import;
}

/* Drop what nobody goes on with. */
static void
imports_look(evutil_socket_t fd, short what, void *arg)
{
	struct imports *imports = arg;
	int64_t now_ms = evpop_clock_monotonic_ms();
	struct import *import, *next;

	(void)fd;
	(void)what;
	for (import = TAILQ_FIRST(&imports->list); import != NULL;
	     import = next) {
		next = TAILQ_NEXT(import, link);
		if (import->waiting != NULL ||
		    now_ms - import->used_ms < IMPORTS_IDLE_MS)
			continue;
		store_body_abort(import->body);
		import_free(import);
	}
}

static void import_answer_piece(struct exchange *, const struct import *);

static void
imports_drained(const struct notify_event *event, void *arg)
{
	struct imports *imports = arg;
	struct import *import;

	(void)event;
	TAILQ_FOREACH(import, &imports->list, link) {
		struct exchange *exchange = import->waiting;

		import->waiting = NULL;
		if (exchange != NULL && exchange_resume(exchange))
			import_answer_piece(exchange, import);
	}
}

struct imports *
imports_new(struct event_base *base, struct store *store, struct notify *notify)
{
	const struct timeval interval = { IMPORTS_LOOK_S, 0 };
	struct imports *imports = calloc(1, sizeof(*imports));

	if (imports == NULL)
		return NULL;
	imports->store = store;
	TAILQ_INIT(&imports->list);
	imports->timer = event_new(base, -1, EV_PERSIST, imports_look, imports);
	if (imports->timer == NULL ||
	    event_add(imports->timer, &interval) != 0) {
		imports_free(imports);
		return NULL;
	}
	if (notify != NULL)
		notify_subscribe(notify, &imports->subscription,
		    NOTIFY_BIT(NOTIFY_STORE_DRAINED), imports_drained, imports);
	return imports;
}

void
imports_free(struct imports *imports)
{
	struct import *import;

	if (imports == NULL)
		return;
	notify_leave(&imports->subscription);
	while ((import = TAILQ_FIRST(&imports->list)) != NULL) {
		store_body_abort(import->body);
		if (import->waiting != NULL)
			(void)!exchange_resume(import->waiting);
		import_free(import);
	}
	if (imports->timer != NULL)
		event_free(imports->timer);
	free(imports);
}

/* ---- answers ---- */

static void
import_answer_piece(struct exchange *exchange, const struct import *import)
{
	json_t *json = json_object();

	field_text(json, "upload", import->token);
	field_count(json, "bytes", import->octets);
	exchange_answer(exchange, response_json(202, json));
}

static void
import_stored(enum store_status status, int64_t message_id,
    enum store_taken taken, void *arg)
{
	struct exchange *exchange = arg;
	json_t *json;

	if (!exchange_resume(exchange))
		return;
	if (status != STORE_OK) {
		exchange_answer(
		    exchange, status == STORE_NOT_FOUND
				  ? response_no_account(exchange_name(exchange))
				  : response_store(status, NULL));
		return;
	}
	/* What was here before is no deed. */
	if (taken != STORE_TAKEN_NEW)
		exchange_set_deed(exchange, NULL);
	json = json_object();
	field_value(json, "id", json_integer(message_id));
	field_value(json, "new", json_boolean(taken == STORE_TAKEN_NEW));
	exchange_answer(exchange,
	    response_json(taken == STORE_TAKEN_NEW ? 201 : 200, json));
}

/* ---- POST /v1/accounts/NAME/messages ---- */

static void
import_conflict(struct exchange *exchange, uint64_t octets)
{
	exchange_answer(exchange,
	    response_error(409, "wrong_offset",
		"send a message's pieces in order, or begin it again under "
		"another name",
		"the piece does not begin at byte %" PRIu64 " of its message",
		octets));
}

/* Give the bytes to the store; true where it wants no more for now. */
static bool
import_append(struct exchange *exchange, struct store_body *body)
{
	const unsigned char *bytes;
	size_t length = exchange_body(exchange, &bytes);

	return length > 0 &&
	       store_body_append(body, bytes, length) == STORE_FLOW_PAUSE;
}

static struct store_body *
import_begin(struct exchange *exchange, int64_t account_id)
{
	const struct store_body_meta meta = { .account_id = account_id,
		.state = STORE_UID_GONE };
	struct store_body *body =
	    store_body_new(exchange_context(exchange)->store, &meta);

	if (body == NULL)
		exchange_answer(exchange, response_no_memory());
	return body;
}

static void
import_commit(struct exchange *exchange, struct store_body *body)
{
	exchange_wait(exchange);
	store_body_import(body, import_stored, exchange);
}

/* The first piece. */
static void
import_open(struct exchange *exchange, int64_t account_id)
{
	struct imports *imports = exchange_context(exchange)->imports;
	const struct import_request *request = exchange_state(exchange);
	struct import *import;
	struct store_body *body;

	/* Another one began it while the store was asked for the account. */
	import = import_find(imports, exchange_name(exchange), request->token);
	if (import != NULL) {
		import_conflict(exchange, import->octets);
		return;
	}
	if (imports->count >= IMPORTS_MOST) {
		exchange_answer(
		    exchange, response_error(503, "too_many_imports",
				  "wait until others have ended",
				  "%d messages are imported in pieces already",
				  IMPORTS_MOST));
		return;
	}
	body = import_begin(exchange, account_id);
	if (body == NULL)
		return;
	import =
	    import_new(imports, exchange_name(exchange), request->token, body);
	if (import == NULL) {
		store_body_abort(body);
		exchange_answer(exchange, response_no_memory());
		return;
	}
	import->octets = exchange_body(exchange, NULL);
	if (!import_append(exchange, body)) {
		import_answer_piece(exchange, import);
		return;
	}
	exchange_wait(exchange);
	import->waiting = exchange;
}

/* The account has this row. */
static void
import_into(struct exchange *exchange, int64_t account_id)
{
	const struct import_request *request = exchange_state(exchange);
	struct store_body *body;

	if (request->has_more)
		import_open(exchange, account_id);
	else if ((body = import_begin(exchange, account_id)) != NULL) {
		(void)import_append(exchange, body);
		import_commit(exchange, body);
	}
}

static void
import_made(
    enum store_status status, const struct store_account *account, void *arg)
{
	struct exchange *exchange = arg;

	if (!exchange_resume(exchange))
		return;
	if (status != STORE_OK)
		exchange_answer(exchange, response_store(status, NULL));
	else
		import_into(exchange, account->id);
}

/* One that was never polled has no row yet, if it is configured. */
static void
import_make_row(struct exchange *exchange)
{
	const struct exchange_context *context = exchange_context(exchange);
	const char *name = exchange_name(exchange);
	struct poller_account_status account;

	if (!poller_account_status(context->poller, name, &account) ||
	    account.section == NULL) {
		exchange_answer(exchange, response_no_account(name));
		return;
	}
	exchange_wait(exchange);
	store_account(context->store, account.section->name,
	    account.section->id, import_made, exchange);
}

static void
import_account(enum store_status status, const struct store_account_row *rows,
    size_t count, void *arg)
{
	struct exchange *exchange = arg;

	if (!exchange_resume(exchange))
		return;
	if (status != STORE_OK)
		exchange_answer(exchange, response_store(status, NULL));
	else if (count == 0)
		import_make_row(exchange);
	else
		import_into(exchange, rows[0].id);
}

/* A further piece. */
static void
import_go_on(struct exchange *exchange)
{
	struct imports *imports = exchange_context(exchange)->imports;
	const struct import_request *request = exchange_state(exchange);
	struct import *import =
	    import_find(imports, exchange_name(exchange), request->token);
	bool is_full;

	if (import == NULL || import->waiting != NULL ||
	    (uint64_t)request->offset != import->octets) {
		import_conflict(exchange, import != NULL ? import->octets : 0);
		return;
	}
	import->octets += exchange_body(exchange, NULL);
	import->used_ms = evpop_clock_monotonic_ms();
	is_full = import_append(exchange, import->body);
	if (!request->has_more) {
		import_commit(exchange, import->body);
		import_free(import);
	} else if (!is_full) {
		import_answer_piece(exchange, import);
	} else {
		exchange_wait(exchange);
		import->waiting = exchange;
	}
}

static bool
import_read(const struct exchange *exchange, struct import_request *request,
    struct problem *problem_r)
{
	const struct parameters *parameters = exchange_parameters(exchange);
	const char *token = parameters_text(parameters, "upload");
	const char *more = parameters_text(parameters, "more");

	if (!parameters_number(parameters, "offset", 0, INT64_MAX,
		&request->offset, problem_r))
		return false;
	request->has_more = more != NULL && strcmp(more, "yes") == 0;
	if (more != NULL && !request->has_more && strcmp(more, "no") != 0) {
		problem_set(
		    problem_r, "yes or no", "invalid more \"%.64s\"", more);
		return false;
	}
	if (token == NULL && (request->has_more || request->offset > 0)) {
		problem_set(problem_r, "a name that you choose",
		    "pieces of a message need the parameter \"upload\"");
		return false;
	}
	if (token == NULL)
		return true;
	if (*token == '\0' || strlen(token) >= sizeof(request->token)) {
		problem_set(problem_r, "1 to 64 bytes",
		    "invalid upload \"%.64s\"", token);
		return false;
	}
	snprintf(request->token, sizeof(request->token), "%s", token);
	return true;
}

void
imports_post(struct exchange *exchange)
{
	struct store *store = exchange_context(exchange)->store;
	const struct store_error *health = store_health(store);
	struct import_request *request = calloc(1, sizeof(*request));
	const char *name = exchange_name(exchange);
	const struct import *import;
	const unsigned char *bytes;
	struct problem problem;

	if (request == NULL ||
	    (exchange_body(exchange, &bytes) > 0 && bytes == NULL)) {
		free(request);
		exchange_answer(exchange, response_no_memory());
		return;
	}
	exchange_set_state(exchange, request, free);
	if (!import_read(exchange, request, &problem))
		exchange_answer_problem(exchange, &problem);
	else if (health->status != STORE_OK)
		exchange_answer(
		    exchange, response_store(health->status, health->text));
	else if (request->offset == 0 && !request->has_more &&
		 exchange_body(exchange, NULL) == 0)
		exchange_answer(exchange,
		    response_error(400, "no_message",
			"send the message as the request's body, with "
			"Content-Type: message/rfc822",
			"there is no message"));
	else if (request->offset > 0)
		import_go_on(exchange);
	else if (request->has_more &&
		 (import = import_find(exchange_context(exchange)->imports,
		      name, request->token)) != NULL)
		import_conflict(exchange, import->octets);
	else {
		exchange_wait(exchange);
		store_accounts(store, name, name, import_account, exchange);
	}
}
