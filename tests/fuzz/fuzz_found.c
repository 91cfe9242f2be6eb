/*
 * What people type to search, put to a real store with its readers and its
 * index.  A letter for the settings, then two lines: the question, and a part
 * of the sender.
 */
#include "tests/unit/test_store_fixture.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/when.h"
#include "daemon/store/index/query.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/showable.h"
#include "tests/fuzz/target.h"

#define NOW_MS INT64_C(1700000000123)

/* Of the letter. */
#define RANKED     0x01
#define SNIPPETS   0x02
#define OF_HOME    0x04
#define BOUNDED    0x08
#define PAGE_MASK  0x03
#define PAGE_SHIFT 4

/* No page has so many. */
#define ALL       100
#define FOUND_MAX 16

static const char *const mail[] = {
	"From: Anna <anna@example.org>\r\nSubject: invoice 42\r\n"
	"Message-ID: <a@x>\r\n\r\nwords of it, and more words\r\n",
	"From: Bert <bert@example.net>\r\nTo: anna@example.org\r\n"
	"Subject: Re: invoice 42\r\nIn-Reply-To: <a@x>\r\n\r\nno\r\n",
	"From: =?utf-8?q?J=C3=BCrgen?= <j@x>\r\nSubject: caf=\r\n"
	"Content-Type: text/plain; charset=utf-8\r\n\r\n"
	"caf\xc3\xa9 na\xc3\xafve \xf0\x9f\x92\xa9 word's-end 100% a_b\r\n",
	"Subject: =?utf-8?b?5pel5pys6Kqe?=\r\n"
	"Content-Type: text/plain; charset=utf-8\r\n\r\n"
	"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x81\xae"
	"\xe6\x96\x87\xe7\xab\xa0\xe5\xb9\xb4\r\n",
	"From: c@x\r\nCc: d@x\r\nSubject: files\r\nMIME-Version: 1.0\r\n"
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
	"Content-Type: text/html\r\n\r\n<p>bold <b>words</b></p>\r\n--b\r\n"
	"Content-Type: application/pdf; name=plan.pdf\r\n"
	"Content-Disposition: attachment; filename=plan.pdf\r\n\r\n"
	"x\r\n--b--\r\n",
	"\r\n\r\n",
	"From: last@x\r\nSubject: last\r\n\r\nlastword of all\r\n",
};

struct page {
	bool done, more;
	enum store_status status;
	size_t count;
	int64_t ids[FOUND_MAX];
};

static struct fixture *fixture;

static void
check_snippet(const struct store_snippet *snippet)
{
	unsigned end = 0;

	if (snippet->text == NULL)
		return;
	assert(fuzz_is_showable(snippet->text, strlen(snippet->text)));
	for (size_t i = 0; i < snippet->hit_count; i++) {
		assert(snippet->hits[i].start >= end);
		assert(snippet->hits[i].length > 0);
		end = snippet->hits[i].start + snippet->hits[i].length;
	}
	assert(end <= strlen(snippet->text));
}

static void
take_page(
    enum store_status status, const struct store_search_page *found, void *arg)
{
	struct page *page = arg;

	page->done = true;
	page->status = status;
	assert(status == STORE_OK);
	page->more = found->more;
	page->count = found->count;
	assert(found->count <= FOUND_MAX);
	for (size_t i = 0; i < found->count; i++) {
		page->ids[i] = found->rows[i].id;
		assert(page->ids[i] > 0);
		assert(found->ranked_among > 0 || i == 0 ||
		       page->ids[i] < page->ids[i - 1]);
		if (found->snippets != NULL)
			check_snippet(&found->snippets[i]);
	}
}

static struct page
search(const struct store_message_filter *filter)
{
	struct page page = { .done = false };

	store_search(fixture->store, filter, take_page, &page);
	fixture_wait(fixture, &page.done);
	return page;
}

static void
remove_store(void)
{
	void *state = fixture;

	(void)fixture_teardown(&state);
}

/* Filled once; the index is complete when the last word is found. */
static void
make_store(void)
{
	const struct store_message_filter last = { .query = "lastword",
		.limit = ALL };
	void *state;

	assert(fixture_setup(&state) == 0);
	fixture = state;
	for (size_t i = 0; i < sizeof(mail) / sizeof(mail[0]); i++)
		(void)fixture_store(fixture, NULL, mail[i], strlen(mail[i]));
	while (search(&last).count == 0)
		fixture_turn(fixture, 1);
	assert(atexit(remove_store) == 0);
}

/* Page by page it is what it is at once. */
static void
check_pages(struct store_message_filter filter, unsigned limit)
{
	struct page all = search(&filter), page;
	size_t seen = 0;

	assert(!all.more);
	filter.limit = limit;
	do {
		page = search(&filter);
		assert(page.count <= limit && seen + page.count <= all.count);
		for (size_t i = 0; i < page.count; i++)
			assert(page.ids[i] == all.ids[seen + i]);
		seen += page.count;
		if (page.count > 0)
			filter.below_id = page.ids[page.count - 1];
	} while (page.more);
	assert(seen == all.count);
}

/* Whoever asks for less gets no more. */
static void
check_narrower(struct store_message_filter filter)
{
	struct page all, some;

	filter.order = STORE_ORDER_NEWEST;
	filter.wants_snippets = false;
	all = search(&filter);
	filter.account = "home";
	some = search(&filter);
	assert(some.count == all.count);
	filter.below_id = all.count > 0 ? all.ids[0] : 1;
	some = search(&filter);
	assert(some.count == (all.count > 0 ? all.count - 1 : 0));
}

static void
run(unsigned char settings, const char *query, const char *from)
{
	struct store_message_filter filter = { .limit = ALL,
		.query = *query != '\0' ? query : NULL,
		.query_time = when_parse,
		.query_now_ms = NOW_MS,
		.from = *from != '\0' ? from : NULL,
		.account = (settings & OF_HOME) != 0 ? "home" : NULL,
		.has_since = (settings & BOUNDED) != 0,
		.since_ms = 1,
		.wants_snippets = (settings & SNIPPETS) != 0 };

	/* Ranked, pages follow each other by another rule. */
	if ((settings & RANKED) != 0 && filter.query != NULL) {
		filter.order = STORE_ORDER_RANKED;
		(void)search(&filter);
	} else {
		check_pages(filter, 1 + (settings >> PAGE_SHIFT & PAGE_MASK));
	}
	if (filter.account == NULL)
		check_narrower(filter);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	unsigned char settings = fuzz_octet(&input);
	struct fuzz_input line = fuzz_up_to(&input, '\n');
	char *query = fuzz_string(line.at, line.left);
	char *from = fuzz_string(input.at, input.left);
	struct store_query_problem problem;

	if (fixture == NULL)
		make_store();
	/* As the API has it: what it refuses never comes here. */
	if (fuzz_is_utf8(query, strlen(query)) &&
	    fuzz_is_utf8(from, strlen(from)) &&
	    store_query_check(query, when_parse, NOW_MS, &problem))
		run(settings, query, from);
	free(query);
	free(from);
	return 0;
}
