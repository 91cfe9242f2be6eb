/* Bodies without end: how much of them is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <evpop/proto.h>

#define MIB        (UINT64_C(1) << 20)
#define BLOCK_SIZE ((size_t)8 << 20)

struct endless {
	const char *what;
	enum evpop_command command;
	uint64_t listed;
	struct evpop_proto_limits limits;
	uint64_t taken;
};

static const struct endless cases[] = {
	{ "no more than the default", EVPOP_COMMAND_RETR, 41, { 0 },
	    EVPOP_LIMIT_BODY },
	{ "what cannot be true is not believed", EVPOP_COMMAND_RETR, UINT64_MAX,
	    { 0 }, EVPOP_LIMIT_BODY },
	{ "twice what is listed", EVPOP_COMMAND_RETR, 600 * MIB, { 0 },
	    1200 * MIB },
	{ "what the caller says, whatever is listed", EVPOP_COMMAND_RETR,
	    600 * MIB, { .body = 3 * MIB }, 3 * MIB },
	{ "a header has its own", EVPOP_COMMAND_TOP, 0, { .body = 3 * MIB },
	    EVPOP_LIMIT_TOP },
	{ "a header, as the caller says", EVPOP_COMMAND_TOP, 0,
	    { .top = 2 * MIB }, 2 * MIB },
};

static char block[BLOCK_SIZE];

static void
write_out(struct evpop_proto *proto)
{
	size_t length;

	if (evpop_proto_output(proto, &length) != NULL)
		evpop_proto_sent(proto, length);
}

/* Give it this until it asks for more, or is over; the octets of bodies. */
static uint64_t
give(struct evpop_proto *proto, const char *data, size_t length)
{
	struct evpop_event event;
	enum evpop_event_type type;
	uint64_t octets = 0;
	size_t used;

	do {
		type = evpop_proto_next(proto, data, length, &used, &event);
		data += used;
		length -= used;
		if (type == EVPOP_EVENT_BODY)
			octets += event.length;
		if (type == EVPOP_EVENT_DONE &&
		    event.result->error != EVPOP_ERROR_NONE) {
			assert_int_equal(
			    event.result->error, EVPOP_ERROR_LIMIT);
			assert_int_equal(event.result->phase, EVPOP_PHASE_BODY);
		}
		write_out(proto);
	} while (type != EVPOP_EVENT_NONE);
	return octets;
}

static void
submit(struct evpop_proto *proto, const struct evpop_request *request)
{
	assert_int_equal(evpop_proto_submit(proto, request), EVPOP_ERROR_NONE);
	write_out(proto);
}

static void
play(const struct endless *one)
{
	struct evpop_proto *proto = evpop_proto_new(&one->limits);
	uint64_t taken = 0;

	print_message("%s\n", one->what);
	assert_non_null(proto);
	give(proto, "+OK\r\n", 5);
	submit(proto, &(struct evpop_request){
			  .command = EVPOP_COMMAND_USER, .text = "joe" });
	give(proto, "+OK\r\n", 5);
	submit(proto, &(struct evpop_request){
			  .command = EVPOP_COMMAND_PASS, .text = "x" });
	give(proto, "+OK\r\n", 5);
	submit(proto,
	    &(struct evpop_request){
		.command = one->command, .number = 1, .octets = one->listed });
	give(proto, "+OK\r\n", 5);
	while (!evpop_proto_over(proto)) {
		assert_true(taken <= one->taken);
		taken += give(proto, block, sizeof block);
	}
	assert_true(taken == one->taken);
	evpop_proto_free(proto);
}

static void
test_bodies_without_end(void **state)
{
	size_t i;

	(void)state;
	memset(block, 'x', sizeof block);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
		play(&cases[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bodies_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
