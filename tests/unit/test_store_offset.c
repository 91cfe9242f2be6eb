/* Where the pieces of a body begin: noted, found, checked, and gone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test_store_fixture.h"

#define LENGTH ((size_t)1500000)

struct sought {
	bool done;
	enum store_status status;
	uint32_t part;
	uint64_t begins;
};

static void
take(enum store_status status, uint32_t part, uint64_t begins, void *arg)
{
	*(struct sought *)arg = (struct sought){ true, status, part, begins };
}

static struct sought
seek(struct fixture *fixture, int64_t id, uint64_t octets)
{
	struct sought sought = { .done = false };

	store_body_seek(fixture->store, id, octets, take, &sought);
	fixture_wait(fixture, &sought.done);
	return sought;
}

/* A message of several pieces; returns its id. */
static int64_t
put(struct fixture *fixture)
{
	char *bytes = malloc(LENGTH);
	int64_t id;

	assert_non_null(bytes);
	for (size_t i = 0; i < LENGTH; i++)
		bytes[i] = (char)(i * 31 % 251);
	id = fixture_store(fixture, NULL, bytes, LENGTH);
	free(bytes);
	return id;
}

/* The length of a part, as readers get it. */
struct piece {
	bool done;
	size_t length;
};

static void
take_piece(enum store_status status, const unsigned char *bytes, size_t length,
    void *arg)
{
	struct piece *piece = arg;

	(void)bytes;
	assert_int_equal(status, STORE_OK);
	piece->length = length;
	piece->done = true;
}

static size_t
read_piece(struct fixture *fixture, int64_t id, uint32_t part)
{
	struct piece piece = { .done = false };

	store_body_read(fixture->store, id, part, take_piece, &piece);
	fixture_wait(fixture, &piece.done);
	return piece.length;
}

static void
expect(struct fixture *fixture, int64_t id, uint64_t octets, uint32_t part,
    uint64_t begins)
{
	struct sought sought = seek(fixture, id, octets);

	assert_int_equal(sought.status, STORE_OK);
	assert_int_equal(sought.part, part);
	assert_int_equal(sought.begins, begins);
}

static void
test_each_piece_is_found(void **state)
{
	struct fixture *fixture = *state;
	int64_t id, small = fixture_store(fixture, NULL, "a: b\r\n\r\n", 8);
	uint64_t begins = 0;
	uint32_t part = 0;
	size_t length;

	expect(fixture, small, 0, 0, 0);
	expect(fixture, small, 7, 0, 0);
	fixture_expect(fixture, "SELECT count(*) FROM piece_offset", 0);
	id = put(fixture);
	for (; (length = read_piece(fixture, id, part)) > 0; part++) {
		expect(fixture, id, begins, part, begins);
		expect(fixture, id, begins + length - 1, part, begins);
		begins += length;
	}
	assert_true(part > 3);
	assert_int_equal(begins, LENGTH);
	fixture_expect(fixture, "SELECT count(*) FROM piece_offset", part - 1);
	assert_int_equal(seek(fixture, id + 1, 0).status, STORE_NOT_FOUND);
}

/* What an earlier version has stored is read from its beginning. */
static void
test_nothing_is_noted(void **state)
{
	struct fixture *fixture = *state;
	int64_t id = put(fixture);

	fixture_change(fixture, "DELETE FROM piece_offset");
	expect(fixture, id, LENGTH - 1, 0, 0);
	assert_int_equal(fixture_check(fixture).problems, 0);
}

static void
test_a_wrong_offset_is_a_problem(void **state)
{
	struct fixture *fixture = *state;

	(void)put(fixture);
	assert_int_equal(fixture_check(fixture).problems, 0);
	fixture_change(fixture,
	    "UPDATE piece_offset SET octets = octets + 1 WHERE chunk ="
	    " (SELECT max(chunk) FROM piece_offset)");
	assert_int_equal(fixture_check(fixture).problems, 1);
}

static void
test_rows_go_with_their_pieces(void **state)
{
	struct fixture *fixture = *state;

	(void)put(fixture);
	fixture_change(fixture,
	    "PRAGMA foreign_keys = ON; DELETE FROM chunk WHERE id > 0");
	fixture_expect(fixture, "SELECT count(*) FROM piece_offset", 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_each_piece_is_found),
		FIXTURE_TEST(test_nothing_is_noted),
		FIXTURE_TEST(test_a_wrong_offset_is_a_problem),
		FIXTURE_TEST(test_rows_go_with_their_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
