/*
 * The table of routes and openapi.json describe the same: every path and
 * method, its parameters, and who may call it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "daemon/control/route.h"

#define MAX_ROUTES 256

/* The build makes this from openapi.json. */
extern const char *const openapi_text[];

static int
set_up(void **state)
{
	json_error_t error;
	json_t *document =
	    json_loads(openapi_text[0], JSON_REJECT_DUPLICATES, &error);

	if (document == NULL)
		fail_msg("line %d: %s", error.line, error.text);
	*state = document;
	return 0;
}

static int
tear_down(void **state)
{
	json_decref(*state);
	return 0;
}

/* "/v1/accounts/{name}/plan" becomes "/v1/accounts/" "*" "/plan". */
static void
pattern_of(const char *path, char *pattern_r, size_t size)
{
	size_t used = 0;

	for (; *path != '\0'; path++) {
		assert_true(used + 1 < size);
		if (*path == '{') {
			path = strchr(path, '}');
			assert_non_null(path);
			pattern_r[used++] = '*';
		} else {
			pattern_r[used++] = *path;
		}
	}
	pattern_r[used] = '\0';
}

static enum route_method
method_of(const char *name)
{
	if (strcmp(name, "get") == 0)
		return ROUTE_GET;
	if (strcmp(name, "post") == 0)
		return ROUTE_POST;
	if (strcmp(name, "delete") == 0)
		return ROUTE_DELETE;
	return ROUTE_OTHER;
}

/* The parameter itself, where it is a reference to one of the components. */
static json_t *
parameter_of(json_t *document, json_t *parameter)
{
	const char *path =
	    json_string_value(json_object_get(parameter, "$ref"));

	if (path == NULL)
		return parameter;
	return json_object_get(
	    json_object_get(
		json_object_get(document, "components"), "parameters"),
	    strrchr(path, '/') + 1);
}

/* Its parameters are those of the route, in any order. */
static void
compare_parameters(
    json_t *document, json_t *operation, const struct route *route)
{
	size_t described = 0, known = 0, i;
	json_t *item;

	json_array_foreach(json_object_get(operation, "parameters"), i, item)
	{
		json_t *parameter = parameter_of(document, item);
		const char *name =
		    json_string_value(json_object_get(parameter, "name"));
		const char *in =
		    json_string_value(json_object_get(parameter, "in"));
		bool found = false;

		assert_non_null(in);
		if (strcmp(in, "query") != 0)
			continue;
		described++;
		for (size_t k = 0; route->parameters[k] != NULL; k++)
			found |= strcmp(route->parameters[k], name) == 0;
		if (!found)
			fail_msg("%s: the route takes no parameter \"%s\"",
			    route->pattern, name);
	}
	while (route->parameters[known] != NULL)
		known++;
	if (described != known)
		fail_msg("%s: %zu parameters are described, the route takes "
			 "%zu",
		    route->pattern, described, known);
}

static void
compare_operation(
    json_t *document, json_t *operation, const struct route *route)
{
	const char *role =
	    json_string_value(json_object_get(operation, "x-role"));

	assert_non_null(role);
	if (strcmp(role, peer_role_name(route->role)) != 0)
		fail_msg("%s: x-role is \"%s\"", route->pattern, role);
	compare_parameters(document, operation, route);
}

static void
test_both_describe_the_same_routes(void **state)
{
	json_t *document = *state, *operations, *operation;
	const char *path, *method;
	char pattern[256];
	bool described[MAX_ROUTES] = { false };
	size_t count;
	const struct route *routes = route_table(&count);

	assert_true(count <= MAX_ROUTES);
	json_object_foreach(
	    json_object_get(document, "paths"), path, operations)
	{
		pattern_of(path, pattern, sizeof(pattern));
		json_object_foreach(operations, method, operation)
		{
			size_t i = 0;

			if (strcmp(method, "parameters") == 0)
				continue;
			while (i < count &&
			       (routes[i].method != method_of(method) ||
				   strcmp(routes[i].pattern, pattern) != 0))
				i++;
			if (i == count)
				fail_msg("no route is %s %s", method, path);
			described[i] = true;
			compare_operation(document, operation, &routes[i]);
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (!described[i])
			fail_msg("openapi.json does not describe %s (%s)",
			    routes[i].pattern,
			    routes[i].method == ROUTE_GET ? "get" : "other");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_describe_the_same_routes),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
