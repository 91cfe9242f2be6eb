/* A listing as its lines come in: any order, holes, repetitions, no UIDL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/session/listing.h"

struct listing_case {
	const char *name;
	const char *uidl; /* "number=id" each; NULL: the server refused it */
	const char *list; /* "number=octets" each */
	const char *expected; /* "number=id/occurrence:octets " each */
	uint32_t ignored;
};

static const struct listing_case cases[] = {
	{ "nothing", "", "", "", 0 },
	{ "as it should be", "1=a 2=b", "1=10 2=20", "1=a/0:10 2=b/0:20 ", 0 },
	{ "holes", "3=a 7=b", "3=10 7=20", "3=a/0:10 7=b/0:20 ", 0 },
	{ "any order", "7=b 3=a 5=c", "5=1 3=2 7=3", "3=a/0:2 5=c/0:1 7=b/0:3 ",
	    0 },
	{ "one id for several", "1=a 2=b 3=a 4=a", "",
	    "1=a/0:0 2=b/0:0 3=a/1:0 4=a/2:0 ", 0 },
	{ "one id for several, in any order", "3=a 1=a", "", "1=a/0:0 3=a/1:0 ",
	    0 },
	{ "an empty id identifies nothing", "1= 2=b", "1=5", "1=-/0:5 2=b/0:0 ",
	    0 },
	{ "a size is missing", "1=a 2=b", "2=7", "1=a/0:0 2=b/0:7 ", 0 },
	{ "a size too many", "1=a", "1=5 2=7", "1=a/0:5 ", 1 },
	{ "sizes of nothing", "", "1=5 2=7", "", 2 },
	{ "a number twice with one id", "1=a 1=a", "1=5", "1=a/0:5 ", 1 },
	{ "a number twice with two ids", "1=a 2=b 1=c", "1=5",
	    "1=-/0:5 2=b/0:0 ", 1 },
	{ "a number thrice with two ids", "1=a 1=c 1=c", "", "1=-/0:0 ", 2 },
	{ "the largest numbers", "4294967295=a 4294967294=b", "4294967295=9",
	    "4294967294=b/0:0 4294967295=a/0:9 ", 0 },
	{ "without UIDL", NULL, "2=20 1=10", "1=-/0:10 2=-/0:20 ", 0 },
	{ "without UIDL, a number twice", NULL, "1=10 1=11", "1=-/0:10 ", 1 },
	{ "without UIDL, nothing", NULL, "", "", 0 },
};

typedef bool (*add_line)(
    struct evpop_listing_builder *, const struct evpop_listed *);

static void
feed(struct evpop_listing_builder *builder, const char *lines, add_line add,
    bool ids)
{
	struct evpop_listed listed;
	size_t length;

	while (*lines != '\0') {
		char *end;

		memset(&listed, 0, sizeof listed);
		listed.number = (uint32_t)strtoul(lines, &end, 10);
		assert_int_equal(*end, '=');
		lines = end + 1;
		length = strcspn(lines, " ");
		if (ids) {
			listed.unique_id = (const unsigned char *)lines;
			listed.unique_id_length = length;
		} else
			listed.octets = strtoull(lines, NULL, 10);
		assert_true(add(builder, &listed));
		lines += length + (lines[length] == ' ');
	}
}

static void
describe(const struct evpop_listing *listing, char *text, size_t size)
{
	const struct evpop_entry *entry;
	size_t i, used = 0;

	text[0] = '\0';
	for (i = 0; i < listing->count; i++) {
		entry = &listing->entries[i];
		used += (size_t)snprintf(text + used, size - used,
		    "%lu=%.*s/%lu:%llu ", (unsigned long)entry->number,
		    entry->unique_id == NULL ? 1 : (int)entry->unique_id_length,
		    entry->unique_id == NULL ? "-"
					     : (const char *)entry->unique_id,
		    (unsigned long)entry->occurrence,
		    (unsigned long long)entry->octets);
		assert_true(used < size);
	}
}

static void
test_cases(void **state)
{
	struct evpop_listing_builder builder = { 0 };
	const struct listing_case *one;
	char text[512];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		one = &cases[i];
		print_message("%s\n", one->name);
		if (one->uidl != NULL) {
			feed(&builder, one->uidl, evpop_listing_add_id, true);
			assert_int_equal(
			    evpop_listing_ids_done(&builder), EVPOP_ERROR_NONE);
		}
		feed(&builder, one->list, evpop_listing_add_size, false);
		evpop_listing_sizes_done(&builder);
		describe(&builder.listing, text, sizeof text);
		assert_string_equal(text, one->expected);
		assert_int_equal(builder.listing.ignored, one->ignored);
		assert_int_equal(builder.listing.unique_ids, one->uidl != NULL);
		evpop_listing_clear(&builder);
		assert_int_equal(builder.listing.count, 0);
	}
}

static void
test_ignored_lines_add_up(void **state)
{
	struct evpop_listing_builder builder = { 0 };

	(void)state;
	feed(&builder, "1=a", evpop_listing_add_id, true);
	evpop_listing_note_ignored(&builder, 2, "the first");
	assert_int_equal(evpop_listing_ids_done(&builder), EVPOP_ERROR_NONE);
	feed(&builder, "1=5 9=5", evpop_listing_add_size, false);
	evpop_listing_note_ignored(&builder, 3, "another");
	evpop_listing_sizes_done(&builder);
	assert_int_equal(builder.listing.ignored, 6);
	assert_string_equal(builder.listing.ignored_line, "the first");
	evpop_listing_clear(&builder);
}

/* Ids are copied to blocks; none may move when more come, however long. */
static void
test_many_and_long(void **state)
{
	static unsigned char id[70000];
	struct evpop_listing_builder builder = { 0 };
	const struct evpop_entry *entry;
	struct evpop_listed listed = { .unique_id = id };
	uint32_t number;

	(void)state;
	for (number = 1; number <= 20000; number++) {
		memset(id, (int)(number % 251), sizeof id);
		memcpy(id, &number, sizeof number);
		listed.number = number;
		listed.unique_id_length =
		    number % 5000 == 0 ? sizeof id : 4 + number % 67;
		assert_true(evpop_listing_add_id(&builder, &listed));
	}
	assert_int_equal(evpop_listing_ids_done(&builder), EVPOP_ERROR_NONE);
	assert_int_equal(builder.listing.count, 20000);
	for (number = 1; number <= 20000; number++) {
		entry = &builder.listing.entries[number - 1];
		memset(id, (int)(number % 251), sizeof id);
		memcpy(id, &number, sizeof number);
		assert_int_equal(entry->number, number);
		assert_int_equal(entry->occurrence, 0);
		assert_int_equal(entry->unique_id_length,
		    number % 5000 == 0 ? sizeof id : 4 + number % 67);
		assert_memory_equal(
		    entry->unique_id, id, entry->unique_id_length);
	}
	evpop_listing_clear(&builder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_ignored_lines_add_up),
		cmocka_unit_test(test_many_and_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
