/*
 * The API's lists, page by page.
 */
#ifndef CTL_LIST_H
#define CTL_LIST_H

#include "daemon/ctl/client.h"
#include "daemon/ctl/print.h"

struct invocation;

#define LIST_ALL ((size_t)-1)

/* Read --limit; CTL_USAGE, with the reason said, if it is no number. */
enum ctl_exit list_limit(
    const struct ctl *, const struct invocation *, size_t *limit_r);

/*
 * Ask for pages until there are no more or `limit` rows have come.  `take` has
 * each as an object, in which `name` is the array of rows.
 */
typedef enum ctl_exit (*list_page)(
    const struct ctl *, const json_t *page, void *arg);
enum ctl_exit list_walk(const struct ctl *, const struct target *,
    const char *name, size_t limit, list_page take, void *arg);

struct list {
	const char *name; /* the member that is the array of rows */
	const struct print_field *fields;
	size_t field_count;
	/* Instead of headings over nothing; NULL: these. */
	const char *empty;
	/* Prints what follows the rows, from the last page; may be NULL. */
	void (*after)(const struct ctl *, const json_t *page);
};

/*
 * Print up to `limit` rows, or the pages' JSON with --json.  On a terminal,
 * through a pager, and say if there are more.
 */
enum ctl_exit list_print(const struct ctl *, const struct list *,
    const struct target *, size_t limit);

/*
 * The same with each of these values of a parameter, one after the other; NULL
 * ends them.
 */
enum ctl_exit list_print_each(const struct ctl *, const struct list *,
    const struct target *, const char *parameter, const char *const *values,
    size_t limit);

/* Say under a page of messages what the search for them has left out. */
void list_say_left_out(const struct ctl *, const json_t *page);

/*
 * Print all rows, those of a lower rank first: the whole list is read before
 * any is printed.  JSON comes in the API's order.
 */
enum ctl_exit list_print_ranked(const struct ctl *, const struct list *,
    const struct target *, unsigned (*rank)(const json_t *row));

#endif
