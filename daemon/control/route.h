/*
 * Which handler serves a request: a table of method and path.  Matching is a
 * pure function.
 */
#ifndef CONTROL_ROUTE_H
#define CONTROL_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/control/peer.h"

struct exchange;

enum route_method {
	ROUTE_GET = 0, /* HEAD, too */
	ROUTE_POST,
	ROUTE_DELETE,
	ROUTE_OTHER, /* a method that no route has */
	ROUTE_METHOD_COUNT
};

typedef void route_handler(struct exchange *);

struct route {
	enum route_method method;
	const char *pattern; /* "*" stands for a segment, at most twice */
	enum peer_role role; /* that a user needs */
	const char *const *parameters; /* names, NULL-terminated */
	route_handler *handle;
	/*
	 * What the user has done by it, as record_add() takes it; NULL where
	 * that is not recorded.
	 */
	const char *deed;
};

enum route_result {
	ROUTE_FOUND = 0,
	ROUTE_NO_PATH,
	ROUTE_NO_METHOD /* the path exists; `allow` says for what */
};

/* An account's name has less than 1 KiB, an id 20 digits. */
#define ROUTE_NAME_SIZE 1024
#define ROUTE_NAMES     2

struct route_match {
	const struct route *route;
	/* What each "*" matched, decoded; "" where there is none. */
	char names[ROUTE_NAMES][ROUTE_NAME_SIZE];
	const char *allow;
};

/* Find the route of a path, which is still encoded. */
enum route_result route_find(
    enum route_method, const char *path, struct route_match *match_r);

/*
 * The first words of all paths below /v1/, for people: "accounts, messages".
 */
void route_list_words(char *text_r, size_t size);

/*
 * The handler where no daemon runs and the store alone can answer; NULL: only a
 * daemon can.
 */
route_handler *route_without_daemon(const struct route *);

/* The table, for tests. */
const struct route *route_table(size_t *count_r);

#endif
