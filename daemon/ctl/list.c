#include "daemon/ctl/list.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/target.h"

/* What the API gives at most, and what is shown where nobody says. */
#define PAGE_MAX      1000
#define LIMIT_DEFAULT 50

enum ctl_exit
pages_limit(
    struct ctl *ctl, const struct invocation *invocation, size_t *limit_r)
{
	const char *text = command_value(invocation, "limit");
	size_t limit = 0;

	*limit_r = LIMIT_DEFAULT;
	if (text == NULL)
		return CTL_OK;
	for (const char *digit = text; *digit != '\0'; digit++) {
		if (*digit < '0' || *digit > '9' || limit > 100000000) {
			limit = 0;
			break;
		}
		limit = limit * 10 + (size_t)(*digit - '0');
	}
	if (limit == 0) {
		ctl_warn(ctl,
		    "bad --limit \"%s\": expected a whole number from 1 to a "
		    "thousand million",
		    text);
		return CTL_USAGE;
	}
	*limit_r = limit;
	return CTL_OK;
}

/* Ask for one page; the cursor is NULL for the first. */
static bool
ask_page(struct ctl *ctl, const struct pages *pages, size_t limit,
    const char *cursor, json_t **page_r, struct http_error *error_r)
{
	struct target target;
	char digits[24];

	snprintf(digits, sizeof(digits), "%zu",
	    limit < PAGE_MAX ? limit : (size_t)PAGE_MAX);
	pages->begin(&target, pages->invocation);
	target_parameter(&target, "limit", digits);
	target_parameter(&target, "cursor", cursor);
	if (!http_ask(ctl, "GET", &target, page_r, error_r))
		return false;
	if (json_is_array(json_object_get(*page_r, pages->list)))
		return true;
	json_decref(*page_r);
	*page_r = NULL;
	memset(error_r, 0, sizeof(*error_r));
	error_r->exit = CTL_SOFTWARE;
	snprintf(error_r->message, sizeof(error_r->message),
	    "the daemon's answer has no list of %s", pages->list);
	return false;
}

enum ctl_exit
pages_walk(struct ctl *ctl, const struct pages *pages)
{
	size_t left = pages->limit, count;
	struct http_error error;
	json_t *page = NULL, *next;
	const char *cursor = NULL;
	enum ctl_exit code = CTL_OK;

	do {
		bool answered =
		    ask_page(ctl, pages, left, cursor, &next, &error);

		json_decref(page);
		page = next;
		if (!answered)
			return http_report(ctl, &error);
		count = json_array_size(json_object_get(page, pages->list));
		code = ctl->json ? ctl_print_json(ctl, page)
				 : pages->page(ctl,
				       json_object_get(page, pages->list),
				       pages->arg);
		cursor = ctl_text(page, "next_cursor");
		left = pages->limit == PAGES_ALL ? left
		       : count < left            ? left - count
						 : 0;
		/* Nobody reads any more, or the daemon goes in circles. */
		if (ferror(ctl->out) || (cursor != NULL && count == 0))
			break;
	} while (code == CTL_OK && cursor != NULL && left > 0);
	if (cursor != NULL && left == 0 && ctl->is_terminal && !ctl->json)
		fprintf(ctl->err, "there are more: see --limit\n");
	json_decref(page);
	return code;
}
