#include "daemon/control/route.h"

#include <string.h>

#include "daemon/control/handlers.h"
#include "daemon/control/parameters.h"

static const char *const no_parameters[] = { NULL };
static const char *const page_parameters[] = { "limit", "cursor", NULL };
static const char *const account_parameters[] = { "account", "limit", "cursor",
	NULL };
static const char *const accounts_parameters[] = { "name", "state", "limit",
	"cursor", NULL };
static const char *const retry_parameters[] = { "account", NULL };
static const char *const poll_parameters[] = { "mode", NULL };
static const char *const messages_parameters[] = { "account", "q", "from",
	"since", "before", "limit", "cursor", NULL };
static const char *const metrics_parameters[] = { "accounts", NULL };

static const struct route routes[] = {
	{ ROUTE_GET, "/v1/status", PEER_ANYONE, no_parameters, status_get },
	{ ROUTE_GET, "/v1/accounts", PEER_ANYONE, accounts_parameters,
	    accounts_list },
	{ ROUTE_GET, "/v1/accounts/*", PEER_ANYONE, no_parameters,
	    accounts_get },
	{ ROUTE_GET, "/v1/accounts/*/plan", PEER_OPERATE, page_parameters,
	    plan_get },
	{ ROUTE_POST, "/v1/accounts/*/poll", PEER_OPERATE, poll_parameters,
	    accounts_poll },
	{ ROUTE_POST, "/v1/accounts/*/pause", PEER_OPERATE, no_parameters,
	    accounts_pause },
	{ ROUTE_POST, "/v1/accounts/*/resume", PEER_OPERATE, no_parameters,
	    accounts_resume },
	{ ROUTE_GET, "/v1/polls", PEER_ANYONE, account_parameters, polls_list },
	{ ROUTE_GET, "/metrics", PEER_ANYONE, metrics_parameters, metrics_get },
	{ ROUTE_GET, "/v1/messages", PEER_READ, messages_parameters,
	    messages_list },
	{ ROUTE_GET, "/v1/messages/*", PEER_READ, no_parameters, messages_get },
	{ ROUTE_GET, "/v1/messages/*/raw", PEER_READ, no_parameters,
	    messages_get_raw },
	{ ROUTE_GET, "/v1/quarantine", PEER_OPERATE, account_parameters,
	    quarantine_list },
	{ ROUTE_GET, "/v1/quarantine/*", PEER_OPERATE, no_parameters,
	    quarantine_get },
	{ ROUTE_GET, "/v1/quarantine/*/raw", PEER_READ, no_parameters,
	    messages_get_raw_quarantined },
	{ ROUTE_POST, "/v1/quarantine/*/retry", PEER_OPERATE, no_parameters,
	    quarantine_retry },
	{ ROUTE_POST, "/v1/quarantine/retry", PEER_OPERATE, retry_parameters,
	    quarantine_retry_all },
	{ ROUTE_GET, "/v1/store/check", PEER_ANYONE, no_parameters, check_get },
	{ ROUTE_POST, "/v1/store/check", PEER_OPERATE, no_parameters,
	    check_start },
	{ ROUTE_POST, "/v1/reload", PEER_ADMIN, no_parameters, status_reload },
};

const struct route *
route_table(size_t *count_r)
{
	*count_r = sizeof(routes) / sizeof(routes[0]);
	return routes;
}

/* Whether a path fits a pattern; what "*" stands for goes to `name`. */
static bool
route_fits(const char *pattern, const char *path, char name[ROUTE_NAME_SIZE])
{
	size_t length;

	name[0] = '\0';
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
		path += length;
	}
	return *path == '\0';
}

enum route_result
route_find(
    enum route_method method, const char *path, struct route_match *match_r)
{
	static const char *const allow[] = { "", "GET", "POST", "GET, POST" };
	unsigned methods = 0;

	memset(match_r, 0, sizeof(*match_r));
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!route_fits(routes[i].pattern, path, match_r->name))
			continue;
		if (routes[i].method != method) {
			methods |= 1u << routes[i].method;
			continue;
		}
		if (!percent_decode(match_r->name, false))
			return ROUTE_NO_PATH;
		match_r->route = &routes[i];
		return ROUTE_FOUND;
	}
	match_r->allow = allow[methods];
	return methods != 0 ? ROUTE_NO_METHOD : ROUTE_NO_PATH;
}
