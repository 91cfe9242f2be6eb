/* The command queue and the output buffer, and that they wipe secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/core/pipeline.c"

static void
push(struct evpop_queue *queue, uint32_t number)
{
	struct evpop_request request = { .command = EVPOP_COMMAND_RETR,
		.number = number };

	assert_true(queue_push(queue, &request));
}

/* The ring wraps and grows at every fill level and head position. */
static void
first_in_first_out(void **state)
{
	struct evpop_queue queue;
	uint32_t pushed, popped;
	size_t head, i;

	(void)state;
	for (head = 0; head < 20; head++) {
		memset(&queue, 0, sizeof queue);
		pushed = popped = 0;
		for (i = 0; i < head; i++) {
			push(&queue, ++pushed);
			assert_int_equal(
			    queue_at(&queue, 0)->request.number, ++popped);
			queue_pop(&queue);
		}
		for (i = 0; i < 40; i++)
			push(&queue, ++pushed);
		assert_int_equal(queue.length, 40);
		for (i = 0; i < 40; i++)
			assert_int_equal(queue_at(&queue, i)->request.number,
			    popped + 1 + i);
		assert_null(queue_at(&queue, 40));
		for (i = 0; i < 40; i++) {
			assert_int_equal(
			    queue_at(&queue, 0)->request.number, ++popped);
			queue_pop(&queue);
		}
		assert_null(queue_at(&queue, 0));
		queue_clear(&queue);
	}
}

static void
a_steady_state_does_not_grow(void **state)
{
	struct evpop_queue queue = { 0 };
	const struct evpop_queued *slots;
	uint32_t i;

	(void)state;
	push(&queue, 1);
	slots = queue.slots;
	for (i = 2; i < 1000; i++) {
		push(&queue, i);
		queue_pop(&queue);
	}
	assert_ptr_equal(queue.slots, slots);
	queue_clear(&queue);
	assert_null(queue.slots);
}

static void
sent_counts_those_in_front(void **state)
{
	struct evpop_queue queue = { 0 };

	(void)state;
	push(&queue, 1);
	push(&queue, 2);
	push(&queue, 3);
	queue.sent = 2;
	queue_pop(&queue);
	assert_int_equal(queue.sent, 1);
	queue_pop(&queue);
	queue_pop(&queue);
	assert_int_equal(queue.sent, 0);
	queue_clear(&queue);
}

static void
text_is_copied_and_forgotten(void **state)
{
	char text[] = "secret";
	struct evpop_request request = { .command = EVPOP_COMMAND_PASS,
		.text = text };
	struct evpop_queue queue = { 0 };
	struct evpop_queued *queued;

	(void)state;
	assert_true(queue_push(&queue, &request));
	text[0] = 'X';
	queued = queue_at(&queue, 0);
	assert_string_equal(queued->request.text, "secret");
	queued_forget_texts(queued);
	assert_null(queued->text);
	assert_null(queued->request.text);
	queued_forget_texts(queued);
	/* A second one is forgotten with the queue. */
	assert_true(queue_push(&queue, &request));
	queue_clear(&queue);
	assert_int_equal(queue.length, 0);
}

static void
put(struct evpop_output *output, const char *text)
{
	size_t length = strlen(text);
	char *room =
	    output_reserve(output, length, strncmp(text, "PASS", 4) == 0);

	assert_non_null(room);
	memcpy(room, text, length);
	output->end += length;
}

static bool
holds(const struct evpop_output *output, const char *text)
{
	return memmem(output->bytes, output->room, text, strlen(text)) != NULL;
}

static void
a_written_secret_is_wiped(void **state)
{
	struct evpop_output output = { 0 };

	(void)state;
	put(&output, "USER joe\r\n");
	assert_false(output.is_guarded);
	put(&output, "PASS hunter2\r\n");
	assert_true(output.is_guarded);
	put(&output, "STAT\r\n");
	assert_true(output.is_guarded);
	assert_true(holds(&output, "hunter2"));
	output_drain(&output, 10);
	assert_true(holds(&output, "hunter2"));
	/* What is written goes at once, though more is still waiting. */
	output_drain(&output, 14);
	assert_false(holds(&output, "hunter2"));
	assert_true(holds(&output, "STAT\r\n"));
	assert_int_equal(output.end - output.start, 6);
	output_drain(&output, 6);
	assert_int_equal(output.start, 0);
	assert_int_equal(output.end, 0);
	/* What follows it needs no guarded memory. */
	assert_null(output.bytes);
	put(&output, "STAT\r\n");
	assert_false(output.is_guarded);
	output_drain(&output, 6);
	assert_false(holds(&output, "STAT"));
	output_clear(&output);
	assert_null(output.bytes);
}

static void
a_secret_written_octet_by_octet_is_wiped(void **state)
{
	struct evpop_output output = { 0 };
	size_t i;

	(void)state;
	put(&output, "PASS hunter2\r\n");
	for (i = 0; i < 14; i++) {
		assert_int_equal(
		    output.bytes[output.start], "PASS hunter2\r\n"[i]);
		output_drain(&output, 1);
		/* With the last octet all of it goes. */
		assert_true(
		    i == 13 ? output.bytes == NULL : output.bytes[i] == 0);
	}
	output_clear(&output);
}

static void
the_buffer_moves_without_loss(void **state)
{
	struct evpop_output output = { 0 };
	char text[101], expected[101];
	size_t i;

	(void)state;
	memset(text, 'x', 100);
	text[100] = '\0';
	put(&output, "PASS hunter2\r\n");
	output_drain(&output, 5);
	for (i = 0; i < 50; i++) {
		text[0] = (char)('0' + i % 10);
		put(&output, text);
	}
	assert_memory_equal(output.bytes + output.start, "hunter2\r\n", 9);
	output_drain(&output, 9);
	for (i = 0; i < 50; i++) {
		memset(expected, 'x', 100);
		expected[0] = (char)('0' + i % 10);
		assert_memory_equal(output.bytes + output.start, expected, 100);
		output_drain(&output, 100);
	}
	assert_int_equal(output.end, 0);
	output_clear(&output);
}

static void
clearing_an_empty_buffer_is_harmless(void **state)
{
	struct evpop_output output = { 0 };

	(void)state;
	output_drain(&output, 0);
	output_clear(&output);
	output_clear(&output);
	assert_null(output.bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_in_first_out),
		cmocka_unit_test(a_steady_state_does_not_grow),
		cmocka_unit_test(sent_counts_those_in_front),
		cmocka_unit_test(text_is_copied_and_forgotten),
		cmocka_unit_test(a_written_secret_is_wiped),
		cmocka_unit_test(a_secret_written_octet_by_octet_is_wiped),
		cmocka_unit_test(the_buffer_moves_without_loss),
		cmocka_unit_test(clearing_an_empty_buffer_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
