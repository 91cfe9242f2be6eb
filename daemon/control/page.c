#include "daemon/control/page.h"

#include <stdio.h>

#include "daemon/control/field.h"
#include "daemon/control/limits.h"
#include "daemon/store/store.h"

bool
page_limit(const struct parameters *parameters, unsigned *limit_r,
    struct problem *problem_r)
{
	int64_t limit = LIMITS_PAGE_DEFAULT;

	if (!parameters_number(
		parameters, "limit", 1, STORE_PAGE_MAX, &limit, problem_r))
		return false;
	*limit_r = (unsigned)limit;
	return true;
}

bool
page_below(const struct parameters *parameters, int64_t *below_id_r,
    struct problem *problem_r)
{
	const char *cursor = parameters_text(parameters, "cursor");

	*below_id_r = 0;
	if (cursor == NULL || number_parse(cursor, 1, INT64_MAX, below_id_r))
		return true;
	problem_set(problem_r, "take the next_cursor of the page before",
	    "bad value \"%.64s\" of \"cursor\"", cursor);
	return false;
}

json_t *
page_json(const char *name, json_t *list, int64_t next_id)
{
	json_t *json = json_object();
	char cursor[24];

	field_value(json, name, list);
	if (next_id != 0) {
		snprintf(cursor, sizeof(cursor), "%lld", (long long)next_id);
		field_text(json, "next_cursor", cursor);
	}
	return json;
}
