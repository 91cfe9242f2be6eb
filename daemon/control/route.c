#include "daemon/control/route.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "daemon/control/handlers.h"
#include "daemon/control/parameters.h"

static const char *const no_parameters[] = { NULL };
static const char *const page_parameters[] = { "limit", "cursor", NULL };
static const char *const account_parameters[] = { "account", "limit", "cursor",
	NULL };
static const char *const accounts_parameters[] = { "name", "state", "limit",
	"cursor", NULL };
static const char *const audit_parameters[] = { "who", "action", "limit",
	"cursor", NULL };
static const char *const reason_parameters[] = { "reason", NULL };
static const char *const delete_parameters[] = { "account", "after_id",
	"before", "limit", "reason", NULL };
static const char *const retry_parameters[] = { "account", NULL };
static const char *const import_parameters[] = { "upload", "offset", "more",
	NULL };
static const char *const seen_parameters[] = { "pause", NULL };
static const char *const outbox_parameters[] = { "account", "target", "state",
	"message", "limit", "cursor", NULL };
static const char *const outbox_change_parameters[] = { "account", "target",
	"state", "limit", "cursor", NULL };
static const char *const delivery_parameters[] = { "target", "account",
	"message", "since", "before", "again", "dry_run", "after_id", "limit",
	NULL };
static const char *const backup_parameters[] = { "file", NULL };
static const char *const keys_parameters[] = { "of", "recipient", "limit",
	"cursor", NULL };
static const char *const reseal_parameters[] = { "of", "recipient", NULL };
static const char *const poll_parameters[] = { "mode", NULL };
static const char *const events_parameters[] = { "since", NULL };
static const char *const messages_parameters[] = { "account", "q", "from",
	"since", "before", "after_id", "epoch", "sort", "snippet", "limit",
	"cursor", NULL };
static const char *const metrics_parameters[] = { "accounts", NULL };

static const struct route routes[] = {
	{ ROUTE_GET, "/v1/openapi.json", PEER_ANYONE, no_parameters,
	    openapi_get, NULL },
	{ ROUTE_GET, "/v1/health", PEER_ANYONE, no_parameters, health_get,
	    NULL },
	{ ROUTE_GET, "/v1/status", PEER_ANYONE, no_parameters, status_get,
	    NULL },
	{ ROUTE_GET, "/v1/accounts", PEER_ANYONE, accounts_parameters,
	    accounts_list, NULL },
	{ ROUTE_GET, "/v1/accounts/*", PEER_ANYONE, no_parameters, account_get,
	    NULL },
	{ ROUTE_GET, "/v1/accounts/*/plan", PEER_OPERATE, page_parameters,
	    plan_get, NULL },
	{ ROUTE_POST, "/v1/accounts/*/poll", PEER_OPERATE, poll_parameters,
	    accounts_poll, "poll account *" },
	{ ROUTE_POST, "/v1/accounts/*/messages", PEER_ADMIN, import_parameters,
	    imports_post, "import message into account *" },
	{ ROUTE_POST, "/v1/accounts/*/seen", PEER_ADMIN, seen_parameters,
	    seen_post, "count unique-ids of account * as seen" },
	{ ROUTE_POST, "/v1/accounts/*/pause", PEER_OPERATE, no_parameters,
	    accounts_pause, "pause account *" },
	{ ROUTE_POST, "/v1/accounts/*/resume", PEER_OPERATE, no_parameters,
	    accounts_resume, "resume account *" },
	{ ROUTE_POST, "/v1/accounts/*/authorize", PEER_ADMIN, no_parameters,
	    authorize_post, "authorize account *" },
	{ ROUTE_DELETE, "/v1/accounts/*/authorize", PEER_ADMIN, no_parameters,
	    authorize_delete, "withdraw authorization of account *" },
	{ ROUTE_GET, "/v1/polls", PEER_ANYONE, account_parameters, polls_list,
	    NULL },
	{ ROUTE_GET, "/v1/events", PEER_ANYONE, events_parameters, events_get,
	    NULL },
	{ ROUTE_GET, "/metrics", PEER_ANYONE, metrics_parameters, metrics_get,
	    NULL },
	{ ROUTE_GET, "/v1/messages", PEER_READ, messages_parameters,
	    messages_list, NULL },
	{ ROUTE_GET, "/v1/messages/*", PEER_READ, no_parameters, message_get,
	    "read message *" },
	{ ROUTE_GET, "/v1/messages/*/headers", PEER_READ, no_parameters,
	    message_get_headers, "read message *" },
	{ ROUTE_GET, "/v1/messages/*/text", PEER_READ, no_parameters,
	    message_get_text, "read message *" },
	{ ROUTE_GET, "/v1/messages/*/parts/*", PEER_READ, no_parameters,
	    message_get_part, "read message *" },
	{ ROUTE_GET, "/v1/messages/*/raw", PEER_READ, no_parameters,
	    messages_get_raw, "read message *" },
	{ ROUTE_GET, "/v1/messages/*/thread", PEER_READ, page_parameters,
	    messages_get_thread, NULL },
	{ ROUTE_POST, "/v1/messages/*/hold", PEER_ADMIN, reason_parameters,
	    message_hold, NULL },
	{ ROUTE_POST, "/v1/messages/*/release", PEER_ADMIN, reason_parameters,
	    message_release, NULL },
	{ ROUTE_DELETE, "/v1/messages/*", PEER_ADMIN, reason_parameters,
	    message_delete, NULL },
	{ ROUTE_DELETE, "/v1/messages", PEER_ADMIN, delete_parameters,
	    messages_delete, NULL },
	{ ROUTE_GET, "/v1/tombstones", PEER_READ, account_parameters,
	    tombstones_list, NULL },
	{ ROUTE_GET, "/v1/quarantine", PEER_OPERATE, account_parameters,
	    quarantine_list, NULL },
	{ ROUTE_GET, "/v1/quarantine/*", PEER_OPERATE, no_parameters,
	    quarantine_get, NULL },
	{ ROUTE_GET, "/v1/quarantine/*/raw", PEER_READ, no_parameters,
	    messages_get_raw_quarantined, "read quarantined message *" },
	{ ROUTE_POST, "/v1/quarantine/*/retry", PEER_OPERATE, no_parameters,
	    quarantine_retry, "retry quarantined message *" },
	{ ROUTE_POST, "/v1/quarantine/retry", PEER_OPERATE, retry_parameters,
	    quarantine_retry_all, "retry quarantined messages" },
	{ ROUTE_GET, "/v1/outbox", PEER_OPERATE, outbox_parameters, outbox_list,
	    NULL },
	{ ROUTE_GET, "/v1/outbox/*", PEER_OPERATE, no_parameters, outbox_get,
	    NULL },
	{ ROUTE_DELETE, "/v1/outbox/*", PEER_ADMIN, no_parameters, outbox_drop,
	    "drop delivery *" },
	{ ROUTE_POST, "/v1/outbox/*/retry", PEER_OPERATE, no_parameters,
	    outbox_retry, "retry delivery *" },
	{ ROUTE_POST, "/v1/outbox/retry", PEER_OPERATE,
	    outbox_change_parameters, outbox_retry_all, "retry deliveries" },
	{ ROUTE_POST, "/v1/outbox/drop", PEER_ADMIN, outbox_change_parameters,
	    outbox_drop_all, "drop deliveries" },
	{ ROUTE_GET, "/v1/targets", PEER_ANYONE, page_parameters, targets_list,
	    NULL },
	{ ROUTE_GET, "/v1/targets/*", PEER_ANYONE, no_parameters, targets_get,
	    NULL },
	{ ROUTE_POST, "/v1/targets/*/pause", PEER_OPERATE, no_parameters,
	    targets_pause, "pause target *" },
	{ ROUTE_POST, "/v1/targets/*/resume", PEER_OPERATE, no_parameters,
	    targets_resume, "resume target *" },
	{ ROUTE_POST, "/v1/targets/*/probe", PEER_OPERATE, no_parameters,
	    targets_probe, "probe target *" },
	{ ROUTE_POST, "/v1/targets/*/authorize", PEER_ADMIN, no_parameters,
	    authorize_post_target, "authorize target *" },
	{ ROUTE_DELETE, "/v1/targets/*/authorize", PEER_ADMIN, no_parameters,
	    authorize_delete_target, "withdraw authorization of target *" },
	{ ROUTE_POST, "/v1/deliver", PEER_ADMIN, delivery_parameters,
	    delivery_post, "deliver messages to *" },
	{ ROUTE_GET, "/v1/store/accounts", PEER_OPERATE, no_parameters,
	    former_list, NULL },
	{ ROUTE_GET, "/v1/store/keys", PEER_ADMIN, keys_parameters, keys_list,
	    NULL },
	{ ROUTE_POST, "/v1/store/keys", PEER_ADMIN, reseal_parameters,
	    keys_post, "reseal store" },
	{ ROUTE_GET, "/v1/store/check", PEER_ANYONE, no_parameters, check_get,
	    NULL },
	{ ROUTE_POST, "/v1/store/check", PEER_OPERATE, no_parameters,
	    check_start, "check store" },
	{ ROUTE_GET, "/v1/store/backup", PEER_OPERATE, no_parameters,
	    backup_get, NULL },
	{ ROUTE_POST, "/v1/store/backup", PEER_ADMIN, backup_parameters,
	    backup_start, "back up store" },
	{ ROUTE_POST, "/v1/reload", PEER_ADMIN, no_parameters, reload_post,
	    "reload configuration" },
	{ ROUTE_GET, "/v1/audit", PEER_ADMIN, audit_parameters, audit_list,
	    NULL },
};

const struct route *
route_table(size_t *count_r)
{
	*count_r = sizeof(routes) / sizeof(routes[0]);
	return routes;
}

route_handler *
route_without_daemon(const struct route *route)
{
	static const struct {
		route_handler *usual, *stored;
	} handlers[] = {
		{ openapi_get, openapi_get },
		{ accounts_list, stored_accounts_list },
		{ account_get, stored_accounts_get },
		{ polls_list, polls_list },
		{ messages_list, messages_list },
		{ message_get, message_get },
		{ message_get_headers, message_get_headers },
		{ message_get_text, message_get_text },
		{ message_get_part, message_get_part },
		{ messages_get_raw, messages_get_raw },
		{ messages_get_thread, messages_get_thread },
		{ tombstones_list, tombstones_list },
		{ quarantine_list, quarantine_list },
		{ quarantine_get, quarantine_get },
		{ messages_get_raw_quarantined, messages_get_raw_quarantined },
		{ outbox_list, outbox_list },
		{ outbox_get, outbox_get },
		{ targets_list, targets_list },
		{ targets_get, targets_get },
		{ backup_get, backup_get },
		{ backup_start, backup_start },
		{ check_get, check_get },
		{ check_start, check_start },
		{ seen_post, seen_post },
	};

	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		if (route->handle == handlers[i].usual)
			return handlers[i].stored;
	return NULL;
}

/* The word behind "/v1/", and its length; another path is whole. */
static const char *
route_word(const struct route *route, size_t *length_r)
{
	const char *word = route->pattern;

	*length_r = strlen(word);
	if (strncmp(word, "/v1/", strlen("/v1/")) != 0)
		return word;
	word += strlen("/v1/");
	*length_r = strcspn(word, "/");
	return word;
}

void
route_list_words(char *text_r, size_t size)
{
	const char *word, *last = "";
	size_t length, last_length = 0, used = 0;

	if (size > 0)
		text_r[0] = '\0';
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		word = route_word(&routes[i], &length);
		/* Routes of the same word stand together. */
		if (used >= size ||
		    (length == last_length && memcmp(word, last, length) == 0))
			continue;
		used += (size_t)snprintf(text_r + used, size - used, "%s%.*s",
		    used > 0 ? ", " : "", (int)length, word);
		last = word;
		last_length = length;
	}
}

/* Whether a path fits a pattern; what "*" stands for goes to `names`. */
static bool
route_fits(const char *pattern, const char *path,
    char names[ROUTE_NAMES][ROUTE_NAME_SIZE])
{
	size_t length;
	char *name = names[0];

	for (size_t i = 0; i < ROUTE_NAMES; i++)
		names[i][0] = '\0';
	for (; *pattern != '\0'; pattern++) {
		if (*pattern != '*') {
			if (*path++ != *pattern)
				return false;
			continue;
		}
		length = strcspn(path, "/");
		if (length == 0 || length >= ROUTE_NAME_SIZE)
			return false;
		memcpy(name, path, length);
		name[length] = '\0';
		name += ROUTE_NAME_SIZE;
		path += length;
	}
	return *path == '\0';
}

/* Whether a pattern is this path: then no "*" stands for a part of it. */
static bool
route_is_literal(const char *path)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (strcmp(routes[i].pattern, path) == 0)
			return true;
	}
	return false;
}

enum route_result
route_find(
    enum route_method method, const char *path, struct route_match *match_r)
{
	static const char *const allow[] = { "", "GET, HEAD", "POST",
		"GET, HEAD, POST", "DELETE", "GET, HEAD, DELETE",
		"POST, DELETE", "GET, HEAD, POST, DELETE" };
	bool is_literal = route_is_literal(path);
	unsigned methods = 0;

	memset(match_r, 0, sizeof(*match_r));
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (is_literal && strcmp(routes[i].pattern, path) != 0)
			continue;
		if (!route_fits(routes[i].pattern, path, match_r->names))
			continue;
		if (routes[i].method != method) {
			methods |= 1u << routes[i].method;
			continue;
		}
		for (size_t name = 0; name < ROUTE_NAMES; name++) {
			if (!percent_decode(match_r->names[name], false))
				return ROUTE_NO_PATH;
		}
		match_r->route = &routes[i];
		return ROUTE_FOUND;
	}
	match_r->allow = allow[methods];
	return methods != 0 ? ROUTE_NO_METHOD : ROUTE_NO_PATH;
}
