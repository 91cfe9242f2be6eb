#include "daemon/ctl/list.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/command.h"
#include "daemon/ctl/pager.h"
#include "daemon/ctl/table.h"

/* The API's limit of a page, and the default of --limit. */
#define PAGE_MAX      1000
#define LIMIT_DEFAULT 50
#define LIMIT_MAX     1000000000

enum ctl_exit
list_limit(
    const struct ctl *ctl, const struct invocation *invocation, size_t *limit_r)
{
	const char *text = command_value(invocation, "limit");

	*limit_r = LIMIT_DEFAULT;
	if (text == NULL)
		return CTL_OK;
	/* strtoul() would also accept a sign or a blank. */
	*limit_r = strtoul(text, NULL, 10);
	if (text[strspn(text, "0123456789")] == '\0' && *limit_r >= 1 &&
	    *limit_r <= LIMIT_MAX)
		return CTL_OK;
	ctl_warn(ctl,
	    "bad --limit \"%s\": expected a whole number from 1 to "
	    "1,000,000,000",
	    text);
	return CTL_USAGE;
}

/* Ask for one page; the cursor is NULL for the first. */
static bool
list_ask(const struct ctl *ctl, const struct target *target, const char *name,
    size_t limit, const char *cursor, json_t **page_r,
    struct client_error *error_r)
{
	struct target page = *target;
	char digits[24];

	snprintf(digits, sizeof(digits), "%zu",
	    limit < PAGE_MAX ? limit : (size_t)PAGE_MAX);
	target_parameter(&page, "limit", digits);
	target_parameter(&page, "cursor", cursor);
	if (!client_ask(ctl, "GET", &page, page_r, error_r))
		return false;
	if (json_is_array(json_object_get(*page_r, name)))
		return true;
	json_decref(*page_r);
	*page_r = NULL;
	client_fail(error_r, CTL_SOFTWARE, NULL,
	    "the daemon's answer has no list of %s", name);
	return false;
}

enum ctl_exit
list_walk(const struct ctl *ctl, const struct target *target, const char *name,
    size_t limit, list_page take, void *arg)
{
	size_t left = limit, count;
	struct client_error error;
	json_t *page = NULL, *next;
	const char *cursor = NULL, *following;
	enum ctl_exit code;
	bool repeats;

	do {
		if (!list_ask(ctl, target, name, left, cursor, &next, &error)) {
			code = client_report(ctl, &error);
			break;
		}
		count = json_array_size(json_object_get(next, name));
		code = take(ctl, next, arg);
		following = ctl_text(next, "next_cursor");
		/* A page of what fits may have nothing on it. */
		repeats = cursor != NULL && following != NULL &&
			  strcmp(cursor, following) == 0;
		cursor = following;
		json_decref(page);
		page = next;
		if (left != LIST_ALL)
			left -= count < left ? count : left;
		/* The reader has gone, or the daemon repeats itself. */
		if (ferror(ctl->out) || repeats)
			break;
	} while (code == CTL_OK && cursor != NULL && left > 0);
	json_decref(page);
	return code;
}

struct list_printing {
	const struct list *list;
	struct table *table;
	size_t rows;
	bool has_more;
	bool goes_on; /* the rows of another value follow */
	json_t *last; /* page that was printed as a table */
};

static enum ctl_exit
list_print_page(const struct ctl *ctl, const json_t *page, void *arg)
{
	struct list_printing *printing = arg;
	const json_t *rows = json_object_get(page, printing->list->name), *row;
	size_t i;

	printing->has_more = ctl_text(page, "next_cursor") != NULL;
	if (ctl->json)
		return ctl_print_json(ctl, page);
	json_array_foreach(rows, i, row) table_add(printing->table, ctl, row);
	printing->rows += i;
	if (printing->rows == 0 && printing->goes_on)
		return CTL_OK;
	if (printing->rows == 0 && printing->list->empty != NULL)
		fputs(printing->list->empty, ctl->out);
	else if (!table_print(
		     printing->table, ctl->out, ctl->width, ctl->colour))
		return ctl_no_memory(ctl);
	json_decref(printing->last);
	printing->last = json_incref((json_t *)(uintptr_t)page);
	return CTL_OK;
}

/* What is said behind the table. */
static void
list_print_end(
    const struct ctl *ctl, struct list_printing *printing, enum ctl_exit code)
{
	if (code == CTL_OK && printing->last != NULL &&
	    printing->list->after != NULL)
		printing->list->after(ctl, printing->last);
	json_decref(printing->last);
	table_free(&printing->table);
}

/* With one value after the other, until the limit is reached. */
static enum ctl_exit
list_walk_each(const struct ctl *ctl, struct list_printing *printing,
    const struct target *target, const char *parameter,
    const char *const *values, size_t limit)
{
	enum ctl_exit code = CTL_OK;

	for (; code == CTL_OK && *values != NULL && printing->rows < limit;
	     values++) {
		struct target one = *target;

		target_parameter(&one, parameter, *values);
		printing->goes_on = values[1] != NULL;
		code = list_walk(ctl, &one, printing->list->name,
		    limit == LIST_ALL ? LIST_ALL : limit - printing->rows,
		    list_print_page, printing);
	}
	printing->has_more |= *values != NULL;
	return code;
}

/* Where the values are NULL, once. */
static enum ctl_exit
list_print_walk(const struct ctl *ctl, struct list_printing *printing,
    const struct target *target, const char *parameter,
    const char *const *values, size_t limit)
{
	const struct list *list = printing->list;
	enum ctl_exit code;

	printing->table = table_new(list->fields, list->field_count);
	if (printing->table == NULL)
		return ctl_no_memory(ctl);
	code = values != NULL ? list_walk_each(ctl, printing, target, parameter,
				    values, limit)
			      : list_walk(ctl, target, list->name, limit,
				    list_print_page, printing);
	list_print_end(ctl, printing, code);
	return code;
}

enum ctl_exit
list_print_each(const struct ctl *ctl, const struct list *list,
    const struct target *target, const char *parameter,
    const char *const *values, size_t limit)
{
	struct list_printing printing = { .list = list };
	struct ctl paged;
	struct pager *pager = pager_begin(ctl, &paged);
	enum ctl_exit code = pager_end(pager, ctl,
	    list_print_walk(
		&paged, &printing, target, parameter, values, limit));

	if (code == CTL_OK && printing.has_more && limit != LIST_ALL &&
	    ctl->is_terminal && !ctl->json)
		fprintf(ctl->err, "there are more: see --limit\n");
	return code;
}

enum ctl_exit
list_print(const struct ctl *ctl, const struct list *list,
    const struct target *target, size_t limit)
{
	return list_print_each(ctl, list, target, NULL, NULL, limit);
}

/* ---- lists in an order of their own ---- */

/* One page of all rows. */
static enum ctl_exit
list_gather_page(const struct ctl *ctl, const json_t *page, void *arg)
{
	json_t *all = arg;
	const char *name;
	json_t *rows;

	json_object_foreach(all, name, rows)
	{
		if (json_array_extend(rows, json_object_get(page, name)) != 0)
			return ctl_no_memory(ctl);
	}
	return CTL_OK;
}

struct list_ranked {
	json_t *row;
	unsigned rank;
	size_t place;
};

static int
list_compare_ranks(const void *a, const void *b)
{
	const struct list_ranked *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->place < y->place ? -1 : 1;
}

/* False without memory. */
static bool
list_sort(json_t *rows, unsigned (*rank)(const json_t *))
{
	size_t count = json_array_size(rows), i;
	struct list_ranked *ranked = calloc(count + 1, sizeof(*ranked));
	json_t *row;

	if (ranked == NULL)
		return false;
	json_array_foreach(rows, i, row) ranked[i] =
	    (struct list_ranked){ json_incref(row), rank(row), i };
	qsort(ranked, count, sizeof(*ranked), list_compare_ranks);
	for (i = 0; i < count; i++)
		(void)json_array_set_new(rows, i, ranked[i].row);
	free(ranked);
	return true;
}

static enum ctl_exit
list_print_sorted(const struct ctl *ctl, const struct list *list,
    const struct target *target, unsigned (*rank)(const json_t *row))
{
	struct list_printing printing = { .list = list };
	enum ctl_exit code;
	json_t *all;

	printing.table = table_new(list->fields, list->field_count);
	all = json_pack("{s:[]}", list->name);
	code = printing.table == NULL || all == NULL
		   ? ctl_no_memory(ctl)
		   : list_walk(ctl, target, list->name, LIST_ALL,
			 list_gather_page, all);
	if (code == CTL_OK &&
	    !list_sort(json_object_get(all, list->name), rank))
		code = ctl_no_memory(ctl);
	if (code == CTL_OK)
		code = list_print_page(ctl, all, &printing);
	json_decref(all);
	list_print_end(ctl, &printing, code);
	return code;
}

enum ctl_exit
list_print_ranked(const struct ctl *ctl, const struct list *list,
    const struct target *target, unsigned (*rank)(const json_t *row))
{
	struct ctl paged;
	struct pager *pager;

	if (ctl->json)
		return list_print(ctl, list, target, LIST_ALL);
	pager = pager_begin(ctl, &paged);
	return pager_end(
	    pager, ctl, list_print_sorted(&paged, list, target, rank));
}

/* ---- what was left out ---- */

void
list_say_left_out(const struct ctl *ctl, const json_t *page)
{
	if (json_is_false(json_object_get(page, "index_complete")))
		fprintf(ctl->err,
		    "not all messages are in the index yet: there may be more "
		    "to find in a while\n");
	if (json_is_false(json_object_get(page, "beginnings_complete")))
		fprintf(ctl->err,
		    "too many words begin so, and some were not looked for: "
		    "more letters find them\n");
	if (json_is_true(json_object_get(page, "sealed_left_out")))
		fprintf(ctl->err,
		    "sealed mail was not looked at: \"evpopctl --key FILE\" "
		    "looks at it\n");
}
